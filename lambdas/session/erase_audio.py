"""Erases the recording and the endpoint's output, once the transcript is durable, with a proof."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.erasure import DeletionReceipt, confirm
from countersign.errors import FileMissing
from countersign.session import State, reached
from lambdas.wiring import Ports, connected


@connected("records", "audio", "vault", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    if reached(session, State.AUDIO_ERASED):
        return {"session_id": session.id}
    if ports.vault.get(session.id, "transcript") is None:
        raise FileMissing(f"session {session.id} has no durable transcript: its audio is kept")
    now = ports.clock.now()
    ports.ledger.append(of_system(session, "audio.erasing", now, event["run"]))
    known = ports.records.facts(session.id, "receipt")
    receipt = (
        DeletionReceipt.model_validate(known)
        if known
        else confirm(ports.audio.erase(session.id, "transcript-durable", now))
    )
    ports.records.put_facts(session.id, "receipt", receipt.model_dump(mode="json"))
    ports.ledger.append(of_system(session, "audio.erased", now, event["run"], **receipt.summary()))
    ports.records.move(session.id, State.TRANSCRIBED, State.AUDIO_ERASED)
    return {"session_id": session.id, "erased": len(receipt.erased), "left": len(receipt.left)}
