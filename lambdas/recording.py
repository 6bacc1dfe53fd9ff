"""A recording in segments: each is asked for, made durable and erased by itself, whoever calls.

Everything here may be called twice, late, and by two functions at once. Who wins is decided by the
version of the segment's record; what was done is in the ledger before the record says so.
"""

from __future__ import annotations

import functools
from datetime import datetime

from countersign import consent as consents
from countersign.audit.event import of_erasure, of_system
from countersign.consent import SESSION_PURPOSES
from countersign.erasure import DeletionReceipt, confirm
from countersign.errors import (
    BadTranscript,
    ConsentMissing,
    EmptyInput,
    IllegalMove,
    NotJson,
    SessionStopped,
)
from countersign.segments import (
    FAILURES,
    SILENT,
    Ended,
    Ingest,
    Progress,
    Stage,
    audio_key,
    complete,
)
from countersign.session import Session, State
from countersign.speech import FINAL, Notice
from countersign.transcript import Transcript, read_transcript
from lambdas import policies
from lambdas.wiring import Ports

# Where sessions still take audio.
OPEN = (State.REGISTERED, State.RECEIVED)
# One clinician and one patient; the endpoint is told how many voices to look for.
PARTICIPANTS = 2
# A clinician stopped the session, and nothing of it may stay.
DISCARDED = "Discarded"
_STOPPED = "stopped"


@functools.cache
def rules() -> Ingest:
    """The site's rules for recordings, parsed once per process."""
    return Ingest.from_toml(policies.text("retention.toml"))


def sealed(session_id: str) -> str:
    """Under whose key the segments' transcripts are: a key of their own, gone after the merge.

    They hold voice prints. With the key destroyed no version and no replica of them can be read.
    """
    return f"{session_id}.segments"


# The whole recording -------------------------------------------------------------------------


def begin(session: Session, ports: Ports) -> None:
    """The session's run starts, once. Needs `records` and `workflow`."""
    if session.state is State.REGISTERED:
        try:
            ports.records.move(session.id, State.REGISTERED, State.RECEIVED)
        except IllegalMove:
            # Two segments at once: the other one has moved it.
            if ports.records.session(session.id).state is not State.RECEIVED:
                raise
    ports.workflow.start("session", session.id, session.id)


def require_consent(session: Session, now: datetime, ports: Ports) -> None:
    """Raises `ConsentMissing` or a kind of it unless both consents cover this moment."""
    given = ports.records.consents(session.patient_id)
    for purpose in SESSION_PURPOSES:
        consents.require(given, purpose, now)


def stopped(session_id: str, ports: Ports) -> str | None:
    """The code with which somebody or something stopped this session, if so."""
    facts = ports.records.facts(session_id, _STOPPED)
    return None if facts is None else str(facts["code"])


def require_going(session_id: str, ports: Ports) -> None:
    """Raises `SessionStopped` when nothing more may be made of this session."""
    code = stopped(session_id, ports)
    if code is not None:
        raise SessionStopped(f"session {session_id} was stopped: {code}")


def stop(session: Session, code: str, ports: Ports) -> None:
    """Nothing more is made of this session: its audio is erased, its transcripts are destroyed.

    The run is woken and ends as failed with `code`. Needs `records`, `audio`, `vault`, `ledger`
    and `workflow`.
    """
    now = ports.clock.now()
    if stopped(session.id, ports) is None:
        ports.ledger.append(of_system(session, "recording.stopped", now, None, reason=code))
        ports.records.put_facts(session.id, _STOPPED, {"code": code})
    receipt = confirm(ports.audio.erase(session.id, f"stopped:{code}", now))
    if receipt.erased:
        ports.ledger.append(of_erasure(session, receipt, None, "stopped"))
    ports.vault.shred(session.id)
    ports.vault.shred(sealed(session.id))
    token = ports.records.wait(session.id, "speech")
    if token is not None:
        ports.workflow.fail(token, code)


