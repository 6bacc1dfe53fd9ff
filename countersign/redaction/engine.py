"""Decides what leaves a session's text: marks identifiers, replaces them, and checks the result."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countersign.errors import RedactionUnavailable
from countersign.redaction import codes
from countersign.redaction.learned import LearnedTagger
from countersign.redaction.mark import CODED, SURROGATES, SWEPT, Mark, value_key
from countersign.redaction.mark import NAMED as NAMED_RANK
from countersign.redaction.policy import CLOSED, WORD, Label, Policy
from countersign.redaction.roster import Roster, RosterIndex
from countersign.redaction.surrogates import (
    FORM,
    NAMED,
    ORDINARY,
    PERSONS,
    Sieve,
    refuse_lookalikes,
)
from countersign.redaction.tag import Tagger
from countersign.redaction.tagger import RuleTagger
from countersign.redaction.text import Document, folded_words
from countersign.transcript import Transcript, Word

# How much of what was said before a text a cue may stand in, in words: a question's tail.
_CONTEXT: Final = 8
# A text of at least so many words is refused when fewer than this share are English words of the
# closed classes and at least as many are in no list; clinical English has 0.25 and more of the
# first, other European languages 0.2 and less, and 0.25 and more of the second.
_LANGUAGE_WORDS: Final = 8
_CLOSED_SHARE: Final = 0.25
_UNKNOWN_WORDS: Final = 4
# What is left of a name whose other words a surer mark took: a title, a link.
_BESIDE: Final = frozenset("mr mrs ms miss mister misses and the of at on".split())
# Masking may uncover no more; each pass masks at least one more word, and names are few.
_PASSES: Final = 12


@dataclass(frozen=True)
class Span:
    """`[start, end)` of an input text that was replaced by `surrogate`."""

    start: int
    end: int
    label: Label
    surrogate: str


@dataclass(frozen=True)
class Redaction:
    """Redacted texts, what was replaced where, and the table that undoes it.

    `spans[i]` refer to the i-th input text, in order, none overlapping. `table[surrogate]` is the
    original as it was first written; further spellings of the same thing stand under
    `surrogate#2`, …, and those words of it that are ordinary words under `surrogate~` (see
    `surrogates.leaks`). The table is as sensitive as the input.
    """

    texts: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]
    table: dict[str, str]


class Engine:
    """Finds and replaces identifiers; holds no state between calls, safe to share."""

    def __init__(self, policy: Policy, tagger: Tagger | None = None) -> None:
        """`tagger` finds names and places in place of the built-in rules and weights."""
        self._policy = policy
        own = (RuleTagger(policy), LearnedTagger(policy))
        self._taggers: tuple[Tagger, ...] = own if tagger is None else (tagger,)

    def redact(self, texts: Sequence[str], roster: Roster | None = None) -> Redaction:
        """The texts of one session, in order, without identifiers.

        Surrogates are consistent over all texts of the call. Raises `SurrogateCollision` when a
        text already holds something like a surrogate, and `RedactionUnavailable` when a text is
        in a language or a script that the policy does not cover or when the result does not pass
        the leak check: in each case nothing is returned.
        """
        documents: list[Document] = []
        before: tuple[str, ...] = ()
        for text in texts:
            refuse_lookalikes(text)
            document = Document.of(text, before)
            self._require_language(document)
            documents.append(document)
            before = (*before, *document.words)[-_CONTEXT:]
        index = RosterIndex(roster, self._policy) if roster is not None else None
        marks = [self._marks(document, index) for document in documents]
        return self._replace(documents, self._sweep(documents, marks))

    def _require_language(self, document: Document) -> None:
        flags = self._policy.flags
        closed = unknown = 0
        for position, word in enumerate(document.words):
            if not word.isascii() and any(_foreign(char) for char in word):
                raise RedactionUnavailable(
                    f"a script other than Latin at character {document.starts[position]}"
                )
            flag = flags.get(word, 0)
            if flag & CLOSED:
                closed += 1
            elif (
                not flag
                and len(word) > 1
                and not word[0].isdecimal()
                and not document.capital(position)
            ):
                # Names have capitals, and shorthand that is full of names is English all the same.
                unknown += 1
        size = len(document)
        foreign = max(_CLOSED_SHARE * size, _UNKNOWN_WORDS) <= unknown
        if size >= _LANGUAGE_WORDS and closed < _CLOSED_SHARE * size and foreign:
            raise RedactionUnavailable(
                f"a text of {size} words is in a language that redaction does not cover"
            )

    def _marks(self, document: Document, index: RosterIndex | None) -> list[Mark]:
        found: list[Mark] = list(codes.find(document, self._policy))
        if index is not None:
            found += index.find(document)
        for tag in (tag for tagger in self._taggers for tag in tagger.tag(document)):
            start, end = document.starts[tag.first], document.ends[tag.last - 1]
            key = self._key(document.text[start:end], tag.kind)
            found.append(Mark(start, end, tag.label, tag.kind, key, NAMED_RANK))
        return settle(document.text, found)

    def _sweep(self, documents: list[Document], marks: list[list[Mark]]) -> list[list[Mark]]:
        """Masks what the first look left of the values it found, until the leak check is silent."""
        for _ in range(_PASSES):
            table = self._table(documents, marks)[0]
            sieve = Sieve(table)
            clean = True
            for number, document in enumerate(documents):
                extra = [
                    Mark(
                        leak.start,
                        leak.end,
                        _label(leak.kind),
                        leak.kind,
                        self._key(document.text[leak.start : leak.end], leak.kind),
                        SWEPT,
                    )
                    for leak in sieve.leaks(_blank(document.text, marks[number]))
                ]
                if extra:
                    clean = False
                    marks[number] = settle(document.text, [*marks[number], *extra])
            if clean:
                return marks
        raise RedactionUnavailable("the leak check still finds identifiers after redaction")

    def _key(self, text: str, kind: str) -> str:
        if kind not in NAMED:
            return value_key(text, _label(kind))
        words = folded_words(text)
        if kind in PERSONS and len(words) > 1 and words[0] in self._policy.titles:
            words = words[1:]
        return " ".join(words)

    def _table(
        self, documents: list[Document], marks: list[list[Mark]]
    ) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
        """The table, and the surrogate of every group and key of the marks."""
        kinds: dict[tuple[str, str], str] = {}
        for own in marks:
            for mark in own:
                group = _group(mark)
                if kinds.get(group, "PERSON") == "PERSON":
                    kinds[group] = mark.kind
        counts: dict[str, int] = {}
        surrogates: dict[tuple[str, str], str] = {}
        table: dict[str, str] = {}
        forms: dict[str, dict[str, int]] = {}
        for document, own in zip(documents, marks, strict=True):
            for mark in own:
                group = _group(mark)
                surrogate = surrogates.get(group)
                value = document.text[mark.start : mark.end]
                if surrogate is None:
                    kind = kinds[group]
                    counts[kind] = counts.get(kind, 0) + 1
                    surrogate = surrogates[group] = f"[{kind}_{counts[kind]}]"
                    table[surrogate] = value
                    forms[surrogate] = {" ".join(folded_words(value)): 1}
                    continue
                known = forms[surrogate]
                folded = " ".join(folded_words(value))
                if folded not in known:
                    known[folded] = len(known) + 1
                    table[f"{surrogate}{FORM}{known[folded]}"] = value
        for surrogate, known in forms.items():
            if surrogate[1:].rpartition("_")[0] in NAMED:
                plain = sorted(
                    {word for form in known for word in form.split() if self._plain(word)}
                )
                if plain:
                    table[surrogate + ORDINARY] = " ".join(plain)
        return table, surrogates

    def _plain(self, word: str) -> bool:
        return bool(self._policy.flags.get(word, 0) & (WORD | CLOSED)) or len(word) < 3

    def _replace(self, documents: list[Document], marks: list[list[Mark]]) -> Redaction:
        table, surrogates = self._table(documents, marks)
        texts: list[str] = []
        spans: list[tuple[Span, ...]] = []
        for document, own in zip(documents, marks, strict=True):
            pieces: list[str] = []
            here: list[Span] = []
            end = 0
            for mark in own:
                surrogate = surrogates[_group(mark)]
                pieces += (document.text[end : mark.start], surrogate)
                here.append(Span(mark.start, mark.end, mark.label, surrogate))
                end = mark.end
            pieces.append(document.text[end:])
            texts.append("".join(pieces))
            spans.append(tuple(here))
        return Redaction(tuple(texts), tuple(spans), table)


def settle(text: str, marks: list[Mark]) -> list[Mark]:
    """Marks in order without overlaps: the lower rank wins, then the longer one.

    What a loser covers beyond the winner stays masked: it was found to identify somebody too.
    """
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.rank, mark.start - mark.end, mark.start)):
        pieces = [(mark.start, mark.end)]
        for other in kept:
            if other.end <= mark.start or other.start >= mark.end:
                continue
            pieces = [
                piece
                for start, end in pieces
                for piece in ((start, min(end, other.start)), (max(start, other.end), end))
                if piece[0] < piece[1]
            ]
        if pieces == [(mark.start, mark.end)]:
            kept.append(mark)
            continue
        for start, end in pieces:
            while start < end and not text[start].isalnum():
                start += 1
            while start < end and not text[end - 1].isalnum():
                end -= 1
            rest = text[start:end]
            if rest.lower() in _BESIDE and mark.rank >= NAMED_RANK:
                continue
            if len(rest) > 1 or rest.isdecimal() or (rest and mark.rank < NAMED_RANK):
                key = (
                    " ".join(folded_words(rest))
                    if mark.rank >= NAMED_RANK
                    else value_key(rest, mark.label)
                )
                kept.append(Mark(start, end, mark.label, mark.kind, key, mark.rank))
    kept.sort(key=lambda mark: mark.start)
    return kept


def _group(mark: Mark) -> tuple[str, str]:
    kind = "PERSON" if mark.kind in PERSONS else mark.kind
    if mark.rank >= CODED and mark.kind in ("PLACE", "ORGANIZATION"):
        kind = "PLACE"
    return kind, mark.key


def _label(kind: str) -> Label:
    if kind in PERSONS:
        return "NAME"
    for label, surrogate in SURROGATES.items():
        if surrogate == kind:
            return label  # type: ignore[return-value]  # the keys of SURROGATES are labels
    return "GEO"


def _blank(text: str, marks: list[Mark]) -> str:
    """`text` with line ends in place of what is masked, so that positions stay."""
    pieces: list[str] = []
    end = 0
    for mark in marks:
        pieces += (text[end : mark.start], "\n" * (mark.end - mark.start))
        end = mark.end
    pieces.append(text[end:])
    return "".join(pieces)


def _foreign(char: str) -> bool:
    return char.isalpha() and not unicodedata.name(char, "LATIN").startswith(
        ("LATIN", "MODIFIER", "FEMININE", "MASCULINE", "MICRO", "FULLWIDTH LATIN")
    )


def redact_transcript(
    engine: Engine, transcript: Transcript, roster: Roster | None = None
) -> tuple[Transcript, dict[str, str]]:
    """The transcript without identifiers, and the table that undoes it.

    Turn ids, speakers, roles and times stay. Of `words`, those that touch an identifier are
    merged into one word whose text is the surrogate; a turn whose words do not spell its text
    loses them, because nothing could be said about them. Raises what `Engine.redact` raises.
    """
    redaction = engine.redact([turn.text for turn in transcript.turns], roster)
    turns = tuple(
        turn.model_copy(update={"text": text, "words": _masked_words(turn.text, turn.words, spans)})
        for turn, text, spans in zip(
            transcript.turns, redaction.texts, redaction.spans, strict=True
        )
    )
    return transcript.model_copy(update={"turns": turns}), redaction.table


def _masked_words(text: str, words: Sequence[Word], spans: Sequence[Span]) -> tuple[Word, ...]:
    out: list[Word] = []
    at = 0
    said: Span | None = None
    for word in words:
        bare = word.text.strip()
        start = text.find(bare, at) if bare else at
        if start < 0 or text[at:start].strip():
            return ()
        end = at = start + len(bare)
        hits = [span for span in spans if span.start < end and start < span.end]
        fresh = [span for span in hits if span is not said]
        if not hits:
            out.append(word)
        elif not fresh:
            out[-1] = out[-1].model_copy(update={"end": max(out[-1].end, word.end)})
        else:
            masked = " ".join(span.surrogate for span in fresh)
            out.append(word.model_copy(update={"text": masked}))
        said = hits[-1] if hits else None
    return tuple(out)
