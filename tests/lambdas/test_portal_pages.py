"""The pages: signing in, reading, changing and signing with plain forms; nothing leaks or runs."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from typing import Any

import pytest

from countersign.session import State
from lambdas.portal.visitor import challenge, csrf_token
from tests.portal import (
    COLLEAGUE,
    DANA,
    PATIENT,
    PORTAL,
    SESSION,
    SPOKEN,
    STRANGER,
    SUPERVISOR,
    Clinic,
    clinic,
    settle,
)

REVIEW = f"/sessions/{SESSION}"


@pytest.fixture
def house() -> Clinic:
    return clinic()


def title(answer: dict[str, Any]) -> str:
    found = re.search(r"<title>(.*?)</title>", answer["body"])
    assert found
    return found[1]


def cookie_named(answer: dict[str, Any], name: str) -> str:
    return next(c for c in answer["cookies"] if c.startswith(f"{name}="))


def post_sentence(
    house: Clinic, name: str, headers: dict[str, str] | None = None, **form: str
) -> dict[str, Any]:
    return house.ask("POST", f"{REVIEW}/sentences/{name}", form=form, headers=headers)


# Signing in and out -------------------------------------------------------------------------


def begin(house: Clinic, then: str = "/") -> tuple[str, str]:
    """The state and the cookie of a sign-in that was begun."""
    answer = house.ask("GET", f"/auth/sign-in?then={then}", person=None)
    cookie = cookie_named(answer, "__Host-countersign-sign-in").split(";")[0]
    state = re.search(r"state=([\w-]+)", answer["headers"]["Location"])
    nonce = re.search(r"nonce=([\w-]+)", answer["headers"]["Location"])
    assert state and nonce
    house.ports.identity.nonces[DANA.id] = nonce[1]
    return state[1], cookie


def test_signing_in_leads_through_pkce_to_a_strict_cookie(house: Clinic) -> None:
    state, cookie = begin(house, REVIEW)
    answer = house.ask(
        "GET", f"/auth/callback?code=dana&state={state}", person=None, cookies=[cookie]
    )
    assert (answer["statusCode"], answer["headers"]["Location"]) == (303, REVIEW)
    session = cookie_named(answer, "__Host-countersign")
    for attribute in ("Path=/", "Max-Age=1800", "HttpOnly", "Secure", "SameSite=Lax"):
        assert attribute in session
    assert "Max-Age=0" in cookie_named(answer, "__Host-countersign-sign-in")
    assert house.ports.identity.verifiers["dana"] == cookie.split(":")[1]
    assert house.ports.ledger.acts("dana") == ["person.signed_in"]


def test_the_challenge_is_the_one_of_the_specification() -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_callback_that_this_browser_did_not_begin_is_refused(house: Clinic) -> None:
    state, cookie = begin(house)
    for asked, cookies in ((state, []), ("other", [cookie]), ("", [cookie])):
        where = f"/auth/callback?code=dana&state={asked}"
        answer = house.ask("GET", where, person=None, cookies=cookies)
        assert answer["statusCode"] == 401
        assert answer["cookies"] == []


def test_a_token_for_another_sign_in_is_refused(house: Clinic) -> None:
    state, cookie = begin(house)
    house.ports.identity.nonces[DANA.id] = "another"
    where = f"/auth/callback?code=dana&state={state}"
    assert house.ask("GET", where, person=None, cookies=[cookie])["statusCode"] == 401


@pytest.mark.parametrize("then", ["https://evil.example.org", "//evil.example.org", "/auth/x"])
def test_the_way_back_is_always_a_page_of_ours(house: Clinic, then: str) -> None:
    state, cookie = begin(house, then)
    where = f"/auth/callback?code=dana&state={state}"
    answer = house.ask("GET", where, person=None, cookies=[cookie])
    assert answer["headers"]["Location"] == "/"


def test_over_plain_http_the_cookie_is_still_for_this_site_only() -> None:
    house = clinic("http://127.0.0.1:8000")
    answer = house.ask("GET", "/auth/sign-in", person=None)
    cookie = cookie_named(answer, "countersign-sign-in")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie


def test_signing_out_ends_it_here_and_at_the_sign_in_service(house: Clinic) -> None:
    answer = house.ask("POST", "/auth/sign-out", form={})
    assert "Max-Age=0" in cookie_named(answer, "__Host-countersign-forms")
    assert answer["headers"]["Location"] == f"{PORTAL}/pool/logout"
    assert "Max-Age=0" in cookie_named(answer, "__Host-countersign")


# Pages --------------------------------------------------------------------------------------


def test_signed_out_the_first_page_offers_the_sign_in_and_nothing_else(house: Clinic) -> None:
    answer = house.ask("GET", "/", person=None)
    assert answer["statusCode"] == 200
    assert "/auth/sign-in" in answer["body"]
    assert SPOKEN not in answer["body"]


def test_the_first_page_lists_ones_own_drafts_only(house: Clinic) -> None:
    assert REVIEW in house.ask("GET", "/")["body"]
    assert REVIEW not in house.ask("GET", "/", person=STRANGER)["body"]


def test_the_review_page_shows_draft_transcript_and_what_is_open(house: Clinic) -> None:
    body = unescape(house.ask("GET", REVIEW)["body"])
    assert f"{SPOKEN} reports better sleep" in body
    assert "I fall asleep by eleven most nights" in body
    assert "The session says fifty milligrams." in body
    assert "2 turns left out of the note" in body
    assert "3 sentences need your decision" in body
    assert 'name="attestation"' not in body


def test_what_was_said_is_only_ever_text(house: Clinic) -> None:
    body = house.ask("GET", REVIEW)["body"]
    assert "<script>document" not in body
    assert "&lt;script&gt;document.title=&#39;stolen&#39;&lt;/script&gt;" in body


def test_what_a_clinician_types_is_only_ever_text(house: Clinic) -> None:
    post_sentence(house, "s7", act="rewrite", version="1", text='"><img src=x onerror=alert(1)>')
    assert "<img" not in house.ask("GET", REVIEW)["body"]


def test_no_page_has_a_script_or_style_of_its_own(house: Clinic) -> None:
    pages = [house.ask("GET", path)["body"] for path in ("/", REVIEW, "/voice", "/nothing")]
    house_signed = clinic()
    digest = settle(house_signed)["digest"]
    house_signed.ask("POST", f"{REVIEW}/signature", form={"digest": digest, "attestation": "on"})
    pages.append(house_signed.ask("GET", REVIEW)["body"])
    for body in pages:
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", body)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", body))
        assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", body)


def test_the_policy_allows_no_script_but_our_files(house: Clinic) -> None:
    policy = house.ask("GET", "/")["headers"]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_no_title_and_no_address_names_anybody(house: Clinic) -> None:
    digest = settle(house)["digest"]
    answers = [house.ask("GET", "/"), house.ask("GET", REVIEW)]
    form = {"digest": digest, "attestation": "on"}
    signed = house.ask("POST", f"{REVIEW}/signature", form=form)
    answers.append(house.ask("GET", REVIEW))
    addresses = [signed["headers"]["Location"]]
    for answer in answers:
        assert SPOKEN.split()[0] not in title(answer)
        addresses += re.findall(r'(?:href|action|hx-post|src)="([^"]*)"', answer["body"])
    assert not [where for where in addresses for name in SPOKEN.split() if name in where]


def test_the_first_page_is_light(house: Clinic) -> None:
    body = house.ask("GET", REVIEW)["body"]
    files = re.findall(r'"(/static/[^"?]+)\?v=[0-9a-f]{12}"', body)
    zipped = {"accept-encoding": "gzip, br"}
    sent = [house.ask("GET", path, headers=zipped) for path in set(files)]
    assert len(sent) == 4
    assert {each["headers"]["Content-Encoding"] for each in sent} == {"gzip"}
    total = len(body) + sum(len(base64.b64decode(each["body"])) for each in sent)
    assert total < 60_000  # bytes on the wire; the page itself is not compressed


def test_static_files_are_kept_and_only_ours_are_served(house: Clinic) -> None:
    answer = house.ask("GET", "/static/portal.css", person=None)
    assert "immutable" in answer["headers"]["Cache-Control"]
    assert answer["headers"]["Content-Type"].startswith("text/css")
    for path in ("/static/base.html", "/static/..%2fweb.py", "/static/htmx.LICENSE"):
        assert house.ask("GET", path, person=None)["statusCode"] == 404


# Doubts and voices --------------------------------------------------------------------------


def doubt(house: Clinic, *doubts: dict[str, Any], **speaker: Any) -> None:
    """The session with these doubts, and perhaps with voices whose roles are not known."""
    for kind in ("transcript", "redacted"):
        said = json.loads(house.ports.vault.get(SESSION, kind))
        said["warnings"] = list(doubts)
        if speaker:
            said["speakers"] = [{"id": name, **speaker} for name in ("S1", "S2")]
            said["turns"] = [{**turn, "role": speaker["role"]} for turn in said["turns"]]
        house.ports.vault.put(SESSION, kind, json.dumps(said).encode())


def test_a_doubt_stands_beside_its_turn_and_in_the_list_at_the_top(house: Clinic) -> None:
    doubt(
        house,
        {"code": "overlapping_speech", "start": 33, "end": 35},
        {"code": "unheard_speech", "start": 15.2, "end": 15.9},
        {"code": "missing_audio", "start": 110, "end": 118},
        {
            "code": "corrected_term",
            "start": 48,
            "end": 49,
            "candidates": ["sertraline", "sir traline"],
        },
        {"code": "a_code_of_tomorrow", "start": 33, "end": 34},
    )
    body = re.sub(r"\s+", " ", unescape(house.ask("GET", REVIEW)["body"]))
    assert "5 places" in body
    for words in ("Two people spoke at once", "no word was understood", "is missing: write down"):
        assert body.count(words) == 2
    assert "The recognizer was unsure here." in body
    assert "Heard: <q>sir traline</q>. Written: <q>sertraline</q>." in body
    turn = body[body.index('id="turn-t4"') : body.index('id="turn-t5"')]
    assert "Two people spoke at once" in turn
    assert "0:33" in turn
    for place in re.findall(r'href="#(doubt-\d+)"', body):
        assert body.count(f'id="{place}"') == 1
    before = body[body.index('id="turn-t1"') : body.index('id="turn-t2"')]
    assert "gap-between" in before
    assert body.index("is missing: write down", body.index('id="turn-t12"')) > 0


def test_a_page_without_doubts_has_no_list_of_them(house: Clinic) -> None:
    assert "doubt-list" not in house.ask("GET", REVIEW)["body"]


def test_both_medications_are_shown_at_the_sentence_and_one_is_chosen(house: Clinic) -> None:
    alike = ["fifty milligrams", "fifteen milligrams"]
    doubt(
        house,
        {"code": "sound_alike_medication", "start": 48, "end": 50, "candidates": alike},
    )
    body = house.ask("GET", REVIEW)["body"]
    assert 'value="fifty milligrams"' in body and 'value="fifteen milligrams"' in body
    form = {"act": "heard", "version": "1", "at": "48.0", "said": "fifty milligrams"}
    assert post_sentence(house, "s5", **form)["statusCode"] == 303
    assert "You said it was" in house.ask("GET", REVIEW)["body"]
    assert post_sentence(house, "s5", **{**form, "at": "soon"})["statusCode"] == 400


def test_a_voice_without_a_role_is_named_with_one_click(house: Clinic) -> None:
    doubt(house, role="unknown", basis="content", confidence=0.5)
    body = house.ask("GET", REVIEW)["body"]
    assert 'class="speakers" open' in body
    assert "Say whose voice is whose" in body
    where = f"{REVIEW}/speakers/S1"
    answer = house.ask("POST", where, form={"role": "therapist"})
    assert (answer["statusCode"], answer["headers"]["Location"]) == (303, f"{REVIEW}#transcript")
    body = house.ask("GET", REVIEW)["body"]
    assert "S1 therapist, S2 patient" in re.sub(r"\s+", " ", body)
    assert 'class="speakers" open' not in body


def test_with_htmx_naming_a_voice_answers_with_both_sides(house: Clinic) -> None:
    headers = {"hx-request": "true", "origin": PORTAL}
    answer = house.ask("POST", f"{REVIEW}/speakers/S1", form={"role": "patient"}, headers=headers)
    assert answer["statusCode"] == 200
    assert answer["body"].lstrip().startswith('<div id="sides"')
    assert 'id="transcript"' in answer["body"]


def test_after_an_edit_the_page_asks_before_it_throws_work_away(house: Clinic) -> None:
    assert 'name="redraft"' not in house.ask("GET", REVIEW)["body"]
    post_sentence(house, "s7", act="rewrite", version="1", text="Mine.")
    assert 'name="redraft" required' in house.ask("GET", REVIEW)["body"]
    where = f"{REVIEW}/speakers/S1"
    assert house.ask("POST", where, form={"role": "patient"})["statusCode"] == 409
    answer = house.ask("POST", where, form={"role": "patient", "redraft": "on"})
    assert answer["statusCode"] == 303


def test_a_colleague_sees_who_is_who_without_buttons(house: Clinic) -> None:
    body = house.ask("GET", REVIEW, person=COLLEAGUE)["body"]
    assert "Who is who" in body
    assert "/speakers/" not in body


# Peeping and forging ------------------------------------------------------------------------


def test_peeping_gets_a_page_that_says_why(house: Clinic) -> None:
    answer = house.ask("GET", REVIEW, person=STRANGER)
    assert answer["statusCode"] == 403
    assert "AccessDenied" in answer["body"]
    assert SPOKEN not in answer["body"]


def test_a_supervisor_sees_that_it_waits_and_not_what_it_says(house: Clinic) -> None:
    answer = house.ask("GET", REVIEW, person=SUPERVISOR)
    assert answer["statusCode"] == 200
    assert "reports better sleep" not in answer["body"]


def test_a_colleague_reads_without_any_form(house: Clinic) -> None:
    body = house.ask("GET", REVIEW, person=COLLEAGUE)["body"]
    assert "reports better sleep" in body
    assert "/sentences/" not in body


def test_a_form_from_another_site_changes_nothing(house: Clinic) -> None:
    before = house.ports.vault.get(SESSION, "draft")
    for form, origin in (
        ({"csrf": "x"}, PORTAL),
        ({}, "https://evil.example.org"),
        ({}, "null"),
        ({}, ""),
    ):
        answer = house.ask(
            "POST",
            f"{REVIEW}/sentences/s7",
            form={"act": "strike", "version": "1", **form},
            headers={"origin": origin},
        )
        assert answer["statusCode"] == 403
        assert "CrossSiteRequest" in answer["body"]
    assert house.ports.vault.get(SESSION, "draft") == before


def test_without_the_forms_secret_no_token_is_right(house: Clinic) -> None:
    guess = csrf_token("", DANA.id)
    answer = house.ask(
        "POST",
        f"{REVIEW}/sentences/s7",
        form={"act": "strike", "version": "1", "csrf": guess},
        person=None,
        headers={"origin": PORTAL},
        cookies=[f"__Host-countersign=token-{DANA.id}"],
    )
    assert answer["statusCode"] == 403


def test_an_expired_sign_in_during_an_edit_says_so_beside_the_form(house: Clinic) -> None:
    house.ports.identity.expired.add(DANA.id)
    answer = house.ask(
        "POST",
        f"{REVIEW}/sentences/s7",
        form={"act": "rewrite", "version": "1", "text": "New."},
        headers={"hx-request": "true", "origin": PORTAL},
    )
    assert answer["statusCode"] == 401
    assert "what you wrote stays here" in answer["body"]
    assert "<html" not in answer["body"]


# Changing and signing with plain forms ------------------------------------------------------


def test_a_plain_form_changes_a_sentence_and_comes_back_to_it(house: Clinic) -> None:
    answer = post_sentence(house, "s7", act="rewrite", version="1", text="Meet in a month.")
    assert (answer["statusCode"], answer["headers"]["Location"]) == (303, f"{REVIEW}#s-s7")
    assert "Meet in a month." in house.ask("GET", REVIEW)["body"]


def test_a_plain_form_completes_a_gap(house: Clinic) -> None:
    post_sentence(house, "s4", act="complete", version="1", text="well groomed.")
    assert "Appearance: well groomed." in house.ask("GET", REVIEW)["body"]


def test_with_htmx_the_same_form_answers_with_the_draft_alone(house: Clinic) -> None:
    headers = {"hx-request": "true", "origin": PORTAL}
    answer = post_sentence(house, "s7", headers, act="strike", version="1")
    assert answer["statusCode"] == 200
    assert answer["body"].lstrip().startswith('<section id="draft"')
    assert 'id="notice"' in answer["body"]


@pytest.mark.parametrize("act", ["", "drop table"])
def test_an_unknown_act_is_refused(house: Clinic, act: str) -> None:
    assert post_sentence(house, "s7", act=act, version="1")["statusCode"] == 400


def test_signing_by_form_leads_to_the_confirmation_with_the_hash(house: Clinic) -> None:
    digest = settle(house)["digest"]
    assert 'name="attestation" required' in house.ask("GET", REVIEW)["body"]
    form = {"digest": digest, "attestation": "on"}
    assert house.ask("POST", f"{REVIEW}/signature", form=form)["statusCode"] == 303
    body = house.ask("GET", REVIEW)["body"]
    assert digest in body
    assert "PSY-4411" in body
    assert house.ports.ledger.acts()[-1] == "note.read"


def test_without_the_tick_there_is_no_signature(house: Clinic) -> None:
    form = {"digest": settle(house)["digest"]}
    answer = house.ask("POST", f"{REVIEW}/signature", form=form)
    assert answer["statusCode"] == 409
    assert "Back to the draft" in answer["body"]


def test_after_the_content_was_shredded_the_signature_is_still_shown(house: Clinic) -> None:
    digest = settle(house)["digest"]
    house.ask("POST", f"{REVIEW}/signature", form={"digest": digest, "attestation": "on"})
    house.ports.vault.shred(SESSION)
    answer = house.ask("GET", REVIEW)
    assert answer["statusCode"] == 200
    assert digest in answer["body"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.RECEIVED, "Transcribing"),
        (State.LOCKED, "Nothing is lost"),
        (State.FAILED, "write this note by hand"),
    ],
)
def test_every_state_has_a_page_that_says_what_to_do(
    house: Clinic, state: State, words: str
) -> None:
    house.ports.records.update(SESSION, state=state)
    body = house.ask("GET", REVIEW)["body"]
    assert words in body
    assert PATIENT not in title(house.ask("GET", REVIEW))
