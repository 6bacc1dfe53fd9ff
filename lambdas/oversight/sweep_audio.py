"""The second line of zero retention: no audio outlives the hard limit, whatever has failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from countersign.audit.event import of_erasure
from countersign.enrolment import is_enrolment
from countersign.erasure import AudioLimit, confirm, overdue
from countersign.errors import Refusal
from countersign.segments import place_of
from lambdas import enrolment, policies, recording
from lambdas.wiring import Ports, connected


@connected("records", "audio", "ledger", "workflow", "pager")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    limit = AudioLimit.from_toml(policies.text("retention.toml"))
    now = ports.clock.now()
    late = overdue(ports.audio.listing(), now, limit.hard_limit)
    places = sorted({place_of(item.key) for item in late}, key=str)
    refused: list[Refusal] = []
    for session_id, index in places:
        try:
            _erase(session_id, index, now, ports)
        except Refusal as refusal:
            refused.append(refusal)
    if refused:
        raise refused[0]
    return {"sessions": len({session_id for session_id, _ in places}), "objects": len(late)}


def _erase(session_id: str, index: int | None, now: datetime, ports: Ports) -> None:
    if is_enrolment(session_id):
        enrolment.overdue(session_id, ports)
        return
    session = ports.records.session(session_id)
    held = None if index is None else ports.records.segment(session_id, index)
    if held is not None and session.state in recording.OPEN and not held.settled:
        recording.give_up(session, held, "AudioLimit", ports)
        return
    receipt = confirm(ports.audio.erase(session_id, "hard-limit", now, index))
    if receipt.erased:
        ports.ledger.append(of_erasure(session, receipt, None, str(index)))
