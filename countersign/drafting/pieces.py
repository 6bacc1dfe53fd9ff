"""Decides where a quotation of a turn may begin and end, so that no cut changes what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator

from countersign.grounding.words import said_spans

# Sounds without a meaning: all that may be cut off. Not "mm", "uh-huh" or "well": they answer.
_FILLER = re.compile(r"(?:um+|uh+|er+m?|hm+|ah+)(?![\w'\u2019-])", re.I)
_STRAY = frozenset(",.;:!?\u2026\u2013\u2014-")


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """`[start, end)` of what may be quoted, in order: whole sentences but for fillers in front."""
    for start, end in said_spans(text):
        yield trimmed(text, start, end)


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without fillers and stray punctuation in front; unchanged if nothing is left."""
    low = start
    while low < end:
        filler = _FILLER.match(text, low, end)
        if filler:
            low = filler.end()
        elif text[low].isspace() or (text[low] in _STRAY and not text[low + 1 : low + 2].isdigit()):
            low += 1
        else:
            break
    return (low, end) if low < end else (start, end)


def quoted(text: str) -> str:
    """`text` in quotation marks of the kind that it does not hold; empty when it holds both."""
    if '"' not in text:
        return f'"{text}"'
    return "" if "\u201c" in text or "\u201d" in text else f"\u201c{text}\u201d"
