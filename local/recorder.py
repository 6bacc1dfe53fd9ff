"""Decides how a recording is sent as if it were made now: cut in pauses, in segments."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from countersign.errors import Refusal
from countersign.segments import Ingest, cuts
from inference.audio import RATE, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How finely the recorder listens for a pause, seconds.
_STEP = 0.02
_SILENCE = 1e-12
_CONTENT_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".webm": "audio/webm",
}
# What S3 takes in one request.
_MOST_BYTES = 5 * 1024**3


@dataclass(frozen=True)
class Sent:
    """One segment as it goes up: where it lies in the session, in seconds, and its bytes."""

    starts_at: float
    seconds: float
    content_type: str
    content: bytes


def segments(recording: Path, rules: Ingest) -> tuple[Sent, ...]:
    """The segments of a recording, as WAV with the channels it has.

    A file that is no recording is one segment as it stands: what to say of it is the endpoint's.
    """
    try:
        audio = decode(recording, max_seconds=60.0 * rules.longest_minutes, max_bytes=_MOST_BYTES)
    except Refusal:
        kind = _CONTENT_TYPES.get(recording.suffix, "audio/wav")
        return (Sent(0.0, 0.0, kind, recording.read_bytes()),)
    places = cuts(levels(audio.mono(), _STEP), _STEP, rules)
    return tuple(
        Sent(start, end - start, "audio/wav", _wav(audio.channels, start, end))
        for start, end in places
    )


def levels(samples: NDArray[np.float32], step: float) -> list[float]:
    """The loudness of every `step` seconds, in decibels."""
    size = int(step * RATE)
    frames = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size).astype(np.float64)
    loud: NDArray[np.float64] = 10 * np.log10(np.square(frames).mean(axis=1) + _SILENCE)
    return [float(value) for value in loud]


def _wav(channels: NDArray[np.int16], start: float, end: float) -> bytes:
    part = channels[:, int(start * RATE) : int(end * RATE)]
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(len(part))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(part.T.astype("<i2").tobytes())
    return written.getvalue()
