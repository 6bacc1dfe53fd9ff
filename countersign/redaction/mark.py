"""Decides what a finding is: where it stands, what it is called, and what makes two the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from countersign.redaction import spoken
from countersign.redaction.policy import Label
from countersign.redaction.text import Document

# The order in which overlapping findings win.
ROSTER: Final = 0
TYPED: Final = 1
DATED: Final = 2
CODED: Final = 3
NAMED: Final = 4
SWEPT: Final = 5


@dataclass(frozen=True)
class Mark:
    """`[start, end)` in characters of a text that identify somebody.

    `kind` is the surrogate's type, `key` what makes two marks the same thing: marks with equal
    `kind` group and `key` get one surrogate. A lower `rank` wins where two overlap.
    """

    start: int
    end: int
    label: Label
    kind: str
    key: str
    rank: int


SURROGATES: Final[dict[str, str]] = {
    "NAME": "PERSON", "GEO": "PLACE", "DATE": "DATE", "PHONE": "PHONE", "FAX": "FAX",
    "EMAIL": "EMAIL", "SSN": "SSN", "MRN": "MRN", "HEALTH_PLAN": "PLAN_NUMBER",
    "ACCOUNT": "ACCOUNT", "LICENSE": "LICENSE", "VEHICLE": "VEHICLE", "DEVICE": "DEVICE",
    "URL": "URL", "IP": "IP", "BIOMETRIC": "BIOMETRIC", "PHOTO": "PHOTO", "OTHER": "IDENTIFIER",
    "AGE_90": "AGE",
}  # fmt: skip


def mark_of(document: Document, start: int, end: int, label: Label, rank: int) -> Mark:
    key = value_key(document.text[start:end], label)
    return Mark(start, end, label, SURROGATES[label], key, rank)


def value_key(text: str, label: Label) -> str:
    """What makes two values of a kind the same: a date's numbers, a code's letters and digits."""
    return _date_key(text) if label == "DATE" else code_key(text)


def _date_key(text: str) -> str:
    """A date by its month and its numbers: `march third` and `the 3rd of March` are one."""
    month = ""
    numbers: list[str] = []
    others: list[str] = []
    document = Document.of(f"on {text}")
    words = document.words
    # The first word of a text begins a sentence, where no day can be read on.
    index = 1
    while index < len(words):
        word = words[index]
        got = spoken.day(document, index) if word not in ("may", "march") else None
        if word in spoken.MONTHS and not month:
            month = str(spoken.MONTHS[word])
        elif got is not None:
            numbers.append(str(got[1]))
            index = got[0]
            continue
        elif (word in spoken.PARTS and len(word) > 1) or word[0].isdecimal():
            last = index + (2 if word in spoken.TENS and index + 1 < len(words) else 1)
            numbers.append(spoken.read(words, index, min(last, len(words))).digits)
            index = last
            continue
        elif word not in spoken.WEEKDAYS and word not in (
            "the",
            "of",
            "in",
            "st",
            "nd",
            "rd",
            "th",
        ):
            others.append(word)
        index += 1
    return f"{month} {''.join(numbers)} {' '.join(others)}".strip()


def code_key(text: str) -> str:
    """What a code is once written out: its letters and digits, lower case."""
    document = Document.of(text)
    words = document.words
    if words and all(word in spoken.PARTS or word.isdecimal() for word in words):
        value = spoken.read(words, 0, len(words)).value
        return "".join(char for char in value if char.isalnum())
    return " ".join(words)
