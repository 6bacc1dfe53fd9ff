"""What was said, by whom and when: the wire model between the speech endpoint and the rest."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from countersign.errors import BadTranscript, EmptyInput, NotJson, NotUtf8

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

# Turns may touch; two clocks that round differently are not an overlap.
_TOLERANCE = 0.02


class Role(StrEnum):
    """Who speaks. `unknown` is an honest answer that a human resolves with one click."""

    THERAPIST = "therapist"
    PATIENT = "patient"
    OTHER = "other"
    UNKNOWN = "unknown"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Word(_Frozen):
    """One recognized word; `start` and `end` in seconds from the beginning of the audio."""

    start: Seconds
    end: Seconds
    text: str
    probability: Probability = 1.0

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end < self.start:
            raise ValueError("a word ends before it starts")
        return self


class Turn(_Frozen):
    """One speaker's uninterrupted stretch; character spans elsewhere refer to `text`."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    speaker: str = "S1"
    role: Role = Role.UNKNOWN
    start: Seconds
    end: Seconds
    text: str
    confidence: Probability = 1.0
    words: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"turn {self.id} ends before it starts")
        return self


class Speaker(_Frozen):
    """One voice: the role it was given, how sure that is, and on what ground it was given."""

    id: str
    role: Role = Role.UNKNOWN
    confidence: Probability = 0.0
    basis: str = "none"  # "enrolment" | "content" | "human" | "none"
    # How long this voice speaks, and its print (`voiceprint.py`): a biometric identifier, there
    # only between the endpoint and the merge of a session's segments.
    seconds: Seconds = 0.0
    voice: str = ""


class Doubt(_Frozen):
    """A stretch that the recognizer is not sure of, shown as such in review."""

    code: str
    start: Seconds
    end: Seconds
    # The words that may have been said there, the recognized one first; none for most doubts.
    candidates: tuple[str, ...] = ()


class Transcript(_Frozen):
    """The turns of one session, in order, none overlapping."""

    duration: Seconds = 0.0
    model: str = ""
    compute_seconds: Seconds = 0.0
    language: str = "en"
    turns: tuple[Turn, ...]
    warnings: tuple[Doubt, ...] = ()
    speakers: tuple[Speaker, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.turns:
            raise ValueError("the transcript has no turns")
        ids = [turn.id for turn in self.turns]
        if len(set(ids)) != len(ids):
            raise ValueError("two turns have the same id")
        for before, after in pairwise(self.turns):
            if after.start < before.end - _TOLERANCE:
                raise ValueError(f"turn {after.id} starts before turn {before.id} ends")
        return self

    def turn(self, turn_id: str) -> Turn:
        """The turn of that id; `KeyError` when there is none."""
        for turn in self.turns:
            if turn.id == turn_id:
                return turn
        raise KeyError(turn_id)


def decode_utf8(raw: bytes) -> str:
    """Text of `raw`; refuses nothing-at-all and anything that is not UTF-8."""
    if not raw.strip():
        raise EmptyInput("the input is empty")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotUtf8(f"byte {error.start} is not valid UTF-8") from error


def read_transcript(raw: bytes | str) -> Transcript:
    """The transcript in a JSON document.

    Raises `EmptyInput`, `NotUtf8`, `NotJson` or `BadTranscript`, whose message names the field and
    the rule, never the words.
    """
    text = raw if isinstance(raw, str) else decode_utf8(raw)
    try:
        return Transcript.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["type"] == "json_invalid":
            raise NotJson("the transcript is not valid JSON") from None
        where = ".".join(str(part) for part in first["loc"]) or "transcript"
        said = first["msg"].removeprefix("Value error, ")
        raise BadTranscript(f"{where}: {said}") from None
