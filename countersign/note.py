"""The one shape of a note that drafting, grounding, review and delivery share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from countersign.transcript import Role

PLACEHOLDER = "[clinician to complete]"


class Origin(StrEnum):
    """How a sentence came to be: spoken words, a templated statement, or a gap left for a human."""

    QUOTE = "quote"
    STATEMENT = "statement"
    PLACEHOLDER = "placeholder"
    CLINICIAN = "clinician"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class EvidenceSpan(_Frozen):
    """`[start, end)` in characters of the text of turn `turn`."""

    turn: str
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError("an evidence span is empty or runs backwards")
        return self


class Sentence(_Frozen):
    """One sentence of a note, with the words it rests on."""

    id: str
    text: str
    origin: Origin
    speaker_role: Role = Role.UNKNOWN
    evidence: tuple[EvidenceSpan, ...] = ()
    flags: tuple[str, ...] = ()


class Section(_Frozen):
    """A named part of a note, such as `Subjective`."""

    name: str
    sentences: tuple[Sentence, ...] = ()


class LeftOut(_Frozen):
    """A turn that is not in the note, and why."""

    turn: str
    reason: str


class CodeSuggestion(_Frozen):
    """A billing or diagnosis code that a human may approve; never final."""

    system: str
    code: str
    label: str
    evidence: tuple[EvidenceSpan, ...] = ()
    status: Literal["suggested"] = "suggested"


class Note(_Frozen):
    """A draft or a reviewed note; `refused` lists what the drafter was asked and would not do."""

    template: str
    sections: tuple[Section, ...]
    left_out: tuple[LeftOut, ...] = ()
    codes: tuple[CodeSuggestion, ...] = ()
    refused: tuple[str, ...] = ()

    def sentences(self) -> tuple[Sentence, ...]:
        return tuple(sentence for section in self.sections for sentence in section.sentences)


class Severity(StrEnum):
    """What a finding asks for: stop, look, or merely mark."""

    BLOCK = "block"
    REVIEW = "review"
    HIGHLIGHT = "highlight"


class Finding(_Frozen):
    """One doubt about one sentence; `span` is `[start, end)` in the note's text."""

    sentence: str
    kind: Literal[
        "medication",
        "dose",
        "diagnosis",
        "number",
        "date",
        "negation",
        "quote",
        "speaker",
        "scope",
        "consent",
        "emotion",
    ]
    severity: Severity
    span: tuple[int, int]
    why: str


class Check(_Frozen):
    """The findings on a note and what they add up to."""

    findings: tuple[Finding, ...]
    verdict: Literal["pass", "review", "block"]
