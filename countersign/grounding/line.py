"""Decides how one sentence of a note reads: its words, its quotations and whom it says it from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from countersign.grounding.cuts import cut
from countersign.grounding.marks import quoted_spans
from countersign.grounding.reading import Line
from countersign.grounding.spoken import Session
from countersign.grounding.support import Support
from countersign.grounding.words import (
    Token,
    content,
    quantities,
    sentence_spans,
    stem,
    tokenize,
)
from countersign.grounding.words import negated as negations
from countersign.note import Severity
from countersign.transcript import Role, Turn

_FILLERS = frozenset("um uh er erm hmm mm ah".split())
# Our own choice: turns between two sentences of one quotation, so that "mm-hmm" may interrupt it.
_FOLLOWS = 4
_PATIENT = re.compile(
    r"\b(?:the\s+)?(?:patient|client|pt|patients|clients)\b(?!['\u2019]s\s+(?:mother|father"
    r"|wife|husband|partner"
    r"|sister|brother|son|daughter|parents|family|spouse|friend))|(?:^|[:;,])\s*(?:he|she|they)\b"
    r"|\[PATIENT_\d+\]",
    re.I,
)
_CLINICIAN = re.compile(
    r"\b(?:the\s+)?(?:therapist|clinician|provider|counselor|counsellor|psychologist|psychiatrist"
    r"|doctor|writer|social worker)\b|^\s*I\b|\[CLINICIAN_\d+\]",
    re.I,
)
_RELATIVE = re.compile(
    r"\b(?:(?:(?:the\s+)?(?:patient|client|pt)['\u2019]s|his|her|their|the|my)\s+)?"
    r"(?P<kin>mother|mom|father|dad|parents?|wife|husband|partner|spouse|sister|brother|sibling|son"
    r"|daughter|grandmother|grandfather|aunt|uncle|cousin|niece|nephew|boyfriend|girlfriend"
    r"|fianc[e\u00e9]e?|friend|roommate|teacher|caregiver|guardian|boss|coworker|neighbor|nurse"
    r"|school|family|stepmother|stepfather)\b",
    re.I,
)
_PER = re.compile(r"\b(?:as\s+)?(?:per|according\s+to)\s+(?:the\s+|his\s+|her\s+|their\s+)?$", re.I)
_OTHER = re.compile(r"^\s*(?:other speaker|unidentified speaker)\b", re.I)
_ASKED = re.compile(r"(?:^|[(:])\s*(asked)(?::|\s*(?=[\"\u201c]))", re.I)
_ANSWERED = re.compile(r"\b(answered)(?::|\s*(?=[\"\u201c]))", re.I)
_REPORTS = re.compile(
    r"^(?:['\u2019]s)?\W{0,3}(?:also |then |further |currently |initially |again |later |has "
    r"|had |have |briefly |openly |\w+ly )*"
    r"(?:reports?|reported|reporting|states?|stated|says?|said|shares?|shared|describes?"
    r"|described|endorses?|endorsed"
    r"|mentions?|mentioned|notes?|noted|explains?|explained|expresses|expressed|admits?"
    r"|admitted|acknowledges?|acknowledged"
    r"|denies|denied|complains?|complained|told|asks?|asked|suggests?|suggested|recommends?"
    r"|recommended|encourages?|encouraged"
    r"|offers?|offered|proposes?|proposed|teaches|taught|assigns?|assigned|advises?|advised"
    r"|introduces?|introduced|discusses|discussed"
    r"|identifies|identified|recalls?|recalled|indicates?|indicated|verbalizes?|verbalized"
    r"|agrees?|agreed|believes|believed|replied|responds?|responded"
    r"|answers?|answered|affirms?|points? out|pointed out|commented|remarked|disclosed"
    r"|reflected|validated|provided|feels?|felt|thinks?|thought|adds|added|confirms?|confirmed"
    r"|worries|worried|counsels?|counsell?ed|instructs?|instructed|educates?|educated|prescribes?"
    r"|prescribed|orders|ordered|reassures?|reassured|observes?|observed|emphasized|requests?"
    r"|requested|claims?|claimed|attributes?|attributed|insists?|insisted|discloses|told|warned"
    r"|remembers?|remembered|wonders?|wondered)\b|^:",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A finding before its place in the note is known; offsets are characters of the sentence."""

    start: int
    end: int
    kind: str
    severity: Severity
    why: str


@dataclass(frozen=True)
class Part:
    """Words quoted in one go, with every turn where they stand and how gravely they are cut."""

    start: int
    end: int
    places: tuple[tuple[Turn, Severity | None], ...]


@dataclass(frozen=True)
class Quotation:
    """Quoted words; `turns` are those where they stand as quoted, empty when nowhere.

    `parts` are what ellipses divide it into, or its sentences where they were said in several
    turns; `apart` if those do not follow one another.
    """

    start: int
    end: int
    turns: tuple[Turn, ...]
    differing: tuple[int, int]
    short: bool
    parts: tuple[Part, ...] = ()
    apart: bool = False


