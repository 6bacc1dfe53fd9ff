"""Decides what the product asks of the outside world: one Protocol per thing, no vendor in any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from countersign.audit.event import Event
from countersign.consent import Consent, Purpose
from countersign.erasure import DeletionReceipt, StoredObject
from countersign.note import Note
from countersign.segments import Ended, Progress
from countersign.session import Session, State
from countersign.transcript import Transcript


@dataclass(frozen=True)
class UploadTicket:
    """Where and how a browser sends one segment, once: an URL with the headers it must send."""

    url: str
    headers: dict[str, str]
    key: str
    expires_at: datetime


@dataclass(frozen=True)
class Delivered:
    """Where a signed note stands in the record system."""

    resource: str
    id: str
    status: str  # "created" | "existing"


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in: a Cognito subject with roles, by site."""

    id: str
    name: str
    roles: tuple[str, ...]
    site: str
    licence: str | None = None


@dataclass(frozen=True)
class Patient:
    """What the appointment record knows, and redaction needs, of a patient."""

    id: str
    site: str
    clinician_ids: tuple[str, ...]
    roster: dict[str, object]


@dataclass(frozen=True)
class Signature:
    """A clinician's own act over exact bytes: `digest` is the SHA-256 of the rendered note."""

    session_id: str
    clinician_id: str
    licence: str
    digest: str
    signed_at: datetime


@dataclass(frozen=True)
class Claims:
    """What a verified sign-in says: who, since when, until when; `nonce` ties it to one request."""

    subject: str
    signed_in_at: datetime
    expires_at: datetime
    nonce: str | None = None


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, in UTC."""


class AudioStore(Protocol):
    """The ingest bucket: unversioned, and emptied as soon as a transcript is durable."""

    def ticket(self, session_id: str, segment: int, content_type: str) -> UploadTicket: ...
    def upload_origin(self) -> str:
        """Scheme and host that tickets lead to: a page has to name where its scripts may send."""

    def listing(
        self, session_id: str | None = None, segment: int | None = None
    ) -> tuple[StoredObject, ...]:
        """Every version and delete marker of audio and recognizer output.

        Of all sessions, of one, or of one segment of it.
        """

    def output(self, key: str) -> bytes:
        """The endpoint's output object; it is PHI and goes the way of the audio."""

    def erase(
        self, session_id: str, rule: str, now: datetime, segment: int | None = None
    ) -> DeletionReceipt:
        """Deletes what `listing` shows of the session, or of one segment, and lists again."""


class Vault(Protocol):
    """Content encrypted under its session's own data key; `shred` makes all of it unreadable."""

    def put(self, session_id: str, kind: str, content: bytes) -> None: ...
    def get(self, session_id: str, kind: str) -> bytes | None: ...
    def shred(self, session_id: str) -> None: ...


class Records(Protocol):
    """The system's truth about sessions, consents, people and waits. Ids, times and states."""

    def add_session(self, session: Session) -> None: ...
    def session(self, session_id: str) -> Session: ...
    def move(self, session_id: str, before: State, after: State, **changes: object) -> Session:
        """One conditional write; raises `IllegalMove` if the session is not in `before`."""

    def update(self, session_id: str, **changes: object) -> Session: ...
    def sessions(
        self, *, clinician_id: str | None = None, states: tuple[State, ...] = ()
    ) -> tuple[Session, ...]: ...
    def add_consent(self, consent: Consent) -> None: ...
    def consents(self, patient_id: str) -> tuple[Consent, ...]: ...
    def revoke_consent(self, patient_id: str, purpose: Purpose, at: datetime) -> None: ...
    def add_person(self, person: Person) -> None: ...
    def person(self, person_id: str) -> Person | None: ...
    def add_patient(self, patient: Patient) -> None: ...
    def patient(self, patient_id: str) -> Patient | None: ...
    def patients(self, *, clinician_id: str) -> tuple[Patient, ...]: ...
    def put_segment(self, session_id: str, segment: Progress) -> bool:
        """Stores the next version; False when somebody else has written that version."""

    def segment(self, session_id: str, index: int) -> Progress | None: ...
    def segments(self, session_id: str) -> tuple[Progress, ...]:
        """All that are known, in order."""

    def end_recording(self, session_id: str, ended: Ended) -> Ended:
        """Stores once how many segments there are; a second call returns the first answer."""

    def ended(self, session_id: str) -> Ended | None: ...
    def put_wait(self, session_id: str, name: str, token: str) -> None:
        """Remembers how to wake the workflow; a new token replaces an older one."""

    def wait(self, session_id: str, name: str) -> str | None: ...
    def sign(self, signature: Signature) -> Signature:
        """Stores the signature once; a second one returns the first."""

    def signature(self, session_id: str) -> Signature | None: ...
    def put_facts(self, session_id: str, name: str, facts: dict[str, object]) -> None:
        """Small bookkeeping beside a session, such as a delivery's id or a review's counts."""

    def swap_facts(
        self,
        session_id: str,
        name: str,
        before: dict[str, object] | None,
        after: dict[str, object],
    ) -> bool:
        """One conditional write; False when the facts are no longer `before`."""

    def facts(self, session_id: str, name: str) -> dict[str, object] | None: ...
    def facts_below(self, session_id: str, prefix: str) -> tuple[dict[str, object], ...]:
        """All facts whose name begins so, by name."""


