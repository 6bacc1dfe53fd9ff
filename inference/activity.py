"""Decides where somebody speaks, whispers or sobs, and whether the microphone caught it well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from faster_whisper.vad import get_vad_model

from countersign.errors import NoSpeech, TooNoisy, TooQuiet
from countersign.transcript import Doubt
from inference.audio import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.settings import Activity

    Floats = NDArray[np.float32]

LOW_LEVEL = "low_level"
NOISY = "noisy"

# Silero's detector judges 32 ms at a time, hearing 4 ms before them.
FRAME = 512
_CONTEXT = 64
_STATE = (1, 1, 128)
# How many it judges at once: a long session needs no more memory.
_BLOCK = 2_048
_FRAMES_A_SECOND = RATE / FRAME
# What the detector hears: see `_raised`. An exponential distribution, as the power of noise has,
# has its 20th percentile at 0.223 of its mean.
_HOP = FRAME // 2
_WINDOW = np.sqrt(np.hanning(FRAME + 1)[:-1]).astype(np.float32)
_ROOM_SHARE = 20
_ROOM_MEAN = 1 / 0.223
_SUBTRACTED = 2.0
_LEAST_KEPT = 0.05
_USUAL_DB = -23.0
_MOST_RAISED_DB = 20.0
# Five seconds, and how often the gain is worked out, in frames.
_AROUND = 5 * RATE // FRAME
_STEP = 16
# Digital silence, at 16 bits.
_FLOOR_DB = -100.0
# Level and noise are judged for so much speech at once, by the sound within so much around it.
_PIECE_SECONDS = 10.0
_AROUND_SECONDS = 15.0
# Vowels are the louder part of speech; the pauses between words are the room's own level.
_VOWELS = 75
_PAUSES = 10
# Doubtful pieces that are nearer than this are shown as one.
_ONE_DOUBT_SECONDS = 2.0
# A recording of which more than this cannot be understood is refused as a whole.
_WHOLE_SHARE = 0.8


@dataclass(frozen=True)
class Stretch:
    """From `start` to `end`, in seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Heard:
    """Where a recording has speech, perhaps and certainly, and how well it can be understood.

    `level_db` is the speech's level and `noise_db` the room's, in decibels below full scale;
    `doubts` are the places where speech is too quiet or the room too loud for every word of it.
    """

    speech: tuple[Stretch, ...]
    certain: tuple[Stretch, ...]
    level_db: float
    noise_db: float
    doubts: tuple[Doubt, ...] = ()
    refusal: NoSpeech | None = field(default=None, compare=False)

    @property
    def seconds(self) -> float:
        """How long somebody speaks."""
        return sum(part.end - part.start for part in self.speech)

    def required(self, least_seconds: float) -> Heard:
        """Itself, when there is speech of that length that can be understood.

        Raises `TooNoisy` or `TooQuiet` when the room or the microphone hides it, which a person
        can change, and `NoSpeech` when nobody speaks.
        """
        if self.refusal is not None:
            raise self.refusal
        if self.seconds < least_seconds:
            raise NoSpeech("there is no speech in the recording")
        return self


def listen(samples: Floats, activity: Activity) -> Heard:
    """Where somebody speaks in mono samples at 16 kHz, by one pass of Silero's detector.

    What the detector takes for speech for less than `evidence_seconds`, with nothing like it
    around, is a noise: the shortest word, whispered, is longer.
    """
    likely, levels = _judged(samples)
    length = len(samples) / RATE
    speech = _evident(_stretches(likely, activity.speech_above, activity, length), likely, activity)
    certain = _stretches(likely, activity.certain_above, activity, length)
    certain = tuple(
        part
        for part in certain
        if any(own.start <= part.start and part.end <= own.end for own in speech)
    )
    noise = _percentile(levels, _PAUSES)
    pieces = list(_pieces(speech))
    measured = [_measured(piece, levels) for piece in pieces]
    quiet = [level < activity.quiet_below_db for level, _ in measured]
    noisy = [ratio < activity.noisy_below_db for _, ratio in measured]
    spoken = np.array([piece.end - piece.start for piece in pieces])
    lost = spoken @ np.array([level < activity.lost_below_db for level, _ in measured], bool)
    drowned = spoken @ np.array([ratio < activity.drowned_below_db for _, ratio in measured], bool)
    refusal: NoSpeech | None = None
    if drowned > _WHOLE_SHARE * spoken.sum():
        refusal = TooNoisy(f"the speech cannot be told from the noise at {noise:.0f} dB")
    elif lost > _WHOLE_SHARE * spoken.sum():
        refusal = TooQuiet(f"the speech is below {activity.lost_below_db:.0f} dB of full scale")
    elif not speech and noise > activity.loud_above_db:
        refusal = TooNoisy(f"no speech can be heard over the noise at {noise:.0f} dB")
    return Heard(
        speech,
        certain,
        float(np.average([level for level, _ in measured], weights=spoken))
        if pieces
        else _FLOOR_DB,
        noise,
        (*_doubts(LOW_LEVEL, pieces, quiet), *_doubts(NOISY, pieces, noisy)),
        refusal,
    )