@dataclass(frozen=True)
class Source:
    """Whom a sentence names as the speaker, and where it does; `kin` is the word for a relative.

    `asks` marks the fixed words of our own drafts, which name nobody.
    """

    role: Role
    start: int
    end: int
    kin: str = ""
    asks: bool = False


@dataclass(frozen=True)
class Reading:
    """One sentence read for the guards; `free` marks the tokens outside of verified quotations."""

    line: Line
    tokens: tuple[Token, ...]
    negated: tuple[bool, ...]
    quotations: tuple[Quotation, ...]
    sources: tuple[Source, ...]
    support: Support

    @property
    def text(self) -> str:
        return self.line.text

    @property
    def heading(self) -> bool:
        """Whether the line only names a section: capitals, or words that end in a colon."""
        bare = self.text.strip().rstrip(":")
        short = len(self.tokens) <= 6
        return short and (bare.isupper() or self.text.rstrip().endswith(":"))

    def free(self, token: Token) -> bool:
        """Whether a token is the note's own word, not a verified quotation's."""
        return not any(q.turns and q.start <= token.start < q.end for q in self.quotations)

    def source_of(self, quotation: Quotation) -> Source | None:
        """The nearest speaker named before the quotation, else the first named after it."""
        before = [source for source in self.sources if source.end <= quotation.start]
        after = [source for source in self.sources if source.start >= quotation.end]
        return before[-1] if before else (after[0] if after else None)


