"""An alert reaches a human whatever breaks: one after the other, then everyone, until answered."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.errors import AlertUnknown, LedgerUnavailable, PathBroken
from countersign.intake.escalation import call
from lambdas import alerts
from lambdas.escalation.page import handler as page
from lambdas.intake.escalate import handler as escalate
from lambdas.oversight.beat import handler as beat
from lambdas.oversight.settle_alerts import handler as settle
from lambdas.wiring import Ports, StepFault
from tests import fakes
from tests.machine import definition, machine

SITE = "main"
SUBJECT = "i-1"


class Runs(fakes.FakeWorkflow):
    """Step Functions as far as alerts need it: named runs that walk the workflow's own file."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: Ports | None = None
        self.live: dict[str, tuple[str, datetime]] = {}
        self.names: set[str] = set()
        self.lose = lambda: False
        self.broken = lambda: False

    def start(self, flow: str, name: str, subject: str) -> bool:
        if self.broken():
            raise ConnectionError("a closed socket")
        if name in self.names:
            return name in self.live
        if self.lose():
            return True
        self.names.add(name)
        assert self.ports is not None
        self.live[name] = (subject, self.ports.clock.now())
        return True

    def running(self, flow: str, name: str) -> bool:
        return name in self.live

    def go(self) -> None:
        """Every run whose time has come makes its next steps, as the file says."""
        assert self.ports is not None
        for name, (subject, due) in list(self.live.items()):
            if due > self.ports.clock.now():
                continue
            try:
                told = page({"session_id": subject}, None, ports=self.ports)
            except StepFault:
                del self.live[name]
                continue
            if told["answered"] or told["spent"]:
                del self.live[name]
            else:
                later = self.ports.clock.now() + timedelta(seconds=told["seconds"])
                self.live[name] = (subject, later)


class Pager(fakes.FakePager):
    """A pager that is dead when `dead()` says so."""

    def __init__(self) -> None:
        super().__init__()
        self.dead = lambda: False

    def tell(self, recipient: str, code: str, subject: str) -> None:
        if self.dead():
            raise ConnectionError("no answer")
        super().tell(recipient, code, subject)


def site() -> Ports:
    runs = Runs()
    ports = fakes.ports(workflow=runs, pager=Pager())
    runs.ports = ports
    return ports


def raised(ports: Ports, subject: str = SUBJECT) -> str:
    reference = alerts.lift(ports, SITE, "intake.crisis", subject)
    alerts.escalate(ports, reference)
    return reference


