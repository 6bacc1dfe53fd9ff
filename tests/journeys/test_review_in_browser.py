"""A therapist's two minutes in a real browser: sign in, read, check, correct, sign."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from countersign.session import Session, State
from countersign.voiceprint import encode
from lambdas import enrolment
from tests import fakes
from tests.journeys.bridge import serving
from tests.journeys.desk import LOOKS, Desk
from tests.portal import DANA, ON_DUTY, PATIENT, SESSION, SPOKEN, Clinic, clinic, settle


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_from_the_draft_to_the_countersigned_note(desk: Desk) -> None:
    page = desk.page
    page.goto(desk.bridge.url)
    desk.keep("welcome")
    desk.house.ports.records.add_session(
        Session(
            id="s-0002",
            site="north",
            patient_id=PATIENT,
            clinician_id=DANA.id,
            state=State.LOCKED,
            registered_at=desk.house.ports.clock.now() - timedelta(days=2),
        )
    )
    desk.sign_in()
    desk.keep("home")
    page.get_by_role("link", name="23 h").click()
    desk.keep("review")

    page.locator("#s-s1 a.words").click()
    expect(page.locator(".evidence.lit")).to_have_text(
        ["Better. I fall asleep by eleven most nights", "I still wake up around four"]
    )
    expect(page.locator("#turn-t4")).to_be_in_viewport()
    desk.keep("review-evidence")

    page.locator("#turn-t11 .reverse").click()
    expect(page.locator(".sentence.lit")).to_have_attribute("data-sentence", "s3")
    expect(page.locator("#s-s3")).to_be_in_viewport()

    page.get_by_role("button", name="It is right").click()
    expect(page.locator("#s-s2")).to_contain_text("Confirmed by you")
    page.locator("#edit-s5").click()
    expect(page.locator("#text-s5")).to_be_focused()
    desk.keep("review-edit")
    page.locator("#text-s5").fill("Takes sertraline, 50 milligrams.")
    page.locator("#save-s5").click()
    expect(page.locator("#s-s5")).to_contain_text("In your words")
    page.locator("#strike-s4").click()
    expect(page.locator("#s-s4")).to_contain_text("Put back")

    desk.keep("review-unread")
    desk.read()
    sign = page.get_by_role("button", name="Sign note")
    page.clock.set_system_time(desk.house.ports.clock.now())
    expect(sign).to_be_enabled()
    sign.scroll_into_view_if_needed()
    page.get_by_text("The exact text that will be signed").click()
    expect(page.locator("pre")).to_contain_text("Takes sertraline, 50 milligrams.")
    desk.keep("review-ready")
    page.get_by_role("checkbox").check()
    sign.click()

    expect(page.get_by_text("✓ Signed")).to_be_visible()
    signature = desk.house.ports.records.signature(SESSION)
    expect(page.locator("#digest")).to_have_text(signature.digest)
    desk.keep("signed")
    assert desk.house.ports.records.session(SESSION).state is State.SIGNED
    assert SPOKEN.split()[0] not in "".join(desk.bridge.asked) + page.title()
    assert desk.complaints == []


def doubtful(house: Clinic) -> None:
    """The clinic's session with doubts of several kinds, and voices that nobody could name."""
    for kind in ("transcript", "redacted"):
        said = json.loads(house.ports.vault.get(SESSION, kind))
        turn = said["turns"][5]
        turn["words"] = [
            {"start": turn["start"] + n / 2, "end": turn["start"] + n / 2 + 0.5, "text": f" {word}"}
            for n, word in enumerate(turn["text"].split())
        ]
        said["turns"] = [{**one, "role": "unknown"} for one in said["turns"]]
        said["speakers"] = [{"id": name, "basis": "content"} for name in ("S1", "S2")]
        said["warnings"] = [
            {"code": "role_uncertain", "start": 0, "end": 120},
            {"code": "unheard_speech", "start": 15.2, "end": 15.9},
            {
                "code": "sound_alike_medication",
                "start": 48.5,
                "end": 49.5,
                "candidates": ["fifty milligrams", "fifteen milligrams"],
            },
            {"code": "overlapping_speech", "start": 57, "end": 59},
            {"code": "overlapping_speech", "start": 73, "end": 74},
            {"code": "missing_audio", "start": 110, "end": 118},
        ]
        house.ports.vault.put(SESSION, kind, json.dumps(said).encode())
    draft = json.loads(house.ports.vault.get(SESSION, "draft"))
    draft["sections"][1]["sentences"][1]["text"] = "Takes fifty milligrams of sertraline."
    house.ports.vault.put(SESSION, "draft", json.dumps(draft).encode())


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_what_was_not_heard_for_certain_is_seen_and_settled(desk: Desk) -> None:
    doubtful(desk.house)
    desk.open_draft()
    page = desk.page
    page.get_by_text("6 places").click()
    desk.keep("doubts")
    page.locator(".doubt-list a", has_text="0:57").click()
    expect(page.locator("#doubt-4")).to_be_in_viewport()
    desk.keep("doubts-place")

    choice = page.locator("#s-s5 .choice")
    expect(choice).to_contain_text("Which of them was said?")
    choice.get_by_role("button", name="fifteen").click()
    expect(page.locator("#s-s5 .words")).to_have_text("Takes fifteen milligrams of sertraline.")
    expect(page.locator("#turn-t6")).to_contain_text("fifty milligrams")
    desk.keep("doubts-chosen")

    # The choice was work on the draft: naming a voice now asks before it is thrown away.
    page.get_by_role("checkbox", name="Make the draft anew").first.check()
    page.get_by_role("button", name="therapist (S1)").click()
    expect(page.locator("#turn-t1 .role")).to_have_text("Therapist")
    expect(page.locator("#turn-t2 .role")).to_have_text("Patient")
    expect(page.locator("#speakers summary")).to_contain_text("S1 therapist, S2 patient")
    expect(page.locator("#speakers summary")).to_be_focused()
    desk.keep("doubts-named")
    assert desk.complaints == []


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_a_clinician_enrols_and_deletes_the_own_voice(desk: Desk, tmp_path: Path) -> None:
    sent: list[str] = []

    def take(route: Route) -> None:
        key = route.request.url.removeprefix("https://ingest.example.org/")
        allowed = {
            "Access-Control-Allow-Origin": desk.bridge.url,
            "Access-Control-Allow-Methods": "PUT",
            "Access-Control-Allow-Headers": "content-type, if-none-match",
        }
        if route.request.method == "PUT":
            sent.append(key)
            desk.house.ports.audio.put(key, b"a recording")
        route.fulfill(status=200, headers=allowed)

    desk.page.route("https://ingest.example.org/**", take)
    recording = tmp_path / "voice.wav"
    recording.write_bytes(b"RIFF")
    desk.sign_in()
    page = desk.page
    page.get_by_role("link", name="Enrol my voice").click()
    expect(page.get_by_role("button", name="Record 20 seconds")).to_be_disabled()
    desk.keep("voice")
    page.get_by_role("checkbox", name="I agree").check()
    expect(page.get_by_role("button", name="Record 20 seconds")).to_be_enabled()
    page.locator("#voice-file").set_input_files(recording)
    expect(page.locator("#voice-progress")).to_contain_text("is being made")
    assert sent == ["audio/voice-dana-1/00000"]

    answer = json.dumps({"voice": encode([1.0, *[0.25] * 255]), "seconds": 20}).encode()
    desk.house.ports.audio.put("speech/voice-dana-1/1.out", answer)
    enrolment.answered("voice-dana-1", "speech/voice-dana-1/1.out", None, desk.house.ports)
    expect(page.get_by_text("✓ Enrolled since")).to_be_visible()
    desk.keep("voice-enrolled")
    page.get_by_role("button", name="Delete my voice print").click()
    expect(page.get_by_text("Not enrolled")).to_be_visible()
    assert [c for c in desk.complaints if "ingest.example.org" not in c] == []


