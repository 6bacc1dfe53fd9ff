"""What the clinician does with a draft: read it, change it, sign it."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import TypeAdapter

from countersign import review
from countersign.access import Action, SessionOf
from countersign.errors import (
    BadRequest,
    DraftChanged,
    DraftEdited,
    DraftNotReady,
    IllegalMove,
    LedgerUnavailable,
    Refusal,
    ReviewClosed,
    ReviewIncomplete,
)
from countersign.note import Check, Note, Origin
from countersign.ports import Person, Signature
from countersign.redaction import restore
from countersign.session import Session, State
from countersign.transcript import Role, Transcript, read_transcript
from lambdas import engines, policies
from lambdas.portal import gate
from lambdas.wiring import Ports

logger = Logger(service="countersign")
_TABLE = TypeAdapter(dict[str, str])
# How many changes can be undone. Each costs some 200 bytes of a record that may have 400 KB.
_UNDO = 200
_TRIES = 5


@functools.cache
def signing() -> review.Signing:
    """The site's rules for signing, parsed once per process."""
    return review.Signing.from_toml(policies.text("signing.toml"))


@dataclass(frozen=True)
class Draft:
    """A draft as it stands. `note` and `redacted` hold tokens; `table` is token → original.

    `drafted` is the version that the drafter made; every later one is the clinician's work.
    `standing` is the record that says which contents belong together, as it was read: whoever
    changes the draft writes it only if it still is the same. `read` is how far its clinician has
    read, `signed_before` when they last signed another note.
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
    standing: dict[str, Any] | None = None
    read: review.Read | None = None
    signed_before: datetime | None = None

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
    def undoable(self) -> bool:
        return bool(_history(self.standing)) and not self.signing

    @property
    def signing(self) -> dict[str, Any] | None:
        """What is being signed, once a signature was begun."""
        begun = (self.standing or {}).get("signing")
        return begun if isinstance(begun, dict) else None

    @property
    def unseen(self) -> tuple[str, ...]:
        return review.unseen(self.note, self.read)

    @property
    def readable_by(self) -> datetime | None:
        """From when on the note can have been read; None while nobody has opened it."""
        if self.read is None:
            return None
        since = max(filter(None, (self.read.opened_at, self.signed_before)))
        return review.readable_by(self.note, since, signing())

    @property
    def closes_at(self) -> datetime | None:
        since = self.resource.session.awaiting_since
        return None if since is None else review.closes_at(since, signing().window)


@dataclass(frozen=True)
class _Changed:
    """A draft's content after a change."""

    note: Note
    check: Check | None

    def contents(self) -> dict[str, bytes]:
        contents = {"draft": self.note.model_dump_json().encode()}
        if self.check is not None:
            contents["check"] = self.check.model_dump_json().encode()
        return contents


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
    return _opened(ports, person, draft)


def _opened(ports: Ports, person: Person, draft: Draft) -> Draft:
    """From now on its clinician has it before them, unless they had it before."""
    session = draft.resource.session
    if person.id != session.clinician_id or session.state is not State.AWAITING_SIGNATURE:
        return draft
    if draft.read is not None and draft.read.drafted == draft.drafted:
        return draft
    read = review.Read(opened_at=ports.clock.now(), drafted=draft.drafted)
    ports.records.put_facts(session.id, "reading", read.model_dump(mode="json"))
    return replace(draft, read=read)


def see(ports: Ports, person: Person, session_id: str, section: int) -> Draft:
    """The draft of which its clinician has seen that section, counted from 0.

    Raises `BadRequest` for a section that is not there, `DraftNotReady` before it was opened.
    """
    resource, _ = _open_for_changes(ports, person, session_id)
    draft = _load(ports, resource)
    if section not in range(len(draft.note.sections)):
        raise BadRequest("section: the draft has no such section")
    for _ in range(_TRIES):
        known = ports.records.facts(session_id, "reading")
        if known is None:
            raise DraftNotReady("nobody has opened this draft yet", hint="Open it, then read it.")
        read = review.Read.model_validate(known)
        seen = tuple(sorted({*read.seen, section}))
        after = read.model_copy(update={"seen": seen})
        if seen == read.seen or ports.records.swap_facts(
            session_id, "reading", known, after.model_dump(mode="json")
        ):
            return replace(draft, read=after)
    raise DraftChanged("several windows say at once what was read")


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
    ports: Ports,
    person: Person,
    session_id: str,
    version: int,
    sentence_id: str,
    text: str,
    was: str | None = None,
) -> Draft:
    """The draft with one sentence in the clinician's words.

    `was`: that sentence as the clinician saw it. If it still reads like that, changes to other
    sentences do not matter, and `version` is not looked at. Raises `DraftChanged` else.
    """

    def change(draft: Draft) -> _Changed:
        if was is not None:
            now = restore(review.sentence_of(draft.note, sentence_id).text, draft.table)
            if now != " ".join(was.split()):
                raise DraftChanged("this sentence was changed in another window")
        return _Changed(review.rewrite(draft.note, sentence_id, text, draft.table), draft.check)

    return _edit(ports, person, session_id, None if was is not None else version, change)


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
    _require_unsigned(before)
    transcript = review.name_speaker(before.transcript, speaker, role)
    redacted = review.name_speaker(before.redacted, speaker, role)
    if before.edited and not redraft:
        raise DraftEdited("the draft is made anew when a voice gets another role")
    note = engines.draft(redacted, resource.session.template)
    check = engines.check(note, redacted, before.table)
    version, once = before.version + 1, _once()
    counts = {"version": version, "sentences": len(note.sentences())}
    for act, part, reason in (
        ("speaker.named", f"{speaker}/{version}.{once}", str(role)),
        ("note.redrafted", f"{version}.{once}", None),
    ):
        ports.ledger.append(
            gate.act_of(
                ports, person, act, resource, part=part, rules=rules, counts=counts, reason=reason
            )
        )
    contents = {
        "transcript": transcript.model_dump_json().encode(),
        "redacted": redacted.model_dump_json().encode(),
        **_Changed(note, check).contents(),
    }
    _store(ports, before, contents, once, drafted=version)
    return _opened(ports, person, _load(ports, resource))


