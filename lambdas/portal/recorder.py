"""The pages of a recording: whose session, with which consents, and the recorder itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from countersign import consent as consents
from countersign.access import Action, SessionOf
from countersign.consent import SESSION_PURPOSES, Consent, Purpose
from countersign.errors import BadRequest, ConsentMissing
from lambdas import policies, recording
from lambdas.portal import gate, sessions
from lambdas.portal.pages import ask, form, page, redirect, with_microphone
from lambdas.wiring import Ports

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]

PURPOSES = {
    Purpose.RECORDING: "Being recorded",
    Purpose.AI_PROCESSING: "Software that transcribes and drafts",
}
_WHY = {
    "ConsentMissing": "not agreed yet",
    "ConsentExpired": "the agreement has run out",
    "ConsentRevoked": "withdrawn",
}
# What a patient can agree to at the desk or in the room, in days.
_DAYS = {"1": 1, "365": 365}


@dataclass(frozen=True)
class Agreement:
    """How it stands with one purpose: until when, or why not."""

    says: str
    until: datetime | None
    refusal: str | None


def agreements(ports: Ports, patient_id: str) -> tuple[Agreement, ...]:
    """The patient's agreement to each purpose of a session, at this moment."""
    given: tuple[Consent, ...] = ports.records.consents(patient_id)
    now = ports.clock.now()

    def about(purpose: Purpose) -> Agreement:
        try:
            found = consents.require(given, purpose, now)
        except ConsentMissing as refusal:
            why = _WHY.get(refusal.code, _WHY["ConsentMissing"])
            return Agreement(PURPOSES[purpose], None, why)
        return Agreement(PURPOSES[purpose], found.expires_at, None)

    return tuple(about(purpose) for purpose in SESSION_PURPOSES)


@router.get("/record")
def choose() -> Response[Any]:
    """One's own patients, each with what they agreed to."""
    ports, visitor = ask()
    known = [
        (patient, agreements(ports, patient.id))
        for patient in sessions.own_patients(ports, visitor.person)
    ]
    return page("record_start.html", visitor, patients=known, templates=_templates())


@router.post("/record")
def begin() -> Response[Any]:
    """Stores the patient's agreement, or opens a session and its recorder."""
    ports, visitor = ask()
    event = router.current_event
    patient_id, act = form(event, "patient"), form(event, "act")
    if act == "agree":
        days = _DAYS.get(form(event, "days"))
        if days is None:
            raise BadRequest("days: say for how long the patient agrees")
        sessions.record_consents(ports, visitor.person, patient_id, SESSION_PURPOSES, days)
        return redirect("/record")
    if act == "start":
        session = sessions.register(ports, visitor.person, patient_id, form(event, "template"))
        return redirect(f"/sessions/{session.id}/record")
    raise BadRequest("act: say agree or start")


@router.get("/sessions/<session_id>/record")
def recorder(session_id: str) -> Response[Any]:
    """The recorder of one session; a recording that was left goes on where it was."""
    ports, visitor = ask()
    resource = gate.session_of(ports, session_id)
    gate.require(ports, visitor.person, Action.UPLOAD_AUDIO, resource)
    if not sessions.recordable(ports, visitor.person, resource):
        return redirect(f"/sessions/{session_id}")
    shown = page(
        "record.html",
        visitor,
        resource=resource,
        agreements=agreements(ports, resource.patient.id),
        may_revoke=gate.may(visitor.person, Action.REVOKE_CONSENT, resource.patient),
        presence=sessions.presence(ports, resource.session),
        purposes=" ".join(SESSION_PURPOSES),
        rules=recording.rules(),
        **_resumed(ports, resource),
    )
    return with_microphone(ports, shown)


def _resumed(ports: Ports, resource: SessionOf) -> dict[str, Any]:
    """The next segment's number, and the second of the session at which it may begin."""
    held = ports.records.segments(resource.session.id)
    heard = [(each.starts_at or 0.0) + each.seconds for each in held]
    following = 1 + max((each.index for each in held), default=-1)
    # Only the first segment may begin with the session.
    return {"following": following, "offset": max([*heard, 0.1]) if following else 0.0}


def _templates() -> tuple[str, ...]:
    names = sorted(policies.folder("templates"))
    return tuple(sorted(names, key=lambda name: name != "soap"))
