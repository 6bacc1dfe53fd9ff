"""Decides what in a text identifies a person, and what stands in its place."""

from countersign.redaction.engine import Engine, Redaction, Span, redact_transcript
from countersign.redaction.learned import LearnedTagger
from countersign.redaction.policy import Policy, lists_named
from countersign.redaction.roster import Part, Person, Roster, read_roster
from countersign.redaction.surrogates import Leak, leaks, project, restore
from countersign.redaction.tag import Tag, Tagger
from countersign.redaction.tagger import RuleTagger

__all__ = [
    "Engine",
    "Leak",
    "LearnedTagger",
    "Part",
    "Person",
    "Policy",
    "Redaction",
    "Roster",
    "RuleTagger",
    "Span",
    "Tag",
    "Tagger",
    "leaks",
    "lists_named",
    "project",
    "read_roster",
    "redact_transcript",
    "restore",
]
