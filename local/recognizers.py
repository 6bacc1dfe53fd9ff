"""Decides how a recognizer is run so that its time and its memory are its own and comparable."""

from __future__ import annotations

import io
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from countersign.errors import NoSpeech
from countersign.transcript import Transcript, Turn
from local.processes import LOOPBACK, Process, free_port

if TYPE_CHECKING:
    from inference.settings import Settings

# A pause within a turn that ends a run of speech: twice the collar of the diarization error, within
# which a pause is not scored.
_RUN_PAUSE = 0.5
_OVERLAP = "overlapping_speech"
_LOAD_SECONDS = 300.0


class Recognizer(StrEnum):
    """Who transcribes: we, or faster-whisper as its README calls it."""

    OURS = "ours"
    PLAIN = "faster-whisper's transcribe, beam 5"
    WORDS = "faster-whisper's transcribe, beam 5, with word times"
    BATCHED = "faster-whisper's BatchedInferencePipeline, beam 5, batch 8"


@dataclass(frozen=True)
class Heard:
    """A transcription: wall seconds with a warm model, peak memory of its process, the text.

    `transcript` has the turns of ours; it is None where nobody spoke, as the pipeline says, and
    for the others, who know no turns.
    """

    seconds: float
    megabytes: float
    text: str
    transcript: Transcript | None = None

    @property
    def own(self) -> tuple[Turn, ...]:
        """Our turns; none where nobody spoke, and none from anybody else."""
        return self.transcript.turns if self.transcript else ()

    @property
    def voices(self) -> list[tuple[str, str]]:
        """What each voice said, in order of turns."""
        return [(turn.speaker, turn.text) for turn in self.own]

    @property
    def roles(self) -> list[tuple[str, str]]:
        """What was said in each role, in order of turns."""
        return [(turn.role.value, turn.text) for turn in self.own]

    @property
    def roles_in_time(self) -> list[tuple[float, float, str]]:
        """(start, end, role) of each turn."""
        return [(turn.start, turn.end, turn.role.value) for turn in self.own]

    @property
    def turns(self) -> list[tuple[float, float, str]]:
        """(start, end, voice) of each turn; where two voices are marked to overlap, of both."""
        return self._with_overlaps([(turn.start, turn.end, turn.speaker) for turn in self.own])

    @property
    def runs(self) -> list[tuple[float, float, str]]:
        """The same without the pauses of half a second and more that a voice makes in a turn."""
        spans: list[tuple[float, float, str]] = []
        for turn in self.own:
            words = [(word.start, word.end) for word in turn.words] or [(turn.start, turn.end)]
            start, end = words[0]
            for begins, ends in words[1:]:
                if begins - end >= _RUN_PAUSE:
                    spans.append((start, end, turn.speaker))
                    start = begins
                end = max(end, ends)
            spans.append((start, end, turn.speaker))
        return self._with_overlaps(spans)

    def _with_overlaps(
        self, spans: list[tuple[float, float, str]]
    ) -> list[tuple[float, float, str]]:
        """The spans, and both voices wherever they are marked to overlap.

        Between more than two voices a mark does not say whose they are, and is left out.
        """
        names = list(dict.fromkeys(turn.speaker for turn in self.own))
        if self.transcript is not None and len(names) == 2:
            spans = spans + [
                (doubt.start, doubt.end, name)
                for doubt in self.transcript.warnings
                if doubt.code == _OVERLAP
                for name in names
            ]
        return spans


@dataclass(frozen=True)
class How:
    """What our pipeline is told beside the recording; the defaults leave everything to it."""

    speakers: int | None = None
    enrol: Path | None = None
    prints: bool = False