def undo(ports: Ports, person: Person, session_id: str, version: int) -> Draft:
    """The draft as it was before its last change; again, before the one before that.

    Raises `DraftChanged` when the draft is at another version, and `BadRequest` when nothing is
    left to undo.
    """
    resource, rules = _open_for_changes(ports, person, session_id)
    draft = _load(ports, resource)
    _require_version(draft, version)
    history = _history(draft.standing)
    if not history:
        raise BadRequest("undo: nothing was changed", hint="There is nothing to undo.")
    before = history[-1]
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "draft.undone",
            resource,
            part=f"{version + 1}.{_once()}",
            rules=rules,
            counts={"version": version + 1},
        )
    )
    _swap(
        ports,
        draft,
        {
            "version": version + 1,
            "drafted": before["drafted"],
            "parts": before["parts"],
            "history": history[:-1],
        },
    )
    return _opened(ports, person, _load(ports, resource))


def _edit(
    ports: Ports,
    person: Person,
    session_id: str,
    version: int | None,
    change: Callable[[Draft], _Changed],
    *,
    act: str = "draft.edited",
    counts: Callable[[], dict[str, int]] = dict,
) -> Draft:
    resource, rules = _open_for_changes(ports, person, session_id)
    draft = _load(ports, resource)
    _require_version(draft, draft.version if version is None else version)
    changed, once, following = change(draft), _once(), draft.version + 1
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            act,
            resource,
            part=f"{following}.{once}",
            rules=rules,
            counts={"version": following, **counts()},
        )
    )
    _store(ports, draft, changed.contents(), once, drafted=draft.drafted)
    return _load(ports, resource)


def _open_for_changes(
    ports: Ports, person: Person, session_id: str
) -> tuple[SessionOf, tuple[str, ...]]:
    """The session whose draft `person` may change now, and the rules that allow it."""
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.EDIT_DRAFT, resource)
    _require_under_review(ports, resource)
    return resource, rules


def _require_unsigned(draft: Draft) -> None:
    if draft.signing is not None:
        raise IllegalMove("a signature on this text was begun", hint="Finish signing this text.")


def _require_version(draft: Draft, version: int) -> None:
    _require_unsigned(draft)
    if draft.version != version:
        raise DraftChanged(f"you changed version {version}; the draft is at {draft.version}")


def _once() -> str:
    """Tells two attempts at the same next version apart."""
    return secrets.token_hex(4)


def _history(standing: dict[str, Any] | None) -> list[dict[str, Any]]:
    known = (standing or {}).get("history")
    return list(known) if isinstance(known, list) else []


def _store(
    ports: Ports, draft: Draft, contents: dict[str, bytes], once: str, *, drafted: int
) -> None:
    """The next version: new contents beside the old ones, then one conditional write to say so.

    Two windows that changed the same version have written different contents; the second one's
    are never shown. What a crash leaves behind is under the session's key and goes with it.
    """
    session_id, version = draft.resource.session.id, draft.version + 1
    names = {kind: f"{kind}.{version}.{once}" for kind in contents}
    for kind, content in contents.items():
        ports.vault.put(session_id, names[kind], content)
    parts = dict((draft.standing or {}).get("parts", {}))
    before = {"version": draft.version, "drafted": draft.drafted, "parts": parts}
    _swap(
        ports,
        draft,
        {
            "version": version,
            "drafted": drafted,
            "parts": parts | names,
            "history": [*_history(draft.standing), before][-_UNDO:],
        },
    )


