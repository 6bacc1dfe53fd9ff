"""The boards: who sees which, alerts answered once, the log searched and proven without a word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas import alerts
from lambdas.intake.escalate import handler as escalate
from lambdas.portal.pages import BOARDS
from tests.portal import (
    COMPLIANCE,
    DANA,
    DESK,
    DIRECTOR,
    ON_DUTY,
    OPERATIONS,
    PATIENT,
    PEOPLE,
    SESSION,
    SPOKEN,
    Clinic,
    clinic,
    settle,
)

SEES = {
    "/boards/alerts": {DESK, ON_DUTY},
    "/boards/audit": {COMPLIANCE},
    "/boards/quality": {DIRECTOR},
    "/boards/usage": {OPERATIONS, DIRECTOR},
}


@pytest.fixture
def house() -> Clinic:
    return clinic()


def lift(house: Clinic, subject: str = "i-1", code: str = "intake.crisis") -> None:
    alerts.lift(house.ports, "north", code, subject)


@pytest.mark.parametrize("where", SEES)
def test_each_board_is_for_its_people_and_offered_to_nobody_else(house: Clinic, where: str) -> None:
    for person in PEOPLE:
        answer = house.ask("GET", where, person=person)
        assert answer["statusCode"] == (200 if person in SEES[where] else 403), person.id
        assert (where in house.ask("GET", "/", person=person)["body"]) is (person in SEES[where])
    assert {where for where, _, _ in BOARDS} == set(SEES)


def test_no_board_holds_a_name_or_a_word(house: Clinic) -> None:
    lift(house)
    settle(house)
    for where, people in SEES.items():
        for person in people:
            page = house.ask("GET", where, person=person)["body"]
            assert SPOKEN.split()[0] not in page and "sertraline" not in page


# Alerts -------------------------------------------------------------------------------------


def answer(house: Clinic, alert: str, person: Any = DESK) -> dict[str, Any]:
    return house.ask("POST", "/boards/alerts", form={"alert": alert}, person=person)


def test_an_alert_stays_open_until_somebody_answers_and_the_first_one_counts(
    house: Clinic,
) -> None:
    lift(house)
    lift(house)
    house.ports.clock.forward(seconds=40)
    assert "i-1" in house.ask("GET", "/boards/alerts/list", person=ON_DUTY)["body"]
    assert answer(house, "i-1.intake.crisis")["statusCode"] == 303
    answer(house, "i-1.intake.crisis", ON_DUTY)
    (known,) = alerts.listed(house.ports, "north")
    assert known.answered_by == DESK.id
    entries = [e for e in house.ports.ledger.events if e.act == "alert.answered"]
    assert [(e.actor, e.reason, e.counts) for e in entries] == [
        (DESK.id, "intake.crisis", {"seconds": 40})
    ]


def close(house: Clinic, alert: str, outcome: str) -> dict[str, Any]:
    form = {"alert": alert, "outcome": outcome}
    return house.ask("POST", "/boards/alerts/close", form=form, person=DESK)


def test_an_answered_alert_stays_until_a_human_says_what_was_done(house: Clinic) -> None:
    lift(house)
    answer(house, "i-1.intake.crisis", ON_DUTY)
    page = house.ask("GET", "/boards/alerts/list", person=DESK)["body"]
    assert "In human hands" in page and "i-1" in page
    assert close(house, "i-1.intake.crisis", "nothing")["statusCode"] == 400
    assert alerts.listed(house.ports, "north")[0].closed_by is None
    for _ in range(2):
        assert close(house, "i-1.intake.crisis", "spoke")["statusCode"] == 303
    (known,) = alerts.listed(house.ports, "north")
    assert (known.answered_by, known.closed_by, known.outcome) == (ON_DUTY.id, DESK.id, "spoke")
    assert [e.reason for e in house.ports.ledger.events if e.act == "alert.closed"] == ["spoke"]


def test_without_a_ledger_an_alert_is_not_closed(house: Clinic) -> None:
    lift(house)
    house.ports.ledger.down = True
    assert close(house, "i-1.intake.crisis", "spoke")["statusCode"] == 503
    assert alerts.listed(house.ports, "north")[0].closed_by is None


def test_an_alert_of_another_site_cannot_be_closed(house: Clinic) -> None:
    alerts.lift(house.ports, "south", "intake.crisis", "i-9")
    assert close(house, "i-9.intake.crisis", "spoke")["statusCode"] == 404


def test_an_intake_that_a_human_must_see_is_on_the_board(house: Clinic) -> None:
    house.ports.records.put_facts("i-7", "intake", {"site": "north"})
    escalate({"session_id": "i-7", "run": "r", "code": "StepFault"}, None, ports=house.ports)
    (known,) = alerts.listed(house.ports, "north")
    assert (known.subject, known.code) == ("i-7", "intake.unscreened")


def test_an_alert_of_another_site_is_not_there(house: Clinic) -> None:
    alerts.lift(house.ports, "south", "intake.crisis", "i-9")
    assert "i-9" not in house.ask("GET", "/boards/alerts", person=DESK)["body"]
    assert answer(house, "i-9.intake.crisis")["statusCode"] == 400


def test_without_a_ledger_an_alert_stays_open(house: Clinic) -> None:
    lift(house)
    house.ports.ledger.down = True
    assert answer(house, "i-1.intake.crisis")["statusCode"] == 503
    assert alerts.listed(house.ports, "north")[0].answered_by is None


def test_open_alerts_are_never_forgotten_however_many_were_answered(house: Clinic) -> None:
    lift(house, "first")
    for number in range(60):
        house.ports.clock.forward(seconds=1)
        lift(house, f"i-{number}")
        alerts.close(house.ports, "north", f"i-{number}.intake.crisis", DESK.id, "spoke")
    known = alerts.listed(house.ports, "north")
    assert [one.subject for one in known if one.answered_by is None] == ["first"]
    assert len(known) == 31


def test_alerts_that_come_at_once_are_all_there(
    house: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap, between = house.ports.records.swap_facts, ["i-2"]

    def another_first(*write: Any) -> bool:
        if between:
            lift(house, between.pop())
        return bool(swap(*write))

    monkeypatch.setattr(house.ports.records, "swap_facts", another_first)
    lift(house, "i-1")
    assert {one.subject for one in alerts.listed(house.ports, "north")} == {"i-1", "i-2"}


# Audit --------------------------------------------------------------------------------------


def look(house: Clinic, **form: str) -> dict[str, Any]:
    return house.ask("POST", "/boards/audit", form=form, person=COMPLIANCE)


def test_the_log_is_searched_by_what_it_is_about_by_whom_and_what(house: Clinic) -> None:
    house.ask("GET", f"/api/sessions/{SESSION}/draft", person=DESK)
    house.document("GET", f"/api/sessions/{SESSION}/draft")
    page = look(house, act="search", subject=SESSION, actor=DESK.id, what="")["body"]
    assert "<td>access.refused" in page and "<td>draft.read" not in page
    page = look(house, act="search", subject="", actor="", what="draft.read")["body"]
    assert "1 entry" in page and DANA.id in page
    assert "0 entries" in look(house, act="search", subject="nothing")["body"]


def test_an_entry_is_proven_and_one_that_is_not_there_is_said_to_be_unknown(house: Clinic) -> None:
    house.document("GET", f"/api/sessions/{SESSION}/draft")
    entry = house.ports.ledger.events[0].id
    assert f"a proof of {entry}" in look(house, act="prove", event=entry)["body"]
    assert look(house, act="prove", event="none")["statusCode"] == 404


def test_what_exists_of_a_patient_is_said_without_a_name(house: Clinic) -> None:
    house.ports.audio.put(f"audio/{SESSION}/00000", b"RIFF")
    page = look(house, act="patient", patient=PATIENT)["body"]
    assert SESSION in page and "1 objects, erased within 240 min" in page
    assert SPOKEN not in page
    assert look(house, act="patient", patient="nobody")["statusCode"] == 404
    acts = house.ports.ledger.acts("north")
    assert acts == ["audit.patient"], "who looked is in the log, whom they looked for is not"


@pytest.mark.parametrize("form", [{}, {"act": "drop"}])
def test_an_act_that_is_none_is_refused(house: Clinic, form: dict[str, str]) -> None:
    assert look(house, **form)["statusCode"] == 400


def test_what_was_asked_for_comes_back_as_text_only(house: Clinic) -> None:
    page = look(house, act="search", subject='"><script>alert(1)</script>')["body"]
    assert "<script>alert" not in page


# Quality and usage --------------------------------------------------------------------------


def test_the_director_sees_how_long_reviews_took_and_what_was_refused(house: Clinic) -> None:
    shown = settle(house)
    where = f"/api/sessions/{SESSION}/signature"
    house.ask("POST", where, json_body={"digest": shown["digest"], "attestation": False})
    house.ask("POST", where, json_body={"digest": shown["digest"], "attestation": True})
    page = house.ask("GET", "/boards/quality", person=DIRECTOR)["body"]
    row = page[page.index("Dana Reyes") :].split("</tr>")[0]
    cells = [cell.split("</td>")[0] for cell in row.split("<td>")[1:]]
    assert cells == ["1", "2.0", "3", "1", "1", "0"]


def test_operations_see_how_much_is_used(house: Clinic) -> None:
    page = house.ask("GET", "/boards/usage", person=OPERATIONS)["body"]
    assert "1 session, 0.0 hours recorded." in page
    assert "awaiting signature</td><td>1" in page
    assert json.dumps(SESSION) not in page
