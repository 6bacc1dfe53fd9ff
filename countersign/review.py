"""Decides what a clinician must do before signing, until when, and what exactly is signed."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.drafting.doubts import DOUBTFUL
from countersign.errors import (
    BadPolicy,
    BadRequest,
    ReviewClosed,
    ReviewIncomplete,
    ReviewTooFast,
    SectionUnseen,
    SentenceUnknown,
    SignInStale,
)
from countersign.hearing import stretch
from countersign.note import PLACEHOLDER, Check, Finding, Note, Origin, Sentence, Severity
from countersign.redaction import restore
from countersign.transcript import Doubt, Role, Speaker, Transcript, Turn
from countersign.vocabulary import SOUND_ALIKE

STRUCK = "struck"
CONFIRMED = "confirmed"
# `heard:<where>:<which>`: the clinician said which of two sound-alike medications it was.
_HEARD = "heard:"
_MEDICATION = "doubtful_medication"
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
    sign_in_minutes: float = Field(gt=0, le=60)
    words_per_minute: float = Field(ge=100, le=1000)
    attestation: str = Field(min_length=1)
    disclosure: str = Field(min_length=1)
    resolve: _Resolve
    doubts: dict[str, str]
    heard: dict[str, str]
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

    def hearing(self, code: str) -> str:
        """What to tell the clinician about a doubt of the recognizer's."""
        return self.heard.get(code) or self.heard.get("other", code)

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

    `kind` is `placeholder`, a flag, or the kind of the check's finding; `confirmable`: the
    clinician may leave the sentence as it is and say so. A medication that another sounds like has
    `choices`, the recognized one first, and the time `at` which it was said, in seconds.
    """

    model_config = ConfigDict(frozen=True)

    sentence: str
    kind: str
    why: str
    confirmable: bool
    choices: tuple[str, ...] = ()
    at: float | None = None


class Choice(BaseModel):
    """Two medications that sound alike, in words that a sentence rests on.

    `candidates`: the recognized one first. `chosen`: which of them was said, None while nobody
    has decided.
    """

    model_config = ConfigDict(frozen=True)

    at: float
    candidates: tuple[str, ...]
    chosen: str | None = None


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


# Reading ------------------------------------------------------------------------------------


class Read(BaseModel):
    """How far the clinician has read a draft: since when it is open, which sections were seen.

    `drafted` is the version that was made for them to read; `seen` are numbers of sections from 0.
    """

    model_config = ConfigDict(frozen=True)

    opened_at: datetime
    drafted: int
    seen: tuple[int, ...] = ()


def unseen(note: Note, read: Read | None) -> tuple[str, ...]:
    """The names of the sections that were not seen yet."""
    seen = read.seen if read else ()
    return tuple(section.name for number, section in enumerate(note.sections) if number not in seen)


def words_to_read(note: Note) -> int:
    """How many words of the note somebody else wrote: what the clinician wrote, they know."""
    return sum(
        len(sentence.text.split())
        for sentence in note.sentences()
        if STRUCK not in sentence.flags and sentence.origin is not Origin.CLINICIAN
    )


def readable_by(note: Note, since: datetime, signing: Signing) -> datetime:
    """The first moment at which the note can have been read, if reading began at `since`."""
    return since + timedelta(minutes=words_to_read(note) / signing.words_per_minute)


def require_read(
    note: Note, read: Read | None, now: datetime, signing: Signing, signed_before: datetime | None
) -> None:
    """Raises `SectionUnseen`, or `ReviewTooFast` for less time than the words take to read.

    `signed_before`: when the clinician signed another note; this one was not read before that.
    """
    missing = unseen(note, read)
    if read is None or missing:
        names = ", ".join(missing) or "the draft"
        raise SectionUnseen(f"not read yet: {names}")
    since = max(filter(None, (read.opened_at, signed_before)))
    if now < readable_by(note, since, signing):
        words, seconds = words_to_read(note), (now - since).total_seconds()
        least = words * 60 / signing.words_per_minute
        raise ReviewTooFast(
            f"this note has {words} words that you did not write, and you had {max(0, seconds):.0f}"
            f" seconds for them: even a fast reader needs {least:.0f}"
        )


def require_fresh(signed_in_at: datetime, now: datetime, signing: Signing) -> None:
    """Raises `SignInStale` unless the signer has just shown who they are."""
    if now - signed_in_at > timedelta(minutes=signing.sign_in_minutes):
        raise SignInStale(f"you signed in more than {signing.sign_in_minutes:g} minutes ago")


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
            "flags": tuple(flag for flag in kept if not _ours(flag)),
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


def hear(
    note: Note,
    check: Check | None,
    sentence_id: str,
    transcript: Transcript,
    at: float,
    said: str,
) -> tuple[Note, Check | None]:
    """The note in which the clinician has said which of two sound-alike medications it was.

    Saying that it was the other one puts that name into the sentence; what the check found in the
    sentence stays open. Raises `SentenceUnknown`, and `BadRequest` when nothing at that time is in
    doubt, when `said` is none of the candidates, or when the sentence does not name the medication.
    """
    before = sentence_of(note, sentence_id)
    choice = next((c for c in choices(before, transcript) if round(c.at, 2) == round(at, 2)), None)
    if choice is None:
        raise BadRequest("heard: no medication at that time is in doubt in this sentence")
    if said not in choice.candidates:
        raise BadRequest("heard: this is none of the medications that sound alike there")
    text = before.text
    written = choice.chosen or choice.candidates[0]
    if said != written:
        text = _named_instead(text, written, said)
        if text == before.text:
            raise BadRequest(
                "heard: this sentence does not name the medication",
                hint="Write the sentence in your own words, or strike it.",
            )
    place = _place(choice.at)
    mark = f"{place}{choice.candidates.index(said)}"
    flags = tuple(flag for flag in before.flags if not flag.startswith(place))
    after = before.model_copy(update={"text": text, "flags": (*flags, mark)})
    return _replaced(note, after), _followed(check, before.text, text)


def choices(sentence: Sentence, transcript: Transcript | None) -> tuple[Choice, ...]:
    """The sound-alike medications in the words that the sentence rests on, in their order."""
    return tuple(
        Choice(
            at=doubt.start,
            candidates=_candidates(doubt),
            chosen=_chosen(sentence, doubt),
        )
        for doubt, _, _ in _sound_alikes(sentence, transcript)
    )


def _sound_alikes(
    sentence: Sentence, transcript: Transcript | None
) -> Iterator[tuple[Doubt, Turn, tuple[int, int]]]:
    """Each such doubt with its turn and its stretch of the turn's text."""
    turns = {turn.id: turn for turn in (transcript.turns if transcript else ())}
    for doubt in transcript.warnings if transcript else ():
        if doubt.code != SOUND_ALIKE or len(_candidates(doubt)) < 2:
            continue
        for span in sentence.evidence:
            turn = turns.get(span.turn)
            if turn is None or doubt.start > turn.end or doubt.end < turn.start:
                continue
            # A turn that lost its word times cannot say where: then it may be anywhere in it.
            start, end = stretch(turn, doubt.start, doubt.end) or (0, len(turn.text))
            if start < span.end and span.start < end:
                yield doubt, turn, (start, end)
                break


