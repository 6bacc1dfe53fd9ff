"""What a clinician does with the own voice: enrol it, see that it is enrolled, delete it."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.access import Action
from countersign.enrolment import pseudo_session
from countersign.errors import ConsentMissing
from countersign.ports import Person, UploadTicket
from lambdas import enrolment
from lambdas.portal import gate
from lambdas.wiring import Ports


@dataclass(frozen=True)
class Standing:
    """Whether a voice is enrolled and since when; whether one is on its way, or why it failed."""

    enrolled: bool
    since: str | None
    waiting: bool
    failure: str | None


def standing(ports: Ports, person: Person) -> Standing:
    """How it stands with the person's own voice; never the print itself."""
    live = enrolment.numbers(ports, person.id)
    number = enrolment.current(ports, person.id)
    outcomes = [ports.records.facts(pseudo_session(person.id, n), enrolment.OUTCOME) for n in live]
    newest = outcomes[-1] if outcomes else None
    used = outcomes[live.index(number)] if number is not None else None
    failure = newest.get("failed") if newest else None
    return Standing(
        enrolled=used is not None,
        since=str(used["since"]) if used else None,
        waiting=bool(live) and newest is None,
        failure=None if failure is None else str(failure),
    )


def allow_upload(ports: Ports, person: Person, content_type: str, consent: bool) -> UploadTicket:
    """Where to send the recording, once; raises `ConsentMissing` without the person's agreement.

    An enrolment in use stays in use until a better one has arrived.
    """
    allowed = gate.require(ports, person, Action.ENROL_VOICE, person)
    if not consent:
        raise ConsentMissing(
            "a voice print is made only with your agreement",
            hint="Read the text about voice prints and agree to it, or leave it.",
        )
    used = enrolment.current(ports, person.id)
    last = enrolment.pointer(ports, person.id).get("last")
    number = (last if isinstance(last, int) else 0) + 1
    session_id = pseudo_session(person.id, number)
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "voice.upload_allowed",
            person,
            part=str(number),
            repeatable=True,
            rules=allowed,
            counts={"enrolment": number},
            hashes={"consent": enrolment.rules().consent_digest},
        )
    )
    _point(ports, person, number, [n for n in (used, number) if n is not None])
    ticket: UploadTicket = ports.audio.ticket(session_id, 0, content_type)
    return ticket


def delete(ports: Ports, person: Person) -> int:
    """Destroys the key of every print of the person's, and erases what is on its way; how many."""
    allowed = gate.require(ports, person, Action.DELETE_VOICE, person)
    live = enrolment.numbers(ports, person.id)
    if not live:
        return 0
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "voice.deleted",
            person,
            repeatable=True,
            rules=allowed,
            counts={"enrolments": len(live)},
        )
    )
    for number in live:
        ports.vault.shred(pseudo_session(person.id, number))
    _point(ports, person, live[-1], [])
    for number in live:
        enrolment.erase(pseudo_session(person.id, number), "voice-deleted", ports)
    return len(live)


def _point(ports: Ports, person: Person, last: int, live: list[int]) -> None:
    facts: dict[str, object] = {"last": last, "numbers": live, "site": person.site}
    ports.records.put_facts(f"voice-{person.id}", enrolment.POINTER, facts)
