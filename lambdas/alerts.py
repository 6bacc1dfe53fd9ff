"""A site's alerts: stored before anything else, escalated until a human answers, then closed."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from countersign import boards
from countersign.audit.event import of_intake
from countersign.boards import Alert
from countersign.errors import AlertBusy, AlertUnknown
from countersign.intake.escalation import Call, Escalation, call, due
from countersign.intake.rotation import Roster
from lambdas import policies
from lambdas.wiring import Ports

HEARTBEAT = "alert.heartbeat"
_PREFIX = "alert."
_TRIES = 16
_FLOW = "escalation"


@functools.cache
def rules() -> Escalation:
    """How calls follow one another, parsed once per process."""
    return Escalation.from_toml(policies.text("intake/escalation.toml"))


@functools.cache
def roster() -> Roster:
    """Who is called when, parsed once per process."""
    return Roster.from_toml(policies.text("intake/roster.toml"))


def listed(ports: Ports, site: str) -> tuple[Alert, ...]:
    """The site's alerts that nobody has closed and the last closed ones. Needs `records`."""
    return boards.shown(alert for _, alert in _every(ports, site))


def lift(ports: Ports, site: str, code: str, subject: str, part: str = "") -> str:
    """Stores an alert and returns its reference; the same one again changes nothing.

    `part` tells apart alerts of one kind about one subject, such as two savings of one form.
    """
    now = ports.clock.now()
    name = ".".join(filter(None, (subject, code, part))).replace("/", "-")
    alert = Alert(id=name, code=code, subject=subject, at=now)
    _remember(ports, site, _month(now))
    for month in (_month(now), _before(now)):
        if ports.records.facts(_place(site, month), _PREFIX + name) is not None:
            return f"{site}/{month}/{name}"
    document = alert.model_dump(mode="json")
    ports.records.swap_facts(_place(site, _month(now)), _PREFIX + name, None, document)
    return f"{site}/{_month(now)}/{name}"


def escalate(ports: Ports, reference: str, *, anew: bool = False) -> None:
    """Starts the calls about an alert. `anew`: under the next name, as its run has ended.

    Needs `records` and `workflow`. A start that is lost is made up for by the sweep.
    """
    runs = read(ports, reference).runs
    number = runs + 1 if anew else max(runs, 1)
    while not ports.workflow.start(_FLOW, _run(reference, number), reference):
        number += 1
    _change(ports, reference, lambda one: one.model_copy(update={"runs": max(one.runs, number)}))


def _run(reference: str, number: int) -> str:
    """A run's name: no site and no subject in it, and at most 80 characters."""
    return f"{hashlib.sha256(reference.encode()).hexdigest()[:40]}-{number}"


def enter(ports: Ports, reference: str, run: str | None = None) -> None:
    """Writes into the ledger that the alert was raised; once, however often it is called."""
    alert, site = read(ports, reference), reference.split("/", 1)[0]
    part = f"{alert.code}/{alert.id}"
    ports.ledger.append(
        of_intake(alert.subject, site, "alert.raised", alert.at, run, part=part, reason=alert.code)
    )
    _change(ports, reference, lambda one: one.model_copy(update={"entered": True}))


def page(ports: Ports, reference: str) -> dict[str, Any]:
    """Calls whoever is next, unless a human has answered; says how many seconds to wait.

    The call is made before it is stored: a crash in between repeats it and never skips one. A pager
    that fails is answered by the next rung at once.
    """
    for _ in range(rules().one_by_one + 1):
        alert, now = read(ports, reference), ports.clock.now()
        if alert.answered_by is not None:
            return {"answered": True, "seconds": 0}
        if alert.paged_at is not None and not due(alert.paged_at, alert.wait, now):
            left = alert.wait - int((now - alert.paged_at).total_seconds())
            return {"answered": False, "seconds": max(1, left)}
        wait = _call(ports, reference, alert, now)
        if wait:
            return {"answered": False, "seconds": wait}
    return {"answered": False, "seconds": 1}


