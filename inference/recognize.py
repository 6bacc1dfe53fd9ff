"""Decides which words were said: faster-whisper in batches of short windows, each one judged.

Whisper hears 30 s at a time, padded with silence. Here each window is heard at its own length, many
at once, and what comes back is judged: speech without words, loops, impossible rates and low
scores send that window, and no other, back: first with more around it, then in faster-whisper's
own careful way.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import (
    get_ctranslate2_storage,
    get_suppressed_tokens,
    merge_punctuations,
)

from countersign.errors import ModelMissing, SpeechFailed
from countersign.transcript import Doubt, Word
from inference.activity import Stretch
from inference.audio import RATE
from inference.judging import Heard, Judge, plain
from inference.windows import Window, batches, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.settings import Settings, SpeechPolicy

# Silence after a window's sound. Measured: with half of it, words at the end are lost.
_TAIL = 2.0
# A shorter input makes Whisper invent.
_SHORTEST = 3.0
# A window with a fault is heard once more with so much sound on either side and such a tail, before
# it is heard in faster-whisper's own way, which takes half as long again. Measured on six windows
# in which one person's turn was lost beneath another's: five came back.
_AROUND = 0.5
_LONG_TAIL = 11.0
# Tokens, and tokens for each second, that people say at most.
_TOKENS, _TOKEN_RATE = 24, 14.0
# Sound that is heard at once by one lane, seconds: more takes memory and saves no time.
_BATCH_SECONDS = {"cpu": 60.0, "cuda": 600.0}
# Every lane takes memory for a batch of its own.
_MOST_LANES = 4
# Sound on either side of a window that is heard in faster-whisper's own way.
_CONTEXT = 0.3
# Its messages at lower levels quote what was said.
logging.getLogger("faster_whisper").setLevel(logging.ERROR)

# Half of Whisper's context of 448 tokens holds the prompt; a part of it is the model's own marks.
PROMPT_BUDGET = 180
# The first words begin within a second, or the window is not begun where speech does.
_FIRST_TIMESTAMP = 50
# Frames of silence in which a last word may end, when words are aligned with the sound.
_ALIGNED_TAIL = 20
# As faster-whisper joins punctuation with words.
_BEFORE = "\"'“¿([{-"
_AFTER = "\"'.,!?:;)]}…”"

# Measured on the sample: an echo of the list had 0.002, the same drug when spoken 0.5 and more.
_ECHO_BELOW = 0.05

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Spoken:
    """What was recognized: words in order of time, none overlapping, and what is doubtful.

    A word's `text` keeps Whisper's leading space, which says where words are joined.
    """

    words: tuple[Word, ...]
    doubts: tuple[Doubt, ...]


# What one window was heard as, in the parts that the recognizer made of it.
Hearing = tuple[Heard, ...]


@dataclass(frozen=True)
class _Window:
    window: Window
    heard: Hearing
    certain: tuple[Stretch, ...]


class Recognizer:
    """One loaded Whisper model. Safe to call from several threads."""

    def __init__(self, settings: Settings, policy: SpeechPolicy) -> None:
        """Raises `ModelMissing` when the folder holds no model that can be loaded."""
        folder = settings.model_dir
        if not (folder / "model.bin").is_file():
            raise ModelMissing(f"{folder} holds no model")
        device = settings.device
        if device == "auto":
            device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
        compute = settings.compute_type
        if compute == "auto":
            compute = "float16" if device == "cuda" else "int8"
        # Lanes of one thread each do more than one lane of all threads: beams are small matrices.
        cores = settings.threads or len(os.sched_getaffinity(0))
        lanes = 1 if device == "cuda" else max(1, min(_MOST_LANES, cores))
        threads = max(1, cores // lanes)
        try:
            self._model = WhisperModel(
                str(folder),
                device=device,
                compute_type=compute,
                cpu_threads=threads,
                num_workers=lanes * settings.workers,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelMissing(f"{folder}: the model cannot be loaded on {device}") from error
        if settings.language != "en" and not self._model.model.is_multilingual:
            raise ModelMissing(f"{folder} knows English only")
        self._lanes = lanes
        self._pool = ThreadPoolExecutor(lanes * settings.workers, thread_name_prefix="lane")
        self._batch_seconds = _BATCH_SECONDS[device]
        self._tokenizer = Tokenizer(
            self._model.hf_tokenizer,
            self._model.model.is_multilingual,
            task="transcribe",
            language=settings.language,
        )
        self._suppressed = get_suppressed_tokens(self._tokenizer, [-1])
        self._beam = settings.beam
        self._guards = policy.guards
        self._judge = Judge(policy.guards)
        self.name = folder.name

    def tokens(self, text: str) -> int:
        """How many of the model's tokens `text` takes."""
        return len(self._model.hf_tokenizer.encode(text, add_special_tokens=False).ids)

    def warm(self) -> None:
        """Runs both ways of hearing once over noise, so that the first session does not wait."""
        noise = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32) * 0.01
        window = Window(0.0, 4.0)
        self._quick(noise, [window])
        self._careful(noise, window)

    def listen(
        self,
        samples: NDArray[np.float32],
        speech: Sequence[Stretch],
        certain: Sequence[Stretch],
        tell: Callable[[Sequence[Word]], str] = lambda words: "",
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Spoken:
        """The words within `speech` (seconds) of mono samples at 16 kHz.

        `certain` is the part of it that surely is speech: there, words are missed. `tell` says
        what the recognizer is to be told when it hears words again, "" if it need not. No window is
        conditioned on the text of another, so that an error does not spread. `cancelled` is asked
        before each piece of work and ends it all with `SpeechFailed`. The same recording gives the
        same words.
        """
        windows = cut(speech, samples)
        first = self._heard(samples, windows, cancelled)
        doubtful = [
            _Window(window, heard, _within(certain, window))
            for window, heard in zip(windows, first, strict=True)
        ]
        # Those that take longest begin first, and no lane waits for another at the end.
        order = sorted(
            range(len(windows)),
            key=lambda index: (
                not self._judge.faults(doubtful[index].heard, doubtful[index].certain)
            ),
        )
        again = self._in_lanes(
            lambda index: self._again(samples, doubtful[index], tell), order, cancelled
        )
        heard = dict(zip(order, again, strict=True))
        words: list[Word] = []
        doubts: list[Doubt] = []
        for index, window in enumerate(doubtful):
            surely = sum(part.end - part.start for part in window.certain)
            for part in heard[index]:
                kept, found = self._judge.guarded(part, surely)
                words += kept
                doubts += found
        return Spoken(in_order(words), tuple(doubts))

    # Hearing ----------------------------------------------------------------------------

    def _heard(
        self,
        samples: NDArray[np.float32],
        windows: Sequence[Window],
        cancelled: Callable[[], bool],
    ) -> list[Hearing]:
        """Each window the quick way, in batches."""
        runs = batches(windows, self._lanes, self._batch_seconds, _TAIL)
        done = self._in_lanes(
            lambda run: self._quick(samples, [windows[index] for index in run]), runs, cancelled
        )
        found: list[Hearing] = [()] * len(windows)
        for run, results in zip(runs, done, strict=True):
            for index, result in zip(run, results, strict=True):
                found[index] = (result,)
        return found

    def _again(
        self,
        samples: NDArray[np.float32],
        doubtful: _Window,
        tell: Callable[[Sequence[Word]], str],
    ) -> Hearing:
        """One window's best hearing: once more while it is faulty, then told what may be there."""
        judge, window, certain = self._judge, doubtful.window, doubtful.certain
        heard = doubtful.heard
        for way in (self._wider, self._careful):
            if judge.faults(heard, certain):
                heard = judge.better(heard, way(samples, window), certain)
        told = tell([word for part in heard for word in part.words])
        if told:
            other = tuple(self._quick(samples, [window], told))
            no_worse = set(judge.faults(other, certain)) <= set(judge.faults(heard, certain))
            if no_worse and not _echoes(other, told):
                heard = other
        return heard

    def _in_lanes(
        self, work: Callable[[_T], _R], items: Sequence[_T], cancelled: Callable[[], bool]
    ) -> list[_R]:
        def unless_given_up(item: _T) -> _R:
            if cancelled():
                raise SpeechFailed("the request was given up")
            return work(item)

        return list(self._pool.map(unless_given_up, items))

    def _quick(
        self,
        samples: NDArray[np.float32],
        windows: Sequence[Window],
        hotwords: str = "",
        tail: float = _TAIL,
    ) -> list[Heard]:
        """Windows of like length, heard at once, each at the length of the longest and `tail`."""
        model, tokenizer = self._model, self._tokenizer
        longest = max(window.seconds for window in windows)
        seconds = longest + tail
        frames = min(3000, round(max(_SHORTEST, seconds) * 100))
        features = []
        for window in windows:
            sound = window.samples(samples)
            padded = np.pad(sound, (0, max(0, frames * 160 - len(sound))))
            features.append(model.feature_extractor(padded, padding=0)[:, :frames])
        encoded = model.model.encode(get_ctranslate2_storage(np.stack(features)))
        prompt = model.get_prompt(
            tokenizer, [], without_timestamps=False, hotwords=hotwords or None
        )
        results = model.model.generate(
            encoded,
            [prompt] * len(windows),
            beam_size=self._beam,
            max_length=min(model.max_length, len(prompt) + _most_tokens(longest)),
            suppress_blank=True,
            suppress_tokens=self._suppressed,
            return_scores=True,
            return_no_speech_prob=True,
            max_initial_timestamp_index=_FIRST_TIMESTAMP,
        )
        said = [
            [token for token in result.sequences_ids[0] if token < tokenizer.eot]
            for result in results
        ]
        lengths = [min(frames, round(window.seconds * 100) + _ALIGNED_TAIL) for window in windows]
        aligned = model.find_alignment(tokenizer, said, encoded, lengths)
        found = []
        for window, result, tokens, words in zip(windows, results, said, aligned, strict=True):
            merge_punctuations(words, _BEFORE, _AFTER)
            count = len(result.sequences_ids[0])
            found.append(
                Heard(
                    words=_words(
                        ((w["start"], w["end"], w["word"], w["probability"]) for w in words),
                        window.start,
                    ),
                    text=tokenizer.decode(tokens).strip(),
                    log_probability=result.scores[0] * count / (count + 1),
                    no_speech=result.no_speech_prob,
                )
            )
        return found

    def _wider(self, samples: NDArray[np.float32], window: Window) -> Hearing:
        """One window with some of what is around it, and more silence after it."""
        around = Window(max(0.0, window.start - _AROUND), window.end + _AROUND)
        (heard,) = self._quick(samples, [around], tail=_LONG_TAIL)
        return (replace(heard, words=_inside(heard.words, window)),)

    def _careful(self, samples: NDArray[np.float32], window: Window) -> Hearing:
        """One window in faster-whisper's own way: padded to 30 s, timestamp by timestamp."""
        first = max(0, int((window.start - _CONTEXT) * RATE))
        segments, _ = self._model.transcribe(
            samples[first : int((window.end + _CONTEXT) * RATE)],
            language=self._tokenizer.language_code,
            beam_size=self._beam,
            # Bolder guesses draw at random; what is still wrong after this is shown as doubtful.
            temperature=0.0,
            condition_on_previous_text=False,
            max_new_tokens=_most_tokens(window.seconds + 2 * _CONTEXT),
            word_timestamps=True,
            no_speech_threshold=self._guards.no_speech_above,
            log_prob_threshold=self._guards.log_probability_below,
            compression_ratio_threshold=self._guards.compression_above,
            hallucination_silence_threshold=self._guards.silence_seconds,
        )
        return tuple(
            Heard(
                words=_inside(
                    _words(
                        ((w.start, w.end, w.word, w.probability) for w in segment.words or ()),
                        first / RATE,
                    ),
                    window,
                ),
                text=segment.text.strip(),
                log_probability=segment.avg_logprob,
                no_speech=segment.no_speech_prob,
            )
            for segment in segments
        )


def _words(found: Iterable[tuple[float, float, str, float]], offset: float) -> tuple[Word, ...]:
    return tuple(
        Word(
            start=max(0.0, offset + start),
            end=max(0.0, offset + start, offset + end),
            text=text,
            probability=min(1.0, max(0.0, float(probability))),
        )
        for start, end, text, probability in found
        if text.strip()
    )


def _inside(words: Iterable[Word], window: Window) -> tuple[Word, ...]:
    """Without a neighbour's words, heard in the context: they are the neighbour's."""
    return tuple(
        word for word in words if window.start <= (word.start + word.end) / 2 <= window.end
    )


def _within(stretches: Sequence[Stretch], window: Window) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(max(stretch.start, window.start), min(stretch.end, window.end))
        for stretch in stretches
        if stretch.start < window.end and window.start < stretch.end
    )


def _most_tokens(seconds: float) -> int:
    """How many tokens people say in that time: a loop that does not end would take many more."""
    return round(_TOKENS + seconds * _TOKEN_RATE)


def _echoes(heard: Hearing, told: str) -> bool:
    """Whether the recognizer repeats a word that it was told and that nobody has said."""
    known = plain(told).split()
    return any(
        word.probability < _ECHO_BELOW and plain(word.text) in known
        for part in heard
        for word in part.words
    )


def in_order(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words by time, each starting when the one before has ended, rounded to 10 ms."""
    ordered: list[Word] = []
    clock = 0.0
    for word in sorted(words, key=lambda word: (word.start, word.end)):
        start = round(max(clock, word.start), 2)
        clock = round(max(start, word.end), 2)
        ordered.append(word.model_copy(update={"start": start, "end": clock}))
    return tuple(ordered)
