"""Decides what a capital in a written note does not mean: abbreviations, instruments, signs.

A note writes `MSE`, `Morse 55` and `Hoover's sign`; none of these is somebody. Decided by how a
word is written and what stands beside it, never by a list of instruments, which grows every year.
"""

from __future__ import annotations

import re
from typing import Final

from countersign.redaction.policy import (
    ALLOWED,
    CLOSED,
    FACILITY,
    FAMILY,
    GIVEN,
    NAMELIKE,
    PLACE,
    RELATION,
    STREET,
    TITLE,
    WORD,
)
from countersign.redaction.text import Document

_ACRONYM: Final = re.compile(r"[A-Z]{2,6}(?:['\u2019]?(?:s|d|ed))?")
_MIXED: Final = re.compile(r"[A-Z][a-z]{0,2}[A-Z]{1,3}[a-z]?")
_NAMED: Final = NAMELIKE | PLACE | FACILITY | STREET | TITLE
_DOSES: Final = frozenset("mg mcg g ml mgs units iu meq milligrams micrograms tabs tab".split())
_SCORE_DIGITS: Final = 3
_SURELY_SHORT: Final = 4
_VOWELS: Final = frozenset("AEIOUY")
# What bears the name of the one who described it, with and without a possessive.
_DESCRIBED: Final = frozenset(
    """sign signs syndrome disease disorder palsy chorea contracture phenomenon encephalopathy
    aphasia dementia reflex triad law wort psychosis thyroiditis tremor paralysis maneuver body
    bodies delusion delusions lymphoma ulcer fracture angina murmur esophagus""".split()
)
_MEASURES: Final = frozenset(
    """scale scales inventory index questionnaire checklist criteria nomogram naming test method
    model technique protocol schema monitor catheter stain score rating interview matrices taper
    line style type like scan screen screener battery""".split()
)
_CALLED: Final = frozenset("pt patient client mr mrs ms miss dr resident ct named name".split())
_AGES: Final = frozenset("yo y yr yrs year years old f m female male".split())
_AUTHORED: Final = frozenset({"plan", "safety", "intervention", "template", "interview"})
_SCORED_AFTER: Final = frozenset({"per", "on", "scale", "the", "by"})


def reread(document: Document, flags: list[int]) -> list[int]:
    """`flags` of a text's words, with those that are written like no name marked as none.

    An abbreviation becomes a closed word, an instrument's or a sign's author an allowed one, which
    a title or an introduction overrules.
    """
    if document.text.isupper() or document.text.islower():
        return flags
    out = list(flags)
    for index, flag in enumerate(flags):
        if not document.upper(index) or flag & CLOSED:
            continue
        if abbreviation(document, flags, index):
            out[index] = WORD | CLOSED
        elif not flag & WORD and _dosed(document, index):
            out[index] |= ALLOWED
        elif flag & WORD and _titled(document, flags, index):
            out[index] = WORD
        elif (hyphened(document, index) or not flag & (WORD | ALLOWED)) and _authored(
            document, flags, index
        ):
            out[index] |= ALLOWED
            if hyphened(document, index):
                out[index - 1] |= ALLOWED
    return out


def abbreviation(document: Document, flags: list[int], index: int) -> bool:
    """Whether a word is written as an abbreviation and is no name of the lists: `PMHNP`, `EtOH`."""
    said = document.text[document.starts[index] : document.ends[index]]
    known = flags[index] & (GIVEN | FAMILY | PLACE)
    if known and (len(said) > _SURELY_SHORT or document.word(index - 1) in _CALLED):
        return False
    if not known and _MIXED.fullmatch(said):
        return not _caps_around(document, flags, index)
    if not _ACRONYM.fullmatch(said):
        return False
    capitals = [char for char in said if char.isupper()]
    vowels = sum(char in _VOWELS for char in capitals)
    if len(capitals) > _SURELY_SHORT and vowels > 1:
        return False
    return not _caps_around(document, flags, index)


def _dosed(document: Document, index: int) -> bool:
    """Whether an amount follows: `Vistaril 25 mg`."""
    return document.word(index + 1).isdecimal() and document.word(index + 2) in _DOSES


