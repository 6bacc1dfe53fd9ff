"""Decides which spoken words belong in a note, and where."""

from countersign.drafting.extractive import draft
from countersign.drafting.template import Template

__all__ = ["Template", "draft"]
