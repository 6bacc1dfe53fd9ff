"""Decides what a finder of names and places tells: the seam for any of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from countersign.redaction.text import Document


@dataclass(frozen=True)
class Tag:
    """Words `[first, last)` of a document that name somebody or some place.

    `kind` is the surrogate's type. `sure` tells whether the words mean the same elsewhere in the
    session, so that they are masked there too without a cue.
    """

    first: int
    last: int
    label: Literal["NAME", "GEO"]
    kind: Literal["PERSON", "RELATIVE", "CLINICIAN", "PLACE", "ORGANIZATION"]
    sure: bool = True


class Tagger(Protocol):
    """The seam for whatever finds names and places: these rules, a trained model, a service."""

    def tag(self, document: Document) -> Iterable[Tag]:
        """The names and places of one text; overlaps are allowed, the first of two wins."""
