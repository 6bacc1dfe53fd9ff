"""Decides which words of a text spell a number or a code, and what it would be in writing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from countersign.redaction.text import Document

ONES = {
    "zero": "0",
    "oh": "0",
    "o": "0",
    "nought": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "niner": "9",
}
TEENS = {
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
    "thirteen": "13",
    "fourteen": "14",
    "fifteen": "15",
    "sixteen": "16",
    "seventeen": "17",
    "eighteen": "18",
    "nineteen": "19",
}
TENS = {
    "twenty": "2",
    "thirty": "3",
    "forty": "4",
    "fourty": "4",
    "fifty": "5",
    "sixty": "6",
    "seventy": "7",
    "eighty": "8",
    "ninety": "9",
}
SCALES = {"hundred": "00", "thousand": "000"}
REPEATS = {"double": 2, "triple": 3}
ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "nineth": 9,
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
    "twelveth": 12,
    "thirteenth": 13,
    "fourteenth": 14,
    "fifteenth": 15,
    "sixteenth": 16,
    "seventeenth": 17,
    "eighteenth": 18,
    "nineteenth": 19,
    "twentieth": 20,
    "thirtieth": 30,
}
MONTHS = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7,
    "august": 8, "september": 9, "october": 10, "november": 11, "december": 12, "jan": 1,
    "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10,
    "nov": 11, "dec": 12,
}  # fmt: skip
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
# International radiotelephony spelling alphabet (ICAO Annex 10, vol. II, 5.2.1.3).
ALPHABET = {
    "alpha": "a",
    "alfa": "a",
    "bravo": "b",
    "charlie": "c",
    "delta": "d",
    "echo": "e",
    "foxtrot": "f",
    "golf": "g",
    "hotel": "h",
    "india": "i",
    "juliet": "j",
    "juliett": "j",
    "kilo": "k",
    "lima": "l",
    "mike": "m",
    "november": "n",
    "oscar": "o",
    "papa": "p",
    "quebec": "q",
    "romeo": "r",
    "sierra": "s",
    "tango": "t",
    "uniform": "u",
    "victor": "v",
    "whiskey": "w",
    "whisky": "w",
    "xray": "x",
    "yankee": "y",
    "zulu": "z",
}
JOINS = {"dash": "-", "hyphen": "-", "slash": "/", "dot": ".", "point": ".", "stroke": "/"}
NUMBERS = frozenset({*ONES, *TEENS, *TENS, *SCALES, *REPEATS})
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
PARTS = frozenset({*NUMBERS, *ALPHABET, *JOINS, *LETTERS})


@dataclass(frozen=True)
class Run:
    """Words `[first, last)` that spell one code; `value` is its written form, letters lower.

    `ones` counts single digits said or typed one by one, `amount` marks hundred or thousand,
    `counting` a row of numbers that only goes up or down by one.
    """

    first: int
    last: int
    value: str
    ones: int
    amount: bool
    counting: bool
    typed: bool

    @property
    def digits(self) -> str:
        return "".join(char for char in self.value if char.isdecimal())

    @property
    def marks(self) -> int:
        """How many letters and digits the code has."""
        return sum(char.isalnum() for char in self.value)


def _close(document: Document, index: int) -> bool:
    sep = document.seps[index]
    near = len(sep) <= 3 and all(char in " -,.()/#\u2011\u2013" for char in sep)
    return near and ". " not in sep and not _listed(document, index)


def _listed(document: Document, index: int) -> bool:
    """Whether a comma or a bracket parts two typed values: `BP 132/84, T 98.4`, not `617, 555`."""
    sep = document.seps[index]
    if "," not in sep and ")" not in sep and "(" not in sep:
        return False
    last, following = document.words[index - 1], document.words[index]
    if not last[0].isdecimal():
        return False
    if len(last) == 1 and (index < 2 or document.seps[index - 1] not in (".", "/", "-")):
        return False
    return not following[0].isdecimal() or len(following) < 3


def runs(document: Document) -> list[Run]:
    """Every longest row of number words, digits, single letters and spelling words."""
    found: list[Run] = []
    words = document.words
    size = len(words)
    index = 0
    while index < size:
        word = words[index]
        if word not in PARTS and not word[0].isdecimal():
            index += 1
            continue
        last = _as_in(words, index + 1) or index + 1
        while (
            last < size
            and (
                words[last] in PARTS
                or words[last][0].isdecimal()
                or (words[last] == "ray" and words[last - 1] == "x")
            )
            and _close(document, last)
        ):
            last += 1
            told = _as_in(words, last)
            # `w as in whiskey two two` reads on after the word that tells the letter.
            if told and told < size and (words[told] in PARTS or words[told][0].isdecimal()):
                last = told
        run = _trim(document, index, last)
        if run is not None:
            found.append(run)
        index = last
    return found


def _as_in(words: list[str], after: int) -> int:
    """Where the word that tells a letter ends (`b as in boy`), or 0; `after` follows the letter."""
    letter = words[after - 1]
    if len(letter) != 1 or letter[0].isdecimal() or after + 1 >= len(words):
        return 0
    for lead in (("as", "in"), ("like", "in"), ("for",), ("like",)):
        end = after + len(lead) + 1
        if tuple(words[after : end - 1]) == lead and end <= len(words):
            if words[end - 1][0] == letter and len(words[end - 1]) > 1:
                return end
    return 0


def _number(word: str) -> bool:
    return word in NUMBERS or word[0].isdecimal()


def _trim(document: Document, first: int, last: int) -> Run | None:
    words = document.words
    while first < last and words[first] in JOINS:
        first += 1
    while first < last and words[last - 1] in JOINS:
        last -= 1
    # `i`, `a` and the s of a possessive are words; a lone spelling word is its other meaning.
    while first < last and (
        (words[first] in ("i", "a") and not _coded(words, first + 1, last))
        or (words[first] == "s" and document.seps[first] in ("'", "\u2019"))
        or (words[first] in ALPHABET and not _coded(words, first + 1, last))
        or (words[first] == "o" and last - first == 1)
    ):
        first += 1
    while first < last and (
        words[last - 1] in ("i", "a", "double", "triple")
        or (words[last - 1] in ALPHABET and not _coded(words, last - 2, last - 1))
    ):
        last -= 1
    if last - first == 2 and words[first:last] == ["w", "o"]:
        return None  # `w/o` is without
    if first >= last or not any(_number(words[i]) for i in range(first, last)):
        return None
    return read(words, first, last)


def _coded(words: list[str], index: int, last: int) -> bool:
    """Whether the neighbour at `index` is itself a letter, so that both are part of a code."""
    return 0 <= index < last and (
        words[index] in ALPHABET
        or (words[index] in LETTERS and words[index] not in ("i", "a"))
        or words[index][0].isdecimal()
        or words[index] in ONES
    )


def read(words: list[str], first: int, last: int) -> Run:
    """The written form of words `[first, last)`, each of which is part of a code."""
    out: list[str] = []
    steps: list[int] = []
    ones = 0
    amount = False
    typed = False
    index = first
    while index < last:
        word = words[index]
        following = words[index + 1] if index + 1 < last else ""
        if word in REPEATS and following in ONES:
            out.append(ONES[following] * REPEATS[word])
            ones += REPEATS[word]
            index += 2
            steps.append(-9)
            continue
        if word in ONES:
            out.append(ONES[word])
            steps.append(int(ONES[word]))
            ones += 1
        elif word in TEENS:
            out.append(TEENS[word])
            steps.append(int(TEENS[word]))
        elif word in TENS:
            unit = ONES.get(following, "0")
            if unit != "0":
                index += 1
            out.append(TENS[word] + unit)
            steps.append(int(TENS[word] + unit))
        elif word in SCALES:
            out.append(SCALES[word])
            amount = True
        elif word[0].isdecimal():
            out.append(word)
            typed = True
            ones += len(word) if len(word) > 2 else 1
            steps.append(int(word[:9]))
        elif word in ALPHABET:
            out.append(ALPHABET[word])
        elif word in JOINS:
            out.append(JOINS[word])
        elif word in LETTERS:
            out.append(word)
            told = _as_in(words, index + 1)
            if told and told <= last:
                index = told
                continue
        index += 1
    gaps = {after - before for before, after in pairwise(steps)}
    counting = len(steps) >= 3 and (gaps == {1} or gaps == {-1})
    return Run(first, last, "".join(out), ones, amount, counting, typed)


def year(document: Document, index: int) -> int | None:
    """Where a year that begins at word `index` ends, or None: 1984, nineteen eighty four, '84."""
    words = document.words
    size = len(words)
    if index >= size or document.broken(index):
        return None
    word = words[index]
    if word.isdecimal():
        return index + 1 if len(word) == 4 and word[:2] in ("18", "19", "20") else None
    after = words[index + 1] if index + 1 < size else ""
    if word in ("nineteen", "eighteen", "twenty"):
        if after in TENS:
            third = words[index + 2] if index + 2 < size else ""
            return index + 3 if third in ONES and third not in ("o", "oh") else index + 2
        if after in TEENS:
            return index + 2
        if after in ("oh", "o") and index + 2 < size and words[index + 2] in ONES:
            return index + 3
        if after == "hundred":
            return index + 2
        return None
    if word == "two" and after == "thousand":
        end = index + 2
        if end < size and words[end] == "and":
            end += 1
        if end < size and words[end] in TEENS:
            return end + 1
        if end < size and words[end] in TENS:
            return end + 2 if end + 1 < size and words[end + 1] in ONES else end + 1
        if end < size and words[end] in ONES:
            return end + 1
        return index + 2
    return None


