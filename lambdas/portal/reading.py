"""How a draft and its transcript lie side by side: real names, evidence as stretches of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from countersign import review
from countersign.hearing import home, stretch
from countersign.note import PLACEHOLDER, EvidenceSpan, Finding, Origin, Severity
from countersign.redaction import project, restore
from countersign.transcript import Doubt, Role, Speaker, Turn
from countersign.vocabulary import SOUND_ALIKE
from lambdas.portal.draft import Draft, signing

Stretch = tuple[int, int]
_TOKEN = re.compile(r"\[[A-Z_]+_[0-9]+\]")


@dataclass(frozen=True)
class Piece:
    """A stretch of a turn's text in which nothing changes: which sentences rest on it, or doubt."""

    text: str
    sentences: tuple[str, ...]
    doubtful: bool


@dataclass(frozen=True)
class ShownDoubt:
    """A doubt of the recognizer in words for people, with the place where it is shown.

    `candidates`: what may have been said; the first one is what the transcript says.
    """

    id: str
    code: str
    says: str
    start: float
    end: float
    candidates: tuple[str, ...]


@dataclass(frozen=True)
class DoubtsOfAKind:
    """All doubts that say the same, for the list at the top."""

    says: str
    doubts: tuple[ShownDoubt, ...]


@dataclass(frozen=True)
class ShownSpeaker:
    """A voice, how its role was found, and its first words: enough to say whose it is."""

    id: str
    role: Role
    how: str
    sample: str
    turn: str


@dataclass(frozen=True)
class ShownTurn:
    """`pieces` joined are `text`; `used_by` are the sentences that rest on any part of it.

    `doubts` are about this turn; those `before` it lie between it and the one before.
    """

    id: str
    role: Role
    speaker: str
    start: float
    end: float
    text: str
    doubtful: tuple[Stretch, ...]
    pieces: tuple[Piece, ...]
    used_by: tuple[str, ...]
    left_out: str | None
    doubts: tuple[ShownDoubt, ...] = ()
    before: tuple[ShownDoubt, ...] = ()


@dataclass(frozen=True)
class ShownSentence:
    """A sentence with real names. `points` are what the clinician still has to decide on it."""

    id: str
    text: str
    origin: Origin
    speaker_role: Role
    evidence: tuple[EvidenceSpan, ...]
    flags: tuple[str, ...]
    points: tuple[review.OpenPoint, ...]
    marks: tuple[Finding, ...]
    choices: tuple[review.Choice, ...] = ()

    @property
    def struck(self) -> bool:
        return review.STRUCK in self.flags

    @property
    def confirmed(self) -> bool:
        return review.CONFIRMED in self.flags

    @property
    def placeholder(self) -> bool:
        return self.origin is Origin.PLACEHOLDER or PLACEHOLDER in self.text

    @property
    def gap(self) -> str:
        """What the gap asks for, such as `Mental status`."""
        return self.text.replace(PLACEHOLDER, "").strip(" :.") or "This sentence"

    @property
    def confirmable(self) -> bool:
        return bool(self.points) and all(point.confirmable for point in self.points)

    @property
    def turns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(span.turn for span in self.evidence))


@dataclass(frozen=True)
class ShownSection:
    name: str
    sentences: tuple[ShownSentence, ...]


@dataclass(frozen=True)
class Reading:
    """Everything the review page and the API show of one draft."""

    draft: Draft
    sections: tuple[ShownSection, ...]
    turns: tuple[ShownTurn, ...]
    findings: tuple[Finding, ...]
    speakers: tuple[ShownSpeaker, ...]
    doubts: tuple[DoubtsOfAKind, ...]
    after: tuple[ShownDoubt, ...]

    @property
    def doubt_count(self) -> int:
        return sum(len(kind.doubts) for kind in self.doubts)

    @property
    def unknown_speakers(self) -> bool:
        return any(speaker.role is Role.UNKNOWN for speaker in self.speakers)

    @property
    def open_count(self) -> int:
        return len({point.sentence for point in self.draft.open_points})

    @property
    def left_out(self) -> tuple[ShownTurn, ...]:
        return tuple(turn for turn in self.turns if turn.left_out)


