"""One session on moto: its patient agreed, its recording on the way, the flow as it is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from countersign import voiceprint
from countersign.consent import Consent, Purpose
from countersign.ports import Patient, Person, Signature
from countersign.segments import Progress
from countersign.session import Session, State
from countersign.transcript import Doubt, Role, Speaker, Transcript, Turn
from lambdas import recording
from lambdas.capture.on_upload import handler as on_upload
from lambdas.wiring import Ports
from tests import fakes
from tests.machine import Machine

SID = "5e55" * 8

SAID = (
    ("therapist", "How have you been sleeping since we met last week, Marisol?"),
    ("patient", "I sleep about four hours a night and I keep thinking about work."),
    ("therapist", "Are you having any thoughts of hurting yourself?"),
    ("patient", "No, I am not having any thoughts of hurting myself."),
    ("therapist", "Let us practice the breathing exercise and keep a thought record this week."),
    ("patient", "My goal is to sleep six hours a night by the end of the month."),
)


def transcript() -> Transcript:
    return Transcript(
        duration=60,
        model="tiny",
        turns=tuple(
            Turn(
                id=f"t{n}",
                speaker="S1" if who == "therapist" else "S2",
                role=Role(who),
                start=10.0 * n,
                end=10.0 * n + 9,
                text=text,
            )
            for n, (who, text) in enumerate(SAID)
        ),
    )


PIECES = 3
_PRINTS = {
    "therapist": voiceprint.encode([1.0, *[0.1] * 255]),
    "patient": voiceprint.encode([*[0.1] * 255, 1.0]),
}


def piece(index: int) -> Transcript:
    """What is heard in one of the three segments of 20 s that the session is cut into."""
    start = 20.0 * index
    turns = tuple(
        turn.model_copy(update={"start": turn.start - start, "end": turn.end - start})
        for turn in transcript().turns[2 * index : 2 * index + 2]
    )
    return Transcript(
        duration=20.0,
        model="tiny",
        turns=turns,
        speakers=tuple(
            Speaker(id=turn.speaker, seconds=9.0, voice=_PRINTS[str(turn.role)]) for turn in turns
        ),
        warnings=(Doubt(code="low_level", start=0.0, end=2.0),) if index == 1 else (),
    )


@dataclass
class World:
    """One session whose patient agreed, a recording on its way, and the flow on moto."""

    ports: Ports
    machine: Machine

    @property
    def session(self) -> Session:
        session: Session = self.ports.records.session(SID)
        return session

    def agree(self, *purposes: Purpose) -> None:
        now = self.ports.clock.now()
        for purpose in purposes:
            self.ports.records.add_consent(
                Consent(
                    id=f"c-{purpose}",
                    patient_id="pat",
                    purpose=purpose,
                    granted_at=now,
                    expires_at=now + timedelta(days=30),
                    recorded_by="amy",
                )
            )

    def upload(self, content: bytes = b"RIFF") -> dict[str, Any]:
        """A recording that is one segment, and its end."""
        self.allow(0)
        done = self.arrives(0, content)
        recording.end(self.session, 1, "recorder", self.ports)
        return done

    def allow(self, index: int, starts_at: float = 0.0, seconds: float = 0.0) -> None:
        """What the portal writes before it gives a ticket."""
        self.ports.records.put_segment(
            SID,
            Progress(index=index, at=self.ports.clock.now(), starts_at=starts_at, seconds=seconds),
        )

    def arrives(self, index: int, content: bytes = b"RIFF") -> dict[str, Any]:
        key = f"audio/{SID}/{index:05d}"
        self.ports.audio.put(key, content)
        return on_upload({"detail": {"object": {"key": key}}}, None, ports=self.ports)

    def sends(self, index: int) -> None:
        """A ticket, and the segment that holds the turns of `piece(index)`."""
        self.allow(index, starts_at=20.0 * index, seconds=20.0)
        self.arrives(index)

    def hears_piece(self, index: int, attempt: int = 1) -> None:
        self.hears(f"{SID}.{index}.{attempt}", piece(index))

    def fails(self, index: int, reason: str, attempt: int = 1) -> None:
        """The endpoint gives one segment up."""
        inference = f"{SID}.{index}.{attempt}"
        self.notice(
            {"invocationStatus": "Failed", "inferenceId": inference, "failureReason": reason}
        )

    def ends(self, segments: int) -> None:
        recording.end(self.session, segments, "recorder", self.ports)

    def stage(self, index: int) -> str:
        held = self.ports.records.segment(SID, index)
        return "" if held is None else str(held.stage)

    def asked(self, times: int = 1) -> dict[str, Any]:
        """What the endpoint was asked, once it was asked that often."""
        self.machine.until(lambda: len(self.ports.speech.submitted) >= times)
        asked: dict[str, Any] = self.ports.speech.submitted[-1]
        return asked

    def heard(self, said: Transcript | None = None, times: int = 1) -> None:
        """The endpoint answers with a transcript."""
        self.hears(self.asked(times)["inference_id"], said or transcript())

    def hears(self, inference: str, said: Transcript) -> None:
        """The endpoint answers one question with a transcript."""
        key = output_of(inference)
        self.ports.audio.put(key, said.model_dump_json().encode())
        self.notice(
            {
                "invocationStatus": "Completed",
                "inferenceId": inference,
                "responseParameters": {"outputLocation": f"s3://ingest/{key}"},
            }
        )

    def failed(self, reason: str, times: int = 1) -> None:
        """The endpoint gives up."""
        inference = self.asked(times)["inference_id"]
        self.notice(
            {"invocationStatus": "Failed", "inferenceId": inference, "failureReason": reason}
        )

    def notice(self, message: dict[str, Any]) -> None:
        self.machine.invoke("on_speech", {"Records": [{"Sns": {"Message": json.dumps(message)}}]})

    def reviewed(self) -> None:
        self.machine.until(lambda: self.session.state is State.AWAITING_SIGNATURE)

    def signs(self) -> None:
        text = "Progress note (SOAP)\n"
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.ports.vault.put(SID, "note", text.encode())
        self.ports.records.sign(Signature(SID, "amy", "L-1", digest, self.ports.clock.now()))
        self.ports.records.move(SID, State.AWAITING_SIGNATURE, State.SIGNED)
        self.ports.workflow.resume(self.ports.records.wait(SID, "signature"), {"session_id": SID})


def output_of(inference: str) -> str:
    """Where the endpoint puts its answer to an inference."""
    _, segment, attempt = inference.rsplit(".", 2)
    return f"speech/{SID}/{segment}-{attempt}.out"


def ready(**overrides: Any) -> Ports:
    ports = fakes.ports(**overrides)
    ports.records.add_person(Person("amy", "Amy Adeyemi", ("clinician",), "main", "L-1"))
    roster = {"people": [{"name": "Marisol Vega", "role": "patient"}]}
    ports.records.add_patient(Patient("pat", "main", ("amy",), roster))
    ports.records.add_session(
        Session(
            id=SID,
            site="main",
            patient_id="pat",
            clinician_id="amy",
            registered_at=ports.clock.now(),
        )
    )
    return ports
