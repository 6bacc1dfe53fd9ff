"""Small real stand-ins for the outside world, one per port, that remember what was asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.audit.event import Event
from countersign.consent import Consent, Purpose
from countersign.erasure import DeletionReceipt, StoredObject
from countersign.errors import (
    AlreadyExists,
    EventUnknown,
    IllegalMove,
    KeyDestroyed,
    LedgerConflict,
    LedgerUnavailable,
    SessionUnknown,
)
from countersign.ports import Delivered, Patient, Person, Signature, UploadTicket
from countersign.segments import Ended, Progress, prefixes
from countersign.session import Session, State, check_move
from lambdas.wiring import Ports

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class FakeClock:
    def __init__(self, now: datetime = NOON) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def forward(self, **delta: float) -> None:
        self.time += timedelta(**delta)


class FakeAudioStore:
    """A bucket as a dict; `stubborn` keys survive an erasure, as a noncurrent version would."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.stubborn: set[str] = set()
        self.tickets: list[UploadTicket] = []

    def put(self, key: str, content: bytes) -> None:
        self.objects[key] = (content, self.clock.now())

    def ticket(self, session_id: str, segment: int, content_type: str) -> UploadTicket:
        key = f"audio/{session_id}/{segment:05d}"
        made = UploadTicket(
            url=f"https://ingest.example.org/{key}",
            headers={"Content-Type": content_type, "If-None-Match": "*"},
            key=key,
            expires_at=self.clock.now() + timedelta(minutes=15),
        )
        self.tickets.append(made)
        return made

    def upload_origin(self) -> str:
        return "https://ingest.example.org"

    def listing(
        self, session_id: str | None = None, segment: int | None = None
    ) -> tuple[StoredObject, ...]:
        begin = ("audio/", "speech/") if session_id is None else prefixes(session_id, segment)
        return tuple(
            StoredObject(bucket="ingest", key=key, version_id="null", stored_at=stored)
            for key, (_, stored) in sorted(self.objects.items())
            if key.startswith(begin)
        )

    def output(self, key: str) -> bytes:
        return self.objects[key][0]

    def erase(
        self, session_id: str, rule: str, now: datetime, segment: int | None = None
    ) -> DeletionReceipt:
        found = self.listing(session_id, segment)
        for item in found:
            if item.key not in self.stubborn:
                del self.objects[item.key]
        return DeletionReceipt(
            session_id=session_id,
            rule=rule,
            erased=found,
            left=self.listing(session_id, segment),
            at=now,
        )


class FakeVault:
    def __init__(self) -> None:
        self.content: dict[tuple[str, str], bytes] = {}
        self.shredded: set[str] = set()

    def put(self, session_id: str, kind: str, content: bytes) -> None:
        if session_id in self.shredded:
            raise KeyDestroyed(f"the key of session {session_id} was destroyed")
        self.content[session_id, kind] = content

    def get(self, session_id: str, kind: str) -> bytes | None:
        if session_id in self.shredded:
            raise KeyDestroyed(f"the key of session {session_id} was destroyed")
        return self.content.get((session_id, kind))

    def shred(self, session_id: str) -> None:
        self.shredded.add(session_id)
        self.content = {k: v for k, v in self.content.items() if k[0] != session_id}


