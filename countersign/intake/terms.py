"""Decides what the screen looks for: the term file, read, checked and made fast to search."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy
from countersign.intake.wording import Spelling, fold

FILE = "crisis_terms.toml"
_STRICT = ConfigDict(frozen=True, extra="forbid")
_GAP = re.compile(r"~(\d?)")
# A gap does not jump over a denial: "my wife is not suicidal" is not "wife … suicidal".
_BETWEEN = r"(?:(?!(?:not|no|never|nunca|denies|denied|deny|denying|niega|niego) )[^ .]+ )"
_END = r"(?=\. |$)"
_WORD = re.compile(r"[^\s~$^@/?]+")


class Kind(StrEnum):
    """Whether a human must look at once, or soon."""

    CRISIS = "crisis"
    URGENCY = "urgency"


class About(StrEnum):
    """What a group's words speak of, which decides what can excuse them."""

    SELF = "self"
    """The writer's own wish, plan or act: excused by negation, remote past, figure of speech."""
    NOUN = "noun"
    """The bare thing ("suicide"): excused besides by talk about it, as of work or of a film."""
    OTHER = "other"
    """Another person in danger, or dangerous."""
    LOSS = "loss"
    """A death that has happened: brought to a human only when it is recent."""


class Group(BaseModel):
    """Terms that are there for one reason."""

    model_config = _STRICT
    name: str = Field(min_length=1)
    kind: Kind
    about: About
    source: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    terms: tuple[str, ...] = Field(min_length=1)


class Idiom(BaseModel):
    """Wordings that look like a term and are not meant so."""

    model_config = _STRICT
    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    terms: tuple[str, ...] = Field(min_length=1)


class Cue(BaseModel):
    """Words beside a term that change how it is meant."""

    model_config = _STRICT
    source: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    terms: tuple[str, ...] = Field(min_length=1)


class Spellings(BaseModel):
    """How words are written: one form to plain words, words whose slips are sought, pieces of
    words written together, words known by their consonants, and words to be left alone.
    """

    model_config = _STRICT
    source: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    forms: dict[str, str] = {}
    known: tuple[str, ...] = ()
    sought: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()
    consonants: tuple[str, ...] = ()


class Cues(BaseModel):
    """The cues by what they do; `docs/intake.md` says how each is used."""

    model_config = _STRICT
    negation: Cue
    denial: Cue
    transparent: Cue
    undone: Cue
    remote: Cue
    earnest: Cue
    settled: Cue
    present: Cue
    recent: Cue
    media: Cue
    telling: Cue
    professional: Cue
    generic: Cue
    common: Cue


class TermFile(BaseModel):
    """`policies/crisis_terms.toml`, as a compliance officer reads it."""

    model_config = _STRICT
    spelling: dict[str, Spellings]
    classes: dict[str, tuple[str, ...]]
    cues: Cues
    group: tuple[Group, ...] = Field(min_length=1)
    idiom: tuple[Idiom, ...]


@dataclass(frozen=True)
class Pattern:
    """One term, ready to search in a sentence of plain words; `kind` is None for an idiom.

    `needs` holds, for each element that may not be missing, the words it can begin to be found by.
    """

    name: str
    kind: Kind | None
    about: About | None
    regex: re.Pattern[str]
    needs: tuple[frozenset[str], ...]

    def possible(self, words: set[str]) -> bool:
        """Whether the words of a sentence can hold this term at all."""
        for need in self.needs:
            if need.isdisjoint(words):
                return False
        return True


Index = dict[str, dict[str, tuple[int, ...]]]
"""Patterns by the word that begins their search, and by a second word that they need, or ""."""


def _indexed(found: dict[str, list[int]], patterns: list[Pattern]) -> Index:
    index: dict[str, dict[str, list[int]]] = {}
    for word, numbers in found.items():
        beside = index.setdefault(word, {})
        for number in numbers:
            needs = patterns[number].needs
            for other in needs[0] if needs else ("",):
                beside.setdefault(other, []).append(number)
    return {
        word: {other: tuple(numbers) for other, numbers in beside.items()}
        for word, beside in index.items()
    }


@dataclass(frozen=True)
class Finder:
    """Many phrases as one question: does any of them stand in these plain words?"""

    words: frozenset[str]
    phrases: re.Pattern[str]

    def search(self, canon: str, words: Iterable[str]) -> re.Match[str] | None:
        """The first phrase in `canon`, looked for only when a word of one is there."""
        return None if self.words.isdisjoint(words) else self.phrases.search(canon)


