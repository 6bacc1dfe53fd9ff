"""Identifiers leave the transcript; the table that can put them back goes into the vault."""

from __future__ import annotations

import json
from typing import Any

from countersign.audit.event import of_system
from countersign.redaction import read_roster, redact_transcript
from countersign.session import State, reached
from countersign.transcript import read_transcript
from lambdas import engines
from lambdas.wiring import Ports, connected


@connected("records", "vault", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    if reached(session, State.REDACTED):
        return {"session_id": session.id}
    transcript = read_transcript(ports.vault.get(session.id, "transcript") or b"")
    patient = ports.records.patient(session.patient_id)
    roster = read_roster(json.dumps(patient.roster)) if patient else None
    redacted, table = redact_transcript(engines.redaction(), transcript, roster)
    ports.vault.put(session.id, "surrogates", json.dumps(table).encode())
    ports.vault.put(session.id, "redacted", redacted.model_dump_json().encode())
    counts = {"surrogates": len(table)}
    ports.ledger.append(
        of_system(session, "transcript.redacted", ports.clock.now(), event["run"], counts=counts)
    )
    ports.records.move(session.id, State.AUDIO_ERASED, State.REDACTED)
    return {"session_id": session.id, **counts}
