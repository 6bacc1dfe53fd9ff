"""Decides by its surroundings whether a word names somebody or some place, as a model learned it.

A multinomial logistic regression over sparse features: what lists know of the word and of the three
on either side, and which words these are. The word itself is a feature only where it is an ordinary
one, so that no name of the training text is learned. `local/tagger` trains it; the weights are a
file of the policy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from countersign.redaction.lexicon import Lexicon
from countersign.redaction.policy import (
    ALLOWED,
    CLOSED,
    FACILITY,
    FAMILY,
    GIVEN,
    KEPT,
    NAMELIKE,
    PLACE,
    PLACE_START,
    RARE,
    RELATION,
    STREET,
    TITLE,
    WORD,
    Policy,
)
from countersign.redaction.spoken import LETTERS
from countersign.redaction.tag import Tag
from countersign.redaction.text import Document
from countersign.redaction.weights import SCALE

_SEEN: Final = (
    WORD | GIVEN | FAMILY | RARE | PLACE | ALLOWED | TITLE | CLOSED | KEPT | FACILITY | STREET
) | (RELATION | PLACE_START)
_REACH: Final = 3


def candidate(word: str, flag: int) -> bool:
    """Whether a word can be a part of a name at all."""
    barred = CLOSED | ALLOWED | TITLE | RELATION
    return not flag & barred and len(word) > 1 and not word[0].isdecimal() and word not in LETTERS


def features(document: Document, flags: Sequence[int], index: int) -> Iterator[str]:
    """What is known of one word and its surroundings.

    `flags` are those of `Lexicon.flag` for each word of the document.
    """
    words = document.words
    size = len(words)
    flag = flags[index] & _SEEN
    word = words[index]
    yield "bias"
    yield f"f{flag}"
    if flag & WORD:
        yield f"w{word}"
    else:
        yield f"e{word[-3:]}{flag & NAMELIKE}"
        yield f"l{min(len(word), 9)}"
    shown: list[str] = []
    for step in (-3, -2, -1, 1, 2, 3):
        other = index + step
        if not 0 <= other < size:
            shown.append("#")
            continue
        known = flags[other] & _SEEN
        said = words[other]
        if known & WORD and not (said[0].isdecimal()):
            shown.append(said)
        else:
            shown.append("0" if said[0].isdecimal() else f"?{known}")
        if abs(step) < _REACH:
            yield f"F{step}:{known}"
    far, near, last, following, second, third = shown
    if document.broken(index):
        last = "."
        yield f"B{flag}"
    if index + 1 < size and document.broken(index + 1):
        following = "."
        yield f"A{flag}"
    yield f"-1{last}"
    yield f"+1{following}"
    yield f"-2{near}"
    yield f"+2{second}"
    yield f"-3{far}"
    yield f"+3{third}"
    yield f"a{last}|{flag}"
    yield f"b{following}|{flag}"
    yield f"c{near} {last}"
    yield f"d{following} {second}"
    yield f"g{last} {following}"
    if index:
        yield f"h{flags[index - 1] & _SEEN}|{flag}"
    if index + 1 < size:
        yield f"i{flags[index + 1] & _SEEN}|{flag}"
    if document.cased:
        start = document.broken(index)
        yield f"C{document.capital(index)}{start}"
        yield f"D{document.capital(index)}{start}|{flag}"
    else:
        yield "N"


class LearnedTagger:
    """Names and places where the model is sure enough; holds no state between calls."""

    def __init__(self, policy: Policy) -> None:
        """Takes the policy's weights, and how probable a name or a place must be."""
        self._lexicon = Lexicon(policy)
        self._flags = policy.flags
        self._weights = policy.weights
        self._sure = policy.sure

    def tag(self, document: Document) -> Iterable[Tag]:
        """The names and places of one text, left to right."""
        words = document.words
        flags = self._lexicon.flags(document)
        skip = self._lexicon.untouchable(words, flags)
        found: list[Tag] = []
        for index, flag in enumerate(flags):
            if index in skip or not candidate(words[index], flag):
                continue
            if document.cased and not flag & (NAMELIKE | PLACE):
                if self._flags.get(words[index], 0) & WORD or not document.capital(index):
                    continue
            person, place = self.chances(document, flags, index)
            # What may just as well be the ordinary word must leave half as much doubt.
            least = (1 + self._sure) / 2 if flag & WORD else self._sure
            if max(person, place) < least:
                continue
            name = person >= place
            joins = (
                bool(found)
                and found[-1].last == index
                and (found[-1].label == "NAME") == name
                and document.joined(index)
            )
            first = found.pop().first if joins else index
            sure = not flag & WORD or (joins and first < index)
            if name:
                found.append(Tag(first, index + 1, "NAME", "PERSON", sure))
            else:
                kind = flag & FACILITY and first < index
                found.append(
                    Tag(first, index + 1, "GEO", "ORGANIZATION" if kind else "PLACE", sure)
                )
        return found

    def chances(self, document: Document, flags: Sequence[int], index: int) -> tuple[float, float]:
        """How probable it is that a word belongs to a person's name, and to a place's."""
        get = self._weights.get
        person = place = 0
        for feature in features(document, flags, index):
            weight = get(feature)
            if weight is not None:
                person += weight[0]
                place += weight[1]
        one, other = math.exp(person / SCALE), math.exp(place / SCALE)
        total = 1.0 + one + other
        return one / total, other / total
