"""Closes the session and publishes the ledger, so that its last entry can be checked at once."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.session import State, reached
from lambdas.wiring import Ports, connected


@connected("records", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    if not reached(session, State.CLOSED):
        now = ports.clock.now()
        ports.ledger.append(of_system(session, "session.closed", now, event["run"]))
        ports.records.move(session.id, State.DELIVERED, State.CLOSED)
    ports.ledger.publish(session.site)
    return {"session_id": session.id}
