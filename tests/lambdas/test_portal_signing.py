"""Nobody signs blind: what is read, for how long, by whom just now; and no edit is ever lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from countersign.errors import DraftChanged
from countersign.session import State
from lambdas.portal import draft
from tests.portal import (
    COLLEAGUE,
    DANA,
    SESSION,
    Clinic,
    clinic,
    note,
    read_all,
    settle,
    stored,
)

DRAFT = f"/api/sessions/{SESSION}/draft"
SIGNATURE = f"/api/sessions/{SESSION}/signature"


@pytest.fixture
def house() -> Clinic:
    return clinic()


def code(answer: dict[str, Any]) -> str:
    return str(json.loads(answer["body"]).get("error", {}).get("code", answer["statusCode"]))


def why(answer: dict[str, Any]) -> str:
    return str(json.loads(answer["body"])["error"]["message"])


def sign(house: Clinic, digest: str) -> dict[str, Any]:
    return house.ask("POST", SIGNATURE, json_body={"digest": digest, "attestation": True})


def change(house: Clinic, name: str, version: int, **body: Any) -> dict[str, Any]:
    where = f"{DRAFT}/sentences/{name}"
    return house.ask("PATCH", where, json_body={"version": version, **body})


def see(house: Clinic, section: object, **more: Any) -> dict[str, Any]:
    return house.ask("POST", f"{DRAFT}/sections/{section}/seen", json_body={}, **more)


def resolve(house: Clinic) -> dict[str, Any]:
    """Settles what is open, and reads nothing."""
    version = house.document("GET", DRAFT)["version"]
    for name, body in (
        ("s2", {"confirm": True}),
        ("s4", {"strike": True}),
        ("s5", {"text": "Takes sertraline, 50 milligrams."}),
    ):
        version = json.loads(change(house, name, version, **body)["body"])["version"]
    return house.document("GET", DRAFT)


# Reading ------------------------------------------------------------------------------------


def test_a_section_that_was_not_seen_stops_the_signature_and_is_named(house: Clinic) -> None:
    shown = resolve(house)
    assert shown["unseen"] == ["Subjective", "Objective", "Assessment", "Plan"]
    for number in (0, 1, 3):
        assert see(house, number)["statusCode"] == 200
    house.ports.clock.forward(minutes=5)
    refused = sign(house, shown["digest"])
    assert (code(refused), why(refused)) == ("SectionUnseen", "not read yet: Assessment")
    assert json.loads(see(house, 2)["body"])["unseen"] == []
    assert sign(house, shown["digest"])["statusCode"] == 201


def test_a_review_faster_than_reading_is_refused_with_the_numbers(house: Clinic) -> None:
    shown = resolve(house)
    for number in range(4):
        see(house, number)
    house.ports.clock.forward(seconds=2)
    refused = sign(house, shown["digest"])
    assert code(refused) == "ReviewTooFast"
    assert "words that you did not write, and you had 2 seconds" in why(refused)
    house.ports.clock.forward(minutes=1)
    assert sign(house, shown["digest"])["statusCode"] == 201
    reasons = [e.reason for e in house.ports.ledger.events if e.act == "signature.refused"]
    assert reasons == ["ReviewTooFast"]


def test_the_moment_that_is_told_is_the_moment_that_counts(house: Clinic) -> None:
    shown = resolve(house)
    for number in range(4):
        known = json.loads(see(house, number)["body"])
    house.ports.clock.time = datetime.fromisoformat(known["readable_by"])
    house.ports.clock.time -= timedelta(milliseconds=1)
    assert code(sign(house, shown["digest"])) == "ReviewTooFast"
    house.ports.clock.time += timedelta(milliseconds=1)
    assert sign(house, shown["digest"])["statusCode"] == 201


def test_two_notes_are_not_read_at_once(house: Clinic) -> None:
    """The time in which the first was read and signed does not count for the second."""
    shown = settle(house)
    records, vault = house.ports.records, house.ports.vault
    first = records.session(SESSION)
    records.add_session(first.model_copy(update={"id": "s-0002"}))
    for kind in ("transcript", "redacted", "surrogates"):
        vault.put("s-0002", kind, stored(house, kind))
    ready = note()
    ready["sections"] = ready["sections"][2:]
    vault.put("s-0002", "draft", json.dumps(ready).encode())
    other = house.document("GET", "/api/sessions/s-0002/draft")
    for number in range(2):
        where = f"/api/sessions/s-0002/draft/sections/{number}/seen"
        assert house.ask("POST", where, json_body={})["statusCode"] == 200
    house.ports.clock.forward(minutes=30)
    assert sign(house, shown["digest"])["statusCode"] == 201
    body = {"digest": other["digest"], "attestation": True}
    second = "/api/sessions/s-0002/signature"
    assert code(house.ask("POST", second, json_body=body)) == "ReviewTooFast"
    house.ports.clock.forward(minutes=1)
    assert house.ask("POST", second, json_body=body)["statusCode"] == 201


def test_a_colleagues_reading_is_not_the_clinicians(house: Clinic) -> None:
    house.document("GET", DRAFT, person=COLLEAGUE)
    assert house.ports.records.facts(SESSION, "reading") is None
    assert code(see(house, 0, person=COLLEAGUE)) == "AccessDenied"
    assert code(see(house, 0)) == "DraftNotReady", "not opened yet"


@pytest.mark.parametrize("section", [4, -1, "x", "1.5", "²", "99999999999999999999"])
def test_a_section_that_is_not_there_is_not_seen(house: Clinic, section: object) -> None:
    house.document("GET", DRAFT)
    assert code(see(house, section)) == "BadRequest"


def test_a_draft_that_is_made_anew_has_to_be_read_anew(house: Clinic) -> None:
    settle(house)
    body = {"role": "patient", "redraft": True}
    where = f"/api/sessions/{SESSION}/speakers/S1"
    anew = json.loads(house.ask("POST", where, json_body=body)["body"])
    assert len(anew["unseen"]) == len(anew["note"]["sections"])


def test_the_ledger_knows_how_the_review_went(house: Clinic) -> None:
    assert sign(house, settle(house)["digest"])["statusCode"] == 201
    counts = next(e.counts for e in house.ports.ledger.events if e.act == "note.signed")
    assert counts == {
        "version": 4,
        "edits": 3,
        "review_seconds": 120,
        "sections_seen": 4,
        "words": 28,
        "rewritten": 1,
        "struck": 1,
    }


# A fresh sign-in ----------------------------------------------------------------------------


def test_an_old_sign_in_does_not_sign_and_a_new_one_does(house: Clinic) -> None:
    shown = settle(house)
    identity = house.ports.identity
    identity.signed_in[DANA.id] = house.ports.clock.now() - timedelta(minutes=5, seconds=1)
    refused = house.ask("POST", SIGNATURE, json_body={"digest": shown["digest"], "attestation": 1})
    assert code(refused) == "SignInStale"
    assert refused["statusCode"] == 403
    identity.signed_in[DANA.id] = house.ports.clock.now() - timedelta(minutes=4)
    assert sign(house, shown["digest"])["statusCode"] == 201


def test_the_page_asks_for_the_sign_in_before_it_offers_the_signature(house: Clinic) -> None:
    settle(house)
    identity = house.ports.identity
    assert "Sign note" in house.ask("GET", f"/sessions/{SESSION}")["body"]
    identity.signed_in[DANA.id] = house.ports.clock.now() - timedelta(minutes=6)
    page = house.ask("GET", f"/sessions/{SESSION}")["body"]
    assert "Sign note" not in page
    assert f"/auth/sign-in?again=1&amp;then=/sessions/{SESSION}" in page


def test_signing_in_again_asks_for_the_password_again_and_leads_back(house: Clinic) -> None:
    where = f"/auth/sign-in?again=1&then=/sessions/{SESSION}"
    answer = house.ask("GET", where, person=None)
    assert "prompt=login" in answer["headers"]["Location"]
    assert "prompt=login" not in house.ask("GET", "/auth/sign-in")["headers"]["Location"]
    assert any(f":/sessions/{SESSION};" in cookie for cookie in answer["cookies"])


# Two windows, and undo ----------------------------------------------------------------------


def at_the_same_time(*acts: Callable[[], Any]) -> list[Any]:
    answers: list[Any] = [None] * len(acts)

    def run(number: int) -> None:
        answers[number] = acts[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_two_windows_that_write_at_once_lose_nothing(
    house: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read version 1 before either writes; one of them is told."""
    meeting = threading.Barrier(2, timeout=5)
    swap = house.ports.records.swap_facts

    def together(*write: Any) -> bool:
        meeting.wait()
        return bool(swap(*write))

    monkeypatch.setattr(house.ports.records, "swap_facts", together)
    where = (house.ports, DANA, SESSION, 1)

    def write(name: str) -> str:
        try:
            draft.rewrite(*where, name, f"Words of one window about {name}.")
        except DraftChanged:
            return "refused"
        return "written"

    said = at_the_same_time(lambda: write("s6"), lambda: write("s7"))
    assert sorted(said) == ["refused", "written"]
    monkeypatch.undo()
    text = house.document("GET", DRAFT)["text"]
    assert text.count("Words of one window") == 1
    assert house.document("GET", DRAFT)["version"] == 2