def speech(samples: Floats, activity: Activity) -> tuple[Stretch, ...]:
    """Where somebody speaks, whispers or sobs; see `listen`."""
    return listen(samples, activity).speech


def _judged(samples: Floats) -> tuple[Floats, Floats]:
    """The probability of speech and the level (decibels) of each 32 ms, the last one padded.

    The detector hears what `_raised` makes of the sound; its memory goes on from block to block.
    """
    session = get_vad_model().session
    memory = {"h": np.zeros(_STATE, np.float32), "c": np.zeros(_STATE, np.float32)}
    before = np.zeros(_CONTEXT, np.float32)
    likely: list[Floats] = []
    levels: list[Floats] = []
    for first in range(0, len(samples), _BLOCK * FRAME):
        block = samples[first : first + _BLOCK * FRAME]
        whole = -(-len(block) // FRAME) * FRAME
        since = max(0, first - _AROUND * FRAME)
        around = samples[since : first + whole + _AROUND * FRAME]
        missing = first + whole - since - len(around)
        if missing > 0:
            around = np.pad(around, (0, missing))
            block = np.pad(block, (0, whole - len(block)))
        frames = _raised(around)[first - since : first - since + whole].reshape(-1, FRAME)
        heard = np.empty((len(frames), _CONTEXT + FRAME), np.float32)
        heard[0, :_CONTEXT] = before
        heard[1:, :_CONTEXT] = frames[:-1, -_CONTEXT:]
        heard[:, _CONTEXT:] = frames
        before = frames[-1, -_CONTEXT:]
        probability, memory["h"], memory["c"] = session.run(None, {"input": heard, **memory})
        likely.append(np.asarray(probability, np.float32).ravel())
        levels.append(_levels(block))
    if not likely:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    return np.concatenate(likely), np.concatenate(levels)


def _raised(samples: Floats) -> Floats:
    """The sound as the detector hears whispering best: less of the room, and quiet parts raised.

    The room's spectrum is subtracted in part (Boll 1979, over frames of 32 ms by half), since a
    whisper 10 dB above it is else taken for noise; and each part is raised by what its loudest
    moments within five seconds lack of a usual level, since after loud speech the detector is
    deaf to soft. Only the detector hears this: the recognizer gets the recording as it is.
    """
    padded = np.pad(samples, (FRAME, FRAME + -len(samples) % _HOP))
    spectrum = np.fft.rfft(_windows(padded) * _WINDOW)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    room = np.percentile(power[:: max(1, len(power) // 1000)], _ROOM_SHARE, axis=0) * _ROOM_MEAN
    kept = np.maximum(1 - _SUBTRACTED * room / np.maximum(power, 1e-20), _LEAST_KEPT)
    spectrum *= np.sqrt(kept)
    parts = np.fft.irfft(spectrum, FRAME).astype(np.float32) * _WINDOW
    added = np.zeros(len(padded), np.float32)
    halves = added[: (len(parts) + 1) * _HOP].reshape(-1, _HOP)
    halves[:-1] += parts[:, :_HOP]
    halves[1:] += parts[:, _HOP:]
    cleaned = added[FRAME : FRAME + len(samples)]
    levels = _levels(cleaned[: len(cleaned) // FRAME * FRAME])
    if not len(levels):
        return cleaned
    reach = np.pad(levels, _AROUND, mode="edge")
    loudest = np.percentile(
        np.lib.stride_tricks.sliding_window_view(reach, 2 * _AROUND + 1)[::_STEP], 95, axis=1
    )
    gain = np.clip(_USUAL_DB - loudest, 0, _MOST_RAISED_DB)
    places = (np.arange(len(gain)) * _STEP + 0.5) * FRAME
    each = np.interp(np.arange(len(cleaned)), places, gain)
    return np.asarray(cleaned * 10 ** (each / 20), np.float32)


def _windows(samples: Floats) -> Floats:
    """Overlapping frames, [frames, `FRAME`], each half a frame after the one before."""
    return np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::_HOP]


def _levels(samples: Floats) -> Floats:
    """The level of each whole frame in decibels below full scale."""
    frames = samples.reshape(-1, FRAME)
    power = np.einsum("ij,ij->i", frames, frames) / FRAME
    return np.asarray(np.maximum(10 * np.log10(power + 1e-12), _FLOOR_DB), np.float32)


def _stretches(
    likely: Floats, above: float, activity: Activity, length: float
) -> tuple[Stretch, ...]:
    """Runs of frames above a probability, joined over pauses shorter than `pause_seconds`.

    A run goes on at its end for as long as the probability stays above `silence_below`.
    """
    below = min(activity.silence_below, above)
    found: list[tuple[int, int]] = []
    quiet = np.append(likely < below, True)
    # For each frame, the next one that is silent.
    ends = np.minimum.accumulate(np.where(quiet, np.arange(len(quiet)), len(quiet))[::-1])[::-1]
    pause = activity.pause_seconds * _FRAMES_A_SECOND
    for frame in np.flatnonzero(likely >= above):
        end = int(ends[frame])
        if found and frame - found[-1][1] < pause:
            found[-1] = (found[-1][0], end)
        else:
            found.append((int(frame), end))
    return tuple(
        Stretch(first / _FRAMES_A_SECOND, min(length, last / _FRAMES_A_SECOND))
        for first, last in found
    )


def _evident(
    stretches: tuple[Stretch, ...], likely: Floats, activity: Activity
) -> tuple[Stretch, ...]:
    """The stretches that are long enough for a word, alone or with their neighbours."""
    sure = np.concatenate([[0], np.cumsum(likely >= activity.speech_above)])
    around = activity.neighbour_seconds * _FRAMES_A_SECOND
    kept = []
    for part in stretches:
        first = max(0, round(part.start * _FRAMES_A_SECOND - around))
        last = min(len(likely), round(part.end * _FRAMES_A_SECOND + around))
        if (sure[last] - sure[first]) / _FRAMES_A_SECOND >= activity.evidence_seconds:
            kept.append(part)
    return tuple(kept)


def _pieces(speech: tuple[Stretch, ...]) -> Iterator[Stretch]:
    for part in speech:
        count = int(np.ceil((part.end - part.start) / _PIECE_SECONDS))
        cuts = np.linspace(part.start, part.end, count + 1).tolist()
        for start, end in pairwise(cuts):
            yield Stretch(start, end)


def _measured(piece: Stretch, levels: Floats) -> tuple[float, float]:
    """The level of a piece of speech, and by how much it stands above the room, in decibels."""
    first, last = int(piece.start * _FRAMES_A_SECOND), int(np.ceil(piece.end * _FRAMES_A_SECOND))
    around = int(_AROUND_SECONDS * _FRAMES_A_SECOND)
    level = _percentile(levels[first:last], _VOWELS)
    noise = _percentile(levels[max(0, first - around) : last + around], _PAUSES)
    # What the microphone heard is both together: the speech alone is the difference of powers.
    alone = 10 ** (level / 10) - 10 ** (noise / 10)
    return level, 10 * float(np.log10(max(alone, 1e-12))) - noise


def _percentile(levels: Floats, share: int) -> float:
    return float(np.percentile(levels, share)) if len(levels) else _FLOOR_DB


def _doubts(code: str, pieces: list[Stretch], doubtful: list[bool]) -> list[Doubt]:
    joined: list[Stretch] = []
    for piece, is_doubtful in zip(pieces, doubtful, strict=True):
        if not is_doubtful:
            continue
        if joined and piece.start - joined[-1].end < _ONE_DOUBT_SECONDS:
            piece = Stretch(joined.pop().start, piece.end)
        joined.append(piece)
    return [Doubt(code=code, start=round(part.start, 2), end=round(part.end, 2)) for part in joined]
