"""Decides what a clinician must do before signing, until when, and what exactly is signed."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import (
    BadPolicy,
    BadRequest,
    ReviewClosed,
    ReviewIncomplete,
    SentenceUnknown,
)
from countersign.note import PLACEHOLDER, Check, Finding, Note, Origin, Sentence, Severity
from countersign.redaction import restore

STRUCK = "struck"
CONFIRMED = "confirmed"
_OURS = frozenset({STRUCK, CONFIRMED})

# 45 lines of a printed page; longer than any single sentence of a progress note needs to be.
SENTENCE_LIMIT = 4000


class Resolve(StrEnum):
    """What settles an open point, besides striking the sentence."""

    REWRITE = "rewrite"
    CONFIRM = "confirm"
    NONE = "none"


class _Resolve(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    block: Resolve
    review: Resolve
    highlight: Resolve
    flag: Resolve


class _TranscriptRules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    doubtful_below: float = Field(ge=0, le=1)


class Signing(BaseModel):
    """The rules of policies/signing.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_hours: float = Field(gt=0, le=168)
    attestation: str = Field(min_length=1)
    disclosure: str = Field(min_length=1)
    resolve: _Resolve
    doubts: dict[str, str]
    transcript: _TranscriptRules

    @classmethod
    def from_toml(cls, text: str) -> Signing:
        """The rules in `text`; raises `BadPolicy`, which names the line or the field."""
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"policies/signing.toml: {error}") from None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadPolicy(f"policies/signing.toml: {where}: {first['msg']}") from None

    def doubt(self, flag: str) -> str:
        """What to tell the clinician about a flag of the drafter's."""
        return self.doubts.get(flag) or self.doubts.get("other", flag)

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.window_hours)


