"""Decides how a recording is cut into segments, how far each has come, and when all are in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from math import ceil
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from countersign import errors
from countersign.errors import BadPolicy, Refusal


class Stage(StrEnum):
    """How far one segment has come; only the last two are ends."""

    ALLOWED = "allowed"  # a ticket was given, nothing has come yet
    RECEIVED = "received"  # its audio is there and the endpoint is asked
    TRANSCRIBED = "transcribed"  # its transcript is durable, its audio still there
    ERASED = "erased"  # transcribed, and the audio is gone
    FAILED = "failed"  # there will be no transcript, and the audio is gone


SETTLED = (Stage.ERASED, Stage.FAILED)

# Codes with which a segment can fail. A session all of whose segments failed fails with one of
# them, so each is the name of a refusal that a workflow's `Catch` can see.
FAILURES: Mapping[str, type[Refusal]] = {
    refusal.__name__: refusal
    for refusal in (
        errors.NoSpeech,
        errors.TooQuiet,
        errors.TooNoisy,
        errors.BadAttributes,
        errors.NotAudio,
        errors.TruncatedAudio,
        errors.EmptyInput,
        errors.AudioTooLong,
        errors.SpeechFailed,
        errors.AudioMissing,
        errors.AudioLimit,
    )
}

# Nobody spoke: a part of the recording without words, not a part that is missing.
SILENT = errors.NoSpeech.__name__


class Progress(BaseModel):
    """One segment's record: times, counts and codes, never a word.

    `version` counts the writes; whoever writes must have read the version before.
    """

    model_config = ConfigDict(frozen=True)

    index: Annotated[int, Field(ge=0)]
    stage: Stage = Stage.ALLOWED
    at: datetime
    starts_at: Annotated[float, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.0
    attempts: int = 0
    asked: int = 0
    failure: str | None = None
    doubts: tuple[str, ...] = ()
    version: int = 1

    @property
    def settled(self) -> bool:
        """Whether nothing more can come of this segment."""
        return self.stage in SETTLED

    @property
    def unasked(self) -> bool:
        """Whether the audio is there and the endpoint is not known to be asked for it."""
        return self.stage is Stage.RECEIVED and self.asked < self.attempts

    def then(self, **changes: object) -> Progress:
        """The next version of this record."""
        return self.model_copy(update={**changes, "version": self.version + 1})


class Ended(BaseModel):
    """How many segments a recording has, since when that is known, and who said so."""

    model_config = ConfigDict(frozen=True)

    segments: Annotated[int, Field(ge=1)]
    at: datetime
    by: str  # "recorder" | "schedule"


class Ingest(BaseModel):
    """The `[recording]` table of policies/retention.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_segments: Annotated[int, Field(ge=1, le=9_999)]
    longest_minutes: Annotated[int, Field(ge=1)]
    quiet_minutes: Annotated[int, Field(ge=1)]
    late_minutes: Annotated[int, Field(ge=1)]
    answer_minutes: Annotated[int, Field(ge=1)]
    attempts: Annotated[int, Field(ge=1, le=9)]
    earliest_seconds: Annotated[float, Field(gt=0)]
    latest_seconds: Annotated[float, Field(gt=0)]
    overlap_seconds: Annotated[float, Field(ge=0, le=5)]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.earliest_seconds + 2 * self.overlap_seconds > self.latest_seconds:
            raise ValueError("latest_seconds leaves no room for a cut and its overlap")
        return self

    @classmethod
    def from_toml(cls, text: str) -> Ingest:
        """Raises `BadPolicy`, which names the field."""
        try:
            return cls.model_validate(tomllib.loads(text)["recording"])
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise BadPolicy(f"retention.toml: [recording] {where}: {first['msg']}") from None
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise BadPolicy(f"retention.toml: [recording]: {error}") from None


# Where a recording stands --------------------------------------------------------------------


def complete(ended: Ended | None, segments: Iterable[Progress]) -> bool:
    """Whether the recording has ended and every segment of it is settled."""
    if ended is None:
        return False
    settled = {each.index for each in segments if each.settled}
    return settled >= set(range(ended.segments))


