"""What the clinician does with a draft: read it, change it, sign it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aws_lambda_powertools import Logger
from pydantic import TypeAdapter

from countersign import review
from countersign.access import Action, SessionOf
from countersign.errors import (
    DraftChanged,
    DraftNotReady,
    IllegalMove,
    LedgerUnavailable,
    Refusal,
    ReviewClosed,
    ReviewIncomplete,
)
from countersign.note import Check, Note
from countersign.ports import Person, Signature
from countersign.session import State
from countersign.transcript import Transcript, read_transcript
from lambdas import policies
from lambdas.portal import gate
from lambdas.wiring import Ports

logger = Logger(service="countersign")
_TABLE = TypeAdapter(dict[str, str])


@functools.cache
def signing() -> review.Signing:
    """The site's rules for signing, parsed once per process."""
    return review.Signing.from_toml(policies.text("signing.toml"))


@dataclass(frozen=True)
class Draft:
    """A draft as it stands. `note` and `redacted` hold tokens; `table` is token → original."""

    resource: SessionOf
    version: int
    note: Note
    check: Check | None
    table: dict[str, str]
    transcript: Transcript
    redacted: Transcript
    text: str

    @property
    def digest(self) -> str:
        return review.digest(self.text)

    @property
    def open_points(self) -> tuple[review.OpenPoint, ...]:
        return review.open_points(self.note, self.check, signing())

    @property
    def closes_at(self) -> datetime | None:
        since = self.resource.session.awaiting_since
        return None if since is None else review.closes_at(since, signing().window)


def read(ports: Ports, person: Person, session_id: str) -> Draft:
    """The draft with its transcript, for somebody who may see both; each reading is recorded."""
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.READ_DRAFT, resource)
    draft = _load(ports, resource)
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "draft.read",
            resource,
            part=f"{person.id}/{draft.version}",
            repeatable=True,
            rules=rules,
            counts={"version": draft.version},
        )
    )
    return draft


def read_signed(ports: Ports, person: Person, resource: SessionOf) -> str | None:
    """The signed text while the vault still holds it; each reading is recorded.

    Raises `KeyDestroyed` after the session's content was shredded.
    """
    rules = gate.require(ports, person, Action.READ_DRAFT, resource)
    content: bytes | None = ports.vault.get(resource.session.id, "note")
    ports.ledger.append(
        gate.act_of(
            ports, person, "note.read", resource, part=person.id, repeatable=True, rules=rules
        )
    )
    return None if content is None else content.decode("utf-8")


def rewrite(
    ports: Ports, person: Person, session_id: str, version: int, sentence_id: str, text: str
) -> Draft:
    """The draft with one sentence in the clinician's words."""

    def change(draft: Draft) -> Note:
        return review.rewrite(draft.note, sentence_id, text, draft.table)

    return _edit(ports, person, session_id, version, change)


def complete(
    ports: Ports, person: Person, session_id: str, version: int, sentence_id: str, words: str
) -> Draft:
    """The draft with the gap in one sentence filled."""

    def change(draft: Draft) -> Note:
        return review.complete(draft.note, sentence_id, words, draft.table)

    return _edit(ports, person, session_id, version, change)


def strike(
    ports: Ports, person: Person, session_id: str, version: int, sentence_id: str, struck: bool
) -> Draft:
    """The draft with one sentence struck, or put back."""

    def change(draft: Draft) -> Note:
        return review.strike(draft.note, sentence_id, struck)

    return _edit(ports, person, session_id, version, change)


def confirm(
    ports: Ports, person: Person, session_id: str, version: int, sentence_id: str, confirmed: bool
) -> Draft:
    """The draft with one sentence confirmed as right, or the confirmation taken back."""

    def change(draft: Draft) -> Note:
        return review.confirm(draft.note, sentence_id, confirmed)

    return _edit(ports, person, session_id, version, change)


def _edit(
    ports: Ports, person: Person, session_id: str, version: int, change: Callable[[Draft], Note]
) -> Draft:
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.EDIT_DRAFT, resource)
    _require_under_review(ports, resource)
    if ports.records.facts(session_id, "signing"):
        raise IllegalMove("a signature on this text was begun", hint="Finish signing this text.")
    draft = _load(ports, resource)
    if draft.version != version:
        raise DraftChanged(f"you changed version {version}; the draft is at {draft.version}")
    changed = change(draft)
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "draft.edited",
            resource,
            part=str(version + 1),
            rules=rules,
            counts={"version": version + 1},
        )
    )
    stored = changed.model_dump(mode="json") | {"version": version + 1}
    ports.vault.put(session_id, "draft", json.dumps(stored).encode())
    ports.records.put_facts(session_id, "review", {"version": version + 1})
    return _load(ports, resource)