def test_a_transcript_that_holds_a_script_is_only_text(desk: Desk) -> None:
    desk.open_draft()
    expect(desk.page.locator("#turn-t9")).to_contain_text(
        "<script>document.title='stolen'</script>"
    )
    expect(desk.page).to_have_title("Review a note · Countersign")


def test_peeping_ends_at_a_page_that_says_why(desk: Desk) -> None:
    desk.sign_in("Ben Okafor")
    answer = desk.page.goto(f"{desk.bridge.url}/sessions/{SESSION}")
    assert answer is not None and answer.status == 403
    expect(desk.page.get_by_role("alert")).to_contain_text("not allowed")
    expect(desk.page.locator("body")).not_to_contain_text(SPOKEN)
    desk.keep("refusal")


def test_a_sign_in_that_runs_out_while_writing_loses_nothing(desk: Desk) -> None:
    desk.open_draft()
    desk.page.locator("#edit-s7").click()
    desk.page.locator("#text-s7").fill("A long thought that must not be lost.")
    desk.house.ports.identity.expired.add(DANA.id)
    desk.page.locator("#save-s7").click()
    expect(desk.page.locator("#notice")).to_contain_text("what you wrote stays here")
    desk.keep("expired")
    with desk.page.expect_popup() as opened:
        desk.page.get_by_role("link", name="Sign in in a new tab").click()
    opened.value.get_by_role("link", name=DANA.name).click()
    expect(opened.value.get_by_role("heading", name="Your drafts")).to_be_visible()
    desk.page.locator("#save-s7").click()
    expect(desk.page.locator("#s-s7 .words")).to_have_text("A long thought that must not be lost.")