def lay_out(draft: Draft) -> Reading:
    """The draft as the assigned clinician sees it; tokens become names, spans follow the text."""
    table, points = draft.table, draft.open_points
    heard = {turn.id: turn.text for turn in draft.transcript.turns}
    spoken = {
        turn.id: spoken_turn(turn.text, heard.get(turn.id, ""), table)
        for turn in draft.redacted.turns
    }
    findings = tuple(
        finding.model_copy(
            update={
                "sentence": restore(finding.sentence, table),
                "why": restore(finding.why, table),
            }
        )
        for finding in (draft.check.findings if draft.check else ())
    )
    sections = tuple(
        ShownSection(
            name=section.name,
            sentences=tuple(
                ShownSentence(
                    id=sentence.id,
                    text=restore(sentence.text, table),
                    origin=sentence.origin,
                    speaker_role=sentence.speaker_role,
                    evidence=tuple(_projected(sentence.evidence, spoken)),
                    flags=sentence.flags,
                    points=tuple(p for p in points if p.sentence == sentence.id),
                    marks=_marks(restore(sentence.text, table), sentence.origin, findings),
                    choices=review.choices(sentence, draft.redacted),
                )
                for sentence in section.sentences
            ),
        )
        for section in draft.note.sections
    )
    doubts = _doubts(draft.transcript.warnings)
    places = _places(doubts, draft.redacted.turns)
    turns = tuple(
        replace(
            _shown_turn(turn, spoken[turn.id].text, draft, sections),
            doubts=tuple(doubt for doubt, place in places if place == turn.id),
            before=tuple(doubt for doubt, place in places if place == _before(turn.id)),
        )
        for turn in draft.redacted.turns
    )
    return Reading(
        draft=draft,
        sections=sections,
        turns=turns,
        findings=findings,
        speakers=tuple(_speakers(draft, {turn.id: turn.text for turn in turns})),
        doubts=_by_kind(doubts),
        after=tuple(doubt for doubt, place in places if place is None),
    )


def _doubts(warnings: Iterable[Doubt]) -> tuple[ShownDoubt, ...]:
    return tuple(
        ShownDoubt(
            id=f"doubt-{number}",
            code=doubt.code,
            says=signing().hearing(doubt.code),
            start=doubt.start,
            end=doubt.end,
            candidates=doubt.candidates,
        )
        for number, doubt in enumerate(sorted(warnings, key=lambda one: one.start), start=1)
    )


def _places(
    doubts: Iterable[ShownDoubt], turns: Sequence[Turn]
) -> list[tuple[ShownDoubt, str | None]]:
    """Each doubt with the turn that it is about, or that it comes before; None: after them all."""
    placed: list[tuple[ShownDoubt, str | None]] = []
    for doubt in doubts:
        place = home(turns, Doubt(code=doubt.code, start=doubt.start, end=doubt.end))
        if place is None:
            place = next((_before(turn.id) for turn in turns if turn.start >= doubt.start), None)
        placed.append((doubt, place))
    return placed


def _before(turn_id: str) -> str:
    return f"before {turn_id}"


def _by_kind(doubts: Iterable[ShownDoubt]) -> tuple[DoubtsOfAKind, ...]:
    """In the order of the policy's own list, which puts what weighs most first."""
    kinds: dict[str, list[ShownDoubt]] = {says: [] for says in signing().heard.values()}
    for doubt in doubts:
        kinds.setdefault(doubt.says, []).append(doubt)
    return tuple(DoubtsOfAKind(says, tuple(found)) for says, found in kinds.items() if found)


_HOW = {
    "enrolment": "recognized by the enrolled voice",
    "content": "guessed from what was said",
    "human": "named by hand",
}
_SAMPLE_WORDS = 14


