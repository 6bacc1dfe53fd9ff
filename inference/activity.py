"""Decides where somebody speaks, whispers or sobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from inference.audio import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.settings import Activity

    Floats = NDArray[np.float32]

# The detector looks at this much at once, so that a long session needs no more memory.
_BLOCK_SECONDS = 300


@dataclass(frozen=True)
class Stretch:
    """From `start` to `end`, in seconds."""

    start: float
    end: float


def speech(samples: Floats, activity: Activity, above: float | None = None) -> tuple[Stretch, ...]:
    """Where somebody speaks, whispers or sobs, in seconds, by Silero's voice-activity detector.

    `above` replaces the policy's threshold, for a stricter question.
    """
    threshold = activity.speech_above if above is None else above
    options = VadOptions(
        threshold=threshold,
        neg_threshold=min(activity.silence_below, threshold),
        min_speech_duration_ms=0,
        min_silence_duration_ms=round(activity.pause_seconds * 1000),
        speech_pad_ms=0,
    )
    found: list[Stretch] = []
    for first in range(0, len(samples), _BLOCK_SECONDS * RATE):
        block = samples[first : first + _BLOCK_SECONDS * RATE]
        for region in get_speech_timestamps(block, options):
            stretch = Stretch((first + region["start"]) / RATE, (first + region["end"]) / RATE)
            if found and stretch.start - found[-1].end < activity.pause_seconds:
                stretch = Stretch(found.pop().start, stretch.end)
            found.append(stretch)
    return tuple(found)
