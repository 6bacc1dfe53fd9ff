"""Decides what is wrong with words that were recognized, and what among them nobody said."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from countersign.transcript import Doubt, Word
from inference.activity import Stretch

if TYPE_CHECKING:
    from inference.settings import Guards

UNHEARD = "unheard_speech"
LOOP = "repetition"
PHANTOM = "phantom_removed"
UNLIKELY_RATE = "unlikely_rate"
UNSURE = "low_confidence"

# Certain speech of this length without a word, seconds, sends its window back.
_WORTH_ANOTHER_EAR = 0.7
# So does a stretch of its own, as short as a "yes", that no word touches.
_SHORTEST_ANSWER = 0.35
# English has 10 to 16 letters in a second of speech; so few in all of a window's, if there are so
# many seconds of it, are a loss. Measured on 174 windows: where a turn was lost, 6.4 to 9.3, else
# 8.7 and more.
_LETTERS_PER_SECOND = 7.0
_ENOUGH_SPEECH = 3.0
# "One" to "nine" have 3.9 on average.
_LETTERS_OF_A_DIGIT = 4
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

# A person who does say such a phrase is heard with confidence.
_PHANTOM_BELOW = 0.7
# A phrase of so many words that follows itself is heard once more.
_PHRASE = 5
# People say "no, no, no"; that a recognizer which doubts that it hears speech writes it so often:
_BABBLE = 4
# "Electroencephalographically" has 27 letters.
_LONGEST_WORD = 40

_LETTERS = re.compile(r"[^\w' ]+")


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


class Judge:
    """What policies/speech.toml says about doubtful words, applied to them."""

    def __init__(self, guards: Guards) -> None:
        self._guards = guards

    def faults(self, heard: Sequence[Heard], certain: Sequence[Stretch]) -> list[str]:
        """What is wrong with a window as it was heard, `certain` being the sure speech in it."""
        guards = self._guards
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
        letters = sum(_letters(word) for word in words)
        sparse = surely >= _ENOUGH_SPEECH and letters < _LETTERS_PER_SECOND * surely
        if sparse or _lost(certain, words):
            found.append(UNHEARD)
        return found

    def better(
        self, one: tuple[Heard, ...], other: tuple[Heard, ...], certain: Sequence[Stretch]
    ) -> tuple[Heard, ...]:
        """Of two hearings the one with less wrong; the first, when that does not decide."""

        def loss(heard: tuple[Heard, ...]) -> tuple[bool, float, float]:
            faults = self.faults(heard, certain)
            gaps = _lost(certain, [word for part in heard for word in part.words])
            likely = min((part.log_probability for part in heard), default=-9.0)
            return (
                LOOP in faults or UNLIKELY_RATE in faults,
                round(sum(gap.end - gap.start for gap in gaps), 1),
                -round(likely, 1),
            )

        return other if loss(other) < loss(one) else one

    def guarded(self, heard: Heard, surely: float) -> tuple[list[Word], list[Doubt]]:
        """The words without what was invented, and what is doubtful about them.

        `surely` is how many seconds of its window are certain to be speech.
        """
        guards = self._guards
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
                return [], [doubt(PHANTOM)] if surely >= _HARDLY_SPEECH else []
            if (
                heard.log_probability < guards.no_speech_log_probability_below
                or surely < _HARDLY_SPEECH
                or heard.compression > guards.compression_above
                or _is_babble(heard.text)
            ):
                return [], [doubt(PHANTOM)]
        if plain(heard.text) in guards.phantoms and (unsure or likely < _PHANTOM_BELOW):
            return [], [doubt(PHANTOM)]
        if surely < _HARDLY_SPEECH and likely < guards.turn_probability_below:
            return [], [doubt(PHANTOM)]
        doubts = []
        once = unloop(words)
        if (
            len(once) < len(words)
            or heard.compression > guards.compression_above
            or _said_twice(once)
        ):
            doubts.append(doubt(LOOP))
        if _too_fast(once, guards.words_per_second_above):
            doubts.append(doubt(UNLIKELY_RATE))
        if unsure:
            doubts.append(doubt(UNSURE))
        return once, doubts


def _letters(word: Word) -> int:
    """How many letters the word has when it is written out."""
    signs = [sign for sign in word.text if sign.isalnum()]
    return len(signs) + (_LETTERS_OF_A_DIGIT - 1) * sum(sign.isdigit() for sign in signs)


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
    return len(words) > 2 and len(words) > most * (words[-1].end - words[0].start)


def _said_twice(words: Sequence[Word]) -> bool:
    """Whether a phrase of some length follows itself, whole or, at the end, its beginning.

    It is a loop that ended in time, or was cut off, or a plea.
    """
    texts = [plain(word.text) for word in words]
    for length in range(_PHRASE, len(texts) - _PHRASE + 1):
        alike = 0
        for first in range(len(texts) - length - 1, -1, -1):
            # How many words from `first` on are said once more, `length` words later.
            alike = alike + 1 if texts[first] == texts[first + length] else 0
            ends = first + length + alike == len(texts)
            if alike >= length or (alike >= _PHRASE and ends):
                return True
    return False


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
    syllables = plain(text.replace("-", " ")).split()
    return len(syllables) >= _BABBLE and len(set(syllables)) <= 2


def unloop(words: Sequence[Word]) -> list[Word]:
    """The words with a run of one repeated phrase cut down to two of it.

    A loop is a phrase of up to eight words, said four times or more and eight words or more in
    all: people do say "no, no, no, no". A "word" longer than any is a loop within one, and goes.
    """
    words = [word for word in words if len(word.text) <= _LONGEST_WORD]
    kept: list[Word] = []
    texts = [plain(word.text) for word in words]
    index = 0
    while index < len(words):
        length, times = _repeated(texts, index)
        if times:
            kept += words[index : index + 2 * length]
            index += length * times
        else:
            kept.append(words[index])
            index += 1
    return kept


def _repeated(texts: Sequence[str], start: int) -> tuple[int, int]:
    """The length and the count of the loop that starts there; (0, 0) when none does."""
    for length in range(1, 9):
        phrase = texts[start : start + length]
        times = 1
        while texts[start + times * length : start + (times + 1) * length] == phrase:
            times += 1
        if times >= 4 and times * length >= 8:
            return length, times
    return 0, 0


def plain(text: str) -> str:
    """The words alone, in lower case, with one space between them."""
    return " ".join(_LETTERS.sub(" ", text.casefold()).split())
