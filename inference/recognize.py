"""Decides which words were said: faster-whisper in batches of short windows, each one judged.

Whisper hears 30 s at a time, padded with silence. Here each window is heard at its own length, many
at once, and what comes back is judged: speech without words, loops, impossible rates and low
scores send that window, and no other, to faster-whisper's own careful way.
"""

from __future__ import annotations

import logging
import os
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from inference.windows import Window, batches, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.settings import Settings, SpeechPolicy

# Silence after a window's sound. Measured: with half of it, words at the end are lost.
_TAIL = 2.0
# A shorter input makes Whisper invent.
_SHORTEST = 3.0
# Sound that is heard at once by one lane, seconds: more takes memory and saves no time.
_BATCH_SECONDS = {"cpu": 60.0, "cuda": 600.0}
_MOST_LANES = 4
# Sound around a window that is heard a second time.
_CONTEXT = 0.3
# Certain speech of this length without a word, seconds, sends its window back.
_WORTH_ANOTHER_EAR = 0.7
# So does a stretch of its own, as short as a "yes", that no word touches.
_SHORTEST_ANSWER = 0.35
# English has 10 to 16 letters in a second of speech; so few in all of a window's are a loss.
_LETTERS_PER_SECOND = 4.5
# The longest that a word may be taken to last: this, this for each letter, this for each that is
# spelled out, seconds.
_WORD_SECONDS = 0.25
_LETTER_SECONDS = 0.08
_SPELLED_SECONDS = 0.3
# Two gaps with no more than a word between them are one of this length in all. Measured on six
# sessions: where nothing was lost, two pauses for breath come to 1.0 s.
_BESIDE = 0.8
_SHARED = 1.1
# Beside a gap of this length, a word that is less probable was guessed over it.
_GUESSED_OVER = 0.5
_GUESSED = 0.5
# Below this much certain speech, what an unsure recognizer writes was not said, seconds.
_HARDLY_SPEECH = 0.2

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

UNHEARD = "unheard_speech"
LOOP = "repetition"
PHANTOM = "phantom_removed"
UNLIKELY_RATE = "unlikely_rate"
UNSURE = "low_confidence"

# A person who does say such a phrase is heard with confidence.
_PHANTOM_BELOW = 0.7

# Measured on the sample: an echo of the list had 0.002, the same drug when spoken 0.5 and more.
_ECHO_BELOW = 0.05

# The rate of speech is judged over this many words, too, and a repetition from this many on.
_RUN = 10
_PHRASE = 5
# People say "no, no, no"; that a recognizer which doubts that it hears speech writes it so often:
_BABBLE = 4

# "Electroencephalographically" has 27 letters.
_LONGEST_WORD = 40

_T = TypeVar("_T")
_R = TypeVar("_R")

_LETTERS = re.compile(r"[^\w' ]+")


@dataclass(frozen=True)
class Spoken:
    """What was recognized: words in order of time, none overlapping, and what is doubtful.

    A word's `text` keeps Whisper's leading space, which says where words are joined.
    """

    words: tuple[Word, ...]
    doubts: tuple[Doubt, ...]
    windows: tuple[Window, ...] = ()
    hearings: tuple[tuple[Heard, ...], ...] = ()

    def within(self, window: Window) -> list[Word]:
        """The words of one window."""
        return [
            word for word in self.words if window.start <= (word.start + word.end) / 2 < window.end
        ]