def end(session: Session, segments: int, by: str, ports: Ports) -> Ended:
    """The recording has so many segments; the first answer stands. Wakes the run if all are in."""
    now = ports.clock.now()
    known: Ended | None = ports.records.ended(session.id)
    if known is None:
        counts = {"segments": segments}
        ports.ledger.append(
            of_system(session, "recording.ended", now, None, part=by, counts=counts, reason=by)
        )
        known = ports.records.end_recording(session.id, Ended(segments=segments, at=now, by=by))
    wake(session.id, ports)
    return known


def wake(session_id: str, ports: Ports) -> None:
    """Wakes the run when the recording has ended and nothing more can come of it."""
    if complete(ports.records.ended(session_id), ports.records.segments(session_id)):
        token = ports.records.wait(session_id, "speech")
        if token is not None:
            ports.workflow.resume(token, {"session_id": session_id})


# One segment ---------------------------------------------------------------------------------


def receive(session: Session, index: int, ports: Ports) -> bool:
    """A segment's audio is there: the endpoint is asked for it, or it is erased unheard.

    False when it was not wanted. Needs every port but `ehr` and `identity`.
    """
    held: Progress | None = ports.records.segment(session.id, index)
    if held is None or not _wanted(session, held, ports):
        _unwanted(session, index, held, ports)
        return False
    now = ports.clock.now()
    try:
        require_consent(session, now, ports)
    except ConsentMissing as refusal:
        stop(session, refusal.code, ports)
        begin(session, ports)
        return False
    if held.stage is Stage.ALLOWED:
        part, counts = _part(index), {"segment": index}
        ports.ledger.append(
            of_system(session, "audio.received", now, None, part=part, counts=counts)
        )
        mine = _advance(session.id, held, ports, stage=Stage.RECEIVED, at=now, attempts=1)
        if mine is None:
            return True  # The same event, delivered twice: the other one asks.
        held = mine
    if held.unasked:
        begin(session, ports)
        ask(session, held, ports)
    return True


def ask(session: Session, held: Progress, ports: Ports) -> None:
    """Asks the endpoint for one segment; after a crash the same question may be asked again.

    Needs `records`, `speech` and `ledger`.
    """
    now = ports.clock.now()
    part = f"{_part(held.index)}.{held.attempts}"
    ports.ledger.append(of_system(session, "speech.asked", now, None, part=part))
    ports.speech.submit(
        session.id,
        audio_key(session.id, held.index),
        f"{session.id}.{held.index}.{held.attempts}",
        PARTICIPANTS,
    )
    # Nothing is advanced when the answer was quicker.
    _advance(session.id, held, ports, asked=held.attempts, at=now)


def answered(notice: Notice, ports: Ports) -> None:
    """The endpoint has answered for one segment. Needs every port but `ehr` and `identity`."""
    session: Session = ports.records.session(notice.session_id)
    held: Progress | None = ports.records.segment(session.id, notice.segment)
    if held is None or not _wanted(session, held, ports):
        _cleared(session, notice.segment, "answered-too-late", ports)
        return
    transcript = None if notice.failure else _transcript(notice.output_key, ports)
    if held.stage is Stage.TRANSCRIBED:
        finish(session, held, ports)
    elif transcript is not None:
        _keep(session, held, notice.attempt, transcript, ports)
    elif notice.attempt == held.attempts:
        failed(session, held, notice.failure or "SpeechFailed", ports)


def failed(session: Session, held: Progress, code: str, ports: Ports) -> None:
    """An attempt at a segment has failed: it is asked for again, or given up."""
    if code in FINAL or held.attempts >= rules().attempts:
        give_up(session, held, code, ports)
        return
    try:
        require_consent(session, ports.clock.now(), ports)
    except ConsentMissing as refusal:
        stop(session, refusal.code, ports)
        return
    now = ports.clock.now()
    again = _advance(session.id, held, ports, attempts=held.attempts + 1, at=now)
    if again is not None:
        ask(session, again, ports)


