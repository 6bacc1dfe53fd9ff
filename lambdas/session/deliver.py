"""Exactly the signed bytes enter the record system, exactly once."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_system
from countersign.delivery.document import document_reference, search_token, signed_note
from countersign.errors import SignatureMismatch
from countersign.session import State, reached
from lambdas.wiring import Ports, connected


@connected("records", "vault", "ledger", "ehr")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    if reached(session, State.DELIVERED):
        return {"session_id": session.id}
    signature = ports.records.signature(session.id)
    clinician = ports.records.person(session.clinician_id)
    text = ports.vault.get(session.id, "note")
    if signature is None or clinician is None or text is None:
        raise SignatureMismatch(f"session {session.id} has no signed note to deliver")
    if session.state is State.AWAITING_SIGNATURE:
        ports.records.move(session.id, State.AWAITING_SIGNATURE, State.SIGNED)
    document = document_reference(signed_note(text.decode(), session, signature, clinician))
    delivered = ports.ehr.deliver(document, search_token(document))
    facts = {"resource": delivered.resource, "id": delivered.id}
    ports.records.put_facts(session.id, "delivery", {**facts, "status": delivered.status})
    now, hashes = ports.clock.now(), {"note": signature.digest}
    ports.ledger.append(of_system(session, "note.delivered", now, event["run"], hashes=hashes))
    ports.records.move(session.id, State.SIGNED, State.DELIVERED)
    return {"session_id": session.id, **facts}
