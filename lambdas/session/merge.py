"""Makes one transcript of the segments, and destroys the key of what they were made of."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from countersign import merging, segments
from countersign.audit.event import of_system
from countersign.errors import AudioMissing
from countersign.redaction import read_roster
from countersign.roles import Roles
from countersign.segments import SILENT, Progress, Stage
from countersign.session import Session, State, reached
from countersign.sounds import Sounds
from countersign.transcript import Transcript, read_transcript
from countersign.vocabulary import Vocabulary
from lambdas import enrolment, policies, recording
from lambdas.wiring import Ports, connected

# Shorter ones sound like too many other words.
_SHORTEST_NAME = 4


@connected("records", "vault", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    session = ports.records.session(event["session_id"])
    if not reached(session, State.TRANSCRIBED):
        recording.require_going(session.id, ports)
        known = ports.vault.get(session.id, "transcript")
        whole = read_transcript(known) if known else _merged(session, ports)
        ports.vault.put(session.id, "transcript", whole.model_dump_json().encode())
        counts = {"turns": len(whole.turns), "seconds": round(whole.duration)}
        now = ports.clock.now()
        ports.ledger.append(
            of_system(session, "transcript.stored", now, event["run"], counts=counts)
        )
        ports.records.move(session.id, State.RECEIVED, State.TRANSCRIBED)
    ports.vault.shred(recording.sealed(session.id))
    return {"session_id": session.id}


def _merged(session: Session, ports: Ports) -> Transcript:
    """What all segments say together; raises the refusal of a session that says nothing."""
    known = {each.index: each for each in ports.records.segments(session.id)}
    count = segments.announced(ports.records.ended(session.id), known.values())
    parts = [_segment(session.id, index, known.get(index), ports) for index in range(count)]
    if not any(part.transcript for part in parts):
        refusal = segments.failure(known.values()) or AudioMissing
        raise refusal(f"no segment of session {session.id} has a transcript")
    return merging.merge(
        parts,
        Roles.model_validate(tomllib.loads(policies.text("speech.toml"))["roles"]),
        enrolment.print_of(ports, session.clinician_id),
        speakers=recording.PARTICIPANTS,
        names=_names(session, ports),
    )


def _names(session: Session, ports: Ports) -> Sounds | None:
    """What the people and places around this patient are called, whole and word by word."""
    patient = ports.records.patient(session.patient_id)
    if patient is None:
        return None
    roster = read_roster(json.dumps(patient.roster))
    called = [name for person in roster.people for name in (person.name, *person.aliases)]
    called += [*roster.places, *roster.organizations]
    words = [word for name in called for word in name.split() if len(word) >= _SHORTEST_NAME]
    files = ("vocabulary/clinic.toml", "sound_alike.toml", "lexicons/medications.toml")
    medications = Vocabulary.from_toml(*map(policies.text, files)).medications
    return Sounds([*called, *words], medications) if called else None


def _segment(session_id: str, index: int, held: Progress | None, ports: Ports) -> merging.Segment:
    durable = held is not None and held.stage in (Stage.TRANSCRIBED, Stage.ERASED)
    stored = ports.vault.get(recording.sealed(session_id), f"{index:05d}") if durable else None
    return merging.Segment(
        index=index,
        starts_at=held.starts_at if held else None,
        duration=held.seconds if held else 0.0,
        transcript=read_transcript(stored) if stored else None,
        silent=bool(held and held.failure == SILENT),
    )
