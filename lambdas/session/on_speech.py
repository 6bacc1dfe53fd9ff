"""Receives the endpoint's notice: stores the transcript under the session's key, wakes the run."""

from __future__ import annotations

import json
from typing import Any

from countersign.audit.event import of_system
from countersign.enrolment import is_enrolment
from countersign.errors import BadTranscript, EmptyInput, NotJson
from countersign.session import State, reached
from countersign.speech import Notice, read_notice
from countersign.transcript import read_transcript
from lambdas import enrolment
from lambdas.wiring import Ports, connected


@connected("records", "audio", "vault", "ledger", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    notices = [read_notice(json.loads(r["Sns"]["Message"])) for r in event["Records"]]
    for notice in notices:
        if is_enrolment(notice.session_id):
            enrolment.answered(notice.session_id, notice.output_key, notice.failure, ports)
            continue
        code = notice.failure or _store(notice, ports)
        token = ports.records.wait(notice.session_id, "speech")
        if token is not None and code is None:
            ports.workflow.resume(token, {"session_id": notice.session_id})
        elif token is not None and code is not None:
            ports.workflow.fail(token, code)
    return {"notices": len(notices)}


def _store(notice: Notice, ports: Ports) -> str | None:
    """Makes the transcript durable; the code of the failure when the output is not one."""
    session = ports.records.session(notice.session_id)
    if reached(session, State.TRANSCRIBED) or session.state is State.FAILED:
        return None
    try:
        transcript = read_transcript(ports.audio.output(notice.output_key))
    except (BadTranscript, NotJson, EmptyInput):
        return "SpeechFailed"
    ports.vault.put(session.id, "transcript", transcript.model_dump_json().encode())
    counts = {"turns": len(transcript.turns), "seconds": round(transcript.duration)}
    now, part = ports.clock.now(), str(notice.attempt)
    ports.ledger.append(
        of_system(session, "transcript.stored", now, session.run, part=part, counts=counts)
    )
    ports.records.move(session.id, State.RECEIVED, State.TRANSCRIBED)
    return None
