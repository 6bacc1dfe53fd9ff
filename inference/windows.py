"""Decides how a session's speech is cut into windows, and which of them are recognized together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.activity import Stretch
from inference.audio import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Whisper's encoder costs more than in proportion to its input, and a window that goes wrong loses
# this much; shorter ones lose the context that tells words apart. Measured: 6 to 12 are as good.
LONGEST = 9.0
# Stretches that are nearer than this are one window, if it does not get too long.
_JOINED_BELOW = 0.6
# Sound around speech, so that a soft first or last one is heard.
_MARGIN = 0.25
# A cut within speech is made in the last part of the longest window, where it is quietest.
_EARLIEST_CUT = 0.45
_FRAME = RATE // 50
# As long as a short pause between words: 0.16 s.
_QUIET_FRAMES = 8


@dataclass(frozen=True)
class Window:
    """From `start` to `end` in seconds, with a margin around the speech in it; none overlap."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Its part of the recording."""
        return samples[int(self.start * RATE) : int(self.end * RATE)]


def cut(speech: Sequence[Stretch], samples: NDArray[np.float32]) -> tuple[Window, ...]:
    """Windows over all of `speech`, none longer than `LONGEST` and its margins.

    They end at pauses; where somebody talks on without one, at the quietest moment.
    """
    parts: list[Stretch] = []
    for stretch in speech:
        parts += _shortened(stretch, samples)
    joined: list[Stretch] = []
    for part in parts:
        last = joined[-1] if joined else None
        near = last is not None and part.start - last.end <= _JOINED_BELOW
        if last is not None and near and part.end - last.start <= LONGEST:
            joined[-1] = Stretch(last.start, part.end)
        else:
            joined.append(part)
    end = len(samples) / RATE
    windows = []
    for index, part in enumerate(joined):
        before = joined[index - 1].end if index else 0.0
        after = joined[index + 1].start if index + 1 < len(joined) else end
        windows.append(
            Window(
                max(part.start - _MARGIN, (before + part.start) / 2 if index else 0.0),
                min(part.end + _MARGIN, (part.end + after) / 2 if after < end else end),
            )
        )
    return tuple(windows)


def _shortened(stretch: Stretch, samples: NDArray[np.float32]) -> list[Stretch]:
    parts = []
    while stretch.end - stretch.start > LONGEST:
        left = stretch.end - stretch.start
        # What is left over is not a scrap of half a word.
        reach = min(LONGEST, left - LONGEST * _EARLIEST_CUT / 2)
        moment = quietest(samples, stretch.start + LONGEST * _EARLIEST_CUT, stretch.start + reach)
        parts.append(Stretch(stretch.start, moment))
        stretch = Stretch(moment, stretch.end)
    return [*parts, stretch]


def quietest(samples: NDArray[np.float32], start: float, end: float) -> float:
    """The middle of the quietest sixth of a second between two times, in seconds."""
    part = samples[int(start * RATE) : int(end * RATE)]
    frames = part[: len(part) // _FRAME * _FRAME].reshape(-1, _FRAME)
    if len(frames) < _QUIET_FRAMES:
        return (start + end) / 2
    power = np.square(frames).mean(axis=1)
    # By the logarithm, so that one loud frame does not hide a pause next to it.
    levels = np.convolve(np.log10(power + 1e-9), np.ones(_QUIET_FRAMES), "valid")
    return start + (int(levels.argmin()) + _QUIET_FRAMES / 2) * _FRAME / RATE


def batches(
    windows: Sequence[Window], lanes: int, budget: float, padding: float
) -> list[list[int]]:
    """Indices of windows of like length, the longest batch first, for `lanes` workers at once.

    A batch takes `budget` seconds of sound at most, each window as long as the batch's longest
    with `padding`. There is a batch for each lane, or two, or three, all with as much to do.
    """
    order = sorted(range(len(windows)), key=lambda index: (-windows[index].seconds, index))
    total = sum(window.seconds + padding for window in windows)
    count = lanes * math.ceil(total / (lanes * budget))
    share = total / max(1, count)
    found = _filled(order, windows, share, padding)
    while len(found) > count and share < budget:
        share = min(budget, share * 1.02)
        found = _filled(order, windows, share, padding)
    return found


def _filled(
    order: Sequence[int], windows: Sequence[Window], share: float, padding: float
) -> list[list[int]]:
    found: list[list[int]] = []
    for index in order:
        longest = windows[found[-1][0]].seconds + padding if found else math.inf
        if found and longest * (len(found[-1]) + 1) <= share:
            found[-1].append(index)
        else:
            found.append([index])
    return found