def test_an_edit_and_a_signature_at_once_do_not_both_happen(
    house: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = settle(house)
    swap, edited = house.ports.records.swap_facts, []

    def edit_first(*write: Any) -> bool:
        """Another window's edit comes between the check of the text and the signature's mark."""
        if not edited:
            edited.append(True)
            draft.rewrite(house.ports, DANA, SESSION, shown["version"], "s7", "Changed at once.")
        return bool(swap(*write))

    monkeypatch.setattr(house.ports.records, "swap_facts", edit_first)
    assert code(sign(house, shown["digest"])) == "DraftChanged"
    assert house.ports.records.signature(SESSION) is None
    assert "Changed at once." in house.document("GET", DRAFT)["text"]
    assert "note.signed" not in house.ports.ledger.acts()


def test_two_windows_on_two_sentences_both_stand(house: Clinic) -> None:
    was = "Continue the sleep diary."
    change(house, "s6", 1, text="From the first window.")
    both = change(house, "s7", 1, text="From the second window.", was=was)
    text = json.loads(both["body"])["text"]
    assert "From the first window." in text and "From the second window." in text
    assert code(change(house, "s7", 1, text="From a third.", was=was)) == "DraftChanged"
    assert house.document("GET", DRAFT)["text"] == text


def test_what_was_shown_is_compared_with_its_real_names(house: Clinic) -> None:
    was = next(
        sentence["text"]
        for section in house.document("GET", DRAFT)["note"]["sections"]
        for sentence in section["sentences"]
        if sentence["id"] == "s2"
    )
    assert "Tunde" in was
    assert change(house, "s2", 99, text="Worries.", was=was)["statusCode"] == 200


def undo(house: Clinic, version: int) -> dict[str, Any]:
    return house.ask("POST", f"{DRAFT}/undo", json_body={"version": version})


def test_every_change_can_be_undone_one_by_one(house: Clinic) -> None:
    texts = [house.document("GET", DRAFT)["text"]]
    for version, body in enumerate(
        ({"text": "First."}, {"text": "Second."}, {"strike": True}), start=1
    ):
        texts.append(json.loads(change(house, "s7", version, **body)["body"])["text"])
    for version, text in zip((4, 5, 6), reversed(texts[:-1]), strict=True):
        assert json.loads(undo(house, version)["body"])["text"] == text
    assert code(undo(house, 7)) == "BadRequest"
    assert house.ports.ledger.acts().count("draft.undone") == 3


def test_making_the_draft_anew_can_be_undone_with_its_roles(house: Clinic) -> None:
    before = house.document("GET", DRAFT)
    where = f"/api/sessions/{SESSION}/speakers/S1"
    house.ask("POST", where, json_body={"role": "patient"})
    after = json.loads(undo(house, 2)["body"])
    assert after["text"] == before["text"]
    assert after["transcript"]["turns"] == before["transcript"]["turns"]


def test_undoing_in_an_old_window_is_refused(house: Clinic) -> None:
    change(house, "s7", 1, text="First.")
    change(house, "s7", 2, text="Second.")
    assert code(undo(house, 2)) == "DraftChanged"
    assert "Second." in house.document("GET", DRAFT)["text"]


def test_nothing_is_undone_after_the_signature(house: Clinic) -> None:
    shown = settle(house)
    sign(house, shown["digest"])
    assert code(undo(house, shown["version"])) == "IllegalMove"


def test_a_locked_draft_is_not_marked_as_read(house: Clinic) -> None:
    read_all(house)
    house.ports.records.move(SESSION, State.AWAITING_SIGNATURE, State.LOCKED)
    assert code(see(house, 0)) == "ReviewClosed"
