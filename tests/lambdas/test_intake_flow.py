"""One intake form through the workflow file: a person looks when words or a failure ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from countersign.errors import KeyDestroyed, LedgerUnavailable, NotJson, SessionUnknown
from lambdas import alerts
from lambdas.intake.escalate import handler as escalate
from lambdas.intake.screen import handler as screen
from lambdas.wiring import Ports
from tests import fakes
from tests.machine import Machine, definition, machine

INTAKE = "1a7e" * 8
MARKER = "zebra-crossing"


def ready(*answers: str, **given: object) -> Ports:
    ports = fakes.ports(**given)
    ports.records.put_facts(INTAKE, "intake", {"site": "north"})
    form = {"answers": [{"id": f"q{n}", "text": text} for n, text in enumerate(answers)]}
    ports.vault.put(INTAKE, "form", json.dumps(form).encode())
    return ports


def board(ports: Ports) -> list[tuple[str, str]]:
    return [(one.code, one.subject) for one in alerts.listed(ports, "north")]


def run(flow: Machine) -> str:
    flow.workflow.start("intake", INTAKE, INTAKE)
    return flow.finished(INTAKE)


@pytest.fixture
def calm() -> Iterator[tuple[Ports, Machine]]:
    ports = ready("I would like help with stress.", "Evenings, please.")
    with machine("intake", ports) as flow:
        yield ports, flow


def test_an_ordinary_form_closes_and_nobody_is_paged(calm: tuple[Ports, Machine]) -> None:
    ports, flow = calm
    assert run(flow) == "SUCCEEDED"
    assert flow.trail == ["screen", "close"]
    assert ports.pager.told == []
    assert ports.ledger.acts(INTAKE) == ["intake.screened", "intake.closed"]
    assert ports.ledger.published == ["north"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("I want to kill myself", "intake.crisis"),
        ("I haven't slept in three weeks", "intake.urgent"),
    ],
)
def test_words_for_a_human_are_an_alert_of_the_site(answer: str, code: str) -> None:
    ports = ready("Evenings, please.", answer)
    with machine("intake", ports) as flow:
        assert run(flow) == "SUCCEEDED"
        assert flow.trail == ["screen", "escalate", "close"]
    assert board(ports) == [(code, INTAKE)]
    assert ports.ledger.acts(INTAKE)[1:3] == ["alert.raised", "intake.escalated"]


def test_the_patients_words_are_in_the_vault_and_nowhere_else() -> None:
    ports = ready(f"I want to die at the {MARKER}")
    with machine("intake", ports) as flow:
        assert run(flow) == "SUCCEEDED"
    kept = json.loads(ports.vault.get(INTAKE, "screening"))
    assert kept["crisis"] is True
    assert kept["answers"][0]["screening"]["spans"][0]["status"] == "asserted"
    seen = repr((ports.pager.told, ports.records.notes, [e.leaf() for e in ports.ledger.events]))
    assert MARKER not in seen
    assert "die" not in seen


@pytest.mark.parametrize("form", [b"", b"{}", b"\xff\xfe", b'{"answers": [{"id": "a"}]}'])
def test_a_form_that_cannot_be_read_goes_to_a_person(form: bytes) -> None:
    ports = ready()
    ports.vault.put(INTAKE, "form", form)
    with machine("intake", ports) as flow:
        assert run(flow) == "SUCCEEDED"
    assert board(ports) == [("intake.unscreened", INTAKE)]
    assert ports.ledger.events[0].reason == "intake.unscreened"


def test_a_vault_that_cannot_be_opened_goes_to_a_person() -> None:
    ports = ready("Evenings, please.")
    ports.vault.shred(INTAKE)
    with machine("intake", ports) as flow:
        assert run(flow) == "SUCCEEDED"
    assert flow.errors == [KeyDestroyed.__name__]
    assert board(ports) == [("intake.unscreened", INTAKE)]


def test_an_intake_nobody_registered_still_reaches_somebody() -> None:
    ports = fakes.ports()
    with machine("intake", ports) as flow:
        assert run(flow) == "FAILED"
    assert ("on-duty/every-site", "intake.unscreened", INTAKE) in ports.pager.told


def test_a_person_is_paged_even_when_the_ledger_is_down() -> None:
    ports = ready("I want to kill myself")
    ports.ledger.down = True
    with machine("intake", ports) as flow:
        assert run(flow) == "FAILED"
    assert board(ports) == [("intake.unscreened", INTAKE)]


def test_when_no_alert_can_be_stored_a_person_is_paged_at_once() -> None:
    ports = ready("I want to kill myself")
    ports.records.swap_facts = None
    with machine("intake", ports) as flow:
        assert run(flow) == "FAILED"
        assert flow.trail.count("escalate") >= 8
    assert ("on-duty/north", "intake.crisis", INTAKE) in ports.pager.told


def test_a_step_that_is_repeated_is_entered_once() -> None:
    ports = ready("I want to kill myself")
    event = {"session_id": INTAKE, "run": "one", "code": ""}
    for _ in range(2):
        assert screen(event, None, ports=ports) == {"session_id": INTAKE, "human": True}
        ports.clock.forward(minutes=1)
        escalate(event, None, ports=ports)
    assert ports.ledger.acts() == ["intake.screened", "alert.raised", "intake.escalated"]
    assert board(ports) == [("intake.crisis", INTAKE)]
    assert len(ports.workflow.started) == 1


def test_a_form_sent_again_is_screened_again() -> None:
    ports = ready("Evenings, please.")
    assert screen({"session_id": INTAKE, "run": "one"}, None, ports=ports)["human"] is False
    form = {"answers": [{"id": "q", "text": "I want to die"}]}
    ports.vault.put(INTAKE, "form", json.dumps(form).encode())
    assert screen({"session_id": INTAKE, "run": "two"}, None, ports=ports)["human"] is True
    assert len(ports.ledger.events) == 2


def test_a_screening_of_an_earlier_run_does_not_speak_for_this_one() -> None:
    ports = ready("Evenings, please.")
    screen({"session_id": INTAKE, "run": "one"}, None, ports=ports)
    told = escalate({"session_id": INTAKE, "run": "two", "code": ""}, None, ports=ports)
    assert told["code"] == "intake.unscreened"


def test_refusals_name_the_place_and_not_the_content() -> None:
    ports = ready()
    ports.vault.put(INTAKE, "form", json.dumps({"answers": [{"id": MARKER}]}).encode())
    with pytest.raises(NotJson) as refused:
        screen({"session_id": INTAKE, "run": "one"}, None, ports=ports)
    assert "answers.0.text" in refused.value.message
    assert MARKER not in refused.value.message
    with pytest.raises(SessionUnknown):
        screen({"session_id": "other", "run": "one"}, None, ports=ports)


def test_without_a_ledger_entry_the_screen_does_not_pass() -> None:
    ports = ready("Evenings, please.")
    ports.ledger.down = True
    with pytest.raises(LedgerUnavailable):
        screen({"session_id": INTAKE, "run": "one"}, None, ports=ports)


def test_only_an_explicit_no_passes_by_the_escalation() -> None:
    states = definition("intake")["States"]
    assert states["Screen"]["Catch"] == [
        {
            "ErrorEquals": ["States.ALL"],
            "Output": {
                "session_id": "{% $states.input.session_id %}",
                "code": "{% $states.errorOutput.Error %}",
            },
            "Next": "Escalate",
        }
    ]
    assert states["NeedsHuman"]["Default"] == "Escalate"
