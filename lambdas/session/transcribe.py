"""Waits until every segment of the recording is transcribed; who wakes it finds the token here."""

from __future__ import annotations

from typing import Any

from countersign.session import State, reached
from lambdas import recording
from lambdas.wiring import Ports, connected


@connected("records", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    # The token is written before anything is read: whoever settles the last segment meanwhile
    # finds either the token, or is found.
    ports.records.put_wait(session.id, "speech", event["token"])
    if reached(session, State.TRANSCRIBED):
        ports.workflow.resume(event["token"], {"session_id": session.id})
        return {"session_id": session.id}
    recording.require_going(session.id, ports)
    recording.wake(session.id, ports)
    return {"session_id": session.id}