def _swap(ports: Ports, draft: Draft, after: dict[str, Any]) -> None:
    session_id = draft.resource.session.id
    if not ports.records.swap_facts(session_id, "review", draft.standing, after):
        raise DraftChanged("the draft was changed in another window at the same moment")


def sign(
    ports: Ports,
    person: Person,
    session_id: str,
    digest: str,
    attested: bool,
    signed_in_at: datetime,
) -> Signature:
    """Signs exactly the text whose SHA-256 is `digest`; again, it returns the first signature.

    The clinician must have signed in just before, at `signed_in_at`, have seen every section, and
    have had the time to read them.

    The order keeps every promise: the ledger's entry before anything changes, the text before the
    signature that names it, the signature before the workflow that delivers it. A crash between
    any two is mended by signing again, or by the run that is started anew from the records.
    """
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.SIGN_NOTE, resource)
    signature: Signature | None = ports.records.signature(session_id)
    if signature is None:
        try:
            draft = _ready_to_sign(ports, resource, digest, attested, signed_in_at)
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


def _ready_to_sign(
    ports: Ports, resource: SessionOf, digest: str, attested: bool, signed_in_at: datetime
) -> Draft:
    _require_under_review(ports, resource)
    draft, now = _load(ports, resource), ports.clock.now()
    review.require_complete(draft.note, draft.check, signing(), draft.redacted)
    review.require_read(draft.note, draft.read, now, signing(), draft.signed_before)
    review.require_fresh(signed_in_at, now, signing())
    if not attested:
        raise ReviewIncomplete("the attestation is missing", hint="Tick it, then sign.")
    if draft.digest != digest:
        raise DraftChanged("the draft is not the one that was shown")
    return draft


def _sign(ports: Ports, person: Person, draft: Draft, rules: tuple[str, ...]) -> Signature:
    session_id = draft.resource.session.id
    begun = draft.signing
    if begun is None:
        # From here until the signature is stored, the text must not change under the entry.
        begun = {"digest": draft.digest, "counts": _review_counts(ports, draft)}
        _swap(ports, draft, {**(draft.standing or {}), "signing": begun})
    try:
        ports.ledger.append(
            gate.act_of(
                ports,
                person,
                "note.signed",
                draft.resource,
                rules=rules,
                hashes={"note": draft.digest},
                counts=begun["counts"],
            ).model_copy(update={"id": f"{session_id}/signed"})
        )
    except LedgerUnavailable:
        ports.records.put_facts(session_id, "review", draft.standing or {})
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
    last = {"session": session_id, "at": signature.signed_at.isoformat()}
    ports.records.put_facts(f"person-{person.id}", "signed", last)
    return signature


def _review_counts(ports: Ports, draft: Draft) -> dict[str, int]:
    """How the review went, for the ledger: its length, what was changed, what was read."""
    now = ports.clock.now()
    opened = draft.read.opened_at if draft.read else now
    sentences = draft.note.sentences()
    return {
        "version": draft.version,
        "edits": draft.version - draft.drafted,
        "review_seconds": int((now - opened).total_seconds()),
        "sections_seen": len(draft.read.seen) if draft.read else 0,
        "words": review.words_to_read(draft.note),
        "rewritten": sum(one.origin is Origin.CLINICIAN for one in sentences),
        "struck": sum(review.STRUCK in one.flags for one in sentences),
    }


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
    standing: dict[str, Any] | None = ports.records.facts(session.id, "review")
    parts = (standing or {}).get("parts", {})

    def content(kind: str) -> bytes | None:
        stored: bytes | None = ports.vault.get(session.id, parts.get(kind, kind))
        return stored

    raw, transcript = content("draft"), content("transcript")
    redacted, table = content("redacted"), content("surrogates")
    if raw is None or transcript is None or redacted is None or table is None:
        raise DraftNotReady("there is no draft of this session to look at")
    check = content("check")
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
        version=int((standing or {}).get("version", 1)),
        drafted=int((standing or {}).get("drafted", 1)),
        note=note,
        check=Check.model_validate_json(check) if check else None,
        table=originals,
        transcript=read_transcript(transcript),
        redacted=read_transcript(redacted),
        text=review.render(note, originals, header, signing()),
        standing=standing,
        read=_read(ports, session.id),
        signed_before=_signed_before(ports, session),
    )


def _read(ports: Ports, session_id: str) -> review.Read | None:
    known = ports.records.facts(session_id, "reading")
    return None if known is None else review.Read.model_validate(known)


def _signed_before(ports: Ports, session: Session) -> datetime | None:
    last = ports.records.facts(f"person-{session.clinician_id}", "signed")
    if last is None or last["session"] == session.id:
        return None
    return datetime.fromisoformat(str(last["at"]))
