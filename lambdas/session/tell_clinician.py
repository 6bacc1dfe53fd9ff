"""Tells the clinician what went wrong, so that the note is written by hand and not forgotten."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from lambdas.wiring import Ports, connected


@connected("records", "ledger", "pager")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    now = ports.clock.now()
    ports.pager.tell(session.clinician_id, f"session.{event['code']}", session.id)
    ports.ledger.append(of_system(session, "clinician.told", now, event["run"], part=event["run"]))
    ports.ledger.publish(session.site)
    return {"session_id": session.id, "code": event["code"]}
