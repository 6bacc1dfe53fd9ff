"""Asks the speech endpoint for a transcript and remembers how to wake the workflow."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.errors import FileMissing
from countersign.session import State, reached
from lambdas.wiring import Ports, connected

_PARTICIPANTS = 2


@connected("records", "audio", "speech", "ledger", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    ports.records.put_wait(session.id, "speech", event["token"])
    if reached(session, State.TRANSCRIBED):
        ports.workflow.resume(event["token"], {"session_id": session.id})
        return {"session_id": session.id}
    audio = [item for item in ports.audio.listing(session.id) if item.key.startswith("audio/")]
    if not audio:
        raise FileMissing(f"session {session.id} has no audio to transcribe")
    asked = ports.records.facts(session.id, "speech") or {"attempts": 0}
    attempt = int(asked["attempts"]) + 1
    ports.records.put_facts(session.id, "speech", {"attempts": attempt})
    ports.ledger.append(
        of_system(session, "speech.asked", ports.clock.now(), event["run"], part=str(attempt))
    )
    ports.speech.submit(session.id, audio[0].key, f"{session.id}.{attempt}", _PARTICIPANTS)
    return {"session_id": session.id}