class Ledger(Protocol):
    """The append-only log. No entry, no change of state."""

    def append(self, event: Event) -> int:
        """The entry's index; the same event again returns the same index.

        Raises `LedgerConflict` for the same id with other content, `LedgerUnavailable` when
        nothing could be written.
        """

    def publish(self, site: str) -> str:
        """Integrates what was appended, signs a checkpoint, stores it; returns its text."""

    def sites(self) -> tuple[str, ...]:
        """The sites that have a log."""

    def newest(self, most: int) -> tuple[tuple[int, bytes], ...]:
        """The last entries with their indexes, newest first, published or not."""

    def verify(self, site: str) -> tuple[str, ...]:
        """What is broken in the published log, by kind and place; empty when all is in order.

        Raises `LedgerUnavailable` when it cannot be read to its end.
        """

    def prove(self, event_id: str) -> str:
        """A proof that the published log holds this event; raises `EventUnknown`."""


class Signer(Protocol):
    """Holds the log's Ed25519 key; nobody else sees it."""

    def sign(self, message: bytes) -> bytes: ...
    def public_key(self) -> bytes:
        """The 32 raw bytes of the Ed25519 public key."""


class Speech(Protocol):
    def submit(self, session_id: str, key: str, inference_id: str, speakers: int) -> None:
        """Asks the endpoint to transcribe an object; the answer comes as a notice."""

    def enrol(self, session_id: str, key: str) -> None:
        """Asks for the voice print of an object instead; `session_id` is the enrolment's own."""


class Drafter(Protocol):
    def draft(self, transcript: Transcript, template: str) -> Note:
        """A note in which every sentence has evidence; gaps are placeholders."""


class Ehr(Protocol):
    def deliver(self, document: dict[str, object], identifier: str) -> Delivered:
        """Creates the document unless one with `identifier` is there.

        Raises `EhrUnavailable` (try again) or `EhrRefused` (a person must look).
        """


class Pager(Protocol):
    def tell(self, recipient: str, code: str, subject: str) -> None:
        """Tells a person what to look at, by code and id; never with a patient's words."""


class Workflow(Protocol):
    """The orchestrator, as a thing to start and to wake."""

    def start(self, flow: str, name: str, subject: str) -> bool:
        """Starts a run, or finds it running; False when a run of that name has ended."""

    def resume(self, token: str, result: dict[str, object]) -> bool:
        """Wakes a waiting run; False when it no longer waits."""

    def fail(self, token: str, code: str) -> bool: ...
    def running(self, flow: str, name: str) -> bool: ...


class Identity(Protocol):
    """Who is at the other end: sign-in by authorization code with PKCE (RFC 6749, RFC 7636)."""

    portal_url: str
    """The portal's own origin, without a slash at the end."""
    sign_in_url: str

    def authorize_url(self, state: str, challenge: str, nonce: str, *, again: bool = False) -> str:
        """Where to send a browser to sign in; `challenge` is the S256 code challenge.

        `again`: whoever it is shows it once more, also if the browser is signed in there.
        """

    def exchange(self, code: str, verifier: str) -> str:
        """The identity token for a code; raises `SignInFailed`."""

    def verify(self, token: str) -> Claims:
        """Raises `NotSignedIn` unless the token is ours, whole and not expired."""

    def sign_out_url(self) -> str: ...
