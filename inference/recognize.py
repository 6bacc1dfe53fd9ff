"""Decides which words were said: faster-whisper on its careful path, guarded against invention."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment

from countersign.errors import ModelMissing, SpeechFailed
from countersign.transcript import Doubt, Word
from inference.activity import Stretch
from inference.audio import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.settings import Settings, SpeechPolicy

# A block is transcribed at once; features of five minutes take 10 MB, of two hours a gigabyte.
_BLOCK_SECONDS = 300.0
# Around a stretch of speech, so that a soft first or last sound is not cut off.
_MARGIN = 0.4
# Its messages at lower levels quote what was said.
logging.getLogger("faster_whisper").setLevel(logging.ERROR)

# Half of Whisper's context of 448 tokens holds the prompt; a part of it is the model's own marks.
PROMPT_BUDGET = 180
# From the best guess to bolder ones, when the guards say that the text is a loop or a guess.
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6)

LOOP = "repetition"
PHANTOM = "phantom_removed"
UNLIKELY_RATE = "unlikely_rate"
UNSURE = "low_confidence"

# A person who does say such a phrase is heard with confidence.
_PHANTOM_BELOW = 0.7

# Measured on the sample: an echo of the list had 0.002, the same drug when spoken 0.5 and more.
_ECHO_BELOW = 0.05

# "Electroencephalographically" has 27 letters.
_LONGEST_WORD = 40

_LETTERS = re.compile(r"[^\w' ]+")


@dataclass(frozen=True)
class Spoken:
    """What was recognized: words in order of time, none overlapping, and what is doubtful.

    A word's `text` keeps Whisper's leading space, which says where words are joined.
    """

    words: tuple[Word, ...]
    doubts: tuple[Doubt, ...]

    def completed(self, again: Spoken, missed: Sequence[Stretch]) -> Spoken:
        """With the words that a second hearing found within `missed`, and its doubts."""

        def within(start: float, end: float) -> bool:
            middle = (start + end) / 2
            return any(gap.start <= middle <= gap.end for gap in missed)

        found = [word for word in again.words if within(word.start, word.end)]
        return Spoken(in_order((*self.words, *found)), (*self.doubts, *again.doubts))


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
        try:
            self._model = WhisperModel(
                str(folder),
                device=device,
                compute_type=compute,
                cpu_threads=settings.threads,
                num_workers=settings.workers,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelMissing(f"{folder}: the model cannot be loaded on {device}") from error
        if settings.language != "en" and not self._model.model.is_multilingual:
            raise ModelMissing(f"{folder} knows English only")
        self._language = settings.language
        self._beam = settings.beam
        self._policy = policy
        self.name = folder.name

    def tokens(self, text: str) -> int:
        """How many of the model's tokens `text` takes."""
        return len(self._model.hf_tokenizer.encode(text, add_special_tokens=False).ids)

    def warm(self) -> None:
        """Runs the model once over a second of noise, so that the first session does not wait."""
        noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.01
        segments, _ = self._model.transcribe(noise, language=self._language, beam_size=self._beam)
        for _segment in segments:
            continue

    def listen(
        self,
        samples: NDArray[np.float32],
        speech: Sequence[Stretch],
        hotwords: str = "",
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Spoken:
        """The words within `speech` (seconds) of mono samples at 16 kHz.

        Only stretches of speech reach the model; no window is conditioned on the text before it,
        so that an error does not spread. `cancelled` is asked between segments and ends the work
        with `SpeechFailed`.
        """
        # Fallback decoding draws at random: the same recording gives the same words.
        ctranslate2.set_random_seed(0)
        told = frozenset(_plain(hotwords).split())
        words: list[Word] = []
        doubts: list[Doubt] = []
        for block in blocks(speech, samples):
            first = max(0, int((block[0].start - _MARGIN) * RATE))
            last = min(len(samples), int((block[-1].end + _MARGIN) * RATE))
            offset = first / RATE
            segments, _ = self._model.transcribe(
                samples[first:last],
                language=self._language,
                beam_size=self._beam,
                temperature=list(_TEMPERATURES),
                condition_on_previous_text=False,
                word_timestamps=True,
                hotwords=hotwords or None,
                no_speech_threshold=self._policy.guards.no_speech_above,
                log_prob_threshold=self._policy.guards.log_probability_below,
                compression_ratio_threshold=self._policy.guards.compression_above,
                hallucination_silence_threshold=self._policy.guards.silence_seconds,
                vad_filter=True,
                vad_parameters={
                    "threshold": self._policy.activity.speech_above,
                    "neg_threshold": self._policy.activity.silence_below,
                    "speech_pad_ms": round(_MARGIN * 1000),
                },
            )
            for segment in segments:
                if cancelled():
                    raise SpeechFailed("the request was given up")
                kept, doubtful = self._guard(segment, offset, told)
                words += kept
                doubts += doubtful
        return Spoken(in_order(words), tuple(doubts))

    def _guard(
        self, segment: Segment, offset: float, told: frozenset[str]
    ) -> tuple[list[Word], list[Doubt]]:
        """The segment's words without what was invented, and what is doubtful about them."""
        guards = self._policy.guards
        words = [
            Word(
                start=max(0.0, offset + word.start),
                end=max(0.0, offset + word.start, offset + word.end),
                text=word.word,
                probability=min(1.0, max(0.0, word.probability)),
            )
            for word in segment.words or ()
            if word.word.strip()
        ]
        if not words:
            return [], []
        start, end = words[0].start, words[-1].end

        def doubt(code: str) -> Doubt:
            return Doubt(code=code, start=round(start, 2), end=round(max(start, end), 2))

        unsure = segment.avg_logprob < guards.log_probability_below
        likely = float(np.mean([word.probability for word in words]))
        if _plain(segment.text) in guards.phantoms and (unsure or likely < _PHANTOM_BELOW):
            return [], [doubt(PHANTOM)]
        doubts = []
        heard = [word for word in words if not _is_echo(word, told)]
        if len(heard) < len(words):
            doubts.append(doubt(PHANTOM))
        once = unloop(heard)
        if len(once) < len(heard) or segment.compression_ratio > guards.compression_above:
            doubts.append(doubt(LOOP))
        if len(once) > 2 and len(once) > guards.words_per_second_above * (end - start):
            doubts.append(doubt(UNLIKELY_RATE))
        if unsure:
            doubts.append(doubt(UNSURE))
        return once, doubts


def _is_echo(word: Word, told: frozenset[str]) -> bool:
    """Whether the recognizer repeats a word that it was told and that nobody has said."""
    return word.probability < _ECHO_BELOW and _plain(word.text) in told


def blocks(speech: Sequence[Stretch], samples: NDArray[np.float32]) -> list[list[Stretch]]:
    """`speech` in runs of at most five minutes, cut where the pauses are.

    A stretch that is longer, as a noisy room can make it, is cut at its quietest moment.
    """
    runs: list[list[Stretch]] = []
    waiting = list(reversed(speech))
    while waiting:
        stretch = waiting.pop()
        if stretch.end - stretch.start > _BLOCK_SECONDS:
            cut = _quietest(samples, stretch.start + _BLOCK_SECONDS)
            waiting.append(Stretch(cut, stretch.end))
            stretch = Stretch(stretch.start, cut)
        if runs and stretch.end - runs[-1][0].start <= _BLOCK_SECONDS:
            runs[-1].append(stretch)
        else:
            runs.append([stretch])
    return runs


def _quietest(samples: NDArray[np.float32], before: float) -> float:
    """The middle of the quietest fifth of a second in the 20 s before a time, in seconds."""
    first = int((before - 20) * RATE)
    size = RATE // 5
    frames = samples[first : first + 20 * RATE]
    frames = frames[: len(frames) // size * size].reshape(-1, size)
    return (first + (int(np.square(frames).mean(axis=1).argmin()) + 0.5) * size) / RATE


def unloop(words: Sequence[Word]) -> list[Word]:
    """The words with a run of one repeated phrase cut down to two of it.

    A loop is a phrase of up to eight words, said four times or more and eight words or more in
    all: people do say "no, no, no, no". A "word" longer than any is a loop within one, and goes.
    """
    words = [word for word in words if len(word.text) <= _LONGEST_WORD]
    kept: list[Word] = []
    plain = [_plain(word.text) for word in words]
    index = 0
    while index < len(words):
        length, times = _repeated(plain, index)
        if times:
            kept += words[index : index + 2 * length]
            index += length * times
        else:
            kept.append(words[index])
            index += 1
    return kept


def _repeated(plain: Sequence[str], start: int) -> tuple[int, int]:
    """The length and the count of the loop that starts there; (0, 0) when none does."""
    for length in range(1, 9):
        phrase = plain[start : start + length]
        times = 1
        while plain[start + times * length : start + (times + 1) * length] == phrase:
            times += 1
        if times >= 4 and times * length >= 8:
            return length, times
    return 0, 0


def in_order(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words by time, each starting when the one before has ended, rounded to 10 ms."""
    ordered: list[Word] = []
    clock = 0.0
    for word in sorted(words, key=lambda word: (word.start, word.end)):
        start = round(max(clock, word.start), 2)
        clock = round(max(start, word.end), 2)
        ordered.append(word.model_copy(update={"start": start, "end": clock}))
    return tuple(ordered)


def _plain(text: str) -> str:
    return " ".join(_LETTERS.sub(" ", text.casefold()).split())