class FakeRecords:
    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}
        self.given: list[Consent] = []
        self.people: dict[str, Person] = {}
        self.known: dict[str, Patient] = {}
        self.waits: dict[tuple[str, str], str] = {}
        self.signatures: dict[str, Signature] = {}
        self.notes: dict[tuple[str, str], dict[str, object]] = {}
        self.parts: dict[tuple[str, int], Progress] = {}
        self.ends: dict[str, Ended] = {}

    def add_session(self, session: Session) -> None:
        if session.id in self.by_id:
            raise AlreadyExists(f"session {session.id} exists")
        self.by_id[session.id] = session

    def session(self, session_id: str) -> Session:
        try:
            return self.by_id[session_id]
        except KeyError:
            raise SessionUnknown(f"no session {session_id}") from None

    def move(self, session_id: str, before: State, after: State, **changes: object) -> Session:
        check_move(before, after)
        if self.session(session_id).state != before:
            raise IllegalMove(f"session {session_id} is not {before}")
        return self.update(session_id, state=after, **changes)

    def update(self, session_id: str, **changes: object) -> Session:
        self.by_id[session_id] = self.session(session_id).model_copy(update=changes)
        return self.by_id[session_id]

    def sessions(
        self, *, clinician_id: str | None = None, states: tuple[State, ...] = ()
    ) -> tuple[Session, ...]:
        return tuple(
            s
            for s in self.by_id.values()
            if (clinician_id is None or s.clinician_id == clinician_id)
            and (not states or s.state in states)
        )

    def add_consent(self, consent: Consent) -> None:
        self.given.append(consent)

    def consents(self, patient_id: str) -> tuple[Consent, ...]:
        return tuple(c for c in self.given if c.patient_id == patient_id)

    def revoke_consent(self, patient_id: str, purpose: Purpose, at: datetime) -> None:
        self.given = [
            c.model_copy(update={"revoked_at": at})
            if c.patient_id == patient_id and c.purpose == purpose and c.revoked_at is None
            else c
            for c in self.given
        ]

    def add_person(self, person: Person) -> None:
        self.people[person.id] = person

    def person(self, person_id: str) -> Person | None:
        return self.people.get(person_id)

    def add_patient(self, patient: Patient) -> None:
        self.known[patient.id] = patient

    def patient(self, patient_id: str) -> Patient | None:
        return self.known.get(patient_id)

    def patients(self, *, clinician_id: str) -> tuple[Patient, ...]:
        return tuple(p for p in self.known.values() if clinician_id in p.clinician_ids)

    def put_segment(self, session_id: str, segment: Progress) -> bool:
        known = self.parts.get((session_id, segment.index))
        if (known.version if known else 0) != segment.version - 1:
            return False
        self.parts[session_id, segment.index] = segment
        return True

    def segment(self, session_id: str, index: int) -> Progress | None:
        return self.parts.get((session_id, index))

    def segments(self, session_id: str) -> tuple[Progress, ...]:
        return tuple(part for (one, _), part in sorted(self.parts.items()) if one == session_id)

    def end_recording(self, session_id: str, ended: Ended) -> Ended:
        return self.ends.setdefault(session_id, ended)

    def ended(self, session_id: str) -> Ended | None:
        return self.ends.get(session_id)

    def put_wait(self, session_id: str, name: str, token: str) -> None:
        self.waits[session_id, name] = token

    def wait(self, session_id: str, name: str) -> str | None:
        return self.waits.get((session_id, name))

    def sign(self, signature: Signature) -> Signature:
        return self.signatures.setdefault(signature.session_id, signature)

    def signature(self, session_id: str) -> Signature | None:
        return self.signatures.get(session_id)

    def put_facts(self, session_id: str, name: str, facts: dict[str, object]) -> None:
        self.notes[session_id, name] = facts

    def swap_facts(
        self,
        session_id: str,
        name: str,
        before: dict[str, object] | None,
        after: dict[str, object],
    ) -> bool:
        if self.notes.get((session_id, name)) != before:
            return False
        self.notes[session_id, name] = after
        return True

    def facts(self, session_id: str, name: str) -> dict[str, object] | None:
        return self.notes.get((session_id, name))

    def facts_below(self, session_id: str, prefix: str) -> tuple[dict[str, object], ...]:
        return tuple(
            facts
            for (one, name), facts in sorted(self.notes.items())
            if one == session_id and name.startswith(prefix)
        )