def live(ports: Ports, seconds: int, step: int = 5) -> None:
    for _ in range(seconds // step):
        ports.clock.forward(seconds=step)
        ports.workflow.go()


def called(ports: Ports) -> list[str]:
    return [recipient for recipient, _, _ in ports.pager.told]


def test_one_after_the_other_then_everyone_until_somebody_answers() -> None:
    ports = site()
    ports.clock.time = datetime(2026, 11, 2, 17, 0, tzinfo=UTC)  # noon of a Monday in New York
    reference = raised(ports)
    ports.workflow.go()
    assert called(ports) == ["on-duty/main"]
    live(ports, 115)
    assert called(ports) == ["on-duty/main"]
    live(ports, 5)
    first = called(ports)[1]
    assert first.startswith("on-call/main/")
    live(ports, 240)
    assert set(called(ports)[3:]) == {
        "on-duty/main", "on-call/main/first", "on-call/main/second", "everyone/main"
    }  # fmt: skip
    before = len(called(ports))
    live(ports, 120)
    assert len(called(ports)) == before + 4
    alerts.answer(ports, SITE, reference.split("/")[-1], "p-1")
    live(ports, 600)
    assert len(called(ports)) == before + 4
    assert not ports.workflow.live


def test_whoever_answers_the_first_call_is_the_last_one_called() -> None:
    ports = site()
    reference = raised(ports)
    ports.workflow.go()
    alerts.answer(ports, SITE, reference.split("/")[-1], "p-1")
    live(ports, 600)
    assert len(ports.pager.told) == 1


def test_a_dead_pager_is_tried_again_and_again_and_never_waits_two_minutes() -> None:
    ports = site()
    ports.pager.dead = lambda: True
    raised(ports)
    ports.workflow.go()
    live(ports, 60)
    ports.pager.dead = lambda: False
    live(ports, 20)
    assert "everyone/main" in called(ports)


def test_a_person_whose_pager_fails_costs_no_waiting() -> None:
    ports = site()
    fails = iter([True, False])
    ports.pager.dead = lambda: next(fails, False)
    raised(ports)
    ports.workflow.go()
    assert len(called(ports)) == 1, "the second was called in the same step"


def test_a_lost_start_is_made_up_for_by_the_sweep() -> None:
    ports = site()
    ports.workflow.lose = lambda: True
    raised(ports)
    assert ports.workflow.live == {}
    ports.workflow.lose = lambda: False
    assert settle({}, None, ports=ports) == {"waiting": 1, "started": 1}
    ports.workflow.go()
    assert len(ports.pager.told) == 1
    assert settle({}, None, ports=ports) == {"waiting": 1, "started": 0}


def test_a_run_that_was_lost_goes_on_where_it_stood_and_not_from_the_start() -> None:
    ports = site()
    raised(ports)
    ports.workflow.go()
    live(ports, 130)
    assert len(called(ports)) == 2
    ports.workflow.live.clear()
    settle({}, None, ports=ports)
    ports.workflow.go()
    assert len(called(ports)) == 2, "nobody is called twice for a restart"
    live(ports, 125)
    assert len(called(ports)) > 2


def test_a_run_that_called_as_often_as_it_may_is_followed_by_another() -> None:
    ports = site()
    reference = raised(ports)
    live(ports, 120 * (alerts.rules().calls_in_a_run + 2), step=60)
    assert ports.workflow.live == {}
    settle({}, None, ports=ports)
    before = len(called(ports))
    live(ports, 240)
    assert len(called(ports)) > before
    assert alerts.read(ports, reference).runs == 2


def test_the_same_delivery_twice_is_one_alert_and_one_run() -> None:
    ports = site()
    ports.records.put_facts(SUBJECT, "intake", {"site": SITE})
    for _ in range(3):
        escalate({"session_id": SUBJECT, "run": "r", "code": "Lost"}, None, ports=ports)
    assert len(alerts.listed(ports, SITE)) == 1
    assert len(ports.workflow.live) == 1
    assert ports.ledger.acts().count("alert.raised") == 1


def test_the_alert_stands_before_the_ledger_and_the_sweep_brings_its_entry() -> None:
    ports = site()
    ports.records.put_facts(SUBJECT, "intake", {"site": SITE})
    ports.ledger.down = True
    with pytest.raises(LedgerUnavailable):
        escalate({"session_id": SUBJECT, "run": "r", "code": "Lost"}, None, ports=ports)
    assert len(alerts.listed(ports, SITE)) == 1 and ports.workflow.live
    with pytest.raises(LedgerUnavailable):
        settle({}, None, ports=ports)
    ports.ledger.down = False
    settle({}, None, ports=ports)
    assert ports.ledger.acts() == ["alert.raised"]


def test_one_alert_that_cannot_be_settled_holds_no_other_up() -> None:
    ports = site()
    raised(ports, "i-1")
    raised(ports, "i-2")
    ports.workflow.live.clear()
    breaks = iter([True])
    ports.workflow.broken = lambda: next(breaks, False)
    with pytest.raises(StepFault):
        settle({}, None, ports=ports)
    assert len(ports.workflow.live) == 1


def test_an_old_alert_stays_on_the_board_over_months_until_a_human_closes_it() -> None:
    ports = site()
    reference = raised(ports)
    name = reference.split("/")[-1]
    for _ in range(4):
        ports.clock.forward(days=31)
        settle({}, None, ports=ports)
        assert [one.id for one in alerts.listed(ports, SITE)] == [name]
    alerts.answer(ports, SITE, name, "p-1")
    settle({}, None, ports=ports)
    assert alerts.listed(ports, SITE)[0].closed_by is None, "an answer closes nothing"
    alerts.close(ports, SITE, name, "p-2", "spoke")
    settle({}, None, ports=ports)
    assert alerts.listed(ports, SITE) == ()


def test_the_first_answer_and_the_first_closing_stay() -> None:
    ports = site()
    name = raised(ports).split("/")[-1]
    alerts.answer(ports, SITE, name, "p-1")
    alerts.answer(ports, SITE, name, "p-2")
    alerts.close(ports, SITE, name, "p-3", "spoke")
    alerts.close(ports, SITE, name, "p-4", "services")
    (one,) = alerts.listed(ports, SITE)
    assert (one.answered_by, one.closed_by, one.outcome) == ("p-1", "p-3", "spoke")
    with pytest.raises(AlertUnknown):
        alerts.answer(ports, SITE, "no-such", "p-1")


def test_a_heartbeat_goes_the_whole_way_each_hour_and_bothers_nobody() -> None:
    ports = site()
    for _ in range(5):
        beat({}, None, ports=ports)
        ports.workflow.go()
        live(ports, 3600, step=600)
    assert set(called(ports)) == {"heartbeat/heartbeat-main"}
    assert len(called(ports)) == 5
    assert alerts.listed(ports, SITE) == ()


@pytest.mark.parametrize("broken", ["pager", "workflow"])
def test_a_heartbeat_that_does_not_arrive_is_an_alarm(broken: str) -> None:
    ports = site()
    if broken == "pager":
        ports.pager.dead = lambda: True
    else:
        ports.workflow.lose = lambda: True
    beat({}, None, ports=ports)
    live(ports, 3600, step=600)
    ports.pager.dead = lambda: False
    ports.workflow.live.clear()
    with pytest.raises(PathBroken):
        beat({}, None, ports=ports)
    assert ("everyone/main", "alert.path-broken", "main") in ports.pager.told


def test_hours_without_any_heartbeat_are_an_alarm_too() -> None:
    ports = site()
    beat({}, None, ports=ports)
    ports.workflow.go()
    ports.clock.forward(hours=3)
    with pytest.raises(PathBroken):
        beat({}, None, ports=ports)


# The bar: 1,000 alerts under seeded failures ------------------------------------------------


class Flaky:
    """A port whose calls sometimes fail before, and sometimes after, they had their effect."""

    def __init__(self, inner: Any, dice: random.Random, rate: float) -> None:
        self._inner, self._dice, self.rate = inner, dice, rate

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if not callable(inner):
            return inner

        def asked(*given: Any, **named: Any) -> Any:
            roll = self._dice.random()
            if roll < self.rate / 2:
                raise ConnectionError("closed before the request")
            result = inner(*given, **named)
            if roll < self.rate:
                raise ConnectionError("closed before the answer")
            return result

        return asked


def delivered(event: dict[str, Any], ports: Ports) -> bool:
    try:
        escalate(event, None, ports=ports)
    except StepFault:
        return False
    return True


def swept(ports: Ports) -> bool:
    try:
        settle({}, None, ports=ports)
    except StepFault:
        return False
    return True


@pytest.mark.parametrize("seed", [8])
def test_of_a_thousand_alerts_under_failures_none_is_lost(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same failures each time
    runs, pager, clock = Runs(), Pager(), fakes.FakeClock()
    records, ledger = fakes.FakeRecords(), fakes.FakeLedger()
    shaky = [Flaky(one, dice, 0.05) for one in (records, ledger)]
    ports = fakes.ports(workflow=runs, pager=pager, clock=clock, records=shaky[0], ledger=shaky[1])
    runs.ports = ports
    outage = {"pager": False}
    runs.lose = lambda: dice.random() < 0.2
    runs.broken = lambda: dice.random() < 0.05
    pager.dead = lambda: outage["pager"] or dice.random() < 0.1
    subjects = [f"i-{number}" for number in range(1000)]
    for number, subject in enumerate(subjects):
        records.put_facts(subject, "intake", {"site": SITE})
        # A delivery is repeated until it succeeds, as `Retry` does, and sometimes once more.
        event = {"session_id": subject, "run": subject, "code": "Lost"}
        for _ in range(200):
            if delivered(event, ports) and dice.random() < 0.7:
                break
        clock.forward(seconds=1)
        outage["pager"] = 300 < number < 500
        if number % 200 == 150:
            runs.live.clear()
        if number % 10 == 0:
            runs.go()
        if number % 60 == 0:
            swept(ports)
    answered = set()
    for _ in range(150):
        clock.forward(seconds=40)
        runs.go()
        if dice.random() < 0.25:
            swept(ports)
        reached = {subject for _, _, subject in pager.told}
        if dice.random() < 0.25:
            for subject in dice.sample(sorted(reached), min(20, len(reached))):
                alerts.answer(
                    fakes.ports(records=records, clock=clock),
                    SITE,
                    f"{subject}.intake.unscreened",
                    "p-1",
                )
                answered.add(subject)
    shaky[0].rate = shaky[1].rate = 0.0
    known = alerts.listed(ports, SITE)
    assert len(known) == len({one.id for one in known}) == 1000, "each is on the board, once"
    assert {subject for _, _, subject in pager.told} == set(subjects), "about each somebody knows"
    assert {one.subject for one in known if one.answered_by} == answered
    everyone = {subject for who, _, subject in pager.told if who == "everyone/main"}
    assert answered | everyone == set(subjects), "each was answered or everyone was called"
    runs.broken = runs.lose = lambda: False
    assert swept(ports)
    entered = [e.subject for e in ledger.events if e.act == "alert.raised"]
    assert sorted(entered) == sorted(subjects), "each is in the ledger, once"


# The workflow's file ------------------------------------------------------------------------


def test_an_answered_alert_ends_the_run_of_the_file_itself() -> None:
    ports = fakes.ports()
    reference = alerts.lift(ports, SITE, "intake.crisis", SUBJECT)
    alerts.answer(ports, SITE, reference.split("/")[-1], "p-1")
    with machine("escalation", ports) as flow:
        flow.workflow.start("escalation", "one", reference)
        assert flow.finished("one") == "SUCCEEDED"
    assert ports.pager.told == []


def test_the_file_waits_after_a_call_and_calls_again() -> None:
    ports = fakes.ports()
    reference = alerts.lift(ports, SITE, "intake.crisis", SUBJECT)
    dead = iter([True] * 20)

    class Dying(fakes.FakePager):
        def tell(self, recipient: str, code: str, subject: str) -> None:
            super().tell(recipient, code, subject)
            # The moment the first call is out, somebody answers: the wait must end in success.
            alerts.answer(ports, SITE, f"{SUBJECT}.{code}", "p-1")
            ports.clock.forward(seconds=119)
            next(dead)

    ports.connected["pager"] = Dying()
    with machine("escalation", ports) as flow:
        flow.workflow.start("escalation", "one", reference)
        flow.until(lambda: ports.pager.told)
        assert flow.status("one") == "RUNNING"
    assert len(ports.pager.told) == 1


def test_an_alert_that_is_not_there_ends_as_a_failure_that_is_seen() -> None:
    with machine("escalation", fakes.ports()) as flow:
        flow.workflow.start("escalation", "one", "main/2026-11/none")
        assert flow.finished("one") == "FAILED"


def test_nothing_but_a_humans_answer_or_a_seen_failure_ends_the_calls() -> None:
    states = definition("escalation")["States"]
    ends = {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")}
    assert ends == {"InHumanHands", "Unanswered", "Uncalled"}
    assert states["Answered"]["Default"] == "Wait" and states["Wait"]["Next"] == "Page"
    assert [choice["Next"] for choice in states["Answered"]["Choices"]] == [
        "InHumanHands",
        "Unanswered",
    ]
    assert "TimeoutSeconds" not in definition("escalation"), json.dumps(states)[:80]


@given(st.integers(0, 2000), st.lists(st.text(min_size=1), max_size=6, unique=True))
def test_every_call_reaches_for_somebody_and_waits_a_bounded_time(
    rung: int, order: list[str]
) -> None:
    made = call(rung, order, ("everyone",), alerts.rules())
    assert made.recipients
    assert 0 < made.seconds <= 120
