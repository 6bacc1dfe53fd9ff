"""Decides which voice a stretch of speech is, on ONNX Runtime and numpy alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from countersign.errors import ModelMissing
from inference.activity import Stretch
from inference.audio import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# Resemblyzer 0.1.4, hparams.py: 25 ms windows every 10 ms, 40 mel channels, -30 dBFS.
_WINDOW = 400
_HOP = 160
_MELS = 40
_LEVEL = 10 ** (-30 / 10)
# One voice print covers 1.6 s there; every 0.4 s is enough to find a change of speaker.
_PRINT_FRAMES = 160
_PRINT_STEP = 40
# A stretch shorter than this tells nothing about a voice.
_SHORTEST_FRAMES = 30
_LONGEST_SECONDS = 30
_BATCH = 64

# A voice is known from this much of its speech; more only takes time.
_ENOUGH_SECONDS = 60.0

MAX_SPEAKERS = 8
# The halves of one voice resemble one another by 0.89 and more, those of two voices on one line by
# 0.88 and less; a small group of stray prints is less like the rest: the smaller, the less.
_TWO_ALIKE = 0.885
_ONE_STRAY = 0.74
_ONE_STRAY_SHARE = 0.6
# The usual session has two people. A third must differ from either as two people do on a good
# recording (measured: 0.74 and less; stray prints of one voice 0.77 and more).
_A_THIRD = 0.76
# A group with a smaller share of the prints, or fewer, is noise or a change of speaker.
_LEAST_SHARE = 0.04
_LEAST_PRINTS = 4
# So many groups are looked at before those that are alike are joined.
_FINE_GROUPS = 24
# A print of less sound says little about a voice, seconds; the shorter will do in a short session.
_TELLING_SECONDS = (1.2, 0.8)
_ENOUGH_PRINTS = 24


@dataclass(frozen=True)
class Prints:
    """Voice prints of a session, each of which lies within one stretch of speech.

    `middles` [n] in seconds, `vectors` [n, 256] of length 1, `stretches` [n] the stretch's index,
    `seconds` [n] how much sound each is made of.
    """

    middles: NDArray[np.float64]
    vectors: Floats
    stretches: NDArray[np.intp]
    seconds: NDArray[np.float64]


class Encoder:
    """Turns stretches of one voice into prints that can be compared."""

    def __init__(self, model: Path, threads: int = 0) -> None:
        """Raises `ModelMissing` when `model` is not there."""
        if not model.is_file():
            raise ModelMissing(f"{model} is not there")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(model), options, ["CPUExecutionProvider"])
        self._filters = mel_filters()

    def prints(self, samples: Floats, stretches: Sequence[Stretch]) -> Prints:
        """Prints of 1.6 s every 0.4 s within each stretch; a shorter stretch gives one print."""
        middles: list[float] = []
        pieces: list[Floats] = []
        owners: list[int] = []
        seconds: list[float] = []
        for owner, stretch in _bounded(stretches):
            first, last = int(stretch.start * RATE), int(stretch.end * RATE)
            mels = mel_spectrogram(samples[first:last], self._filters)
            for begin, end in _windows(len(mels)):
                window = mels[begin:end]
                # The encoder was trained at one loudness; a filter bank of power scales with it.
                power = float(np.mean(np.square(samples[first:last][begin * _HOP : end * _HOP])))
                middles.append(stretch.start + (begin + end) / 2 * _HOP / RATE)
                owners.append(owner)
                window = window * np.float32(_LEVEL / max(power, 1e-10))
                seconds.append(len(window) * _HOP / RATE)
                pieces.append(np.resize(window, (_PRINT_FRAMES, _MELS)))
        vectors = np.zeros((len(pieces), 256), np.float32)
        lengths: dict[int, list[int]] = {}
        for index, piece in enumerate(pieces):
            lengths.setdefault(len(piece), []).append(index)
        for indices in lengths.values():
            for start in range(0, len(indices), _BATCH):
                batch = indices[start : start + _BATCH]
                mels = np.stack([pieces[index] for index in batch])
                vectors[batch] = self._session.run(None, {"mels": mels})[0]
        return Prints(
            np.array(middles, dtype=np.float64),
            np.nan_to_num(vectors),
            np.array(owners, dtype=np.intp),
            np.array(seconds, dtype=np.float64),
        )

    def voice(self, samples: Floats, stretches: Sequence[Stretch]) -> Floats | None:
        """One print for stretches of one person; None when they hold too little speech.

        The longest stretches are taken, up to a minute: more would not change the print.
        """
        prints = self.prints(samples, _longest(stretches))
        if not len(prints.vectors):
            return None
        return _unit((prints.vectors * prints.seconds[:, None]).sum(axis=0).astype(np.float32))


def _longest(stretches: Sequence[Stretch]) -> list[Stretch]:
    chosen: list[Stretch] = []
    left = _ENOUGH_SECONDS
    for stretch in sorted(stretches, key=lambda part: (part.start - part.end, part.start)):
        if left <= 0:
            break
        chosen.append(Stretch(stretch.start, min(stretch.end, stretch.start + left)))
        left -= chosen[-1].end - chosen[-1].start
    return chosen


def _bounded(stretches: Sequence[Stretch]) -> Iterator[tuple[int, Stretch]]:
    """The stretches with their indices, in parts whose spectrogram takes little memory."""
    for index, stretch in enumerate(stretches):
        parts = max(1, math.ceil((stretch.end - stretch.start) / _LONGEST_SECONDS))
        length = (stretch.end - stretch.start) / parts
        for part in range(parts):
            first = stretch.start + part * length
            yield index, Stretch(first, first + length)


def _windows(frames: int) -> Iterator[tuple[int, int]]:
    if frames < _SHORTEST_FRAMES:
        return
    if frames <= _PRINT_FRAMES:
        yield 0, frames
        return
    for begin in range(0, frames - _PRINT_FRAMES + 1, _PRINT_STEP):
        yield begin, begin + _PRINT_FRAMES
    if (frames - _PRINT_FRAMES) % _PRINT_STEP:
        yield frames - _PRINT_FRAMES, frames


def mel_filters() -> Floats:
    """Slaney's mel filter bank [40, 201] for 16 kHz, as librosa's `filters.mel` makes it.

    Source: Slaney, Auditory Toolbox (1998): linear to 1 kHz, then logarithmic, each triangle of
    unit area.
    """
    step = 200.0 / 3
    corner_hz = 1000.0
    corner = corner_hz / step
    ratio = math.log(6.4) / 27.0

    def to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mels < corner, mels * step, corner_hz * np.exp(ratio * (mels - corner)))

    top = corner + math.log(RATE / 2 / corner_hz) / ratio
    edges = to_hz(np.linspace(0.0, top, _MELS + 2))
    bins = np.linspace(0.0, RATE / 2, _WINDOW // 2 + 1)
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def mel_spectrogram(samples: Floats, filters: Floats) -> Floats:
    """Power in 40 mel channels every 10 ms, [frames, 40], as librosa's `melspectrogram` gives."""
    if not len(samples):
        return np.zeros((0, _MELS), np.float32)
    padded = np.pad(samples, _WINDOW // 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectrum = np.fft.rfft(frames * window.astype(np.float32), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    mels: Floats = power @ filters.T
    return mels


# Who is who ---------------------------------------------------------------------------------


def group(
    prints: Floats, speakers: int | None = None, seconds: NDArray[np.float64] | None = None
) -> Floats:
    """The voices among `prints`: one vector of length 1 each, [voices, 256].

    With `speakers` given there are that many, if there are as many prints; else 1 to 8 are told
    apart by how much they resemble one another, and two people are not taken for three.
    `seconds` says how much sound each print is made of: short ones are left aside while there are
    enough longer ones. Deterministic.
    """
    if seconds is not None:
        for least in _TELLING_SECONDS:
            if (seconds >= least).sum() >= _ENOUGH_PRINTS:
                prints = prints[seconds >= least]
                break
    if not len(prints):
        return np.zeros((0, 256), np.float32)
    labels = _spread(prints, min(_FINE_GROUPS, len(prints)))[1]
    labels = np.unique(labels, return_inverse=True)[1]
    if speakers is not None and labels.max() + 1 < speakers:
        return _spread(prints, min(speakers, len(prints)))[0]
    while labels.max() > 0:
        if labels.max() + 1 <= (speakers or MAX_SPEAKERS):
            centres, settled = _settle(prints, _centres(prints, labels))
            if speakers is not None or _are_others(centres, settled):
                return centres
        one, other = _nearest(prints, labels)
        labels = np.where(labels == other, one, labels)
        labels = np.unique(labels, return_inverse=True)[1]
    return _centres(prints, labels)


def _nearest(prints: Floats, labels: NDArray[np.intp]) -> tuple[int, int]:
    """The two groups whose joining loses least (Ward 1963): stray prints go to a neighbour before
    two people are taken for one."""
    centres = _centres(prints, labels)
    shares = np.bincount(labels) / len(labels)
    loss = (1 - centres @ centres.T) * np.outer(shares, shares) / np.add.outer(shares, shares)
    np.fill_diagonal(loss, np.inf)
    one, other = divmod(int(loss.argmin()), len(centres))
    return one, other


def _are_others(centres: Floats, labels: NDArray[np.intp]) -> bool:
    """Whether each of these groups of prints is of another person."""
    counts = np.bincount(labels, minlength=len(centres))
    if len(centres) < 2 or counts.min() < _LEAST_PRINTS:
        return False
    alike = float((centres @ centres.T - 2 * np.eye(len(centres))).max())
    share = float(counts.min()) / len(labels)
    if len(centres) == 2:
        return alike < min(_TWO_ALIKE, _ONE_STRAY + _ONE_STRAY_SHARE * share)
    return alike < _A_THIRD and share >= _LEAST_SHARE


def _spread(prints: Floats, count: int) -> tuple[Floats, NDArray[np.intp]]:
    """Spherical k-means from the prints that are farthest from one another."""
    middle = _unit(prints.mean(axis=0))
    chosen = [int((prints @ middle).argmin())]
    nearest = prints @ prints[chosen[0]]
    while len(chosen) < count:
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, prints @ prints[chosen[-1]])
    return _settle(prints, prints[chosen])


def _settle(prints: Floats, centres: Floats) -> tuple[Floats, NDArray[np.intp]]:
    labels = (prints @ centres.T).argmax(axis=1)
    for _ in range(50):
        kept = np.unique(labels, return_inverse=True)[1]
        centres = _centres(prints, kept)
        moved = (prints @ centres.T).argmax(axis=1)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return centres, labels


def _centres(prints: Floats, labels: NDArray[np.intp]) -> Floats:
    sums = np.zeros((int(labels.max()) + 1, prints.shape[1]), np.float32)
    np.add.at(sums, labels, prints)
    return np.stack([_unit(row) for row in sums])


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    unit: Floats = vector / np.float32(length if length > 0 else 1.0)
    return unit