def _call(ports: Ports, reference: str, alert: Alert, now: datetime) -> int:
    """Makes the next call and stores it; seconds to wait, none when the pager took nothing."""
    site = reference.split("/", 1)[0]
    order, everyone = roster().order(site, now), roster().everyone(site)
    next_call = call(alert.rung, order, everyone, rules())
    if alert.code == HEARTBEAT:
        next_call = Call((f"heartbeat/{site}",), next_call.seconds)
    reached = _tell(ports, next_call.recipients, alert)
    wait = next_call.seconds if reached else 0
    # When even everyone cannot be told, the pager is tried again in a moment and not at once.
    if not reached and alert.rung >= min(len(order), rules().one_by_one):
        wait = min(15, next_call.seconds)
    made: dict[str, object] = {
        "rung": alert.rung + 1,
        "wait": wait,
        "paged_at": now if wait else None,
    }
    if reached and alert.code == HEARTBEAT:
        # The way is proven when the pager has taken it; nobody has to answer a heartbeat.
        made |= {"answered_by": "countersign", "answered_at": now}
        made |= {"closed_by": "countersign", "closed_at": now, "outcome": "heartbeat"}
    _change(ports, reference, lambda one: one.model_copy(update=made))
    return wait


def spent(ports: Ports, reference: str) -> bool:
    """Whether the runs so far have made all the calls that their histories can hold."""
    alert = read(ports, reference)
    return alert.rung >= max(alert.runs, 1) * rules().calls_in_a_run


def answer(ports: Ports, site: str, alert_id: str, by: str) -> None:
    """Somebody deals with it: nobody else is called. Raises `AlertUnknown`."""
    now = ports.clock.now()
    _change(ports, find(ports, site, alert_id), lambda one: boards.answered(one, by, now))


def close(ports: Ports, site: str, alert_id: str, by: str, outcome: str) -> None:
    """A human says what was done. Raises `AlertUnknown`."""
    now = ports.clock.now()
    _change(ports, find(ports, site, alert_id), lambda one: boards.closed(one, by, outcome, now))


def read(ports: Ports, reference: str) -> Alert:
    """The alert as it stands; raises `AlertUnknown`."""
    site, month, name = reference.split("/", 2)
    known = ports.records.facts(_place(site, month), _PREFIX + name)
    if known is None:
        raise AlertUnknown("there is no such alert")
    return Alert.model_validate(known)


def find(ports: Ports, site: str, alert_id: str) -> str:
    """An alert's reference by its id; raises `AlertUnknown`."""
    for month, alert in _every(ports, site):
        if alert.id == alert_id:
            return f"{site}/{month}/{alert.id}"
    raise AlertUnknown("there is no such alert at this site")


def settle(ports: Ports) -> tuple[int, int]:
    """Starts the calls of every unanswered alert that has none; how many waited, how many started.

    Brings the ledger's entry of whatever lacks one. What fails for one alert does not keep the
    others waiting; the first failure is raised at the end, so that somebody is told.
    """
    waited, started, failed = 0, 0, []
    for site in _sites(ports):
        known = list(_every(ports, site))
        for month, alert in known:
            reference = f"{site}/{month}/{alert.id}"
            try:
                if alert.answered_by is None:
                    waited += 1
                    started += _called_again(ports, reference, alert)
            except Exception as error:
                failed.append(error)
            try:
                if not alert.entered and alert.code != HEARTBEAT:
                    enter(ports, reference)
            except Exception as error:
                failed.append(error)
        if not failed:
            _forget(ports, site, known)
    if failed:
        raise failed[0]
    return waited, started


def _called_again(ports: Ports, reference: str, alert: Alert) -> bool:
    if alert.runs and ports.workflow.running(_FLOW, _run(reference, alert.runs)):
        return False
    escalate(ports, reference, anew=bool(alert.runs))
    return True