def _speakers(draft: Draft, texts: Mapping[str, str]) -> Iterator[ShownSpeaker]:
    known = {speaker.id: speaker for speaker in draft.transcript.speakers}
    for turn in draft.transcript.turns:
        known.setdefault(turn.speaker, Speaker(id=turn.speaker, role=turn.role))
    for speaker in known.values():
        said = [turn for turn in draft.transcript.turns if turn.speaker == speaker.id]
        # The first turn may be a mere "yes"; a longer one tells more of whose voice it is.
        telling = next((t for t in said if len(t.text.split()) >= 6), said[0] if said else None)
        if telling is None:
            continue
        words = texts.get(telling.id, telling.text).split()
        sure = f", {speaker.confidence:.0%} sure" if speaker.basis == "content" else ""
        how = _HOW.get(speaker.basis, "")
        yield ShownSpeaker(
            id=speaker.id,
            role=speaker.role,
            how=f"{how}{sure}" if speaker.role is not Role.UNKNOWN else "",
            sample=" ".join(words[:_SAMPLE_WORDS]) + ("…" if len(words) > _SAMPLE_WORDS else ""),
            turn=telling.id,
        )


def _marks(text: str, origin: Origin, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    if origin is Origin.CLINICIAN:
        return ()
    return tuple(f for f in findings if f.sentence == text and f.severity is Severity.HIGHLIGHT)


def _projected(spans: Iterable[EvidenceSpan], spoken: Mapping[str, Spoken]) -> list[EvidenceSpan]:
    projected = []
    for span in spans:
        turn = spoken.get(span.turn)
        if turn is not None and span.start < len(turn.redacted):
            start, end = turn.place(span.start, min(span.end, len(turn.redacted)))
            projected.append(EvidenceSpan(turn=span.turn, start=start, end=end))
    return projected


@dataclass(frozen=True)
class Spoken:
    """A turn as it was said, beside its redacted text.

    `swaps`: for each token, its stretch of the redacted text and the stretch it stands for.
    """

    redacted: str
    text: str
    swaps: tuple[tuple[Stretch, Stretch], ...]

    def place(self, start: int, end: int) -> Stretch:
        """Where `[start, end)` of the redacted text lies in what was said; tokens stay whole."""
        return self._move(start, 0), self._move(end, 1)

    def _move(self, at: int, side: int) -> int:
        shift = 0
        for (begin, stop), original in self.swaps:
            if begin < at < stop:
                return original[side]
            if at <= begin:
                break
            shift = original[1] - stop
        return at + shift


def spoken_turn(redacted: str, heard: str, table: Mapping[str, str]) -> Spoken:
    """The turn in its own words, which may spell a name otherwise than the table does.

    What stands between the tokens is the same in both texts, so a token's original is what lies
    between. Where that does not hold, the turn is shown as the table restores it.
    """
    tokens = [match.span() for match in _TOKEN.finditer(redacted) if match.group() in table]
    originals = _between(redacted, heard, tokens)
    if originals is not None:
        return Spoken(redacted, heard, tuple(zip(tokens, originals, strict=True)))
    placed = tuple((token, project(redacted, table, token)) for token in tokens)
    return Spoken(redacted, restore(redacted, table), placed)


def _between(redacted: str, heard: str, tokens: list[Stretch]) -> list[Stretch] | None:
    ends = [*(start for start, _ in tokens), len(redacted)]
    starts = [0, *(end for _, end in tokens)]
    plain = [redacted[start:end] for start, end in zip(starts, ends, strict=True)]
    if not heard.startswith(plain[0]):
        return None
    found, position = [], len(plain[0])
    for number, words in enumerate(plain[1:], start=1):
        last = number == len(plain) - 1
        at = len(heard) - len(words) if last else heard.find(words, position + 1)
        if at <= position or not heard.startswith(words, at):
            return None
        found.append((position, at))
        position = at + len(words)
    return found if position == len(heard) else None


def _shown_turn(
    redacted: Turn, text: str, draft: Draft, sections: Iterable[ShownSection]
) -> ShownTurn:
    evidence = [
        (span.start, span.end, sentence.id)
        for section in sections
        for sentence in section.sentences
        if not sentence.struck
        for span in sentence.evidence
        if span.turn == redacted.id
    ]
    heard = next((turn for turn in draft.transcript.turns if turn.id == redacted.id), redacted)
    doubtful = tuple(sorted({*_doubtful(text, heard), *_sound_alike(text, heard, draft)}))
    reasons = {left.turn: left.reason for left in draft.note.left_out}
    return ShownTurn(
        id=redacted.id,
        role=redacted.role,
        speaker=redacted.speaker,
        start=redacted.start,
        end=redacted.end,
        text=text,
        doubtful=doubtful,
        pieces=tuple(pieces(text, evidence, doubtful)),
        used_by=tuple(dict.fromkeys(sentence for _, _, sentence in evidence)),
        left_out=reasons.get(redacted.id),
    )


def _doubtful(text: str, heard: Turn) -> Iterator[Stretch]:
    """The words that the recognizer was unsure of, found in order in the text."""
    position = 0
    for word in heard.words:
        spoken = word.text.strip()
        at = text.find(spoken, position) if spoken else -1
        if at < 0:
            continue
        position = at + len(spoken)
        if word.probability < signing().transcript.doubtful_below:
            yield at, position


def _sound_alike(text: str, heard: Turn, draft: Draft) -> Iterator[Stretch]:
    """The medications that another sounds like, however sure the recognizer was."""
    shown = heard.model_copy(update={"text": text})
    for doubt in draft.transcript.warnings:
        if doubt.code == SOUND_ALIKE and heard.start <= doubt.end and doubt.start <= heard.end:
            place = stretch(shown, doubt.start, doubt.end)
            if place is not None:
                yield place


def pieces(
    text: str, evidence: Iterable[tuple[int, int, str]], doubtful: Iterable[Stretch]
) -> Iterator[Piece]:
    """`text` cut wherever an evidence span or a doubtful word begins or ends; nothing is lost."""
    spans, doubts = list(evidence), list(doubtful)
    edges = {0, len(text)}
    edges.update(edge for start, end, _ in spans for edge in (start, end))
    edges.update(edge for stretch in doubts for edge in stretch)
    inside = sorted(edge for edge in edges if 0 <= edge <= len(text))
    for start, end in pairwise(inside):
        yield Piece(
            text=text[start:end],
            sentences=tuple(dict.fromkeys(s for a, b, s in spans if a <= start and end <= b)),
            doubtful=any(a <= start and end <= b for a, b in doubts),
        )


def as_document(reading: Reading) -> dict[str, object]:
    """The reading as the API gives it; `digest` is of `text`, the exact text to be signed."""
    draft = reading.draft
    session = draft.resource.session
    doubtful = {turn.id: [list(stretch) for stretch in turn.doubtful] for turn in reading.turns}
    note = draft.note.model_dump(mode="json")
    note["sections"] = [
        {
            "name": section.name,
            "sentences": [
                {
                    "id": sentence.id,
                    "text": sentence.text,
                    "origin": sentence.origin,
                    "speaker_role": sentence.speaker_role,
                    "evidence": [span.model_dump() for span in sentence.evidence],
                    "flags": list(sentence.flags),
                }
                for sentence in section.sentences
            ],
        }
        for section in reading.sections
    ]
    return {
        "session_id": session.id,
        "state": session.state,
        "version": draft.version,
        "digest": draft.digest,
        "text": draft.text,
        "closes_at": draft.closes_at.isoformat() if draft.closes_at else None,
        "attestation": signing().attestation,
        "unseen": list(draft.unseen),
        "readable_by": draft.readable_by.isoformat() if draft.readable_by else None,
        "note": note,
        "transcript": {
            # A voice print never leaves the vault, whatever a transcript still carries.
            **draft.transcript.model_dump(
                mode="json", exclude={"speakers": {"__all__": {"voice"}}}
            ),
            "turns": [
                {**turn.model_dump(mode="json"), "doubtful": doubtful[turn.id]}
                for turn in draft.transcript.turns
            ],
        },
        "check": {
            "verdict": draft.check.verdict if draft.check else None,
            "findings": [finding.model_dump(mode="json") for finding in reading.findings],
        },
        "open": [point.model_dump() for point in draft.open_points],
    }