def test_the_keyboard_is_enough(desk: Desk) -> None:
    desk.open_draft()
    page = desk.page
    page.locator("#s-s3 a.words").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".evidence.lit")).to_have_text(["No, none at all"])
    page.keyboard.press("Escape")
    expect(page.locator(".lit")).to_have_count(0)
    page.locator("#strike-s3").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#put-back-s3")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#s-s3 a.words")).to_be_focused()


@pytest.fixture
def plain(browser: Browser) -> Iterator[Desk]:
    with serving() as bridge:
        house = clinic(bridge.url, clock=fakes.FakeClock(datetime.now(UTC)))
        bridge.ports = house.ports
        context = browser.new_context(java_script_enabled=False)
        yield Desk(context.new_page(), bridge, house, "plain", [])
        context.close()


def test_without_scripts_everything_still_works(plain: Desk) -> None:
    plain.open_draft()
    page = plain.page
    page.locator("#s-s1 a.words").click()
    assert page.url.endswith("#turn-t4")
    page.locator("#confirm-s2").click()
    page.locator("#strike-s4").click()
    page.locator("#edit-s5").click()
    page.locator("#text-s5").fill("Takes sertraline, 50 milligrams.")
    page.locator("#save-s5").click()
    for section in range(4):
        page.locator(f"#seen-{section}").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign note").click()
    expect(page.get_by_role("alert")).to_contain_text("even a fast reader needs")
    plain.house.ports.clock.forward(minutes=2)
    page.get_by_role("link", name="Back to the draft").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign note").click()
    expect(page.get_by_text("✓ Signed")).to_be_visible()


def test_what_is_looked_at_long_enough_counts_as_read(desk: Desk) -> None:
    desk.open_draft()
    page = desk.page
    expect(page.locator("#section-0 .seen")).to_have_text("Read", timeout=15_000)
    page.locator("#section-3").scroll_into_view_if_needed()
    page.locator("#s-s7").scroll_into_view_if_needed()
    expect(page.locator("#section-3 .seen")).to_have_text("Read", timeout=15_000)
    assert desk.complaints == []


def test_what_is_typed_is_saved_and_undone_and_a_closed_window_loses_nothing(desk: Desk) -> None:
    desk.open_draft()
    page = desk.page
    page.locator("#edit-s7").click()
    page.locator("#text-s7").press_sequentially("Meet again in three weeks. ")
    expect(page.locator("#notice")).to_contain_text("Saved.")
    expect(page.locator("#text-s7")).to_be_focused()
    page.locator("#text-s4").fill("well groomed")
    expect(page.locator("pre")).to_contain_text("Appearance: well groomed")
    page.reload()
    expect(page.locator("#s-s7 .words")).to_contain_text("Meet again in three weeks.")
    expect(page.locator("#s-s4 .words")).to_have_text("Appearance: well groomed")
    desk.keep("review-autosaved")
    page.locator("#s-s3 a.words").focus()
    page.keyboard.press("Control+z")
    expect(page.locator("#text-s4")).to_have_value("")
    assert desk.complaints == []