def _chosen(sentence: Sentence, doubt: Doubt) -> str | None:
    place = _place(doubt.start)
    for flag in sentence.flags:
        number = flag.removeprefix(place)
        candidates = _candidates(doubt)
        if flag.startswith(place) and number.isdecimal() and int(number) < len(candidates):
            return candidates[int(number)]
    return None


def _candidates(doubt: Doubt) -> tuple[str, ...]:
    """Each once: what was heard may be one of the clinic's terms, spelt with a capital."""
    once: dict[str, str] = {}
    for name in doubt.candidates:
        once.setdefault(name.casefold(), name)
    return tuple(once.values())


def _place(at: float) -> str:
    return f"{_HEARD}{at:.2f}:"


def _ours(flag: str) -> bool:
    return flag in _OURS or flag.startswith(_HEARD)


def _named_instead(text: str, written: str, said: str) -> str:
    def replacement(found: re.Match[str]) -> str:
        return said[:1].upper() + said[1:] if found[0][:1].isupper() else said

    return re.sub(rf"(?<!\w){re.escape(written)}(?!\w)", replacement, text, flags=re.IGNORECASE)


def _followed(check: Check | None, before: str, after: str) -> Check | None:
    """The check whose findings also hold for the sentence's new wording.

    Those for the old wording stay: a check that is stored before its note is right for both.
    """
    if check is None or before == after:
        return check
    moved = (
        finding.model_copy(update={"sentence": after})
        for finding in check.findings
        if finding.sentence == before
    )
    added = tuple(finding for finding in moved if finding not in check.findings)
    return check.model_copy(update={"findings": check.findings + added})


