"""Decides how a turn falls into pieces short enough to quote."""

from __future__ import annotations

import re
from collections.abc import Iterator

from countersign.grounding.words import sentence_spans

# A quote longer than this is cut at a clause, so that a clinician reads one thought at a time.
WORDS_MAX = 38
_LEAD = re.compile(
    r"(?:(?:um+|uh+|er+|hmm+|mm+|oh|well|so|and|but|okay|ok|like|yeah|yes|no|alright|all right"
    r"|right|I mean|you know|honestly|actually|anyway)\b"
    r"[\s,.\u2026-]+)+",
    re.I,
)
_CLAUSE = re.compile(
    r"[,;\u2026]\s+|\s+(?=(?:but|because|and then|and I|so I|although|which|when I|I just"
    r"|and my|and she|and he)\b)",
    re.I,
)


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """`[start, end)` of quotable pieces of a turn, in order; none holds a quotation mark."""
    for start, end in sentence_spans(text):
        for low, high in _unquoted(text, start, end):
            yield from _short(text, low, high)


def trimmed(text: str, start: int, end: int, *, keep_answer: bool = False) -> tuple[int, int]:
    """The piece without fillers in front of it; with `keep_answer` a "no" or "yes" stays."""
    if not keep_answer:
        lead = _LEAD.match(text, start, end)
        if lead and end - lead.end() > 12:
            start = lead.end()
    while start < end and not text[start].isalnum() and text[start] not in "[$":
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _unquoted(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    low = start
    for match in re.finditer(r"[\"\u201c\u201d]", text[start:end]):
        if match.start() + start > low:
            yield low, match.start() + start
        low = match.end() + start
    if end > low:
        yield low, end


def _short(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if len(text[start:end].split()) <= WORDS_MAX:
        if any(character.isalnum() for character in text[start:end]):
            yield start, end
        return
    low = start
    for match in _CLAUSE.finditer(text, start, end):
        if len(text[low : match.start()].split()) >= WORDS_MAX // 3:
            yield low, match.start()
            low = match.end()
    while len(text[low:end].split()) > WORDS_MAX:
        words = list(re.finditer(r"\S+", text[low:end]))
        cut = low + words[WORDS_MAX - 1].end()
        yield low, cut
        low = cut
    if any(character.isalnum() for character in text[low:end]):
        yield low, end
