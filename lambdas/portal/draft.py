"""What the clinician does with a draft: read it, change it, sign it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from aws_lambda_powertools import Logger
from pydantic import TypeAdapter

from countersign import review
from countersign.access import Action, SessionOf
from countersign.errors import (
    DraftChanged,
    DraftEdited,
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
from countersign.transcript import Role, Transcript, read_transcript
from lambdas import engines, policies
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
    """A draft as it stands. `note` and `redacted` hold tokens; `table` is token → original.

    `drafted` is the version that the drafter made; every later one is the clinician's work.
    """

    resource: SessionOf
    version: int
    drafted: int
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
        return review.open_points(self.note, self.check, signing(), self.redacted)

    @property
    def edited(self) -> bool:
        return self.version > self.drafted

    @property
    def closes_at(self) -> datetime | None:
        since = self.resource.session.awaiting_since
        return None if since is None else review.closes_at(since, signing().window)


class _Changed(NamedTuple):
    """A draft's content after a change."""

    note: Note
    check: Check | None


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

    def change(draft: Draft) -> _Changed:
        return _Changed(review.rewrite(draft.note, sentence_id, text, draft.table), draft.check)

    return _edit(ports, person, session_id, version, change)


def complete(
    ports: Ports, person: Person, session_id: str, version: int, sentence_id: str, words: str
) -> Draft:
    """The draft with the gap in one sentence filled."""

    def change(draft: Draft) -> _Changed:
        return _Changed(review.complete(draft.note, sentence_id, words, draft.table), draft.check)

    return _edit(ports, person, session_id, version, change)


def strike(
    ports: Ports, person: Person, session_id: str, version: int, sentence_id: str, struck: bool
) -> Draft:
    """The draft with one sentence struck, or put back."""

    def change(draft: Draft) -> _Changed:
        return _Changed(review.strike(draft.note, sentence_id, struck), draft.check)

    return _edit(ports, person, session_id, version, change)


def confirm(
    ports: Ports, person: Person, session_id: str, version: int, sentence_id: str, confirmed: bool
) -> Draft:
    """The draft with one sentence confirmed as right, or the confirmation taken back."""

    def change(draft: Draft) -> _Changed:
        return _Changed(review.confirm(draft.note, sentence_id, confirmed), draft.check)

    return _edit(ports, person, session_id, version, change)


def hear(
    ports: Ports,
    person: Person,
    session_id: str,
    version: int,
    sentence_id: str,
    at: float,
    said: str,
) -> Draft:
    """The draft in which the clinician has said which sound-alike medication it was.

    The ledger keeps which of the candidates was chosen, by number: a medication's name is content.
    """
    number = 0

    def change(draft: Draft) -> _Changed:
        nonlocal number
        note, check = review.hear(draft.note, draft.check, sentence_id, draft.redacted, at, said)
        sentence = review.sentence_of(note, sentence_id)
        number = next(
            choice.candidates.index(said)
            for choice in review.choices(sentence, draft.redacted)
            if choice.chosen == said and round(choice.at, 2) == round(at, 2)
        )
        return _Changed(note, check)

    return _edit(
        ports,
        person,
        session_id,
        version,
        change,
        act="medication.chosen",
        counts=lambda: {"candidate": number, "second": int(at)},
    )


def name_speaker(
    ports: Ports, person: Person, session_id: str, speaker: str, role: Role, *, redraft: bool
) -> Draft:
    """The draft made anew after the clinician has said whose voice `speaker` is.

    Roles decide who is quoted and which section a statement goes into, so the draft cannot stay.
    Raises `DraftEdited` when the clinician has worked on it, unless `redraft` discards that work.
    """
    resource, rules = _open_for_changes(ports, person, session_id)
    before = _load(ports, resource)
    transcript = review.name_speaker(before.transcript, speaker, role)
    redacted = review.name_speaker(before.redacted, speaker, role)
    if before.edited and not redraft:
        raise DraftEdited("the draft is made anew when a voice gets another role")
    note = engines.draft(redacted, resource.session.template)
    check = engines.check(note, redacted, before.table)
    version = before.version + 1
    counts = {"version": version, "sentences": len(note.sentences())}
    for act, part, reason in (
        ("speaker.named", f"{speaker}/{version}", str(role)),
        ("note.redrafted", str(version), None),
    ):
        ports.ledger.append(
            gate.act_of(
                ports, person, act, resource, part=part, rules=rules, counts=counts, reason=reason
            )
        )
    # Until all four are stored they do not belong together: nothing is changed or signed.
    ports.records.put_facts(session_id, "review", {"version": version, "redrafting": True})
    for kind, content in (
        ("transcript", transcript.model_dump_json()),
        ("redacted", redacted.model_dump_json()),
    ):
        ports.vault.put(session_id, kind, content.encode())
    _store(ports, session_id, _Changed(note, check), version, drafted=version)
    return _load(ports, resource)


def _edit(
    ports: Ports,
    person: Person,
    session_id: str,
    version: int,
    change: Callable[[Draft], _Changed],
    *,
    act: str = "draft.edited",
    counts: Callable[[], dict[str, int]] = dict,
) -> Draft:
    resource, rules = _open_for_changes(ports, person, session_id)
    _require_whole(ports, session_id)
    draft = _load(ports, resource)
    if draft.version != version:
        raise DraftChanged(f"you changed version {version}; the draft is at {draft.version}")
    changed = change(draft)
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            act,
            resource,
            part=str(version + 1),
            rules=rules,
            counts={"version": version + 1, **counts()},
        )
    )
    _store(ports, session_id, changed, version + 1, drafted=draft.drafted)
    return _load(ports, resource)


def _open_for_changes(
    ports: Ports, person: Person, session_id: str
) -> tuple[SessionOf, tuple[str, ...]]:
    """The session whose draft `person` may change now, and the rules that allow it."""
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.EDIT_DRAFT, resource)
    _require_under_review(ports, resource)
    if ports.records.facts(session_id, "signing"):
        raise IllegalMove("a signature on this text was begun", hint="Finish signing this text.")
    return resource, rules


def _store(ports: Ports, session_id: str, changed: _Changed, version: int, *, drafted: int) -> None:
    if changed.check is not None:
        ports.vault.put(session_id, "check", changed.check.model_dump_json().encode())
    stored = changed.note.model_dump(mode="json") | {"version": version, "drafted": drafted}
    ports.vault.put(session_id, "draft", json.dumps(stored).encode())
    ports.records.put_facts(session_id, "review", {"version": version})


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
    _require_whole(ports, resource.session.id)
    draft = _load(ports, resource)
    review.require_complete(draft.note, draft.check, signing(), draft.redacted)
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


def _require_whole(ports: Ports, session_id: str) -> None:
    known = ports.records.facts(session_id, "review") or {}
    if known.get("redrafting"):
        raise DraftNotReady(
            "the draft was not made anew to the end",
            hint="Say once more whose voice is whose: that makes the draft anew.",
        )


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
    bookkeeping = json.loads(raw)
    holder = ports.records.person(session.clinician_id)
    header = review.Header(
        session_id=session.id,
        held_on=session.registered_at,
        clinician=holder.name if holder else session.clinician_id,
        licence=(holder.licence if holder else None) or "none",
    )
    return Draft(
        resource=resource,
        version=int(bookkeeping.get("version", 1)),
        drafted=int(bookkeeping.get("drafted", 1)),
        note=note,
        check=Check.model_validate_json(check) if check else None,
        table=originals,
        transcript=read_transcript(transcript),
        redacted=read_transcript(redacted),
        text=review.render(note, originals, header, signing()),
    )
