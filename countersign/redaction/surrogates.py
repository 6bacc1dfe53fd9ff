"""Decides how an identifier is replaced, how it comes back, and whether one slipped through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import Levenshtein

from countersign.errors import SurrogateCollision, SurrogateUnknown
from countersign.redaction import sound, spoken
from countersign.redaction.tagger import FOLLOW, ordinary
from countersign.redaction.text import Document, fold, folded_words

PERSONS: Final = frozenset({"PATIENT", "RELATIVE", "CLINICIAN", "PERSON"})
NAMED: Final = PERSONS | {"PLACE", "ORGANIZATION"}
KINDS: Final = NAMED | {
    "DATE", "PHONE", "FAX", "EMAIL", "SSN", "MRN", "PLAN_NUMBER", "ACCOUNT", "LICENSE", "VEHICLE",
    "DEVICE", "URL", "IP", "BIOMETRIC", "PHOTO", "IDENTIFIER", "AGE",
}  # fmt: skip

# Table keys: a surrogate, `surrogate#n` for a further spelling of the same thing, `surrogate~`
# for those of its words that are ordinary words too.
FORM: Final = "#"
ORDINARY: Final = "~"

_EXACT = re.compile(r"\[([A-Z]+(?:_[A-Z]+)*)_([1-9][0-9]*)\]")
_KIND_WORDS = "|".join(
    sorted((kind.replace("_", "[ _-]?") for kind in KINDS), key=len, reverse=True)
)
# Whatever a reader or a model could take for a surrogate, changed or invented ones included.
_ALIKE = re.compile(
    r"\[[A-Z]+(?:_[A-Z]+)*_[0-9]+\]"
    rf"|[\[\uff3b【⟦\u3014{{<(]\s*(?:{_KIND_WORDS})\s*[ _:#-]?\s*[0-9]+\s*[\]\uff3d】⟧\u3015}}>)]"
    rf"|(?<![A-Za-z0-9])(?:{_KIND_WORDS})_[0-9]+(?![A-Za-z0-9])",
    re.IGNORECASE,
)
# A number of fewer digits is said by chance: "nineteen" may be a house or a score.
_DISTINCT_DIGITS: Final = 5
_MONTHS: Final = frozenset(
    "january february march april may june july august september october november december".split()
)
_FILLERS: Final = frozenset({"the", "of", "st", "nd", "rd", "th"})


@dataclass(frozen=True)
class Leak:
    """An identifier at `[start, end)` of a text where none may be: its kind, never its value."""

    kind: str
    start: int
    end: int


def refuse_lookalikes(text: str) -> None:
    """Raises `SurrogateCollision` if the text already holds something like a surrogate."""
    match = _ALIKE.search(text)
    if match is not None:
        raise SurrogateCollision(f"characters {match.start()}-{match.end()} look like a surrogate")


def restore(text: str, table: Mapping[str, str]) -> str:
    """`text` with each surrogate replaced by what `table` holds for it, by exact token only.

    Raises `SurrogateUnknown` for a token that the table does not have, and for one that was
    altered on the way (`[Patient 1]`, `PATIENT_1`): better to stop than to guess.
    """
    pieces: list[str] = []
    end = 0
    for start, stop, value in _tokens(text, table):
        pieces += (text[end:start], value)
        end = stop
    pieces.append(text[end:])
    return "".join(pieces)


def project(text: str, table: Mapping[str, str], span: tuple[int, int]) -> tuple[int, int]:
    """Where `[start, end)` of a redacted `text` lies in `restore(text, table)`.

    An end inside a surrogate moves out to include the whole of it. Raises `SurrogateUnknown` as
    `restore` does and `ValueError` for a span outside the text.
    """
    start, end = span
    if not 0 <= start <= end <= len(text):
        raise ValueError("the span lies outside the text")
    shift = 0
    first, last = start, end
    found_first = found_last = False
    for begin, stop, value in _tokens(text, table):
        if not found_first and start < stop:
            first, found_first = (min(start, begin)) + shift, True
        if not found_last and end <= begin:
            last, found_last = end + shift, True
        if not found_last and end < stop:
            last, found_last = begin + shift + len(value), True
            if start == end:
                last = first
        shift += len(value) - (stop - begin)
    if not found_first:
        first = start + shift
    if not found_last:
        last = end + shift
    return first, last


def _tokens(text: str, table: Mapping[str, str]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for match in _ALIKE.finditer(text):
        token = match.group()
        if not _EXACT.fullmatch(token) or token not in table:
            raise SurrogateUnknown(
                f"characters {match.start()}-{match.end()} hold a token that is not in the table"
            )
        found.append((match.start(), match.end(), table[token]))
    return found


# What links the words of a place's name; it names nothing by itself.
_LINKS = frozenset("and the over for under off from near".split())


def leaks(text: str, table: Mapping[str, str]) -> tuple[Leak, ...]:
    """Every place where `text` still holds a value of `table`, by kind and position only.

    Compared are folded words (case, accents, spacing, hyphens), parts of names, spellings that
    sound the same, and numbers and dates both spoken and typed. Values that prove nothing on
    their own are not looked for: numbers under five digits, ages, a day without its month,
    and a name that is an ordinary word where it is used as one.
    """
    return Sieve(table).leaks(text)


class Sieve:
    """The values of one table, made ready to look for in many texts."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._glued: dict[str, str] = {}
        self._plain: dict[str, str] = {}
        self._digits: dict[str, str] = {}
        self._sounds: dict[str, list[tuple[str, str]]] = {}
        self._memo: dict[str, str] = {}
        for key, value in table.items():
            if not key.endswith(ORDINARY):
                plain = table.get(key.partition(FORM)[0] + ORDINARY, "").split()
                self._add(_kind(key), value, frozenset(plain))

    def _add(self, kind: str, value: str, plain: frozenset[str]) -> None:
        if kind == "AGE":
            return
        normal = tuple(word for word, _, _ in _normal(Document.of(value)))
        if not normal:
            return
        if kind == "DATE":
            self._date(normal)
        elif kind in NAMED:
            if len(normal) > 1 or normal[0] not in plain:
                if any(not word.isdecimal() for word in normal):
                    self._phrase(normal, kind)
            for word in dict.fromkeys(folded_words(value)):
                if word in plain:
                    if len(word) > 2 and word not in _LINKS:
                        self._plain[word] = kind
                elif kind in PERSONS and len(word) > 2 and not word.isdecimal():
                    self._phrase((word,), kind)
                    if len(word) > 4:
                        for heard in sound.keys(word):
                            self._sounds.setdefault(heard, []).append((word, kind))
            glued = "".join(normal)
            if len(glued) > 5 and glued not in plain:
                self._glued[glued] = kind
        elif any(not word.isdecimal() for word in normal) and len("".join(normal)) > 4:
            self._phrase(normal, kind)
        digits = _written(value)
        if sum(char.isdecimal() for char in digits) >= _DISTINCT_DIGITS:
            self._digits[digits] = kind

    def _date(self, normal: tuple[str, ...]) -> None:
        months = [word for word in normal if word in _MONTHS]
        if not months or len(normal) < 2:
            return
        self._phrase(normal, "DATE")
        days = [word for word in normal if word.isdecimal() and len(word) <= 2]
        if days:
            self._phrase((months[0], days[0]), "DATE")
            self._phrase((days[0], months[0]), "DATE")

    def _phrase(self, words: tuple[str, ...], kind: str) -> None:
        entries = self._phrases.setdefault(words[0], [])
        if (words, kind) not in entries:
            entries.append((words, kind))
            entries.sort(key=lambda entry: -len(entry[0]))

    def leaks(self, text: str) -> tuple[Leak, ...]:
        """The leaks of one text, in order, none overlapping; surrogates end a line in it."""
        blank = _EXACT.sub(lambda match: "\n" * len(match.group()), text)
        document = Document.of(blank)
        found: list[Leak] = []
        normal = _normal(document)
        words = [word for word, _, _ in normal]
        index = 0
        while index < len(words):
            hit = self._at(document, words, normal, index)
            if hit is None:
                index += 1
                continue
            kind, last = hit
            start = document.starts[normal[index][1]]
            found.append(Leak(kind, start, document.ends[normal[last - 1][2] - 1]))
            index = last
        if self._digits:
            found += self._numbers(document, found)
        return tuple(sorted(found, key=lambda leak: leak.start))

    def _at(
        self, document: Document, words: list[str], normal: list[tuple[str, int, int]], index: int
    ) -> tuple[str, int] | None:
        word = words[index]
        if not word:
            return None
        for phrase, kind in self._phrases.get(word, ()):
            if tuple(words[index : index + len(phrase)]) == phrase:
                return kind, index + len(phrase)
        kind = self._plain.get(word, "")
        if kind and echoes(document, normal[index][1]):
            return kind, index + 1
        if word in self._glued:
            return self._glued[word], index + 1
        if self._glued:
            glued = word
            for last in range(index + 2, min(index + 4, len(words)) + 1):
                if not words[last - 1]:
                    break
                glued += words[last - 1]
                if glued in self._glued:
                    return self._glued[glued], last
        kind = self._heard(word)
        return (kind, index + 1) if kind else None

    def _heard(self, word: str) -> str:
        """The kind of a name that sounds like `word` and is spelled nearly so, or nothing."""
        if len(word) < 5 or not self._sounds or word in self._plain:
            return ""
        known = self._memo.get(word)
        if known is None:
            known = ""
            for heard in sound.keys(word):
                for name, kind in self._sounds.get(heard, ()):
                    if Levenshtein.normalized_similarity(word, name) >= 0.84:
                        known = kind
            self._memo[word] = known
        return known

    def _numbers(self, document: Document, before: list[Leak]) -> list[Leak]:
        found: list[Leak] = []
        for run in spoken.runs(document):
            written = "".join(char for char in run.value if char.isalnum())
            if len(written) < _DISTINCT_DIGITS:
                continue
            start, end = document.starts[run.first], document.ends[run.last - 1]
            if any(leak.start < end and start < leak.end for leak in before):
                continue
            for digits, kind in self._digits.items():
                if digits in written:
                    found.append(Leak(kind, start, end))
                    break
        return found


