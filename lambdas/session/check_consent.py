"""Nothing is transcribed unless the patient agreed to both the recording and the processing."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.session import State, reached
from lambdas import recording
from lambdas.wiring import Ports, connected


@connected("records", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    now = ports.clock.now()
    if not reached(session, State.TRANSCRIBED):
        recording.require_consent(session, now, ports)
        recording.require_going(session.id, ports)
        ports.ledger.append(of_system(session, "consent.checked", now, event["run"]))
    ports.records.update(session.id, run=event["run"])
    return {"session_id": session.id}
