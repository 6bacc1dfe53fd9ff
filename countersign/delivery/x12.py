"""Decides where the segments, elements and loops of an X12 interchange are.

The separators are the interchange's own: they stand at fixed places of its ISA segment (X12.5),
also where a sender has trimmed its padding. What is not known is kept, never dropped: a reader of
meaning shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from countersign.errors import BadX12, EmptyInput

_ISA_ELEMENTS = 16
# Not str.strip(): separators may be control characters that Python takes for blanks.
_BLANK = " \t\r\n"
_MOST = 20_000_000


@dataclass(frozen=True)
class Segment:
    """One segment: its name, its elements from 1 on, and its number among all from 1 on."""

    name: str
    elements: tuple[str, ...]
    number: int
    repetition: str
    component: str

    def __getitem__(self, place: int) -> str:
        """Element `place` (EB01 is 1), or nothing when the segment is shorter."""
        return self.elements[place - 1].strip(_BLANK) if place <= len(self.elements) else ""

    def repeated(self, place: int) -> tuple[str, ...]:
        """The repetitions of element `place`."""
        whole = self[place]
        parts = whole.split(self.repetition) if self.repetition else [whole]
        return tuple(part.strip(_BLANK) for part in parts if part.strip(_BLANK))

    def parts(self, place: int) -> tuple[str, ...]:
        """The components of element `place`."""
        return tuple(part.strip(_BLANK) for part in self[place].split(self.component))

    @property
    def raw(self) -> str:
        """The segment with `*` between its elements."""
        return "*".join((self.name, *self.elements))


@dataclass(frozen=True)
class TransactionSet:
    """What stands between an ST and its SE; `whole` is false where the SE is missing."""

    kind: str
    segments: tuple[Segment, ...]
    whole: bool
    counted: bool


def segments(text: str) -> list[Segment]:
    """Every segment of all interchanges of a text.

    Raises `EmptyInput` for no text and `BadX12` for one that does not begin with an ISA segment.
    """
    rest = text.lstrip(f"\ufeff{_BLANK}")
    if not rest:
        raise EmptyInput("there is no text")
    if len(rest) > _MOST:
        raise BadX12(f"the text has {len(rest):,} characters, more than {_MOST:,}")
    found: list[Segment] = []
    while rest:
        element, repetition, component, terminator = _separators(rest)
        following = re.search(rf"{re.escape(terminator)}[ \t\r\n]*(?=ISA[^A-Za-z0-9\s])", rest)
        own = rest if following is None else rest[: following.end()]
        for piece in own.split(terminator):
            line = piece.strip(_BLANK)
            if line:
                name, *elements = line.split(element)
                found.append(
                    Segment(
                        name.strip(_BLANK).upper(),
                        tuple(elements),
                        len(found) + 1,
                        repetition,
                        component,
                    )
                )
        rest = rest[len(own) :].lstrip(_BLANK)
    return found


def _separators(text: str) -> tuple[str, str, str, str]:
    """(element, repetition, component, terminator) as the ISA that begins the text has them."""
    if not text[:3].upper() == "ISA":
        raise BadX12("the text does not begin with an ISA segment")
    element = text[3:4]
    if not element or element.isalnum() or element in _BLANK:
        raise BadX12("the ISA segment has no separator after its name")
    place = 3
    starts: list[int] = []
    for _ in range(_ISA_ELEMENTS):
        starts.append(place + 1)
        place = text.find(element, place + 1)
        if place < 0:
            break
    if len(starts) < _ISA_ELEMENTS:
        raise BadX12(f"the ISA segment has {len(starts)} elements instead of {_ISA_ELEMENTS}")
    last = starts[-1]
    component, terminator = text[last : last + 1], text[last + 1 : last + 2]
    if terminator == "\r" and text[last + 2 : last + 3] == "\n":
        terminator = "\n"
    if not terminator or terminator.isalnum() or component.isalnum():
        raise BadX12("the ISA segment does not end with a separator and a terminator")
    version = text[starts[11] : starts[12] - 1].strip(_BLANK)
    repetition = text[starts[10] : starts[11] - 1].strip(_BLANK)
    if len(repetition) != 1 or repetition.isalnum() or version < "00402":
        repetition = "^" if version >= "00402" else ""
    return element, repetition, component, terminator


def transaction_sets(found: list[Segment]) -> Iterator[TransactionSet]:
    """The transaction sets, in order; one that is cut off goes to the next ST or the end."""
    begin: Segment | None = None
    inner: list[Segment] = []
    for segment in found:
        if segment.name == "ST":
            if begin is not None:
                yield TransactionSet(begin[1], tuple(inner), False, False)
            begin, inner = segment, []
        elif segment.name == "SE" and begin is not None:
            counted = segment[1].isdecimal() and int(segment[1]) == len(inner) + 2
            yield TransactionSet(begin[1], tuple(inner), True, counted)
            begin = None
        elif begin is not None and segment.name not in ("GE", "IEA", "GS", "ISA"):
            inner.append(segment)
    if begin is not None:
        yield TransactionSet(begin[1], tuple(inner), False, False)
