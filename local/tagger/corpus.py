"""Decides how marked sentences become many more: other names, other spellings, other writing."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from countersign.redaction.policy import ALLOWED, FACILITY, FAMILY, GIVEN, KEPT, PLACE, WORD, Policy
from countersign.redaction.text import fold

HERE: Final = Path(__file__).parent / "corpus"

_MARK = re.compile(r"\[\[([A-Z_0-9]+)\|([^\[\]|]+)\]\]")
# How often a name is one that no list has, one that is a word too, or the one in the sentence.
_STRANGE: Final = 0.3
_WORDLIKE: Final = 0.12
_KEPT: Final = 0.15
_VOWELS: Final = "aeiou"
_CONSONANTS: Final = "bcdfghjklmnprstvwyz"


@dataclass(frozen=True)
class Sentence:
    """A text, and which characters of it are a name or a place: `(start, end, label)`."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def read(text: str) -> list[Sentence]:
    """The sentences of a corpus file: JSON lines with `text`, identifiers as `[[LABEL|words]]`."""
    return [_unmarked(json.loads(line)["text"]) for line in text.splitlines() if line.strip()]


def folder(path: Path) -> list[Sentence]:
    """The sentences of all corpus files, in the order of their names."""
    return [
        sentence for file in sorted(path.glob("*.jsonl")) for sentence in read(file.read_text())
    ]


def digest(path: Path) -> str:
    """What tells one corpus from another: the SHA-256 of its files, in the order of their names."""
    return hashlib.sha256(
        b"".join(file.read_bytes() for file in sorted(path.glob("*.jsonl")))
    ).hexdigest()


def _unmarked(marked: str) -> Sentence:
    pieces: list[str] = []
    spans: list[tuple[int, int, str]] = []
    size = end = 0
    for match in _MARK.finditer(marked):
        before = marked[end : match.start()]
        size += len(before)
        spans.append((size, size + len(match[2]), match[1]))
        pieces += (before, match[2])
        size += len(match[2])
        end = match.end()
    return Sentence("".join((*pieces, marked[end:])), tuple(spans))


class Names:
    """Names and places to put into sentences, drawn from the policy's lists."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # it draws training text, no secret
        flags = policy.flags
        plain = WORD | ALLOWED | KEPT
        self._given = sorted(w for w, f in flags.items() if f & GIVEN and not f & plain)
        self._family = sorted(w for w, f in flags.items() if f & FAMILY and not f & plain)
        self._wordlike = sorted(w for w, f in flags.items() if f & GIVEN and f & WORD)
        self._places = sorted(w for w, f in flags.items() if f & PLACE and not f & (plain | GIVEN))
        self._long = sorted(" ".join(phrase) for rest in policy.places.values() for phrase in rest)
        self._flags = flags

    def varied(self, sentence: Sentence) -> Sentence:
        """The sentence with other names and places, perhaps without case and punctuation."""
        pieces: list[str] = []
        spans: list[tuple[int, int, str]] = []
        size = end = 0
        for start, stop, label in sentence.spans:
            before = sentence.text[end:start]
            words = self._other(sentence.text[start:stop], label)
            size += len(before)
            spans.append((size, size + len(words), label))
            pieces += (before, words)
            size += len(words)
            end = stop
        varied = Sentence("".join((*pieces, sentence.text[end:])), tuple(spans))
        return _lowered(varied) if self._random.random() < 0.5 else varied

    def _other(self, words: str, label: str) -> str:
        draw = self._random.random
        if draw() < _KEPT:
            return words
        if label == "NAME":
            parts = words.split(" ")
            if any(len(part.strip(".")) < 2 for part in parts):
                return words
            return " ".join(
                _like(self._name(first=not index), part) for index, part in enumerate(parts)
            )
        if label == "GEO" and not any(sign.isdigit() for sign in words):
            return self._place(words)
        return words

    def _name(self, first: bool) -> str:
        draw = self._random.random
        chance = draw()
        if first and chance < _WORDLIKE:
            return self._random.choice(self._wordlike)
        name = self._random.choice(self._given if first else self._family)
        return self._strange(name) if chance > 1 - _STRANGE else name

    def _place(self, words: str) -> str:
        parts = words.split(" ")
        folded = [fold(part) for part in parts]
        named = [
            index
            for index, part in enumerate(folded)
            if not self._flags.get(part, 0) & (WORD | FACILITY) and len(part) > 2
        ]
        if any(self._flags.get(part, 0) & FACILITY for part in folded):
            # A school or a clinic keeps its word and gets another name.
            for index in named:
                source = self._given if self._random.random() < 0.3 else self._family
                parts[index] = _like(self._random.choice(source), parts[index])
            return " ".join(parts)
        if not named or self._random.random() < 0.4:
            return words
        if len(parts) == 1:
            place = self._random.choice(self._places)
            if self._random.random() < _STRANGE:
                place = self._strange(place)
            return _like(place, words)
        return " ".join(_like(part, parts[0]) for part in self._random.choice(self._long).split())

    def _strange(self, name: str) -> str:
        """A spelling that is in no list, as a recognizer might write what it does not know."""
        letters = list(name)
        for _ in range(self._random.choice((1, 2, 2, 3))):
            at = self._random.randrange(len(letters))
            kin = _VOWELS if letters[at] in _VOWELS else _CONSONANTS
            change = self._random.random()
            if change < 0.5:
                letters[at] = self._random.choice(kin)
            elif change < 0.75 and len(letters) > 4:
                del letters[at]
            else:
                letters.insert(at, self._random.choice(_VOWELS))
        return "".join(letters)


def _like(word: str, model: str) -> str:
    return word.capitalize() if model[:1].isupper() else word


def _lowered(sentence: Sentence) -> Sentence:
    """In lower case and without punctuation, as some recognizers write."""
    kept: list[str] = []
    places: list[int] = []
    for index, sign in enumerate(sentence.text):
        places.append(len(kept))
        after = sentence.text[index + 1 : index + 2]
        if sign in ',.?!;:"()' and not (after.isalnum() and index):
            continue
        kept.append(sign.lower())
    places.append(len(kept))
    return Sentence(
        "".join(kept),
        tuple((places[start], places[end], label) for start, end, label in sentence.spans),
    )


def labels(sentence: Sentence, starts: Sequence[int]) -> Iterator[str]:
    """For each word that starts there `NAME`, `GEO` or `` (nothing, or another identifier)."""
    for start in starts:
        yield next(
            (
                label if label in ("NAME", "GEO") else "-"
                for first, last, label in sentence.spans
                if first <= start < last
            ),
            "",
        )
