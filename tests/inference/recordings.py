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
    options: dict[str, str] | None = None,
    tracks: int = 1,
    pictures: int = 0,
) -> bytes:
    """`samples` [n] or [2, n] at 16 kHz as a file of that container, in memory.

    Perhaps with several sound tracks of the same, and with a film of so many pictures.
    """
    stereo = samples.ndim == 2
    layout = "stereo" if stereo else "mono"
    packed = np.ascontiguousarray(samples.T).reshape(1, -1) if stereo else samples[None]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), format="s16", layout=layout)
    frame.sample_rate = RATE
    frame.time_base = Fraction(1, RATE)
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=options or {}) as file:
        streams = [file.add_stream(codec, rate=rate, layout=layout) for _ in range(tracks)]
        if pictures:
            _film(file, pictures)
        for stream in streams:
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


def _film(file: av.container.OutputContainer, pictures: int) -> None:
    film = file.add_stream("mpeg4", rate=10)
    film.width, film.height, film.pix_fmt = 32, 32, "yuv420p"
    for _ in range(pictures):
        file.mux(film.encode(av.VideoFrame(32, 32, "yuv420p")))
    file.mux(film.encode(None))


def noise(seconds: float, level: float = 0.001) -> NDArray[np.int16]:
    drawn = np.random.default_rng(7).standard_normal(int(seconds * RATE))
    return (drawn * level * 32767).astype(np.int16)


def whispered(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Speech with its voice taken away: each vowel's shape (18 linear predictors) over noise."""
    size, order = 400, 18
    window = np.hanning(size)
    random = np.random.default_rng(0)
    out = np.zeros(len(samples) + size)
    lags = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
    # Whispering has hardly anything below 300 Hz.
    tilt = 1 / (1 + (300 / np.maximum(np.fft.rfftfreq(1024, 1 / RATE), 1)) ** 2)
    for start in range(0, len(samples) - size, size // 2):
        frame = samples[start : start + size] * window
        likeness = np.fft.irfft(np.abs(np.fft.rfft(frame, 1024)) ** 2)[: order + 1]
        if likeness[0] < 1e-9:
            continue
        likeness[0] *= 1.0001
        shape = np.linalg.solve(likeness[lags], likeness[1:])
        left = max(likeness[0] - shape @ likeness[1:], 0.0)
        breath = np.fft.rfft(random.standard_normal(size) * window, 1024)
        vowel = np.fft.rfft(np.concatenate([[1.0], -shape]), 1024)
        out[start : start + size] += np.fft.irfft(breath / vowel * tilt)[:size] * left**0.5
    heard = out[: len(samples)]
    return np.asarray(heard * (samples.std() / heard.std()), np.float32)


def trembling(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Speech whose pitch and loudness shake seven times a second, as close to tears."""
    time = np.arange(len(samples)) / RATE
    bent = time + 0.08 / (2 * np.pi * 7) * np.sin(2 * np.pi * 7 * time)
    shaken = np.interp(bent * RATE, np.arange(len(samples)), samples)
    return np.asarray(shaken * (0.65 + 0.35 * np.sin(2 * np.pi * 7.7 * time)), np.float32)