class Reader:
    """Reads sentences against one session; holds the session's words in comparable form."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._support = Support(session)
        self._tokens = {turn.id: tokenize(turn.text) for turn in session.turns}
        self._folded = [(turn, _fold(self._tokens[turn.id])) for turn in session.turns]
        self._joined = [
            (turn, " " + " ".join(w for w, _, _ in words) + " ") for turn, words in self._folded
        ]

    def read(self, line: Line) -> Reading:
        """Analyses one sentence."""
        tokens = tokenize(line.text)
        quotations = tuple(
            self._quotation(line.text, start, end) for start, end in quoted_spans(line.text)
        )
        return Reading(
            line,
            tokens,
            negations(tokens, line.text),
            quotations,
            _sources(line.text, quotations),
            self._support,
        )

    def _quotation(self, text: str, start: int, end: int) -> Quotation:
        inner = text[start:end]
        if len(inner.split()) > 1:
            part = Part(start, end, tuple(self._verbatim(inner)))
            if part.places:
                return Quotation(start, end, _turns(part), (start, end), False, (part,))
        pieces = [
            (start + piece.start(), start + piece.end())
            for piece in re.finditer(r"(?:(?!\.\.\.|\u2026|\[\.\.\.\]).)+", inner, re.S)
        ]
        whole = self._pieces(text, start, end, pieces)
        if not whole.turns:
            sentences = [(start + low, start + high) for low, high in sentence_spans(inner)]
            if len(sentences) > 1:
                return self._sentences(text, start, end, sentences)
        return whole

    def _pieces(
        self, text: str, start: int, end: int, pieces: Sequence[tuple[int, int]]
    ) -> Quotation:
        turns: tuple[Turn, ...] | None = None
        parts: list[Part] = []
        size = 0
        for low, high in pieces:
            words = _fold(tokenize(text[low:high]))
            if not words:
                continue
            size += len(words)
            part = Part(low, high, tuple(self._folded_in(words)))
            if not part.places:
                first, last = self._differing(words)
                return Quotation(start, end, (), (low + first, low + last), len(words) <= 2)
            parts.append(part)
            where = _turns(part)
            turns = where if turns is None else tuple(turn for turn in turns if turn in where)
        return Quotation(start, end, turns or (), (start, end), size <= 2, tuple(parts))

    def _sentences(
        self, text: str, start: int, end: int, sentences: Sequence[tuple[int, int]]
    ) -> Quotation:
        """A quotation whose sentences may stand in several turns of one speaker."""
        parts: list[Part] = []
        for low, high in sentences:
            said = self._quotation(text, low, high)
            if not said.turns:
                return Quotation(start, end, (), said.differing, False)
            places = tuple(place for part in said.parts for place in part.places)
            parts.append(Part(low, high, places))
        every = tuple(dict.fromkeys(turn for part in parts for turn in _turns(part)))
        apart = not self._follow([_turns(part) for part in parts])
        return Quotation(start, end, every, (start, end), False, tuple(parts), apart)

    def _follow(self, places: Sequence[Sequence[Turn]]) -> bool:
        """Whether one speaker said each after the one before, without a long pause between."""
        order = {turn.id: position for position, turn in enumerate(self.session.turns)}
        ways = [(turn.speaker, order[turn.id]) for turn in places[0]]
        for following in places[1:]:
            ways = [
                (turn.speaker, order[turn.id])
                for turn in following
                if any(
                    who == turn.speaker and 0 <= order[turn.id] - at <= _FOLLOWS for who, at in ways
                )
            ]
        return bool(ways)

    def _verbatim(self, inner: str) -> Iterator[tuple[Turn, Severity | None]]:
        """Where the very characters stand; "I can" does not stand in "I can't"."""
        for turn in self.session.turns:
            at = turn.text.find(inner)
            while at >= 0:
                end = at + len(inner)
                tokens = self._tokens[turn.id]
                if not any(t.start < edge < t.end for t in tokens for edge in (at, end)):
                    yield turn, cut(turn.text, tokens, at, end)
                at = turn.text.find(inner, at + 1)

    def _folded_in(
        self, words: Sequence[tuple[str, int, int]]
    ) -> Iterator[tuple[Turn, Severity | None]]:
        wanted = [word for word, _, _ in words]
        needle = " " + " ".join(wanted) + " "
        for (turn, have), (_, joined) in zip(self._folded, self._joined, strict=True):
            if needle not in joined:
                continue
            for index in range(len(have) - len(wanted) + 1):
                here = have[index : index + len(wanted)]
                if [word for word, _, _ in here] == wanted:
                    tokens = self._tokens[turn.id]
                    yield turn, cut(turn.text, tokens, here[0][1], here[-1][2])

    def _differing(self, words: Sequence[tuple[str, int, int]]) -> tuple[int, int]:
        """The words of a quotation that its nearest turn does not have; all when none is near."""
        wanted = [word for word, _, _ in words]
        best: tuple[int, list[tuple[int, int]]] = (0, [])
        for _, folded in self._folded:
            have = [word for word, _, _ in folded]
            if not set(wanted) & set(have):
                continue
            blocks = SequenceMatcher(None, wanted, have, autojunk=False).get_matching_blocks()
            same = sum(block.size for block in blocks)
            if same > best[0]:
                best = (same, [(block.a, block.a + block.size) for block in blocks])
        whole = (words[0][1], words[-1][2])
        if best[0] < 0.5 * len(wanted):
            return whole
        known = {index for low, high in best[1] for index in range(low, high)}
        strange = [index for index in range(len(wanted)) if index not in known]
        if not strange:
            return whole
        return words[strange[0]][1], words[strange[-1]][2]


def _turns(part: Part) -> tuple[Turn, ...]:
    return tuple(dict.fromkeys(turn for turn, _ in part.places))


def _fold(tokens: Sequence[Token]) -> list[tuple[str, int, int]]:
    """Words as compared in quotations: no fillers, numbers as digits, `have n't` as `haven't`."""
    numbers = {q.first: q for q in quantities(tokens) if q.exact}
    folded: list[tuple[str, int, int]] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if index in numbers:
            quantity = numbers[index]
            folded.append((f"{quantity.value:g}", quantity.start, quantity.end))
            index = quantity.last
            continue
        if token.text == "n't" and folded:
            word, start, _ = folded.pop()
            folded.append((word + "n't", start, token.end))
        elif token.text not in _FILLERS:
            folded.append((token.text, token.start, token.end))
        index += 1
    return folded


def _sources(text: str, quotations: Sequence[Quotation]) -> tuple[Source, ...]:
    found: list[Source] = []
    patterns = (
        (_RELATIVE, Role.OTHER),
        (_PATIENT, Role.PATIENT),
        (_CLINICIAN, Role.THERAPIST),
    )
    for pattern, role in patterns:
        for match in pattern.finditer(text):
            if any(q.start <= match.start() < q.end for q in quotations):
                continue
            if any(s.start < match.end() and match.start() < s.end for s in found):
                continue
            per = _PER.search(text[: match.start()]) is not None
            colon = text[match.end() : match.end() + 1] == ":" and role is not Role.OTHER
            says = _REPORTS.match(text[match.end() :])
            if per or colon or (says and says.group() != ":"):
                kin = match.group("kin").lower() if role is Role.OTHER else ""
                found.append(Source(role, *match.span(), kin))
    for pattern, role in ((_ASKED, Role.THERAPIST), (_ANSWERED, Role.PATIENT)):
        for match in pattern.finditer(text):
            if not any(q.start <= match.start() < q.end for q in quotations):
                found.append(Source(role, *match.span(1), asks=True))
    other = _OTHER.match(text)
    if other:
        found.append(Source(Role.OTHER, *other.span()))
    return tuple(sorted(found, key=lambda source: source.start))


def stems(tokens: Sequence[Token]) -> frozenset[str]:
    """The stems of the tokens that carry meaning."""
    return frozenset(stem(token.text) for token in content(tokens))
