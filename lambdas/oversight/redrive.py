"""No session is forgotten: one whose run was lost is started again from its records."""

from __future__ import annotations

from itertools import count
from typing import Any

from countersign.session import FINAL, Session, State
from lambdas.wiring import Ports, connected


@connected("records", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    open_states = tuple(s for s in State if s not in FINAL and s is not State.REGISTERED)
    stuck = [
        session
        for session in ports.records.sessions(states=open_states)
        if not ports.workflow.running("session", session.run or session.id)
    ]
    for session in stuck:
        _start(session, ports)
    return {"redriven": len(stuck)}


def _start(session: Session, ports: Ports) -> None:
    """Runs have names that are used once; the first free one is this run's."""
    known = ports.records.facts(session.id, "runs") or {"count": 0}
    for number in count(int(known["count"]) + 1):
        name = session.id if number == 1 else f"{session.id}-{number}"
        if ports.workflow.start("session", name, session.id):
            ports.records.put_facts(session.id, "runs", {"count": number})
            ports.records.update(session.id, run=name)
            return
