"""Decides whether a note says only what was said."""

from countersign.grounding.guards import check
from countersign.grounding.lexicons import Lexicons
from countersign.grounding.reading import read_note

__all__ = ["Lexicons", "check", "read_note"]