def sign(ports: Ports, person: Person, session_id: str, digest: str, attested: bool) -> Signature:
    """Signs exactly the text whose SHA-256 is `digest`; again, it returns the first signature.

    The order keeps every promise: the ledger's entry before anything changes, the text before the
    signature that names it, the signature before the workflow that delivers it. A crash between
    any two is mended by signing again, or by the run that is started anew from the records.
    """
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.SIGN_NOTE, resource)
    signature: Signature | None = ports.records.signature(session_id)
    if signature is None:
        try:
            draft = _ready_to_sign(ports, resource, digest, attested)
        except Refusal as refusal:
            ports.ledger.append(
                gate.act_of(
                    ports,
                    person,
                    "signature.refused",
                    resource,
                    repeatable=True,
                    part=f"{person.id}/{refusal.code}",
                    rules=rules,
                    reason=refusal.code,
                )
            )
            raise
        signature = _sign(ports, person, draft, rules)
    if signature.digest != digest:
        raise DraftChanged("another text of this session is signed already")
    _go_on(ports, resource)
    return signature


def _ready_to_sign(ports: Ports, resource: SessionOf, digest: str, attested: bool) -> Draft:
    _require_under_review(ports, resource)
    draft = _load(ports, resource)
    review.require_complete(draft.note, draft.check, signing())
    if not attested:
        raise ReviewIncomplete("the attestation is missing", hint="Tick it, then sign.")
    if draft.digest != digest:
        raise DraftChanged("the draft is not the one that was shown")
    return draft


def _sign(ports: Ports, person: Person, draft: Draft, rules: tuple[str, ...]) -> Signature:
    session_id = draft.resource.session.id
    # From here until the signature is stored, the text must not change under the ledger's entry.
    ports.records.put_facts(session_id, "signing", {"digest": draft.digest})
    try:
        ports.ledger.append(
            gate.act_of(
                ports,
                person,
                "note.signed",
                draft.resource,
                rules=rules,
                hashes={"note": draft.digest},
                counts={"version": draft.version},
            ).model_copy(update={"id": f"{session_id}/signed"})
        )
    except LedgerUnavailable:
        ports.records.put_facts(session_id, "signing", {})
        raise
    ports.vault.put(session_id, "note", draft.text.encode("utf-8"))
    signature: Signature = ports.records.sign(
        Signature(
            session_id=session_id,
            clinician_id=person.id,
            licence=person.licence or "",
            digest=draft.digest,
            signed_at=ports.clock.now(),
        )
    )
    return signature


def _go_on(ports: Ports, resource: SessionOf) -> None:
    session_id = resource.session.id
    if resource.session.state is State.AWAITING_SIGNATURE:
        ports.records.move(session_id, State.AWAITING_SIGNATURE, State.SIGNED)
    token = ports.records.wait(session_id, "signature")
    if token is None:
        return
    try:
        ports.workflow.resume(token, {"session_id": session_id})
    except Exception as error:
        # The signature is safe in the records, and the scheduled redrive wakes the run from them.
        logger.warning(
            "a signed session could not be woken",
            extra={"session_id": session_id, "outcome": type(error).__name__},
        )


def _require_under_review(ports: Ports, resource: SessionOf) -> None:
    session = resource.session
    if session.state is State.LOCKED:
        raise ReviewClosed("this draft is locked")
    if session.state is not State.AWAITING_SIGNATURE:
        raise IllegalMove(f"this session is not waiting for a signature: it is {session.state}")
    review.require_open(session.awaiting_since, ports.clock.now(), signing().window)


def _load(ports: Ports, resource: SessionOf) -> Draft:
    session = resource.session
    raw = ports.vault.get(session.id, "draft")
    transcript = ports.vault.get(session.id, "transcript")
    redacted = ports.vault.get(session.id, "redacted")
    table = ports.vault.get(session.id, "surrogates")
    if raw is None or transcript is None or redacted is None or table is None:
        raise DraftNotReady("there is no draft of this session to look at")
    check = ports.vault.get(session.id, "check")
    note, originals = Note.model_validate_json(raw), _TABLE.validate_json(table)
    holder = ports.records.person(session.clinician_id)
    header = review.Header(
        session_id=session.id,
        held_on=session.registered_at,
        clinician=holder.name if holder else session.clinician_id,
        licence=(holder.licence if holder else None) or "none",
    )
    return Draft(
        resource=resource,
        version=int(json.loads(raw).get("version", 1)),
        note=note,
        check=Check.model_validate_json(check) if check else None,
        table=originals,
        transcript=read_transcript(transcript),
        redacted=read_transcript(redacted),
        text=review.render(note, originals, header, signing()),
    )
