"""A draft note from the redacted transcript, in which every sentence shows its evidence."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.session import State, reached
from countersign.transcript import read_transcript
from lambdas import engines
from lambdas.wiring import Ports, connected


@connected("records", "vault", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    if reached(session, State.DRAFTED):
        return {"session_id": session.id}
    redacted = read_transcript(ports.vault.get(session.id, "redacted") or b"")
    note = engines.draft(redacted, session.template)
    ports.vault.put(session.id, "draft", note.model_dump_json().encode())
    counts = {"sentences": len(note.sentences()), "left_out": len(note.left_out)}
    ports.ledger.append(
        of_system(session, "note.drafted", ports.clock.now(), event["run"], counts=counts)
    )
    ports.records.move(session.id, State.REDACTED, State.DRAFTED)
    return {"session_id": session.id, **counts}
