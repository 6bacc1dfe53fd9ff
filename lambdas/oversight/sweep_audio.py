"""The second line of zero retention: no audio outlives the hard limit, whatever has failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from countersign.audit.event import of_erasure
from countersign.enrolment import is_enrolment
from countersign.erasure import AudioLimit, confirm, overdue
from countersign.errors import Refusal
from countersign.session import State
from lambdas import enrolment, policies
from lambdas.wiring import Ports, connected


@connected("records", "audio", "ledger", "workflow", "pager")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    limit = AudioLimit.from_toml(policies.text("retention.toml"))
    now = ports.clock.now()
    late = overdue(ports.audio.listing(), now, limit.hard_limit)
    sessions = sorted({item.key.split("/")[1] for item in late})
    refused: list[Refusal] = []
    for session_id in sessions:
        try:
            _erase(session_id, now, ports)
        except Refusal as refusal:
            refused.append(refusal)
    if refused:
        raise refused[0]
    return {"sessions": len(sessions), "objects": len(late)}


def _erase(session_id: str, now: datetime, ports: Ports) -> None:
    if is_enrolment(session_id):
        enrolment.overdue(session_id, ports)
        return
    session = ports.records.session(session_id)
    receipt = confirm(ports.audio.erase(session_id, "hard-limit", now))
    ports.ledger.append(of_erasure(session, receipt, None))
    if session.state in (State.REGISTERED, State.RECEIVED):
        ports.records.update(session_id, failure="AudioLimit")
        token = ports.records.wait(session_id, "speech")
        if token is None or not ports.workflow.fail(token, "AudioLimit"):
            ports.pager.tell(session.clinician_id, "session.AudioLimit", session_id)
