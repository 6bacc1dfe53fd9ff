"""The boards: alerts, audit, quality, usage. Tables of what is there; ids, codes and counts."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from countersign import boards
from countersign.access import Action, Site
from countersign.audit.event import Event, read_event
from countersign.erasure import AudioLimit
from countersign.errors import BadRequest, PatientUnknown
from countersign.ports import Person
from countersign.session import Session, State
from lambdas import alerts, policies, recording
from lambdas.portal import addenda, gate
from lambdas.portal.pages import ask, form, page, redirect
from lambdas.portal.recorder import agreements
from lambdas.portal.visitor import Visitor
from lambdas.wiring import Ports

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]
# What one search looks through: about a month of a busy site. Older entries: `audit export`.
_SEARCHED = 20_000
_SHOWN = 200
_DAYS = 31


@router.get("/boards/alerts")
def show_alerts() -> Response[Any]:
    ports, visitor = ask()
    _allowed(ports, visitor.person, Action.ANSWER_ALERTS)
    return _alerts_page("alerts.html", ports, visitor)


@router.get("/boards/alerts/list")
def show_list() -> Response[Any]:
    """The list alone, which the page asks for again and again."""
    ports, visitor = ask()
    _allowed(ports, visitor.person, Action.ANSWER_ALERTS)
    return _alerts_page("alerts_list.html", ports, visitor)


@router.post("/boards/alerts")
def answer_alert() -> Response[Any]:
    ports, visitor = ask()
    person, alert_id = visitor.person, form(router.current_event, "alert")
    rules = _allowed(ports, person, Action.ANSWER_ALERTS)
    known = next((one for one in alerts.listed(ports, person.site) if one.id == alert_id), None)
    if known is None:
        raise BadRequest("alert: there is no such alert any more")
    if known.answered_by is None:
        ports.ledger.append(
            gate.act_of(
                ports,
                person,
                "alert.answered",
                Site(person.site),
                part=known.id,
                repeatable=True,
                rules=rules,
                reason=known.code,
                counts={"seconds": int((ports.clock.now() - known.at).total_seconds())},
            )
        )
        alerts.answer(ports, person.site, alert_id, person.id)
    return redirect("/boards/alerts")


@router.post("/boards/alerts/close")
def close_alert() -> Response[Any]:
    """A human says what was done with an alert; nothing else ever closes one."""
    ports, visitor = ask()
    person, alert_id = visitor.person, form(router.current_event, "alert")
    outcome = form(router.current_event, "outcome")
    rules = _allowed(ports, person, Action.ANSWER_ALERTS)
    known = alerts.read(ports, alerts.find(ports, person.site, alert_id))
    if outcome not in alerts.rules().outcomes:
        raise BadRequest("outcome: say what was done")
    if known.closed_by is None:
        ports.ledger.append(
            gate.act_of(
                ports,
                person,
                "alert.closed",
                Site(person.site),
                part=known.id,
                repeatable=True,
                rules=rules,
                reason=outcome,
                counts={"seconds": int((ports.clock.now() - known.at).total_seconds())},
            )
        )
        alerts.close(ports, person.site, alert_id, person.id, outcome)
    return redirect("/boards/alerts")


@router.get("/boards/audit")
def audit() -> Response[Any]:
    ports, visitor = ask()
    _allowed(ports, visitor.person, Action.READ_AUDIT)
    return page("audit.html", visitor, searched=_SEARCHED, found=None, proof=None, patient=None)


@router.post("/boards/audit")
def search_audit() -> Response[Any]:
    """Searches, proves, or says what exists of a patient. Ids are sent, and stand in no address."""
    ports, visitor = ask()
    rules = _allowed(ports, visitor.person, Action.READ_AUDIT)
    event, act = router.current_event, form(router.current_event, "act")
    shown: dict[str, Any] = {"searched": _SEARCHED, "found": None, "proof": None, "patient": None}
    limit = AudioLimit.from_toml(policies.text("retention.toml")).hard_limit
    shown["hard_limit"] = round(limit.total_seconds() / 60)
    if act == "search":
        wanted = {name: form(event, name).strip() for name in ("subject", "actor", "what")}
        shown["found"] = _found(ports, **wanted)
        shown["wanted"] = wanted
    elif act == "prove":
        shown["proof"] = ports.ledger.prove(form(event, "event").strip())
    elif act == "patient":
        shown["patient"] = _of_patient(ports, visitor.person, form(event, "patient").strip())
    else:
        raise BadRequest("act: say search, prove or patient")
    ports.ledger.append(
        gate.act_of(
            ports,
            visitor.person,
            f"audit.{act}",
            Site(visitor.person.site),
            part=visitor.person.id,
            repeatable=True,
            rules=rules,
        )
    )
    return page("audit.html", visitor, **shown)


@router.get("/boards/quality")
def quality() -> Response[Any]:
    ports, visitor = ask()
    _allowed(ports, visitor.person, Action.READ_QUALITY)
    site = visitor.person.site
    rows = boards.reviews(_events(ports))
    names = {row.clinician: ports.records.person(row.clinician) for row in rows}
    late = _sessions(ports, site, State.LOCKED)
    return page("quality.html", visitor, rows=rows, names=names, late=late)


@router.get("/boards/usage")
def usage() -> Response[Any]:
    ports, visitor = ask()
    _allowed(ports, visitor.person, Action.READ_USAGE)
    known = _sessions(ports, visitor.person.site)
    recorded = sum(each.seconds for one in known for each in ports.records.segments(one.id))
    return page(
        "usage.html",
        visitor,
        states_counted=boards.by_state(known),
        days=boards.by_day(known, _DAYS),
        hours=recorded / 3600,
        sessions=len(known),
    )


def _allowed(ports: Ports, person: Person, action: Action) -> tuple[str, ...]:
    return gate.require(ports, person, action, Site(person.site))


def _alerts_page(template: str, ports: Ports, visitor: Visitor) -> Response[Any]:
    outcomes = alerts.rules().outcomes
    return page(template, visitor, alerts=_alerts(ports, visitor.person), outcomes=outcomes)


def _alerts(ports: Ports, person: Person) -> dict[str, tuple[boards.Alert, ...]]:
    known = alerts.listed(ports, person.site)
    return {
        "open": tuple(one for one in known if one.answered_by is None),
        "in_hand": tuple(one for one in known if one.answered_by and one.closed_by is None),
        "closed": tuple(reversed([one for one in known if one.closed_by is not None])),
    }


def _events(ports: Ports) -> list[Event]:
    return [read_event(leaf) for _, leaf in ports.ledger.newest(_SEARCHED)]


def _found(ports: Ports, subject: str, actor: str, what: str) -> list[tuple[int, Event]]:
    """The newest entries that are about, by and of what was asked for; empty asks for all."""
    known = ((index, read_event(leaf)) for index, leaf in ports.ledger.newest(_SEARCHED))
    matching = (
        (index, event)
        for index, event in known
        if subject in ("", event.subject)
        and actor in ("", event.actor)
        and event.act.startswith(what)
    )
    return [one for one, _ in zip(matching, range(_SHOWN), strict=False)]


def _sessions(ports: Ports, site: str, *states: State) -> list[Session]:
    known = ports.records.sessions(states=states or tuple(State))
    return [one for one in known if one.site == site]


def _of_patient(ports: Ports, person: Person, patient_id: str) -> dict[str, Any]:
    """What exists of a patient, where, until when: ids, states and counts, no name and no word."""
    known = ports.records.patient(patient_id)
    if known is None or known.site != person.site:
        raise PatientUnknown("no such patient is registered at this site")
    held = [one for one in _sessions(ports, person.site) if one.patient_id == patient_id]
    return {
        "id": patient_id,
        "agreements": agreements(ports, patient_id),
        "clinicians": known.clinician_ids,
        "sessions": [
            {
                "session": one,
                "audio": len(ports.audio.listing(one.id)),
                "signature": ports.records.signature(one.id),
                "addenda": len(addenda.listed(ports, one.id)),
                "delivery": ports.records.facts(one.id, "delivery"),
                "stopped": recording.stopped(one.id, ports),
                "emergencies": gate.grants(ports, one.id),
            }
            for one in sorted(held, key=lambda one: one.registered_at, reverse=True)
        ],
    }
