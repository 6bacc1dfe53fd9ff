"""A segment of a recording has arrived: the endpoint is asked for it at once, once."""

from __future__ import annotations

from typing import Any

from countersign.enrolment import is_enrolment
from countersign.segments import place_of
from lambdas import enrolment, recording
from lambdas.wiring import Ports, connected


@connected("records", "audio", "vault", "speech", "ledger", "pager", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    key = str(event["detail"]["object"]["key"])
    session_id, index = place_of(key)
    if is_enrolment(session_id):
        enrolment.received(session_id, key, ports)
        return {"session_id": session_id, "started": False}
    if index is None:
        raise ValueError("the key names no segment")
    started = recording.receive(ports.records.session(session_id), index, ports)
    return {"session_id": session_id, "started": started}
