"""Decides how long after its last byte a session that came in segments is a whole transcript."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from countersign.merging import Segment, merge
from countersign.segments import Ingest, cuts
from countersign.transcript import Transcript
from inference.audio import RATE
from inference.settings import Settings, SpeechPolicy
from lambdas import policies
from local.recognizers import Ear, Heard, How
from local.recordings import Session, write_wav
from local.scores import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How finely the recorder listens for a pause, seconds.
_STEP = 0.05
_SILENCE = -120.0


@dataclass(frozen=True)
class Arrived:
    """The merged transcript, and how long after the session's last byte it was there, seconds.

    `at_worst` is that time had the session ended right after its most laborious segment.
    """

    transcript: Transcript
    after: float
    at_worst: float
    segments: int


def levels(samples: NDArray[np.float32], step: float = _STEP) -> list[float]:
    """The loudness of every `step` seconds, in decibels below full scale."""
    size = int(step * RATE)
    parts = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    power = np.mean(np.square(parts, dtype=np.float64), axis=1)
    return [float(one) for one in 10 * np.log10(np.maximum(power, 10 ** (_SILENCE / 10)))]


def waited(ends: Sequence[float], work: Sequence[float]) -> float:
    """Seconds from the last segment's arrival until it is transcribed.

    Segment n is there at `ends[n]` seconds of the session and needs `work[n]`; they are worked
    off one after the other.
    """
    clock = 0.0
    for end, seconds in zip(ends, work, strict=True):
        clock = max(clock, end) + seconds
    return clock - ends[-1] if ends else 0.0


def arrive(session: Session, ear: Ear) -> Arrived:
    """Cuts a session as the recorder does, hears each segment alone, and merges them.

    Nothing waits in real time: each segment's work is measured, and when it would have come is
    known. Each segment has the warm pipeline to itself, which is told how many people
    there are, as the workflow tells it; the upload is not in it.
    """
    ingest = Ingest.from_toml(policies.text("retention.toml"))
    roles = SpeechPolicy.read(Settings().policy).roles
    people = len({line.who for line in session.lines})
    places = cuts(levels(session.mono), _STEP, ingest)
    heard: list[Heard] = []
    with tempfile.TemporaryDirectory() as folder:
        for start, end in places:
            part = session.channels[:, int(start * RATE) : int(end * RATE)]
            audio = write_wav(part, Path(folder) / "part.wav")
            heard.append(ear.hear(audio, How(speakers=people, prints=True)))
    segments = [
        Segment(
            index=n,
            starts_at=start,
            duration=end - start,
            transcript=one.transcript,
            silent=one.transcript is None,
        )
        for n, ((start, end), one) in enumerate(zip(places, heard, strict=True))
    ]
    began = time.perf_counter()
    transcript = merge(segments, roles, speakers=people)
    merging = time.perf_counter() - began
    work = [one.seconds for one in heard]
    return Arrived(
        transcript,
        waited([end for _, end in places], work) + merging,
        max(work) + merging,
        len(places),
    )


def in_segments(name: str, session: Session, whole: Heard, ear: Ear) -> list[Row]:
    """The rows on the session cut as the recorder cuts it, beside the whole file."""
    found = arrive(session, ear)
    title = f"{name}, in {found.segments} segments"
    beside = "the whole file at once"
    merged = session.word_error_rate(" ".join(turn.text for turn in found.transcript.turns))
    at_once = session.word_error_rate(whole.text)
    return [
        Row(f"{title}: ready after the last byte", found.after, "s", whole.seconds, beside, True),
        Row(
            f"{title}: the same as a share of the whole file's time",
            100 * found.after / whole.seconds,
            "%",
            lower_is_better=True,
        ),
        Row(
            f"{title}: ready after the last byte, had the most laborious segment been the last",
            found.at_worst,
            "s",
            whole.seconds,
            beside,
            True,
        ),
        Row(f"{title}: word error rate", merged, "%", at_once, beside, True),
    ]
