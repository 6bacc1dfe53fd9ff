"""After 24 hours the draft is locked, kept, and the supervisor is told."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.session import State
from lambdas.wiring import Ports, connected


@connected("records", "ledger", "pager")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    if ports.records.signature(session.id) is not None:
        return {"session_id": session.id, "signed": True}
    if session.state is State.AWAITING_SIGNATURE:
        now = ports.clock.now()
        ports.ledger.append(of_system(session, "review.locked", now, event["run"]))
        ports.records.move(session.id, State.AWAITING_SIGNATURE, State.LOCKED)
    ports.pager.tell(f"supervisor/{session.site}", "review.locked", session.id)
    return {"session_id": session.id, "signed": False}