@dataclass(frozen=True)
class Heard:
    """What one window, or a part of it, was heard as: `words` at times of the session."""

    words: tuple[Word, ...]
    text: str
    # Of all tokens, the mean; what the recognizer itself thinks of it.
    log_probability: float
    no_speech: float

    @property
    def compression(self) -> float:
        """How much shorter the text becomes when it is compressed: a loop by much."""
        raw = self.text.encode()
        return len(raw) / len(zlib.compress(raw)) if raw else 0.0


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
        self._policy = policy
        self.name = folder.name

    def tokens(self, text: str) -> int:
        """How many of the model's tokens `text` takes."""
        return len(self._model.hf_tokenizer.encode(text, add_special_tokens=False).ids)

    def warm(self) -> None:
        """Runs both ways of hearing once over noise, so that the first session does not wait."""
        noise = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32) * 0.01
        window = Window(0.0, 4.0)
        self._quick(noise, [window], "")
        self._careful(noise, window)

    def listen(
        self,
        samples: NDArray[np.float32],
        speech: Sequence[Stretch],
        certain: Sequence[Stretch],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Spoken:
        """The words within `speech` (seconds) of mono samples at 16 kHz.

        `certain` is the part of it that surely is speech: there, words are missed. No window is
        conditioned on the text of another, so that an error does not spread. `cancelled` is asked
        between batches and ends the work with `SpeechFailed`. The same recording gives the same
        words.
        """
        windows = cut(speech, samples)
        heard = self._heard(samples, windows, "", cancelled)
        doubtful = [
            index
            for index, window in enumerate(windows)
            if self._faults(heard[index], _within(certain, window))
        ]
        again = self._in_lanes(
            lambda index: self._careful(samples, windows[index]), doubtful, cancelled
        )
        for index, other in zip(doubtful, again, strict=True):
            heard[index] = self._better(heard[index], other, _within(certain, windows[index]))
        return self._guarded(windows, heard, certain, frozenset())

    def listen_for(
        self,
        samples: NDArray[np.float32],
        spoken: Spoken,
        told: Mapping[int, str],
        certain: Sequence[Stretch],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Spoken:
        """What was heard, with some windows heard once more for words that may be there.

        `told` has the indices of these windows, each with what to tell the recognizer for it. A
        window's new text is taken unless something is wrong with it that was not wrong before.
        """
        hearings = list(spoken.hearings)
        groups: dict[str, list[int]] = {}
        for index, words in told.items():
            groups.setdefault(words, []).append(index)
        for words, indices in groups.items():
            windows = [spoken.windows[index] for index in indices]
            again = self._heard(samples, windows, words, cancelled)
            for index, other in zip(indices, again, strict=True):
                inside = _within(certain, spoken.windows[index])
                if set(self._faults(other, inside)) <= set(self._faults(hearings[index], inside)):
                    hearings[index] = other
        known = frozenset(_plain(" ".join(told.values())).split())
        return self._guarded(spoken.windows, hearings, certain, known)

    # Hearing ----------------------------------------------------------------------------

    def _heard(
        self,
        samples: NDArray[np.float32],
        windows: Sequence[Window],
        hotwords: str,
        cancelled: Callable[[], bool],
    ) -> list[tuple[Heard, ...]]:
        """Each window the quick way, in batches."""
        runs = batches(windows, self._lanes, self._batch_seconds, _TAIL)
        done = self._in_lanes(
            lambda run: self._quick(samples, [windows[index] for index in run], hotwords),
            runs,
            cancelled,
        )
        found: list[tuple[Heard, ...]] = [()] * len(windows)
        for run, results in zip(runs, done, strict=True):
            for index, result in zip(run, results, strict=True):
                found[index] = (result,)
        return found

    def _in_lanes(
        self, work: Callable[[_T], _R], items: Sequence[_T], cancelled: Callable[[], bool]
    ) -> list[_R]:
        def unless_given_up(item: _T) -> _R:
            if cancelled():
                raise SpeechFailed("the request was given up")
            return work(item)

        return list(self._pool.map(unless_given_up, items))

    def _quick(
        self, samples: NDArray[np.float32], windows: Sequence[Window], hotwords: str
    ) -> list[Heard]:
        """Windows of like length, heard at once, each at the length of the longest."""
        model, tokenizer = self._model, self._tokenizer
        seconds = max(window.seconds for window in windows) + _TAIL
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
            max_length=model.max_length,
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

    def _careful(self, samples: NDArray[np.float32], window: Window) -> tuple[Heard, ...]:
        """One window in faster-whisper's own way: padded to 30 s, timestamp by timestamp."""
        first = max(0, int((window.start - _CONTEXT) * RATE))
        segments, _ = self._model.transcribe(
            samples[first : int((window.end + _CONTEXT) * RATE)],
            language=self._tokenizer.language_code,
            beam_size=self._beam,
            # Bolder guesses draw at random; what is still wrong after this is shown as doubtful.
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            no_speech_threshold=self._policy.guards.no_speech_above,
            log_prob_threshold=self._policy.guards.log_probability_below,
            compression_ratio_threshold=self._policy.guards.compression_above,
            hallucination_silence_threshold=self._policy.guards.silence_seconds,
        )
        # A neighbour's last word, heard in the context, is the neighbour's.
        return tuple(
            Heard(
                words=tuple(
                    word
                    for word in _words(
                        ((w.start, w.end, w.word, w.probability) for w in segment.words or ()),
                        first / RATE,
                    )
                    if window.start <= (word.start + word.end) / 2 <= window.end
                ),
                text=segment.text.strip(),
                log_probability=segment.avg_logprob,
                no_speech=segment.no_speech_prob,
            )
            for segment in segments
        )

    # Judging ----------------------------------------------------------------------------

    def _faults(self, heard: Sequence[Heard], certain: Sequence[Stretch]) -> list[str]:
        """What is wrong with a window as it was heard, `certain` being the sure speech in it."""
        guards = self._policy.guards
        words = [word for part in heard for word in part.words]
        surely = sum(part.end - part.start for part in certain)
        found = []
        if (
            any(part.compression > guards.compression_above for part in heard)
            or len(unloop(words)) < len(words)
            or _said_twice(words)
        ):
            found.append(LOOP)
        if _too_fast(words, guards.words_per_second_above):
            found.append(UNLIKELY_RATE)
        if any(part.log_probability < guards.log_probability_below for part in heard):
            found.append(UNSURE)
        letters = sum(len(_plain(word.text)) for word in words)
        sparse = surely >= _WORTH_ANOTHER_EAR and letters < _LETTERS_PER_SECOND * surely
        if sparse or _lost(certain, words):
            found.append(UNHEARD)
        return found

    def _better(
        self, one: tuple[Heard, ...], other: tuple[Heard, ...], certain: Sequence[Stretch]
    ) -> tuple[Heard, ...]:
        """Of two hearings the one with less wrong; the first, when that does not decide."""

        def loss(heard: tuple[Heard, ...]) -> tuple[bool, float, float]:
            faults = self._faults(heard, certain)
            gaps = _lost(certain, [word for part in heard for word in part.words])
            likely = min((part.log_probability for part in heard), default=-9.0)
            return (
                LOOP in faults or UNLIKELY_RATE in faults,
                round(sum(gap.end - gap.start for gap in gaps), 1),
                -round(likely, 1),
            )

        return other if loss(other) < loss(one) else one

    def _guarded(
        self,
        windows: Sequence[Window],
        heard: Sequence[tuple[Heard, ...]],
        certain: Sequence[Stretch],
        told: frozenset[str],
    ) -> Spoken:
        words: list[Word] = []
        doubts: list[Doubt] = []
        for window, parts in zip(windows, heard, strict=True):
            surely = sum(s.end - s.start for s in _within(certain, window))
            for part in parts:
                kept, doubtful = self._guard(part, surely, told)
                words += kept
                doubts += doubtful
        return Spoken(in_order(words), tuple(doubts), tuple(windows), tuple(heard))

    def _guard(
        self, heard: Heard, surely: float, told: frozenset[str]
    ) -> tuple[list[Word], list[Doubt]]:
        """The words without what was invented, and what is doubtful about them."""
        guards = self._policy.guards
        words = list(heard.words)
        if not words:
            return [], []
        start, end = words[0].start, words[-1].end

        def doubt(code: str) -> Doubt:
            return Doubt(code=code, start=round(start, 2), end=round(max(start, end), 2))

        unsure = heard.log_probability < guards.log_probability_below
        likely = float(np.mean([word.probability for word in words]))
        if heard.no_speech > guards.no_speech_above:
            # A sob or a laugh is sound that the detector takes for speech, and words it is not.
            if unsure:
                return [], []
            if (
                heard.log_probability < guards.no_speech_log_probability_below
                or surely < _HARDLY_SPEECH
                or heard.compression > guards.compression_above
                or _is_babble(heard.text)
            ):
                return [], [doubt(PHANTOM)]
        if _plain(heard.text) in guards.phantoms and (unsure or likely < _PHANTOM_BELOW):
            return [], [doubt(PHANTOM)]
        if surely < _HARDLY_SPEECH and likely < guards.turn_probability_below:
            return [], [doubt(PHANTOM)]
        doubts = []
        said = [word for word in words if not _is_echo(word, told)]
        if len(said) < len(words):
            doubts.append(doubt(PHANTOM))
        once = unloop(said)
        if len(once) < len(said) or heard.compression > guards.compression_above:
            doubts.append(doubt(LOOP))
        if _too_fast(once, guards.words_per_second_above):
            doubts.append(doubt(UNLIKELY_RATE))
        if unsure:
            doubts.append(doubt(UNSURE))
        return once, doubts


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


def _within(stretches: Sequence[Stretch], window: Window) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(max(stretch.start, window.start), min(stretch.end, window.end))
        for stretch in stretches
        if stretch.start < window.end and window.start < stretch.end
    )


def _shortest(word: Word) -> Word:
    """The word without what it cannot have lasted: alignment stretches words over gaps."""
    text = word.text.strip()
    spelled = max(0, sum(sign.isdigit() or sign.isupper() for sign in text) - 1)
    most = _WORD_SECONDS + _LETTER_SECONDS * len(text) + _SPELLED_SECONDS * spelled
    return word.model_copy(update={"end": min(word.end, word.start + most)})


def _lost(certain: Sequence[Stretch], words: Sequence[Word]) -> tuple[Stretch, ...]:
    """The parts of certain speech in which words are missing, however alignment placed them."""
    least = [_shortest(word) for word in words]
    gaps = unheard(certain, least, _SHORTEST_ANSWER)
    found = []
    for before, gap, after in zip((None, *gaps), gaps, (*gaps[1:], None), strict=False):
        length = gap.end - gap.start
        # What was lost between two words is shared out between them.
        shared = any(
            max(gap.start - other.end, other.start - gap.end) < _BESIDE
            and length + other.end - other.start >= _SHARED
            for other in (before, after)
            if other is not None
        )
        guessed = length >= _GUESSED_OVER and any(
            word.probability < _GUESSED and word.start < gap.end and gap.start <= word.end
            for word in words
        )
        if length >= _WORTH_ANOTHER_EAR or gap in certain or shared or guessed:
            found.append(gap)
    return tuple(found)


def _too_fast(words: Sequence[Word], most: float) -> bool:
    """Whether the words, or some run of them, come faster than `most` in a second."""
    runs = [words, *(words[first : first + _RUN] for first in range(len(words) - _RUN + 1))]
    return any(len(run) > 2 and len(run) > most * (run[-1].end - run[0].start) for run in runs)


def _said_twice(words: Sequence[Word]) -> bool:
    """Whether a phrase of some length follows itself: a loop that ended in time, or a plea."""
    plain = [_plain(word.text) for word in words]
    return any(
        plain[first : first + length] == plain[first + length : first + 2 * length]
        for length in range(_PHRASE, len(plain) // 2 + 1)
        for first in range(len(plain) - 2 * length + 1)
    )


def unheard(certain: Sequence[Stretch], words: Sequence[Word], least: float) -> tuple[Stretch, ...]:
    """The parts of certain speech, `least` seconds or longer, during which there is no word."""
    gaps = []
    for stretch in certain:
        clock = stretch.start
        inside = [w for w in words if w.end > stretch.start and w.start < stretch.end]
        for start, end in (*((w.start, w.end) for w in inside), (stretch.end, stretch.end)):
            if start - clock >= least:
                gaps.append(Stretch(clock, start))
            clock = max(clock, end)
    return tuple(gaps)


def _is_babble(text: str) -> bool:
    """Whether it is one syllable or two, over and over, as laughter is written."""
    syllables = _plain(text.replace("-", " ")).split()
    return len(syllables) >= _BABBLE and len(set(syllables)) <= 2


def _is_echo(word: Word, told: frozenset[str]) -> bool:
    """Whether the recognizer repeats a word that it was told and that nobody has said."""
    return word.probability < _ECHO_BELOW and _plain(word.text) in told


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
