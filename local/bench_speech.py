"""Decides how the speech room stands beside faster-whisper on one recording, in one run."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx

from countersign.errors import FileMissing, SpeechFailed
from countersign.transcript import read_transcript
from local.arrival import in_segments
from local.recognizers import Ear, Heard, Recognizer, best, device, server
from local.recordings import Session, read_session, repeated, write_wav
from local.scores import Row, rightly_attributed, speaker_word_error_rate

SAMPLE = Path(__file__).resolve().parent / "sample"
_ROUNDS = 2
_REQUESTS = 5
_LONG_SECONDS = 1800.0
_OTHERS = (Recognizer.PLAIN, Recognizer.WORDS, Recognizer.BATCHED)
_SHORT = {
    Recognizer.PLAIN: "plain",
    Recognizer.WORDS: "plain with word times",
    Recognizer.BATCHED: "batched",
}


def speech(model: str, long: bool = False, folder: Path = SAMPLE) -> Iterator[Row]:
    """Every row on the sample session; with `long` those on half an hour of it too.

    Raises `FileMissing`, `NotJson`, `ModelMissing` and whatever the pipeline refuses.
    """
    audio = folder / "session.flac"
    if not audio.is_file():
        raise FileMissing(f"there is no file {audio}")
    session = read_session(audio, folder / "reference.json")
    name = f"speech ({model}, {device()})"
    heard = side_by_side(audio, model, (Recognizer.OURS, *_OTHERS))
    ours = heard[Recognizer.OURS]
    for other in _OTHERS:
        yield from compared(name, session, ours, heard[other], other)
    yield from attributed(name, session, ours)
    with tempfile.TemporaryDirectory() as folder_name:
        scratch = Path(folder_name)
        with Ear(Recognizer.OURS, model) as ear:
            yield from in_segments(name, session, ours, ear)
            yield from over_http(name, audio, model, ear, scratch)
        if long:
            yield from at_length(name, model, session, scratch)


def side_by_side(
    audio: Path, model: str, recognizers: Sequence[Recognizer], rounds: int = _ROUNDS
) -> dict[Recognizer, Heard]:
    """The best of several rounds, in each of which every recognizer hears the recording once.

    Taking turns spreads what else the machine does over all of them.
    """
    runs: dict[Recognizer, list[Heard]] = {recognizer: [] for recognizer in recognizers}
    with ExitStack() as stack:
        ears = {one: stack.enter_context(Ear(one, model)) for one in recognizers}
        for _ in range(rounds):
            for recognizer, ear in ears.items():
                runs[recognizer].append(ear.hear(audio))
    return {recognizer: best(heard) for recognizer, heard in runs.items()}


def compared(
    name: str, session: Session, ours: Heard, other: Heard, beside: Recognizer
) -> list[Row]:
    """The rows on one recording that another recognizer can be compared in."""
    rate, theirs = session.word_error_rate(ours.text), session.word_error_rate(other.text)
    pairs = (
        ("time", "s", ours.seconds, other.seconds),
        ("word error rate", "%", rate, theirs),
        ("peak memory", "MB", ours.megabytes, other.megabytes),
    )
    return [
        Row(f"{name}: {what} vs {_SHORT[beside]}", mine, unit, theirs, beside.value, True)
        for what, unit, mine, theirs in pairs
    ]


def attributed(name: str, session: Session, ours: Heard) -> list[Row]:
    """The rows on who said it; faster-whisper alone knows no speakers, so they stand alone."""
    voices = speaker_word_error_rate(session.said, ours.voices)
    roles = rightly_attributed(session.said, ours.roles)
    return [
        Row(f"{name}: word error rate by speaker (cpWER)", 100 * voices, "%", lower_is_better=True),
        Row(f"{name}: words under the right role", 100 * roles, "%"),
    ]


# The server, and a long session --------------------------------------------------------------


def over_http(name: str, audio: Path, model: str, ear: Ear, scratch: Path) -> list[Row]:
    """What a request costs beyond the pipeline's own work; medians of requests in alternation.

    The first row's two numbers are from two processes; the second's from the same call, where
    the transcript says how long the pipeline itself took, so that no other noise is in it.
    """
    body = audio.read_bytes()
    posted, bare, beyond = [], [], []
    with (
        server(model, scratch) as address,
        httpx.Client(trust_env=False, timeout=3600, base_url=address) as client,
    ):
        for _ in range(_REQUESTS):
            began = time.perf_counter()
            answer = client.post("/invocations", content=body)
            seconds = time.perf_counter() - began
            if answer.status_code != 200:
                raise SpeechFailed(f"the server answered {answer.status_code}")
            own = read_transcript(answer.content).compute_seconds
            posted.append(seconds)
            beyond.append(100 * (seconds - own) / own)
            bare.append(ear.hear(body).seconds)
    return [
        Row(
            f"{name}: a request to the server",
            statistics.median(posted),
            "s",
            statistics.median(bare),
            "the pipeline called directly",
            True,
        ),
        Row(
            f"{name}: of a request, beyond the pipeline's own time in it",
            statistics.median(beyond),
            "%",
            lower_is_better=True,
        ),
    ]


def at_length(name: str, model: str, session: Session, scratch: Path) -> Iterator[Row]:
    """The rows on half an hour of the sample, heard once by us and once by plain transcription."""
    long = repeated(session, _LONG_SECONDS)
    audio = write_wav(long.channels, scratch / "long.wav")
    heard = side_by_side(audio, model, (Recognizer.OURS, Recognizer.PLAIN), rounds=1)
    ours = heard[Recognizer.OURS]
    title = f"{name}, {long.seconds / 60:.0f} minutes"
    yield from compared(title, long, ours, heard[Recognizer.PLAIN], Recognizer.PLAIN)
    with Ear(Recognizer.OURS, model) as ear:
        yield from in_segments(title, long, ours, ear)
