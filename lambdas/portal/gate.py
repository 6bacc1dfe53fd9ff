"""Every act in the portal passes here: the rules decide, and the ledger says by which of them."""

from __future__ import annotations

import functools

from pydantic import TypeAdapter

from countersign.access import Access, Action, Resource, SessionOf
from countersign.audit.event import Event
from countersign.emergency import Grant, opened_to
from countersign.errors import AccessDenied, PatientUnknown
from countersign.ports import Patient, Person
from countersign.session import Session
from lambdas import policies
from lambdas.wiring import Ports

GLASS = "glass"
_GRANTS = TypeAdapter(tuple[Grant, ...])


@functools.cache
def rules() -> Access:
    """The site's access rules, parsed once per process."""
    return Access(policies.text("access/rules.cedar"), policies.text("access/schema.cedarschema"))


def session_of(ports: Ports, session_id: str) -> SessionOf:
    """The session with its patient; raises `SessionUnknown` or `PatientUnknown`."""
    session: Session = ports.records.session(session_id)
    opened = opened_to(grants(ports, session_id), ports.clock.now())
    return SessionOf(session, patient(ports, session.patient_id), opened)


def grants(ports: Ports, session_id: str) -> tuple[Grant, ...]:
    """Everybody's readings of this session in emergencies, those that are over too."""
    known = ports.records.facts(session_id, GLASS)
    return () if known is None else _GRANTS.validate_python(known["grants"])


def patient(ports: Ports, patient_id: str) -> Patient:
    """The patient's record; raises `PatientUnknown`."""
    known: Patient | None = ports.records.patient(patient_id)
    if known is None:
        raise PatientUnknown("no such patient is registered")
    return known


def may(person: Person, action: Action, resource: Resource) -> bool:
    """Whether the rules allow it, without leaving a trace: for what a page offers, not for acts."""
    return rules().decide(person, action, resource).allowed


def require(ports: Ports, person: Person, action: Action, resource: Resource) -> tuple[str, ...]:
    """The rules that allow the act; raises `AccessDenied`, and enters the refusal in the ledger."""
    decision = rules().decide(person, action, resource)
    if not decision.allowed:
        ports.ledger.append(
            act_of(
                ports,
                person,
                "access.refused",
                resource,
                part=f"{action}/{person.id}",
                repeatable=True,
                rules=decision.policy_ids,
                reason=str(action),
            )
        )
        raise AccessDenied(f"{action} is not allowed to you here")
    return decision.policy_ids


def act_of(
    ports: Ports,
    person: Person,
    act: str,
    resource: Resource,
    *,
    part: str = "",
    repeatable: bool = False,
    rules: tuple[str, ...] = (),
    hashes: dict[str, str] | None = None,
    counts: dict[str, int] | None = None,
    reason: str | None = None,
) -> Event:
    """The ledger's entry for something a person did.

    A `repeatable` act, such as reading, is entered every time; any other once per `part`.
    """
    now = ports.clock.now()
    subject = resource.session.id if isinstance(resource, SessionOf) else resource.id
    site = resource.session.site if isinstance(resource, SessionOf) else resource.site
    moment = now.isoformat() if repeatable else ""
    return Event(
        id="/".join(filter(None, (subject, act, part, moment))),
        at=now,
        site=site,
        actor=person.id,
        role=",".join(person.roles),
        act=act,
        subject=subject,
        policies=rules,
        hashes=hashes or {},
        counts=counts or {},
        reason=reason,
    )


def signed_in(ports: Ports, person_id: str) -> None:
    """Enters a sign-in; somebody whom no site knows can do nothing and leaves no entry."""
    person: Person | None = ports.records.person(person_id)
    if person is None:
        return
    now = ports.clock.now()
    ports.ledger.append(
        Event(
            id=f"{person.id}/signed-in/{now.isoformat()}",
            at=now,
            site=person.site,
            actor=person.id,
            role=",".join(person.roles),
            act="person.signed_in",
            subject=person.id,
        )
    )