@dataclass(frozen=True)
class Terms:
    """The term file, compiled. `by_anchor` gives the patterns that a word can be part of."""

    spelling: Spelling
    patterns: tuple[Pattern, ...]
    by_anchor: Index
    idiom_by_anchor: Index
    negation: frozenset[str]
    denial: frozenset[str]
    transparent: frozenset[str]
    finders: dict[str, Finder]
    fragments: frozenset[str]
    """Beginnings of telling words, for those that were written with a space inside."""
    cold: set[str] = field(default_factory=set)
    """Tokens already read and known to begin no term: the screen's memory, not its rule."""

    def candidates(self, words: set[str]) -> list[int]:
        """The terms whose words are all among these, in the order of the file."""
        return self._reached(self.by_anchor, words)

    def idioms(self, words: set[str]) -> list[int]:
        """The idioms whose words are all among these."""
        return self._reached(self.idiom_by_anchor, words)

    def _reached(self, index: Index, words: set[str]) -> list[int]:
        reached: set[int] = set()
        for word in words & index.keys():
            beside = index[word]
            for other in words & beside.keys():
                reached.update(beside[other])
            reached.update(beside.get("", ()))
        patterns = self.patterns
        return sorted([n for n in reached if patterns[n].possible(words)])

    @classmethod
    def from_toml(cls, text: str) -> Terms:
        """The terms of `policies/crisis_terms.toml`; raises `BadPolicy`, naming what is wrong."""
        try:
            content = TermFile.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"{FILE}: {error}") from None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadPolicy(f"{FILE}: {where}: {first['msg']}") from None
        return _Compiler(content).terms()


@dataclass(frozen=True)
class _Part:
    """One element of a phrase: its pattern, and one word of each alternative, unless optional."""

    regex: str
    anchors: frozenset[str] | None


