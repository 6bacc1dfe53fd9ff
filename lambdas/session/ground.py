"""The draft is checked against what was said, and for identifiers that should not be in it."""

from __future__ import annotations

import json
from typing import Any

from countersign.audit.event import of_system
from countersign.note import Note
from countersign.session import State, reached
from countersign.transcript import read_transcript
from lambdas import engines
from lambdas.wiring import Ports, connected


@connected("records", "vault", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    if reached(session, State.AWAITING_SIGNATURE):
        return {"session_id": session.id}
    redacted = read_transcript(ports.vault.get(session.id, "redacted") or b"")
    note = Note.model_validate_json(ports.vault.get(session.id, "draft") or b"")
    table = json.loads(ports.vault.get(session.id, "surrogates") or b"{}")
    check = engines.check(note, redacted, table)
    ports.vault.put(session.id, "check", check.model_dump_json().encode())
    now, counts = ports.clock.now(), {"findings": len(check.findings)}
    ports.ledger.append(
        of_system(session, f"note.checked.{check.verdict}", now, event["run"], counts=counts)
    )
    return {"session_id": session.id, "verdict": check.verdict, **counts}
