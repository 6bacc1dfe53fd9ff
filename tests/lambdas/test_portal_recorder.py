"""The recorder's pages: no recording without agreement, and nobody is heard who did not agree."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from countersign.consent import Purpose
from countersign.ports import Person
from tests.portal import (
    COLLEAGUE,
    DANA,
    DESK,
    PATIENT,
    SESSION,
    SPOKEN,
    STRANGER,
    SUPERVISOR,
    Clinic,
    clinic,
)


@pytest.fixture
def house() -> Clinic:
    return clinic()


def agree(house: Clinic, days: str = "1") -> dict[str, Any]:
    return house.ask("POST", "/record", form={"act": "agree", "patient": PATIENT, "days": days})


def start(house: Clinic) -> str:
    form = {"act": "start", "patient": PATIENT, "template": "dap"}
    answer = house.ask("POST", "/record", form=form)
    assert answer["statusCode"] == 303
    found = re.fullmatch(r"/sessions/(s-\w+)/record", answer["headers"]["Location"])
    assert found, "the way to the recorder names a session and nobody"
    return found[1]


@pytest.fixture
def session_id(house: Clinic) -> str:
    agree(house)
    return start(house)


def people(house: Clinic, session_id: str, count: int, at: float = 0.0) -> dict[str, Any]:
    where = f"/api/sessions/{session_id}/participants"
    return house.ask("POST", where, json_body={"people": count, "at": at})


def ticket(house: Clinic, session_id: str, index: int, starts_at: float) -> dict[str, Any]:
    body = {"segment": index, "starts_at": starts_at, "seconds": 30.0}
    return house.ask("POST", f"/api/sessions/{session_id}/upload", json_body=body)


def code(answer: dict[str, Any]) -> str:
    return str(json.loads(answer["body"])["error"]["code"])


def test_the_recorder_is_offered_only_after_both_agreements(house: Clinic) -> None:
    before = house.ask("GET", "/record")["body"]
    assert SPOKEN in before
    assert "not agreed yet" in before and "Open the recorder" not in before
    assert agree(house)["headers"]["Location"] == "/record"
    after = house.ask("GET", "/record")["body"]
    assert "Open the recorder" in after and "agreed until" in after


def test_an_agreement_for_today_has_run_out_tomorrow(house: Clinic) -> None:
    agree(house, "1")
    house.ports.clock.forward(hours=25)
    assert "Open the recorder" not in house.ask("GET", "/record")["body"]


@pytest.mark.parametrize("days", ["", "0", "1000", "forever"])
def test_an_agreement_for_a_time_that_is_not_offered_is_not_stored(
    house: Clinic, days: str
) -> None:
    assert agree(house, days)["statusCode"] == 400
    assert house.ports.records.consents(PATIENT) == ()


def test_only_the_recorders_page_may_use_the_microphone_and_send_elsewhere(
    house: Clinic, session_id: str
) -> None:
    page = house.ask("GET", f"/sessions/{session_id}/record")
    assert page["statusCode"] == 200
    assert "microphone=(self)" in page["headers"]["Permissions-Policy"]
    assert "https://ingest.example.org" in page["headers"]["Content-Security-Policy"]
    assert "microphone=()" in house.ask("GET", "/record")["headers"]["Permissions-Policy"]


@pytest.mark.parametrize("person", [COLLEAGUE, STRANGER, DESK, SUPERVISOR])
def test_nobody_else_opens_the_recorder(house: Clinic, session_id: str, person: Person) -> None:
    answer = house.ask("GET", f"/sessions/{session_id}/record", person=person)
    assert answer["statusCode"] == 403 and SPOKEN not in answer["body"]
    assert code(house.ask(
        "POST", f"/api/sessions/{session_id}/participants",
        json_body={"people": 2, "at": 0}, person=person,
    )) == "AccessDenied"  # fmt: skip


def test_a_session_that_takes_no_more_leads_to_where_it_stands(house: Clinic) -> None:
    answer = house.ask("GET", f"/sessions/{SESSION}/record")
    assert answer["headers"]["Location"] == f"/sessions/{SESSION}"


def test_a_recorder_that_is_opened_again_goes_on_after_what_was_announced(
    house: Clinic, session_id: str
) -> None:
    assert ticket(house, session_id, 0, 0.0)["statusCode"] == 200
    page = house.ask("GET", f"/sessions/{session_id}/record")["body"]
    assert 'data-next="1"' in page and 'data-offset="30.0"' in page


def test_the_session_page_leads_to_the_recorder(house: Clinic, session_id: str) -> None:
    assert f"/sessions/{session_id}/record" in house.ask("GET", f"/sessions/{session_id}")["body"]
    for_supervisor = house.ask("GET", f"/sessions/{session_id}", person=SUPERVISOR)["body"]
    assert "/record" not in for_supervisor


def test_a_third_person_closes_the_upload_for_what_begins_then_and_not_for_what_was_said_before(
    house: Clinic, session_id: str
) -> None:
    assert json.loads(people(house, session_id, 3, at=60.0)["body"]) == {
        "people": 3,
        "consented": 2,
        "covered": False,
    }
    assert ticket(house, session_id, 0, 0.0)["statusCode"] == 200
    assert code(ticket(house, session_id, 1, 60.0)) == "ParticipantsUnconsented"
    assert people(house, session_id, 2, at=60.0)["statusCode"] == 200
    assert ticket(house, session_id, 1, 60.0)["statusCode"] == 200
    acts = [e for e in house.ports.ledger.events if e.act == "participants.counted"]
    assert [e.counts["people"] for e in acts] == [3, 2]


def test_without_the_patients_agreement_only_the_clinician_may_be_heard(
    house: Clinic, session_id: str
) -> None:
    house.ports.records.revoke_consent(PATIENT, Purpose.RECORDING, house.ports.clock.now())
    assert json.loads(people(house, session_id, 2)["body"])["consented"] == 1


@pytest.mark.parametrize("body", [{"people": 0, "at": 0}, {"people": 2, "at": -1}, {"people": 2}])
def test_a_count_that_cannot_be_is_refused(
    house: Clinic, session_id: str, body: dict[str, float]
) -> None:
    where = f"/api/sessions/{session_id}/participants"
    assert code(house.ask("POST", where, json_body=body)) == "BadRequest"


def test_without_a_ledger_nobody_is_counted(house: Clinic, session_id: str) -> None:
    house.ports.ledger.down = True
    assert code(people(house, session_id, 3)) == "LedgerUnavailable"
    house.ports.ledger.down = False
    assert ticket(house, session_id, 0, 0.0)["statusCode"] == 200


def test_the_page_of_a_stopped_recording_says_so_to_the_recorder(
    house: Clinic, session_id: str
) -> None:
    house.ask("POST", f"/api/sessions/{session_id}/discard", json_body={})
    document = house.document("GET", f"/api/sessions/{session_id}")
    assert document["recording"]["stopped"] == "Discarded"
    answer = house.ask("GET", f"/sessions/{session_id}/record", person=DANA)
    assert answer["statusCode"] == 303
