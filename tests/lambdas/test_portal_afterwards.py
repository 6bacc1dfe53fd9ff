"""After the signature: addenda. And in an emergency: reading, for a time, before witnesses."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from countersign.errors import EhrUnavailable
from countersign.ports import Person
from countersign.review import digest
from tests.portal import (
    COLLEAGUE,
    COMPLIANCE,
    DANA,
    DESK,
    DIRECTOR,
    ON_DUTY,
    SESSION,
    SPOKEN,
    STRANGER,
    SUPERVISOR,
    Clinic,
    clinic,
    settle,
)

ADDENDA = f"/api/sessions/{SESSION}/addenda"
EMERGENCY = f"/api/sessions/{SESSION}/emergency"
DRAFT = f"/api/sessions/{SESSION}/draft"
WORDS = "The patient's mother called and fears for him."


@pytest.fixture
def house() -> Clinic:
    return clinic()


@pytest.fixture
def signed(house: Clinic) -> str:
    """The text that was signed."""
    shown = settle(house)
    body = {"digest": shown["digest"], "attestation": True}
    where = f"/api/sessions/{SESSION}/signature"
    assert house.ask("POST", where, json_body=body)["statusCode"] == 201
    return str(shown["text"])


def code(answer: dict[str, Any]) -> str:
    return str(json.loads(answer["body"]).get("error", {}).get("code", answer["statusCode"]))


def amend(house: Clinic, text: str, person: Person = DANA, **more: Any) -> dict[str, Any]:
    body = {"text": text, "reason": "The dose was wrong.", **more}
    return house.ask("POST", ADDENDA, json_body=body, person=person)


def add(house: Clinic, text: str) -> dict[str, Any]:
    shown = json.loads(amend(house, text)["body"])
    return amend(house, text, digest=shown["digest"], attestation=True)


# Addenda ------------------------------------------------------------------------------------


def test_an_addendum_is_shown_signed_delivered_and_leaves_the_note_as_it_was(
    house: Clinic, signed: str
) -> None:
    changed = signed.replace("50 milligrams", "75 milligrams")
    shown = json.loads(amend(house, changed)["body"])
    assert [(line["kind"], line["text"]) for line in shown["lines"]][1:3] == [
        ("removed", "Takes sertraline, 50 milligrams."),
        ("added", "Takes sertraline, 75 milligrams."),
    ]
    assert json.loads(house.ask("GET", ADDENDA)["body"]) == {"addenda": []}
    made = add(house, changed)
    assert made["statusCode"] == 201
    assert house.ports.vault.get(SESSION, "note").decode() == signed
    entry = next(e for e in house.ports.ledger.events if e.act == "note.amended")
    assert entry.hashes == {"note": digest(signed), "addendum": shown["digest"]}
    assert entry.counts == {"number": 1, "removed": 1, "added": 1}
    (document,) = house.ports.ehr.documents.values()
    attached = base64.b64decode(document["content"][0]["attachment"]["data"]).decode()
    assert attached == shown["text"] and "+ Takes sertraline, 75 milligrams." in attached
    assert json.loads(made["body"])["document"]


def test_a_second_addendum_starts_from_the_first(house: Clinic, signed: str) -> None:
    first = signed.replace("50 milligrams", "75 milligrams")
    add(house, first)
    assert code(amend(house, first)) == "BadRequest", "that is how the note reads by now"
    second = json.loads(amend(house, signed)["body"])
    assert "Addendum 2" in second["text"] and "- Takes sertraline, 75 mill" in second["text"]
    assert add(house, signed)["statusCode"] == 201
    assert [one["number"] for one in house.document("GET", ADDENDA)["addenda"]] == [1, 2]
    assert len(house.ports.ehr.documents) == 2


def test_an_addendum_that_is_not_the_one_shown_is_not_signed(house: Clinic, signed: str) -> None:
    shown = json.loads(amend(house, signed + "More.")["body"])
    refused = amend(house, signed + "Less.", digest=shown["digest"], attestation=True)
    assert code(refused) == "DraftChanged"
    assert code(amend(house, signed + "More.", digest=shown["digest"])) == "ReviewIncomplete"
    assert house.document("GET", ADDENDA) == {"addenda": []}


def test_an_addendum_needs_a_sign_in_just_before(house: Clinic, signed: str) -> None:
    house.ports.identity.signed_in[DANA.id] = house.ports.clock.now() - timedelta(minutes=6)
    assert code(add(house, signed + "More.")) == "SignInStale"


def test_nothing_is_added_to_what_is_not_signed(house: Clinic) -> None:
    assert code(amend(house, "Whatever.")) == "IllegalMove"


@pytest.mark.parametrize("person", [COLLEAGUE, STRANGER, SUPERVISOR, DESK], ids=lambda p: p.id)
def test_nobody_else_adds(house: Clinic, signed: str, person: Person) -> None:
    assert code(amend(house, signed + "More.", person=person)) == "AccessDenied"


def test_without_a_ledger_nothing_is_added(house: Clinic, signed: str) -> None:
    shown = json.loads(amend(house, signed + "More.")["body"])
    house.ports.ledger.down = True
    refused = amend(house, signed + "More.", digest=shown["digest"], attestation=True)
    assert code(refused) == "LedgerUnavailable"
    assert house.ports.records.facts(SESSION, "addenda") is None


def test_a_record_system_that_does_not_answer_loses_nothing(house: Clinic, signed: str) -> None:
    house.ports.ehr.refuse.append(EhrUnavailable("no answer"))
    assert json.loads(add(house, signed + "More.")["body"])["document"] is None
    page = house.ask("GET", f"/sessions/{SESSION}")["body"]
    assert "Not in the record yet" in page and "More." in page
    where = f"/sessions/{SESSION}/addenda/1/delivery"
    for _ in range(2):
        assert house.ask("POST", where, form={})["statusCode"] == 303
    assert "In the record." in house.ask("GET", f"/sessions/{SESSION}")["body"]
    assert len(house.ports.ehr.documents) == 1


def test_an_addendum_is_the_records_new_document_beside_the_note(
    house: Clinic, signed: str
) -> None:
    facts = {"resource": "DocumentReference", "id": "doc-1", "status": "created"}
    house.ports.records.put_facts(SESSION, "delivery", facts)
    add(house, signed + "More.")
    (document,) = house.ports.ehr.documents.values()
    assert document["relatesTo"] == [
        {"code": "appends", "target": {"reference": "DocumentReference/doc-1"}}
    ]


def test_the_pages_of_an_addendum(house: Clinic, signed: str) -> None:
    where = f"/sessions/{SESSION}/addendum"
    begun = house.ask("GET", where)["body"]
    assert "Takes sertraline, 50 milligrams." in begun
    text = signed + "<script>alert(1)</script>\n"
    form = {"act": "compare", "text": text, "reason": "Forgotten."}
    shown = house.ask("POST", where, form=form)["body"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown and "<script>alert" not in shown
    found = digest(json.loads(amend(house, text, reason="Forgotten.")["body"])["text"])
    assert found in shown
    form |= {"act": "sign", "digest": found, "attestation": "on"}
    assert house.ask("POST", where, form=form)["statusCode"] == 303
    assert "Addendum 1" in house.ask("GET", f"/sessions/{SESSION}")["body"]
    assert house.ask("POST", where, form={"act": "no"})["statusCode"] == 400


# Emergencies --------------------------------------------------------------------------------


def break_glass(house: Clinic, person: Person = ON_DUTY, **more: str) -> dict[str, Any]:
    body = {"reason": "danger", "words": WORDS, **more}
    return house.ask("POST", EMERGENCY, json_body=body, person=person)


@pytest.mark.parametrize("person", [ON_DUTY, SUPERVISOR, DIRECTOR], ids=lambda p: p.id)
def test_in_an_emergency_reading_is_open_for_an_hour(house: Clinic, person: Person) -> None:
    assert house.ask("GET", DRAFT, person=person)["statusCode"] == 403
    assert break_glass(house, person)["statusCode"] == 201
    assert SPOKEN in house.ask("GET", DRAFT, person=person)["body"]
    house.ports.clock.forward(minutes=59, seconds=59)
    assert house.ask("GET", DRAFT, person=person)["statusCode"] == 200
    house.ports.clock.forward(seconds=1)
    assert house.ask("GET", DRAFT, person=person)["statusCode"] == 403


def test_the_compliance_officer_is_paged_and_the_ledger_knows_why_without_a_word(
    house: Clinic,
) -> None:
    break_glass(house)
    assert house.ports.pager.told == [("compliance_officer/north", "glass.broken", SESSION)]
    entry = next(e for e in house.ports.ledger.events if e.act == "glass.broken")
    assert (entry.actor, entry.reason, entry.counts) == (ON_DUTY.id, "danger", {"minutes": 60})
    assert entry.policies == ("who-answers-emergencies-breaks-the-glass",)
    assert "mother" not in entry.leaf().decode()
    house.ask("GET", DRAFT, person=ON_DUTY)
    read = house.ports.ledger.events[-1]
    assert (read.act, read.actor) == ("draft.read", ON_DUTY.id)
    assert read.policies == ("broken-glass-opens-the-draft",)


@pytest.mark.parametrize("down", ["ledger", "pager"])
def test_without_a_witness_nothing_opens(
    house: Clinic, down: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if down == "ledger":
        house.ports.ledger.down = True
    else:
        monkeypatch.setattr(house.ports.pager, "tell", lambda *_: 1 / 0)
    assert break_glass(house)["statusCode"] >= 500
    house.ports.ledger.down = False
    assert house.ask("GET", DRAFT, person=ON_DUTY)["statusCode"] == 403


@pytest.mark.parametrize("person", [STRANGER, DESK, COMPLIANCE, DANA], ids=lambda p: p.id)
def test_who_does_not_answer_emergencies_does_not_break_the_glass(
    house: Clinic, person: Person
) -> None:
    assert code(break_glass(house, person)) == "AccessDenied"
    assert house.ports.pager.told == []


@pytest.mark.parametrize("more", [{"reason": "curiosity"}, {"words": "emergency"}])
def test_without_a_reason_nothing_opens(house: Clinic, more: dict[str, str]) -> None:
    assert code(break_glass(house, **more)) == "BadRequest"
    assert house.ports.pager.told == []


def test_who_reads_in_an_emergency_changes_and_signs_nothing(house: Clinic) -> None:
    break_glass(house)
    body = {"version": 1, "strike": True}
    change = house.ask("PATCH", f"{DRAFT}/sentences/s7", json_body=body, person=ON_DUTY)
    assert code(change) == "AccessDenied"
    page = house.ask("GET", f"/sessions/{SESSION}", person=ON_DUTY)["body"]
    assert SPOKEN in page and "You read this in an emergency" in page
    assert "Strike" not in page and "Sign note" not in page


def test_one_session_is_opened_and_no_other(house: Clinic) -> None:
    first = house.ports.records.session(SESSION)
    house.ports.records.add_session(first.model_copy(update={"id": "s-0002"}))
    break_glass(house)
    other = house.ask("GET", "/api/sessions/s-0002/draft", person=ON_DUTY)
    assert other["statusCode"] == 403


def test_the_page_of_an_emergency_says_what_will_happen(house: Clinic) -> None:
    refused = house.ask("GET", f"/sessions/{SESSION}", person=ON_DUTY)
    assert refused["statusCode"] == 403 and f"/sessions/{SESSION}/emergency" in refused["body"]
    where = f"/sessions/{SESSION}/emergency"
    page = house.ask("GET", where, person=ON_DUTY)["body"]
    assert "The compliance officer is paged at once" in page and SPOKEN not in page
    form = {"reason": "danger", "words": WORDS}
    answer = house.ask("POST", where, form=form, person=ON_DUTY)
    assert answer["headers"]["Location"] == f"/sessions/{SESSION}"
    assert house.ask("GET", where, person=STRANGER)["statusCode"] == 403
