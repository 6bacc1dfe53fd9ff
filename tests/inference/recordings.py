"""Small recordings for the tests: cut from the sample session, or made of nothing but numbers."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from inference.audio import RATE, decode

SAMPLE = Path("local/sample")
# The first six turns, three of each speaker, and not the start of a seventh.
CUT_SECONDS = 38.0


def reference(until: float = CUT_SECONDS) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = json.loads((SAMPLE / "reference.json").read_text("utf-8"))
    return [turn for turn in turns if turn["end"] <= until]


def session(seconds: float = CUT_SECONDS) -> NDArray[np.int16]:
    """The beginning of the sample session, 16 kHz mono."""
    audio = decode(SAMPLE / "session.flac", max_seconds=600, max_bytes=10_000_000)
    return audio.channels[0][: int(seconds * RATE)].copy()


def encode(
    samples: NDArray[np.int16],
    container: str = "wav",
    codec: str = "pcm_s16le",
    rate: int = RATE,
) -> bytes:
    """`samples` [n] or [2, n] at 16 kHz as a file of that container, in memory."""
    stereo = samples.ndim == 2
    layout = "stereo" if stereo else "mono"
    packed = np.ascontiguousarray(samples.T).reshape(1, -1) if stereo else samples[None]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), format="s16", layout=layout)
    frame.sample_rate = RATE
    frame.time_base = Fraction(1, RATE)
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        for ready in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(ready))
        file.mux(stream.encode(None))
    return out.getvalue()


def noise(seconds: float, level: float = 0.001) -> NDArray[np.int16]:
    drawn = np.random.default_rng(7).standard_normal(int(seconds * RATE))
    return (drawn * level * 32767).astype(np.int16)