def _titled(document: Document, flags: list[int], index: int) -> bool:
    """Whether a word that may be a name stands among plain words with capitals: `Starter Kit`."""
    for other, between in ((index - 1, index), (index + 1, index + 1)):
        if not 0 <= other < len(flags) or not 0 < between < len(flags):
            continue
        plain = flags[other] & WORD and not flags[other] & (_NAMED | CLOSED)
        near = document.joined(between) or document.seps[between] == ", "
        alone = other and not document.broken(other)
        if plain and near and alone and document.upper(other):
            return True
    return False


def _beside(document: Document, flags: list[int], index: int) -> bool:
    """Whether the word stands alone in brackets after a capital: `Muscle Relaxation (Jacobson)`."""
    opened = document.seps[index].endswith("(") and index > 0
    closed = document.text[document.ends[index] : document.ends[index] + 1] == ")"
    if flags[index] & PLACE or not opened or not closed:
        return False
    if flags[index - 1] & (RELATION | TITLE | GIVEN | FAMILY):
        return False
    return document.upper(index - 1)


def hyphened(document: Document, index: int) -> bool:
    """Whether a hyphen alone parts the word from the one before it."""
    return index > 0 and document.seps[index] in ("-", "\u2010", "\u2011")


def _caps_around(document: Document, flags: list[int], index: int) -> bool:
    """Whether a name in capitals stands beside: `OKTO, LEE`, `THI NGUYEN`."""
    for other, between in ((index - 1, index), (index + 1, index + 1)):
        if not 0 <= other < len(flags) or not 0 < between < len(flags):
            continue
        said = document.text[document.starts[other] : document.ends[other]]
        name = flags[other] & (GIVEN | FAMILY) and not flags[other] & WORD
        if name and said.isupper() and document.seps[between] == ", ":
            return True
    return False


def _authored(document: Document, flags: list[int], index: int) -> bool:
    words = document.words
    last = index + 1
    if not flags[index] & GIVEN and _beside(document, flags, index):
        return True
    if last < len(words) and words[last] == "s" and document.seps[last] in ("'", "\u2019"):
        if not document.joined(last + 1):
            return False
        theory = document.upper(last + 1) and flags[last + 1] & WORD and not flags[index] & GIVEN
        return document.word(last + 1) in _DESCRIBED or bool(
            theory and not flags[last + 1] & (_NAMED | RELATION)
        )
    double = hyphened(document, index)
    given = flags[index] & GIVEN and not double
    if last >= len(words):
        return False
    following = words[last]
    if document.joined(last):
        named = not given or document.upper(last) or hyphened(document, last)
        if following in _DESCRIBED or (following in _MEASURES and named):
            return True
        if double and following in _AUTHORED:
            return True
    decimal = document.word(last + 1).isdecimal() and document.seps[last + 1 : last + 2] == ["."]
    equal = "=" in document.seps[last]
    return (decimal or equal or not given) and _scored(document, index, last, double)


def _scored(document: Document, index: int, last: int, hyphened: bool) -> bool:
    """Whether a number after the word is its score: `Morse 55.`, `Boston 38/60`."""
    words = document.words
    if (
        len(words[last]) > 3
        or document.seps[last] not in (" ", " = ", ": ", "=", " - ")
        or not words[last].isdecimal()
    ):
        return False
    if "=" in document.seps[last]:
        return True
    first = index - 1 if hyphened else index
    before = document.word(first - 1)
    sep = document.seps[first]
    begins = first == 0 or any(char in sep for char in ".,;:(/") or before in _SCORED_AFTER
    if not begins and not before.isdecimal():
        return False
    after = last + 1
    if after >= len(words):
        return True
    sep = document.seps[after]
    if sep == "/" and words[after].isdecimal():
        return int(words[last]) > 12 or not 0 < int(words[after]) <= 31
    if words[after] in _AGES and sep.strip() in ("", "-", ",", "/"):
        return False
    return any(char in sep for char in ".,;()\n")
