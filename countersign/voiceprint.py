"""Decides how a voice print travels as text, and how much two of them resemble one another."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable, Sequence

from countersign.errors import BadTranscript

SIZE = 256
"""Values of a print: the voice encoder's output (GE2E, Wan et al. 2018; Resemblyzer's size)."""

# A print is compared by its direction alone, so each may use the whole range of a signed byte.
_FULL = 127


def encode(vector: Sequence[float]) -> str:
    """A print as 344 characters of base64: 256 signed bytes, the largest value being 127.

    Only its direction is kept, to within 0.001 of the cosine. Raises `ValueError` for another
    number of values, and for values that have no direction (all zero, or not finite).
    """
    largest = max(map(abs, vector), default=0.0)
    if len(vector) != SIZE or not 0 < largest < math.inf or any(map(math.isnan, vector)):
        raise ValueError(f"a voice print has {SIZE} finite values, and not all are zero")
    whole = (round(value / largest * _FULL) for value in vector)
    return base64.b64encode(bytes(value & 0xFF for value in whole)).decode("ascii")


def resemblance(one: str, other: str) -> float:
    """How near two prints are, as the cosine between them: 1.0 for the same, about 0.6 and less
    for two people.

    Raises `BadTranscript` for a text that is no print.
    """
    return math.fsum(a * b for a, b in zip(_unit(one), _unit(other), strict=True))


def mean(prints: Iterable[tuple[str, float]]) -> str:
    """The one print of several of the same voice, each with its weight in seconds of speech.

    Prints that are absent ("") or weigh nothing are passed over; "" when no print is left. The
    order does not matter. Raises `BadTranscript` for a text that is no print, and for prints that
    cancel one another out; `ValueError` for a negative weight.
    """
    rows = []
    for text, seconds in prints:
        if seconds < 0:
            raise ValueError("a print cannot weigh less than nothing")
        if text and seconds:
            rows.append([value * seconds for value in _unit(text)])
    if not rows:
        return ""
    # `fsum` is exact, so that the same prints in another order give the same text.
    sums = [math.fsum(column) for column in zip(*rows, strict=True)]
    if not any(sums):
        raise BadTranscript("the voice prints have no direction in common")
    return encode(sums)


def _unit(text: str) -> tuple[float, ...]:
    """The print's values, made of length 1."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadTranscript("a voice print is not base64") from error
    values = [byte - 256 if byte > _FULL else byte for byte in raw]
    length = math.hypot(*values)
    if len(values) != SIZE or not length:
        raise BadTranscript(f"a voice print has {SIZE} values, and not all are zero")
    return tuple(value / length for value in values)
