"""No recording waits for ever: one that nobody ended is ended, what never came is given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from countersign import segments
from countersign.errors import Refusal
from countersign.segments import Progress, Stage
from countersign.session import Session, State
from lambdas import recording
from lambdas.wiring import Ports, connected

# A function that received a segment and did not ask within this time has died of it.
_ASKED_WITHIN = timedelta(minutes=2)


@connected("records", "audio", "vault", "speech", "ledger", "pager", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    now = ports.clock.now()
    refused: list[Refusal] = []
    under_way = ports.records.sessions(states=(State.RECEIVED,))
    for session in under_way:
        try:
            _settle(session, now, ports)
        except Refusal as refusal:
            refused.append(refusal)
    if refused:
        raise refused[0]
    return {"sessions": len(under_way)}


def _settle(session: Session, now: datetime, ports: Ports) -> None:
    if recording.stopped(session.id, ports) is not None:
        return
    rules, known = recording.rules(), ports.records.segments(session.id)
    ended = ports.records.ended(session.id)
    if ended is None and segments.is_quiet(known, now, rules):
        ended = recording.end(session, segments.announced(None, known), "schedule", ports)
        ports.pager.tell(session.clinician_id, "recording.unended", session.id)
    late = ended is not None and now - ended.at >= timedelta(minutes=rules.late_minutes)
    count = segments.announced(ended, known)
    held = {each.index: each for each in known}
    for index in range(count):
        _one(session, index, held.get(index), late, now, ports)
    recording.wake(session.id, ports)


def _one(
    session: Session,
    index: int,
    held: Progress | None,
    late: bool,
    now: datetime,
    ports: Ports,
) -> None:
    answer = timedelta(minutes=recording.rules().answer_minutes)
    if held is None or held.stage is Stage.ALLOWED:
        if late:
            _missed(session, index, held, ports)
    elif held.stage is Stage.TRANSCRIBED:
        recording.finish(session, held, ports)
    elif held.unasked and now - held.at >= _ASKED_WITHIN:
        recording.receive(session, index, ports)
    elif held.stage is Stage.RECEIVED and now - held.at >= answer:
        recording.failed(session, held, "SpeechFailed", ports)


def _missed(session: Session, index: int, held: Progress | None, ports: Ports) -> None:
    """A segment of which nothing is known: its event may be lost, or it never came."""
    if held is None:
        held = Progress(index=index, at=ports.clock.now())
        if not ports.records.put_segment(session.id, held):
            return
    elif ports.audio.listing(session.id, index):
        recording.receive(session, index, ports)
        return
    recording.give_up(session, held, "AudioMissing", ports)