class FakeLedger:
    """Appends in order; `down` makes every append fail, as an unreachable table would."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.published: list[str] = []
        self.broken: tuple[str, ...] = ()
        self.down = False

    def append(self, event: Event) -> int:
        if self.down:
            raise LedgerUnavailable("the ledger cannot be reached")
        for index, known in enumerate(self.events):
            if known.id == event.id:
                if known.identity() != event.identity():
                    raise LedgerConflict(f"event {event.id} exists with other content")
                return index
        self.events.append(event)
        return len(self.events) - 1

    def publish(self, site: str) -> str:
        self.published.append(site)
        return f"{site}\n{len(self.events)}\n"

    def sites(self) -> tuple[str, ...]:
        return tuple(sorted({event.site for event in self.events}))

    def verify(self, site: str) -> tuple[str, ...]:
        return self.broken

    def newest(self, most: int) -> tuple[tuple[int, bytes], ...]:
        found = [(index, event.leaf()) for index, event in enumerate(self.events)]
        return tuple(reversed(found[-most:])) if most else ()

    def prove(self, event_id: str) -> str:
        if not any(event.id == event_id for event in self.events):
            raise EventUnknown("the log holds no such event")
        return f"a proof of {event_id}\n"

    def acts(self, subject: str | None = None) -> list[str]:
        return [e.act for e in self.events if subject in (None, e.subject)]


class FakeSpeech:
    def __init__(self) -> None:
        self.submitted: list[dict[str, Any]] = []
        self.enrolled: list[tuple[str, str]] = []

    def submit(self, session_id: str, key: str, inference_id: str, speakers: int) -> None:
        self.submitted.append(
            {
                "session_id": session_id,
                "key": key,
                "inference_id": inference_id,
                "speakers": speakers,
            }
        )

    def enrol(self, session_id: str, key: str) -> None:
        self.enrolled.append((session_id, key))


class FakeEhr:
    """Keeps documents by identifier; `refuse` is raised once per entry before it answers."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, object]] = {}
        self.refuse: list[Exception] = []

    def deliver(self, document: dict[str, object], identifier: str) -> Delivered:
        if self.refuse:
            raise self.refuse.pop(0)
        status = "existing" if identifier in self.documents else "created"
        self.documents.setdefault(identifier, document)
        return Delivered(resource="DocumentReference", id=identifier, status=status)


class FakePager:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def tell(self, recipient: str, code: str, subject: str) -> None:
        self.told.append((recipient, code, subject))


class FakeWorkflow:
    def __init__(self) -> None:
        self.started: list[tuple[str, str, str]] = []
        self.resumed: list[tuple[str, dict[str, object]]] = []
        self.failed: list[tuple[str, str]] = []
        self.dead_tokens: set[str] = set()
        self.dead_runs: set[str] = set()

    def start(self, flow: str, name: str, subject: str) -> bool:
        if any(known == name for _, known, _ in self.started):
            return name not in self.dead_runs
        self.started.append((flow, name, subject))
        return True

    def resume(self, token: str, result: dict[str, object]) -> bool:
        self.resumed.append((token, result))
        return token not in self.dead_tokens

    def fail(self, token: str, code: str) -> bool:
        self.failed.append((token, code))
        return token not in self.dead_tokens

    def running(self, flow: str, name: str) -> bool:
        return any(known == name for _, known, _ in self.started) and name not in self.dead_runs


def ports(**overrides: Any) -> Ports:
    """Every port, faked; name one to give your own."""
    clock = overrides.pop("clock", None) or FakeClock()
    makers: dict[str, Callable[[], Any]] = {
        "audio": lambda: FakeAudioStore(clock),
        "vault": FakeVault,
        "records": FakeRecords,
        "ledger": FakeLedger,
        "speech": FakeSpeech,
        "ehr": FakeEhr,
        "pager": FakePager,
        "workflow": FakeWorkflow,
    }
    made = {name: overrides.pop(name, None) or make() for name, make in makers.items()}
    return Ports(clock=clock, connected={**made, **overrides})