def beat(ports: Ports, site: str) -> bool:
    """Sends a heartbeat the way an alert goes; False when the last one did not arrive in time."""
    now, place = ports.clock.now(), f"heartbeat-{site}"
    late = timedelta(minutes=rules().heartbeat_minutes)
    before = ports.records.facts(place, "heartbeat")
    silent = before is not None and now - datetime.fromisoformat(str(before["at"])) > late
    # The sweep has had many minutes for the last one; this hour's own is not there yet.
    stuck = any(
        alert.answered_by is None and now - alert.at > timedelta(minutes=10)
        for _, alert in _every(ports, place)
    )
    reference = lift(ports, place, HEARTBEAT, site, f"{now:%Y%m%dT%H%M}")
    ports.records.put_facts(place, "heartbeat", {"at": now.isoformat()})
    escalate(ports, reference)
    return not stuck and not silent


def _tell(ports: Ports, recipients: tuple[str, ...], alert: Alert) -> bool:
    """Whether the pager took the call for at least one of them."""
    return any([_told(ports, recipient, alert) for recipient in recipients])


def _told(ports: Ports, recipient: str, alert: Alert) -> bool:
    try:
        ports.pager.tell(recipient, alert.code, alert.subject)
    except Exception:
        # Whatever a pager's failure is called, the next person is tried.
        return False
    return True


def _change(ports: Ports, reference: str, change: Callable[..., Alert]) -> None:
    site, month, name = reference.split("/", 2)
    for _ in range(_TRIES):
        known = ports.records.facts(_place(site, month), _PREFIX + name)
        if known is None:
            raise AlertUnknown("there is no such alert")
        before = Alert.model_validate(known)
        after = change(before)
        if after == before:
            return
        document = after.model_dump(mode="json")
        if ports.records.swap_facts(_place(site, month), _PREFIX + name, known, document):
            return
    raise AlertBusy("the alert is changed by many at once")


# A month of a site is one partition: no alert ever waits for another, and no item grows. -----


def _place(site: str, month: str) -> str:
    return f"site-{site}-alerts-{month}"


def _month(now: datetime) -> str:
    return f"{now:%Y-%m}"


def _before(now: datetime) -> str:
    return _month(now.replace(day=1) - timedelta(days=1))


def _months(since: str, now: datetime) -> list[str]:
    year, month = int(since[:4]), int(since[5:])
    found = []
    while (name := f"{year:04d}-{month:02d}") <= _month(now):
        found.append(name)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def _every(ports: Ports, site: str) -> Iterator[tuple[str, Alert]]:
    known = ports.records.facts(f"site-{site}", "alerts")
    for month in _months(str(known["since"]), ports.clock.now()) if known else ():
        for document in ports.records.facts_below(_place(site, month), _PREFIX):
            yield month, Alert.model_validate(document)


def _remember(ports: Ports, site: str, month: str) -> None:
    """The site, and the month of its oldest open alert, are known before the alert is stored."""
    if ports.records.facts("every-site", f"alerts.{site}") is None:
        ports.records.swap_facts("every-site", f"alerts.{site}", None, {"site": site})
    if ports.records.facts(f"site-{site}", "alerts") is None:
        ports.records.swap_facts(f"site-{site}", "alerts", None, {"since": month})


def _sites(ports: Ports) -> tuple[str, ...]:
    found = ports.records.facts_below("every-site", "alerts.")
    return tuple(str(one["site"]) for one in found)


def _forget(ports: Ports, site: str, alerts: list[tuple[str, Alert]]) -> None:
    """Months before the last whose alerts are all closed are read no more."""
    known = ports.records.facts(f"site-{site}", "alerts")
    if known is None:
        return
    last = _before(ports.clock.now())
    still = [month for month, alert in alerts if alert.closed_by is None]
    since = min((last, *still))
    if since > str(known["since"]):
        ports.records.swap_facts(f"site-{site}", "alerts", known, {"since": since})