def give_up(session: Session, held: Progress, code: str, ports: Ports) -> None:
    """There will be no transcript of this segment: its audio goes, and the clinician is told.

    Silence is no loss and told to nobody; the loss of everything is told by the run's own end.
    """
    now = ports.clock.now()
    code = code if code in FAILURES else "SpeechFailed"
    ports.ledger.append(
        of_system(session, "segment.failed", now, None, part=_part(held.index), reason=code)
    )
    _cleared(session, held.index, f"segment-failed:{code}", ports)
    if _advance(session.id, held, ports, stage=Stage.FAILED, at=now, failure=code) is None:
        return
    others = [each for each in ports.records.segments(session.id) if each.index != held.index]
    if code != SILENT and any(each.stage is not Stage.FAILED for each in others):
        ports.pager.tell(session.clinician_id, f"segment.{code}", session.id)
    wake(session.id, ports)


def finish(session: Session, held: Progress, ports: Ports) -> None:
    """The segment's transcript is durable: its audio and the endpoint's output are erased."""
    now, part = ports.clock.now(), _part(held.index)
    ports.ledger.append(of_system(session, "audio.erasing", now, None, part=part))
    known = ports.records.facts(session.id, f"receipt-{part}")
    receipt = (
        DeletionReceipt.model_validate(known)
        if known
        else confirm(ports.audio.erase(session.id, "transcript-durable", now, held.index))
    )
    ports.records.put_facts(session.id, f"receipt-{part}", receipt.model_dump(mode="json"))
    ports.ledger.append(
        of_system(session, "audio.erased", now, None, part=part, **receipt.summary())
    )
    _advance(session.id, held, ports, stage=Stage.ERASED, at=now)
    wake(session.id, ports)


def _keep(
    session: Session, held: Progress, attempt: int, transcript: Transcript, ports: Ports
) -> None:
    part = _part(held.index)
    ports.vault.put(sealed(session.id), part, transcript.model_dump_json().encode())
    counts = {"turns": len(transcript.turns), "seconds": round(transcript.duration)}
    now = ports.clock.now()
    ports.ledger.append(
        of_system(
            session, "segment.transcribed", now, None, part=f"{part}.{attempt}", counts=counts
        )
    )
    durable = _advance(
        session.id,
        held,
        ports,
        stage=Stage.TRANSCRIBED,
        at=now,
        seconds=transcript.duration,
        doubts=tuple(sorted({doubt.code for doubt in transcript.warnings})),
    )
    if durable is not None:
        finish(session, durable, ports)


def _advance(session_id: str, held: Progress, ports: Ports, **changes: object) -> Progress | None:
    """Writes what has changed; None when the segment has gone on to a stage or attempt without us.

    That an attempt was asked for is written late, and may come between.
    """
    newest: Progress | None = held
    while newest is not None and (newest.stage, newest.attempts) == (held.stage, held.attempts):
        changed = newest.then(**changes)
        if ports.records.put_segment(session_id, changed):
            return changed
        newest = ports.records.segment(session_id, held.index)
    return None


def _transcript(key: str, ports: Ports) -> Transcript | None:
    try:
        return read_transcript(ports.audio.output(key))
    except (BadTranscript, NotJson, EmptyInput):
        return None


def _wanted(session: Session, held: Progress, ports: Ports) -> bool:
    """Whether something can still be made of this segment's audio."""
    ended: Ended | None = ports.records.ended(session.id)
    return (
        session.state in OPEN
        and not held.settled
        and (ended is None or held.index < ended.segments)
        and stopped(session.id, ports) is None
    )


def _unwanted(session: Session, index: int, held: Progress | None, ports: Ports) -> None:
    """Audio for which it is too late, or that came twice: erased unheard, at once.

    The clinician is told only of what is missing in the transcript.
    """
    erased = _cleared(session, index, "uploaded-too-late", ports)
    missed = held is None or held.stage is not Stage.ERASED
    if erased and missed and stopped(session.id, ports) is None:
        ports.pager.tell(session.clinician_id, "segment.late", session.id)


def _cleared(session: Session, index: int, rule: str, ports: Ports) -> bool:
    """Erases all of one segment, with a receipt; whether there was anything."""
    receipt = confirm(ports.audio.erase(session.id, rule, ports.clock.now(), index))
    if receipt.erased:
        ports.ledger.append(of_erasure(session, receipt, None, _part(index)))
    return bool(receipt.erased)


def _part(index: int) -> str:
    return f"{index:05d}"
