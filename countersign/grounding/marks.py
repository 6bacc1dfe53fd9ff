"""Decides which words of a text stand in quotation marks."""

from __future__ import annotations

import re

# What may stand directly before an opening mark; after a digit it is an inch or a minute.
_BEFORE = frozenset(" \t\n([{:;,/\u2013\u2014-")
_CLOSING = {'"': '"\u201d', "\u201c": '\u201d"', "\u00ab": "\u00bb", "\u201e": "\u201c\u201d"}
_SINGLE = {"'": "'", "\u2018": "\u2019'"}
_OPENING = re.compile("[\"'\u201c\u2018\u00ab\u201e]")
# A blank line or a list's next item ends a quotation that was left open.
_PARAGRAPH = re.compile(r"\n\s*\n|\n\s*[\u2022*-]\s|\Z")
_STOP = re.compile(r"[.!?](?=\s|\Z)|\Z")


def quoted_spans(text: str) -> tuple[tuple[int, int], ...]:
    """`[start, end)` of the words inside each pair of marks, in order, none inside another.

    Double, single and angle marks, straight or curly; apostrophes, inches and minutes are none. A
    mark left open quotes to the end of its sentence.
    """
    spans: list[tuple[int, int]] = []
    at = 0
    while (mark := _OPENING.search(text, at)) is not None:
        at = mark.end()
        start, kind = mark.end(), mark.group()
        if mark.start() and kind in "\"'" and text[mark.start() - 1] not in _BEFORE:
            continue
        paragraph = _PARAGRAPH.search(text, start)
        limit = paragraph.start() if paragraph else len(text)
        end = (
            _single(text, start, limit, kind)
            if kind in _SINGLE
            else _double(text, start, limit, kind)
        )
        if end is None:
            continue
        if any(character.isalnum() for character in text[start:end]):
            spans.append((start, end))
        at = end + 1
    return tuple(spans)


def _double(text: str, start: int, limit: int, kind: str) -> int | None:
    found = [i for i in range(start, limit) if text[i] in _CLOSING[kind]]
    if kind == '"':
        # "He called it “odd”" holds marks of its own.
        found = [i for i in found if text[i] == '"'] or found
    if found:
        return found[0]
    if not text[start : start + 1].isalnum():
        return None
    stop = _STOP.search(text, start, limit)
    return min(stop.end() if stop else limit, limit)


def _single(text: str, start: int, limit: int, kind: str) -> int | None:
    if not text[start : start + 1].isalpha():
        return None
    ends: list[int] = []
    for i in range(start, limit):
        before, after = text[i - 1], text[i + 1 : i + 2]
        if text[i] in "'\u2018" and before in _BEFORE and after.isalnum():
            break
        if text[i] in _SINGLE[kind] and not after.isalnum() and not before.isspace():
            ends.append(i)
    # "my parents' house.'": a mark after a stop closes more surely than one after an s.
    sure = [i for i in ends if text[i - 1] in ".,!?\u2026"]
    other = [i for i in ends if text[i - 1] != "s"]
    return next(iter(sure or other or ends), None)