def echoes(document: Document, index: int) -> bool:
    """Whether a word known to be somebody's name, but ordinary too, is the name here."""
    if ordinary(document, index, index + 1):
        return False
    if document.broken(index + 1) or document.words[index + 1] in FOLLOW:
        return True
    return document.text[document.starts[index]].isupper() and not document.broken(index)


def _kind(key: str) -> str:
    match = _EXACT.match(key)
    return match.group(1) if match else "IDENTIFIER"


def _written(value: str) -> str:
    """The digits and letters of a value that is a code, typed or spoken; else nothing."""
    words = folded_words(value)
    if not words or not all(word in spoken.PARTS or word[0].isdecimal() for word in words):
        return ""
    run = spoken.read(list(words), 0, len(words))
    return "".join(char for char in run.value if char.isalnum())


def _normal(document: Document) -> list[tuple[str, int, int]]:
    """Words with their positions, number words and ordinals as digits, fillers left out.

    An empty word, which nothing matches, stands where a line ends.
    """
    out: list[tuple[str, int, int]] = []
    words = document.words
    index = 0
    size = len(words)
    while index < size:
        word = words[index]
        if index and "\n" in document.seps[index]:
            out.append(("", index, index))
        if word in _FILLERS:
            index += 1
            continue
        begin = index
        if word in spoken.TENS:
            base = int(spoken.TENS[word]) * 10
            after = words[index + 1] if index + 1 < size else ""
            unit = int(spoken.ONES.get(after, "0")) or (
                spoken.ORDINALS.get(after, 0) if spoken.ORDINALS.get(after, 0) < 10 else 0
            )
            if unit and "\n" not in document.seps[index + 1]:
                index += 1
            word = str(base + unit)
        elif word in spoken.ORDINALS:
            word = str(spoken.ORDINALS[word])
        elif word in spoken.TEENS:
            word = spoken.TEENS[word]
        elif word in spoken.ONES and word not in ("o", "oh"):
            word = spoken.ONES[word]
        elif word.isdecimal():
            word = str(int(word)) if len(word) < 5 else word
        index += 1
        out.append((word, begin, index))
    return out


__all__ = [
    "FORM", "KINDS", "NAMED", "ORDINARY", "PERSONS", "Leak", "Sieve", "echoes", "fold", "leaks",
    "project", "refuse_lookalikes", "restore",
]  # fmt: skip
