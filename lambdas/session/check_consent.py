"""Nothing is transcribed unless the patient agreed to both the recording and the processing."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.consent import SESSION_PURPOSES, require
from countersign.session import State, reached
from lambdas.wiring import Ports, connected


@connected("records", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    now = ports.clock.now()
    if not reached(session, State.TRANSCRIBED):
        consents = ports.records.consents(session.patient_id)
        for purpose in SESSION_PURPOSES:
            require(consents, purpose, now)
        ports.ledger.append(of_system(session, "consent.checked", now, event["run"]))
    ports.records.update(session.id, run=event["run"])
    return {"session_id": session.id}
