"""A recording has arrived: the session's run starts, once, or the repeated upload is erased."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_erasure, of_system
from countersign.enrolment import is_enrolment
from countersign.erasure import confirm
from countersign.session import State
from lambdas import enrolment
from lambdas.wiring import Ports, connected


@connected("records", "audio", "speech", "ledger", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    key = str(event["detail"]["object"]["key"])
    session_id = key.split("/")[1]
    if is_enrolment(session_id):
        enrolment.received(session_id, key, ports)
        return {"session_id": session_id, "started": False}
    session = ports.records.session(session_id)
    now = ports.clock.now()
    if session.state not in (State.REGISTERED, State.RECEIVED, State.TRANSCRIBED):
        receipt = confirm(ports.audio.erase(session_id, "uploaded-after-erasure", now))
        if receipt.erased:
            ports.ledger.append(of_erasure(session, receipt, None))
        return {"session_id": session_id, "started": False}
    if session.state is State.REGISTERED:
        ports.ledger.append(of_system(session, "audio.received", now, None))
        ports.records.move(session_id, State.REGISTERED, State.RECEIVED)
    started = ports.workflow.start("session", session_id, session_id)
    return {"session_id": session_id, "started": started}