def test_two_windows_edit_one_draft_and_no_word_is_lost(desk: Desk) -> None:
    desk.open_draft()
    first, second = desk.page, desk.page.context.new_page()
    second.goto(first.url)
    first.locator("#edit-s7").click()
    first.locator("#text-s7").fill("From the first window.")
    expect(first.locator("#notice")).to_contain_text("Saved.")
    second.locator("#edit-s6").click()
    second.locator("#text-s6").fill("From the second window.")
    expect(second.locator("#notice")).to_contain_text("Saved.")
    expect(second.locator("pre")).to_contain_text("From the first window.")
    expect(second.locator("pre")).to_contain_text("From the second window.")
    second.locator("#edit-s7").click()
    second.locator("#text-s7").fill("Against the first window.")
    expect(second.locator("#notice")).to_contain_text("changed in another window")
    expect(second.locator("#notice")).to_contain_text("From the first window.")
    expect(second.locator("#text-s7")).to_have_value("Against the first window.")
    desk.page = second
    desk.keep("review-two-windows")
    assert (
        "From the first window."
        in desk.house.document("GET", f"/api/sessions/{SESSION}/draft")["text"]
    )
    second.locator("#save-s7").click()
    expect(second.locator("pre")).to_contain_text("Against the first window.")
    expect(second.locator("pre")).to_contain_text("From the second window.")


def test_a_lost_connection_while_writing_loses_nothing(desk: Desk) -> None:
    desk.open_draft()
    page = desk.page
    page.context.set_offline(True)
    page.locator("#edit-s7").click()
    page.locator("#text-s7").fill("Written on a train.")
    expect(page.locator("#notice")).to_contain_text("No connection")
    page.context.set_offline(False)
    expect(page.locator("#notice")).to_contain_text("Saved.")
    expect(page.locator("pre")).to_contain_text("Written on a train.")


def test_an_old_sign_in_leads_through_the_sign_in_and_back_to_the_signature(desk: Desk) -> None:
    desk.open_draft()
    page, identity = desk.page, desk.house.ports.identity
    page.locator("#confirm-s2").click()
    expect(page.locator("#s-s2")).to_contain_text("Confirmed by you")
    page.locator("#strike-s4").click()
    expect(page.locator("#s-s4")).to_contain_text("Put back")
    page.locator("#strike-s5").click()
    expect(page.locator("#s-s5")).to_contain_text("Put back")
    identity.signed_in[DANA.id] = desk.house.ports.clock.now() - timedelta(minutes=9)
    desk.read()
    expect(page.get_by_role("button", name="Sign note")).to_have_count(0)
    desk.keep("review-sign-in-again")
    page.get_by_role("link", name="Sign in again to sign").click()
    page.get_by_role("link", name=DANA.name).click()
    page.clock.set_system_time(desk.house.ports.clock.now())
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign note").click()
    expect(page.get_by_text("✓ Signed")).to_be_visible()


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_a_signed_note_gets_an_addendum(desk: Desk) -> None:
    house, page = desk.house, desk.page
    shown = settle(house)
    body = {"digest": shown["digest"], "attestation": True}
    house.ask("POST", f"/api/sessions/{SESSION}/signature", json_body=body)
    desk.sign_in()
    page.get_by_role("link", name=SPOKEN).first.click()
    page.get_by_role("link", name="Write an addendum").click()
    text = page.get_by_label("The note as it reads from now on")
    text.fill(text.input_value().replace("50 milligrams", "75 milligrams"))
    page.get_by_label("Why is the note changed?").fill("The dose was wrong.")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator("ins")).to_have_text(["Takes sertraline, 75 milligrams."])
    desk.keep("addendum")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign the addendum").click()
    expect(page.get_by_role("heading", name="Addendum 1")).to_be_visible()
    expect(page.locator("del")).to_have_text(["Takes sertraline, 50 milligrams."])
    desk.keep("signed-addendum")
    assert desk.complaints == []


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_reading_in_an_emergency_is_announced_before_and_while_it_lasts(desk: Desk) -> None:
    page = desk.page
    desk.sign_in(ON_DUTY.name)
    page.goto(f"{desk.bridge.url}/sessions/{SESSION}")
    page.get_by_role("link", name="This is an emergency").click()
    desk.keep("emergency")
    page.get_by_label("Somebody may be in danger").check()
    page.get_by_label("In your own words").fill("His mother called and fears for him.")
    page.get_by_role("button", name="Read now").click()
    expect(page.get_by_text("You read this in an emergency")).to_be_visible()
    expect(page.get_by_role("heading", name=SPOKEN)).to_be_visible()
    desk.keep("emergency-reading")
    desk.house.ports.clock.forward(minutes=61)
    answer = page.reload()
    assert answer is not None and answer.status == 403
    assert desk.complaints == []
