"""What people do before there is a draft: consents, sessions, upload tickets."""

from __future__ import annotations

import secrets
from datetime import timedelta

from countersign import consent as consents
from countersign.access import Action, SessionOf
from countersign.consent import SESSION_PURPOSES, Consent, Purpose
from countersign.errors import BadRequest, ConsentMissing, IllegalMove, TemplateUnknown
from countersign.ports import Person, UploadTicket
from countersign.session import Session, State
from lambdas import policies
from lambdas.portal import gate
from lambdas.wiring import Ports


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
    """Withdraws every consent for `purpose`; harmless when there is none."""
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


def allow_upload(
    ports: Ports, person: Person, session_id: str, segment: int, content_type: str
) -> UploadTicket:
    """Where to send one segment; both consents must cover this moment.

    Raises `ConsentMissing`, `ConsentExpired` or `ConsentRevoked`, and `IllegalMove` for a session
    whose recording is complete. Every answer is in the ledger.
    """
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.UPLOAD_AUDIO, resource)
    part, counts = f"{segment:05d}", {"segment": segment}
    if segment != 0:
        # A second segment would be erased unheard: nothing that is accepted may be lost.
        raise BadRequest(
            "segment: a session is one recording, segment 0",
            hint="Join the parts before sending them, or register another session.",
        )
    if resource.session.state not in (State.REGISTERED, State.RECEIVED):
        raise IllegalMove("the recording of this session is complete")
    given = ports.records.consents(resource.patient.id)
    try:
        for purpose in SESSION_PURPOSES:
            consents.require(given, purpose, ports.clock.now())
    except ConsentMissing as refusal:
        ports.ledger.append(
            gate.act_of(
                ports,
                person,
                "upload.refused",
                resource,
                part=part,
                repeatable=True,
                rules=rules,
                counts=counts,
                reason=refusal.code,
            )
        )
        raise
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "upload.allowed",
            resource,
            part=part,
            repeatable=True,
            rules=rules,
            counts=counts,
        )
    )
    ticket: UploadTicket = ports.audio.ticket(session_id, segment, content_type)
    return ticket