class _Compiler:
    """Phrases to regular expressions over plain words, each indexed by its rarest words."""

    def __init__(self, content: TermFile) -> None:
        self._content = content
        common = content.cues.common.terms
        # The list runs from the most frequent word down, and so does the weight.
        self._common = {word: len(common) - rank for rank, word in enumerate(common)}
        self._classes: dict[str, _Part] = {}
        self._open: list[str] = []
        self._vocabulary: set[str] = set(self._common)
        forms: dict[str, str] = {}
        for spellings in content.spelling.values():
            forms |= spellings.forms
        self._forms = forms
        # Without any slips: what the file itself says is spelled as it is meant.
        self._plain = Spelling((), (), forms, (), (), ())

    def terms(self) -> Terms:
        content = self._content
        patterns: list[Pattern] = []
        anchors: dict[str, list[int]] = {}
        idioms: dict[str, list[int]] = {}
        entries: list[tuple[Group | Idiom, Kind | None, About | None]] = [
            *((group, group.kind, group.about) for group in content.group),
            *((idiom, None, None) for idiom in content.idiom),
        ]
        names = [entry.name for entry, _, _ in entries]
        for name in names:
            if names.count(name) > 1:
                raise BadPolicy(f"{FILE}: two entries are called {name!r}")
        for entry, kind, about in entries:
            for phrase in self._spread(entry.terms):
                regex, words, needs = self._phrase(phrase, entry.name)
                for word in words:
                    (anchors if kind else idioms).setdefault(word, []).append(len(patterns))
                patterns.append(Pattern(entry.name, kind, about, _compiled(regex), needs))
        finders = {
            name: self._finder(name, getattr(content.cues, name).terms)
            for name in (
                "undone", "earnest", "remote", "settled", "present", "recent", "media", "telling",
                "professional", "generic",
            )
        }  # fmt: skip
        cues = content.cues
        self._vocabulary |= {*cues.negation.terms, *cues.transparent.terms, *cues.denial.terms}
        spellings = content.spelling.values()
        known = {word for each in spellings for word in each.known}
        core = {word for each in spellings for word in each.sought}
        pieces = {word for each in spellings for word in each.pieces}
        bare = {word for each in spellings for word in each.consonants}
        spelling = Spelling(self._vocabulary | core, core, self._forms, known, pieces, bare)
        return Terms(
            spelling=spelling,
            patterns=tuple(patterns),
            by_anchor=_indexed(anchors, patterns),
            idiom_by_anchor=_indexed(idioms, patterns),
            negation=frozenset(cues.negation.terms),
            denial=frozenset(cues.denial.terms),
            transparent=frozenset(cues.transparent.terms),
            finders=finders,
            fragments=frozenset(
                piece
                for word in core
                if len(word) > 5
                for at in range(2, len(word) - 1)
                for piece in (word[:at],)
                if piece not in self._vocabulary and piece not in known
            ),
        )

    def _spread(self, phrases: Iterable[str]) -> Iterable[str]:
        """The phrases, a class that stands alone as each of its own: they are found faster."""
        for phrase in phrases:
            yield from self._content.classes.get(phrase.removeprefix("@"), (phrase,))

    def _finder(self, name: str, phrases: tuple[str, ...]) -> Finder:
        parts = [self._phrase(phrase, f"cues.{name}") for phrase in phrases]
        return Finder(
            words=frozenset(word for _, words, _ in parts for word in words),
            phrases=_compiled("(?:" + "|".join(regex for regex, _, _ in parts) + ")"),
        )

    def _phrase(
        self, phrase: str, where: str
    ) -> tuple[str, frozenset[str], tuple[frozenset[str], ...]]:
        """The pattern of a phrase, the words of its rarest element, those of all its elements."""
        parts = [self._part(token, where) for token in fold(phrase).split()]
        chosen = min(
            (part.anchors for part in parts if part.anchors),
            key=lambda words: (max(map(self._weight, words)), len(words)),
            default=None,
        )
        if chosen is None:
            raise BadPolicy(f"{FILE}: {where}: {phrase!r} names no word that must be there")
        needs = {part.anchors for part in parts if part.anchors and part.anchors != chosen}
        return (
            "".join(part.regex for part in parts),
            chosen,
            tuple(sorted(needs, key=lambda words: (len(words), sorted(words)))),
        )

    def _weight(self, word: str) -> int:
        return self._common.get(word, 0)

    def _part(self, token: str, where: str) -> _Part:
        if gap := _GAP.fullmatch(token):
            return _Part(f"{_BETWEEN}{{0,{gap[1] or 3}}}?", None)
        if token == "$":  # noqa: S105 (the end of a sentence, not a secret)
            return _Part(_END, None)
        if token == "^":  # noqa: S105
            return _Part(r"(?<=\. )", None)
        optional = token.endswith("?")
        token = token.removesuffix("?")
        part = self._words(token, where)
        return _Part(f"(?:{part.regex})?", None) if optional else part

    def _words(self, token: str, where: str) -> _Part:
        regexes: list[str] = []
        anchors: set[str] = set()
        ends = False
        for alternative in token.split("/"):
            if alternative == "$":
                regexes.append(_END)
                ends = True
                continue
            if alternative.startswith("@"):
                named = self._class(alternative[1:], where)
                regexes.append(named.regex)
                anchors |= named.anchors or frozenset()
                continue
            if not _WORD.fullmatch(alternative):
                raise BadPolicy(f"{FILE}: {where}: {token!r} is not a word or alternatives")
            words = self._plain.words(alternative)
            self._vocabulary.update(words)
            regexes.append("".join(f"{re.escape(word)} " for word in words))
            anchors.add(min(words, key=self._weight))
        return _Part(_either(regexes), None if ends else frozenset(anchors))

    def _class(self, name: str, where: str) -> _Part:
        if name in self._open:
            raise BadPolicy(f"{FILE}: the class {name!r} names itself")
        if name not in self._content.classes:
            raise BadPolicy(f"{FILE}: {where}: there is no class {name!r}")
        if name not in self._classes:
            self._open.append(name)
            made = [self._phrase(p, f"classes.{name}") for p in self._content.classes[name]]
            self._open.pop()
            self._classes[name] = _Part(
                _either([regex for regex, _, _ in made]),
                frozenset(word for _, words, _ in made for word in words),
            )
        return self._classes[name]


def _either(regexes: list[str]) -> str:
    longest_first = sorted(set(regexes), key=lambda regex: (-len(regex), regex))
    return regexes[0] if len(regexes) == 1 else f"(?:{'|'.join(longest_first)})"


def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(f"(?<= ){regex}")
