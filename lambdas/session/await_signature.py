"""Opens the review, tells the clinician, and waits: nothing goes on without a countersignature."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.session import State
from lambdas.wiring import Ports, connected


@connected("records", "ledger", "pager", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    ports.records.put_wait(session.id, "signature", event["token"])
    if session.state is State.DRAFTED:
        now = ports.clock.now()
        ports.ledger.append(of_system(session, "review.opened", now, event["run"]))
        ports.records.move(session.id, State.DRAFTED, State.AWAITING_SIGNATURE, awaiting_since=now)
        ports.pager.tell(session.clinician_id, "review.waiting", session.id)
    # A signature that came before this token did (a re-driven run) needs no second wait.
    if ports.records.signature(session.id) is not None:
        ports.workflow.resume(event["token"], {"session_id": session.id})
    return {"session_id": session.id}