def name_speaker(transcript: Transcript, speaker: str, role: Role) -> Transcript:
    """The transcript in which a human has said whose voice that is.

    Of two voices, naming one therapist or patient makes the other the counterpart, unless a human
    said that it is somebody else. Raises `BadRequest` for a voice that is not in the transcript
    and for the role `unknown`.
    """
    known = {one.id: one for one in transcript.speakers}
    for turn in transcript.turns:
        known.setdefault(turn.speaker, Speaker(id=turn.speaker, role=turn.role))
    if speaker not in known:
        raise BadRequest("speaker: there is no such voice in this session")
    if role is Role.UNKNOWN:
        raise BadRequest("role: say therapist, patient or other")
    named: dict[str, Role] = {speaker: role}
    counterpart = {Role.THERAPIST: Role.PATIENT, Role.PATIENT: Role.THERAPIST}.get(role)
    others = [one for one in known.values() if one.id != speaker]
    if len(others) == 1 and counterpart is not None:
        other = others[0]
        if (other.basis, other.role) != ("human", Role.OTHER):
            named[other.id] = counterpart
    speakers = tuple(
        one.model_copy(update={"role": named[one.id], "confidence": 1.0, "basis": "human"})
        if one.id in named
        else one
        for one in known.values()
    )
    turns = tuple(
        turn.model_copy(update={"role": named[turn.speaker]}) if turn.speaker in named else turn
        for turn in transcript.turns
    )
    settled = all(one.role is not Role.UNKNOWN for one in speakers)
    warnings = tuple(
        doubt for doubt in transcript.warnings if not (settled and doubt.code == "role_uncertain")
    )
    return transcript.model_copy(
        update={"speakers": speakers, "turns": turns, "warnings": warnings}
    )


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


def open_points(
    note: Note, check: Check | None, signing: Signing, transcript: Transcript | None = None
) -> tuple[OpenPoint, ...]:
    """Everything unresolved, in the order of the note.

    `transcript` is the one that the note's evidence points into; its sound-alike medications are
    asked about wherever a sentence rests on them. A sentence in the clinician's own words answers
    for itself; only a gap left in it stays open.
    """
    return tuple(
        point
        for sentence in note.sentences()
        if STRUCK not in sentence.flags
        for point in _of_sentence(sentence, check.findings if check else (), signing, transcript)
    )


def _of_sentence(
    sentence: Sentence,
    findings: tuple[Finding, ...],
    signing: Signing,
    transcript: Transcript | None,
) -> list[OpenPoint]:
    if sentence.origin is Origin.PLACEHOLDER or PLACEHOLDER in sentence.text:
        why = "Nothing in the session fills this: complete it, or strike it."
        return [OpenPoint(sentence=sentence.id, kind="placeholder", why=why, confirmable=False)]
    if sentence.origin is Origin.CLINICIAN:
        return []
    asked = [
        (flag, signing.doubt(flag), signing.resolve.flag)
        for flag in sentence.flags
        if not _ours(flag)
        and not (flag == _MEDICATION and _only_sounds_alike(sentence, transcript))
    ] + [
        (finding.kind, finding.why, _resolve(finding.severity, signing))
        for finding in findings
        if finding.sentence == sentence.text
    ]
    heard = [
        OpenPoint(
            sentence=sentence.id,
            kind=SOUND_ALIKE,
            why=signing.hearing(SOUND_ALIKE),
            confirmable=False,
            choices=choice.candidates,
            at=choice.at,
        )
        for choice in choices(sentence, transcript)
        if choice.chosen is None
    ]
    return heard + [
        OpenPoint(sentence=sentence.id, kind=kind, why=why, confirmable=how is Resolve.CONFIRM)
        for kind, why, how in asked
        if how is Resolve.REWRITE or (how is Resolve.CONFIRM and CONFIRMED not in sentence.flags)
    ]


def _only_sounds_alike(sentence: Sentence, transcript: Transcript | None) -> bool:
    """Whether saying which medication it was settles every doubt about medications here.

    It does not when another word that the sentence rests on was hard to hear as well.
    """
    asked = list(_sound_alikes(sentence, transcript))
    if not asked or transcript is None:
        return False
    for span in sentence.evidence:
        turn = transcript.turn(span.turn)
        for word in turn.words:
            place = stretch(turn, word.start, word.end)
            if word.probability >= DOUBTFUL or place is None:
                continue
            inside = place[0] < span.end and span.start < place[1]
            covered = any(
                other.id == turn.id and start <= place[0] and place[1] <= end
                for _, other, (start, end) in asked
            )
            if inside and not covered:
                return False
    return True


def _resolve(severity: Severity, signing: Signing) -> Resolve:
    return {
        Severity.BLOCK: signing.resolve.block,
        Severity.REVIEW: signing.resolve.review,
        Severity.HIGHLIGHT: signing.resolve.highlight,
    }[severity]


def require_complete(
    note: Note, check: Check | None, signing: Signing, transcript: Transcript | None = None
) -> None:
    """Raises `ReviewIncomplete` while anything of `open_points` is unresolved."""
    points = open_points(note, check, signing, transcript)
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