class Header(BaseModel):
    """What a signed note says about itself besides its sentences."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    held_on: datetime
    clinician: str
    licence: str


class OpenPoint(BaseModel):
    """One thing that stands between a draft and its signature.

    `kind` is `placeholder`, `flag`, or the kind of the check's finding; `confirmable`: the
    clinician may leave the sentence as it is and say so.
    """

    model_config = ConfigDict(frozen=True)

    sentence: str
    kind: str
    why: str
    confirmable: bool


# Time ---------------------------------------------------------------------------------------


def closes_at(awaiting_since: datetime, window: timedelta) -> datetime:
    """The moment at which the draft is locked."""
    return awaiting_since + window


def require_open(
    awaiting_since: datetime | None, now: datetime, window: timedelta = timedelta(hours=24)
) -> None:
    """Raises `ReviewClosed` unless the review was opened and `window` has not passed since."""
    if awaiting_since is None:
        raise ReviewClosed("this session has no open review")
    if now >= closes_at(awaiting_since, window):
        hours = window.total_seconds() / 3600
        raise ReviewClosed(f"the {hours:g} hours for reviewing this draft are over")


# Changes ------------------------------------------------------------------------------------


def rewrite(note: Note, sentence_id: str, text: str, table: Mapping[str, str]) -> Note:
    """The note with that sentence in the clinician's words; a struck sentence comes back.

    Lines are joined. Raises `SentenceUnknown`, `BadRequest` for an empty or over-long text, and
    `SurrogateUnknown` for something in brackets that only looks like one of our tokens.
    """
    words = " ".join(text.split())
    if not words:
        raise BadRequest("text: a sentence cannot be empty", hint="Strike the sentence instead.")
    if len(words) > SENTENCE_LIMIT:
        raise BadRequest(f"text: a sentence has at most {SENTENCE_LIMIT} characters")
    restore(words, table)
    before = sentence_of(note, sentence_id)
    kept = () if PLACEHOLDER not in words else before.flags
    changed = before.model_copy(
        update={
            "text": words,
            "origin": Origin.CLINICIAN,
            "flags": tuple(flag for flag in kept if flag not in _OURS),
        }
    )
    return _replaced(note, changed)


def complete(note: Note, sentence_id: str, words: str, table: Mapping[str, str]) -> Note:
    """The note with the gap in that sentence filled; what the template says around it stays.

    Raises `BadRequest` when the sentence has no gap, and what `rewrite` raises.
    """
    before = sentence_of(note, sentence_id).text
    if PLACEHOLDER not in before:
        raise BadRequest("complete: this sentence has no gap", hint="Send it as text instead.")
    if not words.strip():
        raise BadRequest("complete: nothing to fill the gap with", hint="Strike it instead.")
    return rewrite(note, sentence_id, before.replace(PLACEHOLDER, words, 1), table)


def strike(note: Note, sentence_id: str, struck: bool = True) -> Note:
    """The note with that sentence struck, or with a struck one put back."""
    return _marked(note, sentence_id, STRUCK, struck)


def confirm(note: Note, sentence_id: str, confirmed: bool = True) -> Note:
    """The note with that sentence confirmed as right, or the confirmation taken back."""
    return _marked(note, sentence_id, CONFIRMED, confirmed)


def sentence_of(note: Note, sentence_id: str) -> Sentence:
    """The sentence of that id; raises `SentenceUnknown`."""
    for sentence in note.sentences():
        if sentence.id == sentence_id:
            return sentence
    raise SentenceUnknown("the draft has no such sentence")


def _marked(note: Note, sentence_id: str, mark: str, present: bool) -> Note:
    before = sentence_of(note, sentence_id)
    flags = tuple(flag for flag in before.flags if flag != mark)
    return _replaced(
        note, before.model_copy(update={"flags": (*flags, mark) if present else flags})
    )


def _replaced(note: Note, changed: Sentence) -> Note:
    sections = tuple(
        section.model_copy(
            update={
                "sentences": tuple(
                    changed if sentence.id == changed.id else sentence
                    for sentence in section.sentences
                )
            }
        )
        for section in note.sections
    )
    return note.model_copy(update={"sections": sections})


# What is still open -------------------------------------------------------------------------


def open_points(note: Note, check: Check | None, signing: Signing) -> tuple[OpenPoint, ...]:
    """Everything unresolved, in the order of the note.

    A sentence in the clinician's own words answers for itself; only a gap left in it stays open.
    """
    return tuple(
        point
        for sentence in note.sentences()
        if STRUCK not in sentence.flags
        for point in _of_sentence(sentence, check.findings if check else (), signing)
    )


def _of_sentence(
    sentence: Sentence, findings: tuple[Finding, ...], signing: Signing
) -> list[OpenPoint]:
    if sentence.origin is Origin.PLACEHOLDER or PLACEHOLDER in sentence.text:
        why = "Nothing in the session fills this: complete it, or strike it."
        return [OpenPoint(sentence=sentence.id, kind="placeholder", why=why, confirmable=False)]
    if sentence.origin is Origin.CLINICIAN:
        return []
    asked = [
        (flag, signing.doubt(flag), signing.resolve.flag)
        for flag in sentence.flags
        if flag not in _OURS
    ] + [
        (finding.kind, finding.why, _resolve(finding.severity, signing))
        for finding in findings
        if finding.sentence == sentence.text
    ]
    return [
        OpenPoint(sentence=sentence.id, kind=kind, why=why, confirmable=how is Resolve.CONFIRM)
        for kind, why, how in asked
        if how is Resolve.REWRITE or (how is Resolve.CONFIRM and CONFIRMED not in sentence.flags)
    ]


def _resolve(severity: Severity, signing: Signing) -> Resolve:
    return {
        Severity.BLOCK: signing.resolve.block,
        Severity.REVIEW: signing.resolve.review,
        Severity.HIGHLIGHT: signing.resolve.highlight,
    }[severity]


def require_complete(note: Note, check: Check | None, signing: Signing) -> None:
    """Raises `ReviewIncomplete` while a placeholder, a flag or a finding is unresolved."""
    points = open_points(note, check, signing)
    if points:
        count = len({point.sentence for point in points})
        plural = "sentence still needs" if count == 1 else "sentences still need"
        raise ReviewIncomplete(f"{count} {plural} your decision")
    if not any(STRUCK not in sentence.flags for sentence in note.sentences()):
        raise ReviewIncomplete(
            "every sentence is struck: there is nothing to sign",
            hint="Write at least one sentence.",
        )


# What is signed -----------------------------------------------------------------------------


def render(note: Note, table: Mapping[str, str], header: Header, signing: Signing) -> str:
    """The exact text that is shown, signed and delivered: real names, struck sentences gone.

    It holds no code suggestions, which are never final, and no word on consent, which is a fact of
    the record and not of the note. Raises `SurrogateUnknown` for an altered token.
    """
    lines = [
        f"Progress note ({note.template.upper()})",
        f"Session {header.session_id}, held on {header.held_on:%Y-%m-%d}",
        f"Clinician: {header.clinician}, licence {header.licence}",
    ]
    for section in note.sections:
        kept = [s.text for s in section.sentences if STRUCK not in s.flags]
        lines += ["", section.name.upper()]
        lines += [restore(text, table) for text in kept] or ["No entry."]
    closing = signing.disclosure.format(clinician=header.clinician, licence=header.licence)
    return "\n".join([*lines, "", closing.strip()]) + "\n"


def digest(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