class Ear:
    """One recognizer, loaded and warm, in a process of its own that does nothing else."""

    def __init__(self, recognizer: Recognizer, model: str) -> None:
        """Loads the model; raises `ModelMissing` for an unknown one."""
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            self._pool.submit(_load, recognizer, model).result()
        except BaseException:
            self.close()
            raise

    def hear(self, audio: Path | bytes, how: How | None = None) -> Heard:
        """Transcribes a recording; raises what the pipeline refuses, but nothing for silence."""
        return self._pool.submit(_hear, audio, how or How()).result()

    def close(self) -> None:
        """Ends the process."""
        self._pool.shutdown()

    def __enter__(self) -> Ear:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def best(heard: list[Heard]) -> Heard:
    """The run that the machine's other work disturbed least, with the memory of the greediest."""
    quickest = min(heard, key=lambda one: one.seconds)
    megabytes = max(one.megabytes for one in heard)
    return Heard(quickest.seconds, megabytes, quickest.text, quickest.transcript)


def device() -> str:
    """What the recognizers run on: "CPU", or the graphics processor's name."""
    import ctranslate2

    if ctranslate2.get_cuda_device_count() == 0:
        return "CPU"
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        found = re.search(r"^Model:\s*(.+?)\s*$", file.read_text(), re.MULTILINE)
        if found:
            return found[1]
    return "GPU"


@contextmanager
def server(model: str, folder: Path) -> Iterator[str]:
    """The address of `python -m inference` on loopback, warm, for as long as it is needed.

    Raises `ModelMissing`, or `NotStarted` with the end of its log.
    """
    from inference.settings import Settings

    port = free_port()
    process = Process("speech-bench", folder)
    settings = Settings().with_model(model)
    process.start(
        "inference",
        extra={
            "SPEECH_HOST": LOOPBACK,
            "SPEECH_PORT": str(port),
            "SPEECH_MODEL_DIR": str(settings.model_dir.resolve()),
        },
    )
    try:
        process.await_answer(f"http://{LOOPBACK}:{port}/ping", _LOAD_SECONDS)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.stop()


def peak_megabytes() -> float:
    """This process's largest resident memory so far, in MB of 10**6 bytes.

    Linux counts it per program (`VmHWM`); `ru_maxrss`, used elsewhere, may be the starter's.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


# In the process of its own ------------------------------------------------------------------


Transcribe = Callable[[Path | bytes, How], tuple[str, Transcript | None]]
_loaded: list[Transcribe] = []


def _load(recognizer: Recognizer, model: str) -> None:
    from inference.settings import Settings

    settings = Settings().with_model(model)
    ours = recognizer is Recognizer.OURS
    _loaded.append(_ours(settings) if ours else _theirs(recognizer, settings.model_dir))


def _hear(audio: Path | bytes, how: How) -> Heard:
    began = time.perf_counter()
    text, transcript = _loaded[0](audio, how)
    return Heard(time.perf_counter() - began, peak_megabytes(), text, transcript)


def _ours(settings: Settings) -> Transcribe:
    from inference.pipeline import Pipeline

    pipeline = Pipeline(settings)
    pipeline.warm()

    def transcribe(audio: Path | bytes, how: How) -> tuple[str, Transcript | None]:
        try:
            found = pipeline.transcribe(
                audio, speakers=how.speakers, enrol=how.enrol, prints=how.prints
            )
        except NoSpeech:
            return "", None
        return " ".join(turn.text for turn in found.turns), found

    return transcribe


def _theirs(recognizer: Recognizer, folder: Path) -> Transcribe:
    import ctranslate2
    import numpy as np
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    on_gpu = ctranslate2.get_cuda_device_count() > 0
    whisper = WhisperModel(
        str(folder),
        device="cuda" if on_gpu else "cpu",
        compute_type="float16" if on_gpu else "int8",
        local_files_only=True,
    )
    batched = BatchedInferencePipeline(whisper) if recognizer is Recognizer.BATCHED else None

    def transcribe(audio: Path | bytes, how: How) -> tuple[str, Transcript | None]:
        source = io.BytesIO(audio) if isinstance(audio, bytes) else str(audio)
        if batched is not None:
            segments, _ = batched.transcribe(source, language="en", beam_size=5, batch_size=8)
        else:
            segments, _ = whisper.transcribe(
                source,
                language="en",
                beam_size=5,
                word_timestamps=recognizer is Recognizer.WORDS,
            )
        return " ".join(segment.text.strip() for segment in segments), None

    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.01
    list(whisper.transcribe(noise, language="en", beam_size=5)[0])
    return transcribe
