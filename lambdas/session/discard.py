"""The one way a session fails: its audio is erased, and without consent everything else with it."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_erasure, of_system
from countersign.erasure import confirm
from countersign.session import MOVES, State
from lambdas import recording
from lambdas.wiring import Ports, connected

# With these nothing of the session may stay, its transcript included.
_NOTHING_STAYS = ("ConsentMissing", "ConsentExpired", "ConsentRevoked", recording.DISCARDED)


@connected("records", "audio", "vault", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    now, run = ports.clock.now(), event["run"]
    code = recording.stopped(session.id, ports) or event["code"]
    receipt = confirm(ports.audio.erase(session.id, f"failed:{code}", now))
    if receipt.erased:
        ports.ledger.append(of_erasure(session, receipt, run))
    ports.vault.shred(recording.sealed(session.id))
    if code in _NOTHING_STAYS:
        ports.vault.shred(session.id)
    ports.ledger.append(of_system(session, "session.failed", now, run, part=run, reason=code))
    if State.FAILED in MOVES[session.state]:
        ports.records.move(session.id, session.state, State.FAILED, failure=code)
    return {"session_id": session.id, "code": code, "erased": len(receipt.erased)}