def announced(ended: Ended | None, segments: Iterable[Progress]) -> int:
    """How many segments the recording has, as far as is known."""
    if ended is not None:
        return ended.segments
    return 1 + max((each.index for each in segments), default=-1)


def is_quiet(segments: Iterable[Progress], now: datetime, policy: Ingest) -> bool:
    """Whether a recording that nobody ended has been left: no segment came for so long."""
    latest = max((each.at for each in segments), default=None)
    return latest is not None and now - latest >= timedelta(minutes=policy.quiet_minutes)


def failure(segments: Iterable[Progress]) -> type[Refusal] | None:
    """Why a recording gives no transcript at all; None when one of its segments did.

    A fault is told before silence: a session of which half was lost was not silent.
    """
    parts = sorted(segments, key=lambda each: each.index)
    if any(each.stage in (Stage.TRANSCRIBED, Stage.ERASED) for each in parts):
        return None
    codes = [each.failure or errors.AudioMissing.__name__ for each in parts]
    code = next((code for code in codes if code != SILENT), SILENT if codes else "AudioMissing")
    return FAILURES.get(code, errors.SpeechFailed)


# Names ---------------------------------------------------------------------------------------

_PLACE = re.compile(
    r"(?:audio/(?P<a>[^/.]+)/(?P<an>\d+)"
    r"|speech/(?P<b>[^/.]+)/(?P<bn>\d+)-\d+\.out"
    r"|speech/(?P<c>[^/.]+)\.(?P<cn>\d+)\.\d+[^/]*)"
)


def audio_key(session_id: str, index: int) -> str:
    """Where a segment's audio is put."""
    return f"audio/{session_id}/{index:05d}"


def place_of(key: str) -> tuple[str, int | None]:
    """The session and segment that an object belongs to: its audio, or the endpoint's output.

    The segment is None for a key that is a session's and no segment's. Raises `ValueError` for a
    key that is neither's.
    """
    found = _PLACE.fullmatch(key)
    if found is not None:
        for name in "abc":
            if found[name] is not None:
                return found[name], int(found[f"{name}n"])
    match key.split("/"):
        case ["audio" | "speech", session, *_] if session:
            return session.partition(".")[0], None
    raise ValueError("not a key of a recording")


def prefixes(session_id: str, index: int | None = None) -> tuple[str, ...]:
    """What the keys of a session begin with, or those of one segment: audio, outputs, failures.

    The endpoint names a failure after the inference id and not after the output.
    """
    if index is None:
        return (f"audio/{session_id}/", f"speech/{session_id}/", f"speech/{session_id}.")
    return (
        audio_key(session_id, index),
        f"speech/{session_id}/{index}-",
        f"speech/{session_id}.{index}.",
    )


# The recorder's rule -------------------------------------------------------------------------

# A pause is looked for in stretches this long: shorter than a breath, longer than a stop.
_PAUSE_SECONDS = 0.3


def cuts(levels: Sequence[float], step: float, policy: Ingest) -> tuple[tuple[float, float], ...]:
    """Where each segment starts and ends, in seconds, from the loudness of every `step` seconds.

    Each cut is in the middle of the quietest pause that a segment may end in, the later of two
    alike; both neighbours reach over it by `overlap_seconds`, so that a word in which the cut
    fell after all is whole in one of them. `levels` are decibels, or anything that grows with
    loudness. A recording of nothing gives no segment.
    """
    total = len(levels) * step
    if not levels:
        return ()
    middles = [0.0]
    pause = max(1, round(_PAUSE_SECONDS / step))
    room = policy.latest_seconds - policy.overlap_seconds
    while total - middles[-1] > room:
        first = ceil((middles[-1] + policy.earliest_seconds) / step)
        last = int((middles[-1] + room - policy.overlap_seconds) / step) - pause
        quietest = min(
            range(first, max(first, last) + 1),
            key=lambda at: (round(sum(levels[at : at + pause]), 3), -at),
        )
        middles.append((quietest + pause / 2) * step)
    edges = [*middles, total]
    over = policy.overlap_seconds
    return tuple((max(0.0, start - over), min(total, end + over)) for start, end in pairwise(edges))
