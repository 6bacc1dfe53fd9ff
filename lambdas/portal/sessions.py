"""What people do before there is a draft: consents, sessions, upload tickets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from countersign.access import Action, SessionOf
from countersign.audit.event import Event
from countersign.consent import SESSION_PURPOSES, Consent, Purpose
from countersign.errors import (
    BadRequest,
    ConsentMissing,
    IllegalMove,
    ParticipantsUnconsented,
    RecordingEnded,
    TemplateUnknown,
    UploadRepeated,
)
from countersign.ports import Patient, Person, UploadTicket
from countersign.segments import Ended, Progress, Stage
from countersign.session import Session, State
from lambdas import policies, recording
from lambdas.portal import gate
from lambdas.wiring import Ports

_PRESENT = "present"


def record_consents(
    ports: Ports, person: Person, patient_id: str, purposes: tuple[Purpose, ...], days: int
) -> tuple[Consent, ...]:
    """Stores one consent per purpose, each running for `days` from now."""
    patient = gate.patient(ports, patient_id)
    rules = gate.require(ports, person, Action.RECORD_CONSENT, patient)
    now = ports.clock.now()
    given = tuple(
        Consent(
            id=f"c-{secrets.token_hex(8)}",
            patient_id=patient.id,
            purpose=purpose,
            granted_at=now,
            expires_at=now + timedelta(days=days),
            recorded_by=person.id,
        )
        for purpose in purposes
    )
    for consent in given:
        ports.ledger.append(
            gate.act_of(
                ports,
                person,
                "consent.recorded",
                patient,
                part=consent.id,
                rules=rules,
                reason=str(consent.purpose),
                counts={"days": days},
            )
        )
        ports.records.add_consent(consent)
    return given


def revoke_consent(ports: Ports, person: Person, patient_id: str, purpose: Purpose) -> None:
    """Withdraws every consent for `purpose`; harmless when there is none.

    What is being recorded of the patient at this moment is stopped and erased.
    """
    patient = gate.patient(ports, patient_id)
    rules = gate.require(ports, person, Action.REVOKE_CONSENT, patient)
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "consent.revoked",
            patient,
            part=str(purpose),
            repeatable=True,
            rules=rules,
            reason=str(purpose),
        )
    )
    ports.records.revoke_consent(patient.id, purpose, ports.clock.now())
    if purpose in SESSION_PURPOSES:
        for session in ports.records.sessions(states=(State.RECEIVED,)):
            if session.patient_id == patient.id:
                recording.stop(session, "ConsentRevoked", ports)


def register(ports: Ports, person: Person, patient_id: str, template: str) -> Session:
    """A new session with this patient, held by `person`; raises `TemplateUnknown`."""
    patient = gate.patient(ports, patient_id)
    rules = gate.require(ports, person, Action.REGISTER_SESSION, patient)
    if template not in policies.folder("templates"):
        raise TemplateUnknown("template: there is no such template")
    session = Session(
        id=f"s-{secrets.token_hex(8)}",
        site=patient.site,
        patient_id=patient.id,
        clinician_id=person.id,
        template=template,
        registered_at=ports.clock.now(),
    )
    resource = SessionOf(session, patient)
    ports.ledger.append(gate.act_of(ports, person, "session.registered", resource, rules=rules))
    ports.records.add_session(session)
    return session


def own_patients(ports: Ports, person: Person) -> tuple[Patient, ...]:
    """The patients with whom `person` may open a session, in the order of their ids."""
    known = ports.records.patients(clinician_id=person.id)
    allowed = (p for p in known if gate.may(person, Action.REGISTER_SESSION, p))
    return tuple(sorted(allowed, key=lambda patient: patient.id))


def recordable(ports: Ports, person: Person, resource: SessionOf) -> bool:
    """Whether `person` may go on recording this session now, consents aside."""
    return (
        resource.session.state in recording.OPEN
        and ports.records.ended(resource.session.id) is None
        and recording.stopped(resource.session.id, ports) is None
        and gate.may(person, Action.UPLOAD_AUDIO, resource)
    )


@dataclass(frozen=True)
class Piece:
    """What a recorder says of a segment before it sends it; times in seconds of the session."""

    segment: int = 0
    content_type: str = "audio/wav"
    starts_at: float = 0.0
    seconds: float = 0.0


def allow_upload(ports: Ports, person: Person, session_id: str, piece: Piece) -> UploadTicket:
    """Where to send one segment; both consents must cover this moment.

    Raises `ConsentMissing`, `ConsentExpired`, `ConsentRevoked`, or `ParticipantsUnconsented` for
    what begins while more people are in the room than have agreed; `IllegalMove` for a session that
    takes no more audio, `RecordingEnded` for a segment beyond its end, `UploadRepeated` for one
    that has arrived. Every answer is in the ledger.
    """
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.UPLOAD_AUDIO, resource)
    _require_place(piece)
    _require_open(ports, resource.session)
    ended: Ended | None = ports.records.ended(session_id)
    if ended is not None and piece.segment >= ended.segments:
        raise RecordingEnded(f"the recording ended with {ended.segments} segments")
    held: Progress | None = ports.records.segment(session_id, piece.segment)
    if held is not None and held.stage is not Stage.ALLOWED:
        raise UploadRepeated(f"segment {piece.segment} was received")
    now = ports.clock.now()

    def entry(act: str, reason: str | None = None) -> Event:
        return gate.act_of(
            ports,
            person,
            act,
            resource,
            part=f"{piece.segment:05d}",
            repeatable=True,
            rules=rules,
            counts={"segment": piece.segment},
            reason=reason,
        )

    try:
        recording.require_consent(resource.session, now, ports)
        _require_covered(ports, session_id, piece)
    except ConsentMissing as refusal:
        ports.ledger.append(entry("upload.refused", refusal.code))
        raise
    ports.ledger.append(entry("upload.allowed"))
    first = Progress(index=piece.segment, at=now, version=0)
    allowed = (held or first).then(starts_at=piece.starts_at, seconds=piece.seconds, at=now)
    if not ports.records.put_segment(session_id, allowed):
        raise UploadRepeated(f"segment {piece.segment} is being sent by somebody else")
    ticket: UploadTicket = ports.audio.ticket(session_id, piece.segment, piece.content_type)
    return ticket


@dataclass(frozen=True)
class Presence:
    """How many people are in the room, the clinician included, and how many of them may be heard.

    `since`: from which second of the recording on.
    """

    people: int
    consented: int
    since: float = 0.0

    @property
    def covered(self) -> bool:
        return self.people <= self.consented


def consented(ports: Ports, session: Session) -> int:
    """How many people's words may be recorded now: the clinician's, and those of who agreed."""
    try:
        recording.require_consent(session, ports.clock.now(), ports)
    except ConsentMissing:
        return 1
    return recording.PARTICIPANTS


def presence(ports: Ports, session: Session) -> Presence:
    """Who is in the room, as was last said; until then the clinician and the patient."""
    said = ports.records.facts(session.id, _PRESENT) or {}
    return Presence(
        people=int(said.get("people", recording.PARTICIPANTS)),
        consented=consented(ports, session),
        since=float(said.get("since", 0.0)),
    )


def say_present(
    ports: Ports, person: Person, session_id: str, people: int, since: float
) -> Presence:
    """Somebody came in or left at that second of the recording.

    While more are in the room than have agreed, nothing that begins from then on is accepted.
    """
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.UPLOAD_AUDIO, resource)
    _require_open(ports, resource.session)
    known = Presence(people, consented(ports, resource.session), since)
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "participants.counted",
            resource,
            part=f"{people}/{int(since)}",
            repeatable=True,
            rules=rules,
            counts={"people": people, "consented": known.consented, "second": int(since)},
        )
    )
    ports.records.put_facts(session_id, _PRESENT, {"people": people, "since": since})
    return known


def end_recording(ports: Ports, person: Person, session_id: str, segments: int) -> Ended:
    """The recording has `segments` segments; harmless when it was said before.

    Raises `RecordingEnded` when another number was said before, and `BadRequest` when a segment
    beyond it has arrived: nothing that was accepted may be lost.
    """
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.UPLOAD_AUDIO, resource)
    known: Ended | None = ports.records.ended(session_id)
    if known is None:
        _require_open(ports, resource.session)
        arrived = [
            p.index for p in ports.records.segments(session_id) if p.stage is not Stage.ALLOWED
        ]
        if arrived and max(arrived) >= segments:
            raise BadRequest(f"segments: segment {max(arrived)} has arrived")
        ports.ledger.append(
            gate.act_of(
                ports,
                person,
                "recording.end_asked",
                resource,
                repeatable=True,
                rules=rules,
                counts={"segments": segments},
            )
        )
        recording.begin(resource.session, ports)
        known = recording.end(resource.session, segments, "recorder", ports)
    else:
        recording.wake(session_id, ports)
    if known.segments != segments:
        raise RecordingEnded(f"the recording ended with {known.segments} segments")
    return known


def discard(ports: Ports, person: Person, session_id: str) -> Session:
    """Stops a recording that is under way: its audio is erased, and all that was heard with it.

    Raises `IllegalMove` once the recording has become a transcript. Harmless when repeated.
    """
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.UPLOAD_AUDIO, resource)
    if recording.stopped(session_id, ports) is None:
        if resource.session.state not in recording.OPEN:
            raise IllegalMove("the recording of this session is complete")
        ports.ledger.append(
            gate.act_of(ports, person, "recording.discarded", resource, rules=rules)
        )
    if resource.session.state in recording.OPEN:
        recording.stop(resource.session, recording.DISCARDED, ports)
        recording.begin(resource.session, ports)
    session: Session = ports.records.session(session_id)
    return session


def _require_open(ports: Ports, session: Session) -> None:
    if session.state not in recording.OPEN:
        raise IllegalMove("the recording of this session is complete")
    recording.require_going(session.id, ports)


def _require_covered(ports: Ports, session_id: str, piece: Piece) -> None:
    """Raises `ParticipantsUnconsented` for what begins when too many people are in the room."""
    known = presence(ports, ports.records.session(session_id))
    if not known.covered and piece.starts_at >= known.since:
        raise ParticipantsUnconsented(
            f"{known.people} people are in the room, and {known.consented} may be recorded"
        )


def _require_place(piece: Piece) -> None:
    """Raises `BadRequest` for a segment that cannot be one of a session."""
    rules = recording.rules()
    if piece.segment >= rules.most_segments:
        raise BadRequest(f"segment: a recording has at most {rules.most_segments} segments")
    if piece.segment and not piece.starts_at:
        raise BadRequest("starts_at: only the first segment starts with the session")
    if piece.starts_at > 60 * rules.longest_minutes:
        raise BadRequest(f"starts_at: a session lasts at most {rules.longest_minutes} minutes")
