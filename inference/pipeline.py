"""Decides the whole way from a recording to attributed turns, and what about them is doubtful."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from countersign.errors import NoSpeech
from countersign.transcript import Doubt, Role, Transcript, Turn, Word
from inference import roles, voices
from inference.audio import RATE, Audio, decode
from inference.recognize import PROMPT_BUDGET, UNSURE, Recognizer
from inference.settings import Settings, SpeechPolicy
from inference.voices import Encoder, Prints, Stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

Channels = Literal["auto", "split", "mix"]

UNHEARD = "unheard_speech"
SPEAKER_UNSURE = "speaker_uncertain"
ROLE_UNSURE = "role_uncertain"

# The detector's own default: what it holds for speech at this level is speech.
_CERTAIN_SPEECH = 0.5
# Speech without a word of at least this length is listened to again, seconds.
_WORTH_ANOTHER_EAR = 0.8
# How far a voice print speaks for the words around its middle, seconds.
_REACH = 0.8
# The cosine between a print and a voice, made commensurate with the costs below.
_SHARPNESS = 8.0
# What a change of speaker costs: hardly anything after a sentence or a pause, much within one.
_COST_AFTER_SENTENCE = 0.3
_COST_AFTER_PAUSE = 0.8
_COST_WITHIN = 6.0
_PAUSE = 0.25
# After this much silence the same speaker begins a new turn.
_LONG_PAUSE = 3.0
# Two voices that are nearly as near to a turn's words as each other, in the cosine.
_NEARLY_EQUAL = 0.04
# On a stereo recording with a microphone each, the speaker's own is louder by at least this.
_LOUDER_DECIBELS = 6.0
# Both channels must lead in this share of the speech to be taken for two people's.
_LEADING_SHARE = 0.05
_FRAME = RATE // 50


class Pipeline:
    """Loaded models and one method. Safe to call from several threads."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Loads the models; raises `ModelMissing`, `FileMissing` or `BadPolicy`."""
        self.settings = settings or Settings()
        self.policy = SpeechPolicy.read(self.settings.policy)
        self._encoder = Encoder(self.settings.voice_model, self.settings.threads)
        self._recognizer = Recognizer(self.settings, self.policy)

    @property
    def model(self) -> str:
        """The recognizer's name, as it stands in each transcript."""
        return self._recognizer.name

    def warm(self) -> None:
        """Runs each model once."""
        noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32) * 0.01
        voices.speech(noise, self.policy.activity)
        self._encoder.prints(noise, (Stretch(0.0, 2.0),))
        self._recognizer.warm()

    def transcribe(
        self,
        audio: bytes | Path | str,
        speakers: int | None = None,
        hotwords: Sequence[str] = (),
        channels: Channels = "auto",
        enrol: bytes | Path | str | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Transcript:
        """Who said what, when, in one recording; nothing of it is kept.

        `audio` is the recording's bytes or its path; `speakers` how many voices there are (1 to 8,
        None to find out); `hotwords` this session's own words, told before the clinic's;
        `channels` whether a stereo recording has a speaker on each side ("split"), not ("mix"),
        or is to be judged ("auto"); `enrol` a recording of the clinician's voice alone.

        Raises `FileMissing`, `EmptyInput`, `NotAudio`, `TruncatedAudio`, `AudioTooLong`,
        `NoSpeech`, and `SpeechFailed` once `cancelled()` is true; `ValueError` for `speakers`
        outside of 1 to 8.
        """
        if speakers is not None and not 1 <= speakers <= voices.MAX_SPEAKERS:
            raise ValueError(f"there can be 1 to {voices.MAX_SPEAKERS} speakers, not {speakers}")
        began = time.perf_counter()
        recording = self._decode(audio)
        samples = recording.mono()
        speech = voices.speech(samples, self.policy.activity)
        if sum(part.end - part.start for part in speech) < self.policy.limits.min_speech_seconds:
            raise NoSpeech("there is no speech in the recording")
        enrolled = self._enrolled(enrol)
        vocabulary = self.policy.vocabulary
        told = vocabulary.hotwords(hotwords, PROMPT_BUDGET, self._recognizer.tokens)
        certain = voices.speech(samples, self.policy.activity, above=_CERTAIN_SPEECH)
        spoken = self._recognizer.listen(samples, speech, told, cancelled)
        missed = unheard(certain, spoken.words, _WORTH_ANOTHER_EAR)
        if missed:
            # Told a list of words, Whisper now and then passes over a whole window of speech.
            again = self._recognizer.listen(samples, missed, "", cancelled)
            spoken = spoken.completed(again, missed)
        if not spoken.words:
            raise NoSpeech("no word was understood in the recording")
        voice = self._voices(recording, samples, speech, spoken.words, speakers, channels)
        order = dict.fromkeys(voice.labels)
        names = {label: f"S{number}" for number, label in enumerate(order, start=1)}
        turns = _turns(spoken.words, [names[label] for label in voice.labels])
        said: dict[str, list[str]] = {name: [] for name in names.values()}
        for turn in turns:
            said[turn.speaker].append(turn.text)
        known = roles.assign(
            said, self.policy.roles, self._clinician(samples, speech, turns, enrolled)
        )
        role = {speaker.id: speaker.role for speaker in known}
        doubts = [
            *spoken.doubts,
            *vocabulary.doubts(spoken.words),
            *(
                Doubt(code=UNHEARD, start=round(gap.start, 2), end=round(gap.end, 2))
                for gap in unheard(certain, spoken.words, self.policy.guards.unheard_seconds)
            ),
            *self._unsure(turns),
            *_uncertain(spoken.words, voice),
        ]
        if Role.THERAPIST not in role.values():
            doubts.append(Doubt(code=ROLE_UNSURE, start=turns[0].start, end=turns[-1].end))
        return Transcript(
            duration=round(recording.duration, 3),
            model=self.model,
            compute_seconds=round(time.perf_counter() - began, 3),
            language=self.settings.language,
            turns=tuple(turn.model_copy(update={"role": role[turn.speaker]}) for turn in turns),
            warnings=tuple(
                sorted(dict.fromkeys(doubts), key=lambda doubt: (doubt.start, doubt.code))
            ),
            speakers=known,
        )

    def _decode(self, audio: bytes | Path | str) -> Audio:
        limits = self.policy.limits
        return decode(
            audio if isinstance(audio, bytes) else Path(audio),
            max_seconds=limits.max_seconds,
            max_bytes=limits.max_bytes,
        )

    def _enrolled(self, enrol: bytes | Path | str | None) -> NDArray[np.float32] | None:
        if enrol is None:
            return None
        samples = self._decode(enrol).mono()
        voice = self._encoder.voice(samples, voices.speech(samples, self.policy.activity))
        if voice is None:
            raise NoSpeech("there is no speech in the enrolment recording")
        return voice

    def _voices(
        self,
        recording: Audio,
        samples: NDArray[np.float32],
        speech: Sequence[Stretch],
        words: Sequence[Word],
        speakers: int | None,
        channels: Channels,
    ) -> _Attribution:
        """Which voice said each word: by the louder channel, or by its print."""
        if channels == "split" or (channels == "auto" and speakers in (None, 2)):
            louder = _louder(recording)
            if louder is not None and (channels == "split" or _are_two(louder, speech)):
                return _attribute(words, _by_channel(words, louder))
        if speakers == 1:
            return _attribute(words, np.zeros((len(words), 1)))
        prints = self._encoder.prints(samples, speech)
        centres = voices.group(prints.vectors, speakers)
        return _attribute(words, _by_print(words, speech, prints, centres))

    def _clinician(
        self,
        samples: NDArray[np.float32],
        speech: Sequence[Stretch],
        turns: Sequence[Turn],
        enrolled: NDArray[np.float32] | None,
    ) -> tuple[str, float] | None:
        """The speaker whose voice was enrolled, if one of them confirms it."""
        if enrolled is None:
            return None
        own: dict[str, list[Stretch]] = {}
        for turn in turns:
            own.setdefault(turn.speaker, []).append(Stretch(turn.start, turn.end))
        found = {
            speaker: self._encoder.voice(samples, stretches) for speaker, stretches in own.items()
        }
        return roles.by_voice(
            {
                speaker: float(voice @ enrolled)
                for speaker, voice in found.items()
                if voice is not None
            }
        )

    def _unsure(self, turns: Sequence[Turn]) -> list[Doubt]:
        least = self.policy.guards.turn_probability_below
        return [
            Doubt(code=UNSURE, start=turn.start, end=turn.end)
            for turn in turns
            if turn.confidence < least
        ]


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


# Who said which word ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Attribution:
    """For each word the label of its voice, and by how much that voice leads (a cosine)."""

    labels: tuple[int, ...]
    leads: tuple[float, ...]


def _by_print(
    words: Sequence[Word], speech: Sequence[Stretch], prints: Prints, centres: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How near each word is to each voice, [words, voices], by the prints around it.

    A word is compared within its own stretch of speech only: a pause is where speakers change.
    Where a stretch is too short for a print, all voices are as near.
    """
    scores = np.zeros((len(words), max(1, len(centres))))
    if not len(prints.vectors) or len(centres) < 2:
        return scores
    resemblance = prints.vectors @ centres.T
    starts = np.array([stretch.start for stretch in speech])
    ends = np.array([stretch.end for stretch in speech])
    for index, word in enumerate(words):
        overlap = np.minimum(ends, word.end) - np.maximum(starts, word.start)
        own = prints.stretches == int(overlap.argmax())
        middle = (word.start + word.end) / 2
        weights = np.maximum(1e-3, 1 - np.abs(prints.middles[own] - middle) / _REACH)
        if len(weights):
            scores[index] = weights @ resemblance[own] / weights.sum()
    return scores


def _louder(recording: Audio) -> NDArray[np.float32] | None:
    """By how many decibels the first channel leads, every 20 ms; None for a mono recording."""
    if len(recording.channels) != 2:
        return None
    levels = []
    for number in (0, 1):
        samples = recording.channel(number)
        frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
        levels.append(10 * np.log10(np.square(frames).mean(axis=1) + 1e-9))
    difference: NDArray[np.float32] = levels[0] - levels[1]
    return difference


def _are_two(louder: NDArray[np.float32], speech: Sequence[Stretch]) -> bool:
    """Whether each channel leads for a part of the speech, as two microphones make it."""
    spoken = np.concatenate([_frames(louder, part.start, part.end) for part in speech])
    if not len(spoken):
        return False
    shares = (np.mean(spoken > _LOUDER_DECIBELS), np.mean(spoken < -_LOUDER_DECIBELS))
    return bool(min(shares) > _LEADING_SHARE)


def _by_channel(words: Sequence[Word], louder: NDArray[np.float32]) -> NDArray[np.float64]:
    """How near each word is to each channel, [words, 2], on the scale of a cosine."""
    scores = np.zeros((len(words), 2))
    for index, word in enumerate(words):
        frames = _frames(louder, word.start, word.end)
        if len(frames):
            lead = float(np.clip(frames / _LOUDER_DECIBELS, -1, 1).mean())
            scores[index] = (max(0.0, lead), max(0.0, -lead))
    return scores


def _frames(values: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
    return values[int(start * RATE / _FRAME) : max(int(end * RATE / _FRAME), 1)]


def _attribute(words: Sequence[Word], scores: NDArray[np.float64]) -> _Attribution:
    """The likeliest voice of each word when a change within a sentence is unlikely (Viterbi)."""
    count, many = scores.shape
    cost = _SHARPNESS * (scores.max(axis=1, keepdims=True) - scores)
    best = cost[0].copy()
    back = np.zeros((count, many), dtype=np.intp)
    for index in range(1, count):
        change = _change_cost(words[index - 1], words[index])
        cheapest = int(best.argmin())
        moved = best[cheapest] + change < best
        back[index] = np.where(moved, cheapest, np.arange(many))
        best = np.where(moved, best[cheapest] + change, best) + cost[index]
    labels = [int(best.argmin())]
    for index in range(count - 1, 0, -1):
        labels.append(int(back[index, labels[-1]]))
    labels.reverse()
    leads = []
    for row, label in zip(scores, labels, strict=True):
        others = np.delete(row, label)
        leads.append(float(row[label] - others.max()) if len(others) else 1.0)
    return _Attribution(tuple(labels), tuple(leads))


def _change_cost(before: Word, after: Word) -> float:
    if before.text.rstrip().endswith((".", "?", "!", "…")):
        return _COST_AFTER_SENTENCE
    return _COST_AFTER_PAUSE if after.start - before.end >= _PAUSE else _COST_WITHIN


def _turns(words: Sequence[Word], speakers: Sequence[str]) -> list[Turn]:
    """Consecutive words of one speaker, as turns `t1`, `t2`, … that do not overlap."""
    runs: list[tuple[str, list[Word]]] = []
    for word, speaker in zip(words, speakers, strict=True):
        same = bool(runs) and runs[-1][0] == speaker
        if same and word.start - runs[-1][1][-1].end <= _LONG_PAUSE:
            runs[-1][1].append(word)
        else:
            runs.append((speaker, [word]))
    return [
        Turn(
            id=f"t{number}",
            speaker=speaker,
            start=own[0].start,
            end=own[-1].end,
            text="".join(word.text for word in own).strip(),
            confidence=round(sum(word.probability for word in own) / len(own), 3),
            words=tuple(
                word.model_copy(
                    update={
                        "text": word.text.strip(),
                        "probability": round(word.probability, 3),
                    }
                )
                for word in own
            ),
        )
        for number, (speaker, own) in enumerate(runs, start=1)
    ]


def _uncertain(words: Sequence[Word], voice: _Attribution) -> list[Doubt]:
    """Runs of words of one speaker whose voice hardly differs from another's."""
    doubts: list[Doubt] = []
    first = 0
    for index in range(1, len(words) + 1):
        if index < len(words) and voice.labels[index] == voice.labels[first]:
            continue
        lead = float(np.mean(voice.leads[first:index]))
        if lead < _NEARLY_EQUAL:
            doubts.append(
                Doubt(code=SPEAKER_UNSURE, start=words[first].start, end=words[index - 1].end)
            )
        first = index
    return doubts