def day(document: Document, index: int) -> tuple[int, int, bool] | None:
    """`(end, day of month, is ordinal)` of a day that begins at word `index`, or None."""
    words = document.words
    size = len(words)
    if index >= size or document.broken(index):
        return None
    word = words[index]
    after = words[index + 1] if index + 1 < size and document.joined(index + 1) else ""
    if word in ORDINALS:
        return index + 1, ORDINALS[word], True
    if word.isdecimal():
        if len(word) > 2 or not 1 <= int(word) <= 31:
            return None
        glued = index + 1 < size and document.seps[index + 1] == ""
        if glued and words[index + 1] in ("st", "nd", "rd", "th"):
            return index + 2, int(word), True
        return index + 1, int(word), False
    if word in ("twenty", "thirty"):
        base = 10 * int(TENS[word])
        if after in ORDINALS and ORDINALS[after] < 10 and base + ORDINALS[after] <= 31:
            return index + 2, base + ORDINALS[after], True
        if after in ONES and after not in ("o", "oh", "zero"):
            number = base + int(ONES[after])
            return (index + 2, number, False) if number <= 31 else None
        return index + 1, base, False
    if word in TEENS:
        return index + 1, int(TEENS[word]), False
    if word in ONES and word not in ("o", "oh", "zero"):
        return index + 1, int(ONES[word]), False
    return None
