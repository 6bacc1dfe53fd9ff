"""Decides the whole way from a recording to attributed turns, and what about them is doubtful."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from countersign import roles, voiceprint
from countersign.errors import NoSpeech
from countersign.transcript import Doubt, Role, Speaker, Transcript, Turn, Word
from inference import activity, attribution, voices
from inference.activity import Stretch
from inference.attribution import Attribution
from inference.audio import RATE, Audio, decode
from inference.judging import UNHEARD, UNSURE, unheard
from inference.recognize import PROMPT_BUDGET, Recognizer
from inference.settings import Settings, SpeechPolicy
from inference.voices import Encoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

Channels = Literal["auto", "split", "mix"]

ROLE_UNSURE = "role_uncertain"


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
        activity.speech(noise, self.policy.activity)
        self._encoder.prints(noise, (Stretch(0.0, 2.0),))
        self._recognizer.warm()

    def transcribe(
        self,
        audio: bytes | Path | str,
        speakers: int | None = None,
        hotwords: Sequence[str] = (),
        channels: Channels = "auto",
        enrol: bytes | Path | str | None = None,
        prints: bool = False,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Transcript:
        """Who said what, when, in one recording; nothing of it is kept.

        `audio` is the recording's bytes or its path; `speakers` how many voices there are (1 to 8,
        None to find out); `hotwords` this session's own words, told before the clinic's;
        `channels` whether a stereo recording has a speaker on each side ("split"), not ("mix"),
        or is to be judged ("auto"); `enrol` a recording of the clinician's voice alone; `prints`
        whether each speaker comes with a print of the voice, by which the segments of a session
        are joined: a biometric identifier, to be deleted after that.

        Raises `FileMissing`, `EmptyInput`, `NotAudio`, `TruncatedAudio`, `AudioTooLong`,
        `NoSpeech` (or of its kind `TooNoisy` and `TooQuiet`), and `SpeechFailed` once
        `cancelled()` is true; `ValueError` for `speakers` outside of 1 to 8.
        """
        if speakers is not None and not 1 <= speakers <= voices.MAX_SPEAKERS:
            raise ValueError(f"there can be 1 to {voices.MAX_SPEAKERS} speakers, not {speakers}")
        began = time.perf_counter()
        recording = self._decode(audio)
        samples = recording.mono()
        sound = activity.listen(samples, self.policy.activity)
        sound.required(self.policy.limits.min_speech_seconds)
        enrolled = self._enrolled(enrol)
        vocabulary = self.policy.vocabulary
        sounds = vocabulary.sounds_with(hotwords)

        def tell(heard: Sequence[Word]) -> str:
            # Told of all terms everywhere, the recognizer hears them where they are not.
            return vocabulary.hotwords(sounds.near(heard), PROMPT_BUDGET, self._recognizer.tokens)

        spoken = self._recognizer.listen(samples, sound.speech, sound.certain, tell, cancelled)
        if not spoken.words:
            raise NoSpeech("no word was understood in the recording")
        phrases = attribution.phrases(samples, sound.speech)
        corrected = vocabulary.corrected(attribution.snapped(spoken.words, phrases), sounds)
        words = corrected.words
        voice, at_once = self._voices(recording, samples, phrases, words, speakers, channels)
        order = dict.fromkeys(voice.labels)
        names = {label: f"S{number}" for number, label in enumerate(order, start=1)}
        turns = attribution.turns(words, [names[label] for label in voice.labels])
        said: dict[str, list[str]] = {name: [] for name in names.values()}
        for turn in turns:
            said[turn.speaker].append(turn.text)
        found = {
            name: self._encoder.voice(
                samples, [Stretch(t.start, t.end) for t in turns if t.speaker == name]
            )
            for name in (said if prints or enrolled is not None else ())
        }
        known = roles.assign(said, self.policy.roles, _clinician(found, enrolled))
        role = {speaker.id: speaker.role for speaker in known}
        doubts = [
            *sound.doubts,
            *spoken.doubts,
            *corrected.doubts,
            *at_once,
            *(
                Doubt(code=UNHEARD, start=round(gap.start, 2), end=round(gap.end, 2))
                for gap in unheard(sound.certain, words, self.policy.guards.unheard_seconds)
            ),
            *self._unsure(turns),
            *attribution.uncertain(words, voice),
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
            speakers=tuple(
                _described(speaker, turns, found.get(speaker.id) if prints else None)
                for speaker in known
            ),
        )

    def enrol(self, audio: bytes | Path | str) -> tuple[str, float]:
        """The print of a clinician's own voice (`countersign.voiceprint`), and seconds of speech.

        Raises what `transcribe` refuses a recording for.
        """
        samples = self._decode(audio).mono()
        speech = activity.speech(samples, self.policy.activity)
        voice = self._encoder.voice(samples, speech)
        if voice is None:
            raise NoSpeech("there is no speech in the enrolment recording")
        return voiceprint.encode(voice.tolist()), round(sum(s.end - s.start for s in speech), 2)

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
        voice = self._encoder.voice(samples, activity.speech(samples, self.policy.activity))
        if voice is None:
            raise NoSpeech("there is no speech in the enrolment recording")
        return voice

    def _voices(
        self,
        recording: Audio,
        samples: NDArray[np.float32],
        phrases: Sequence[Stretch],
        words: Sequence[Word],
        speakers: int | None,
        channels: Channels,
    ) -> tuple[Attribution, list[Doubt]]:
        """Which voice said each word, by the louder channel or by its print; and where two did."""
        if channels == "split" or (channels == "auto" and speakers in (None, 2)):
            louder = attribution.louder(recording)
            if louder is not None and (channels == "split" or attribution.are_two(louder, phrases)):
                scores = attribution.by_channel(words, louder)
                return attribution.attribute(words, scores), attribution.at_once(louder, phrases)
        if speakers == 1:
            return attribution.attribute(words, np.zeros((len(words), 1))), []
        prints = self._encoder.prints(samples, phrases)
        centres = voices.group(prints.vectors, speakers, prints.seconds)
        scores = attribution.by_print(words, phrases, prints, centres)
        voice = attribution.attribute(words, scores)
        return voice, attribution.overlapping(words, voice, phrases, prints, centres)

    def _unsure(self, turns: Sequence[Turn]) -> list[Doubt]:
        least = self.policy.guards.turn_probability_below
        return [
            Doubt(code=UNSURE, start=turn.start, end=turn.end)
            for turn in turns
            if turn.confidence < least
        ]


def _clinician(
    found: Mapping[str, NDArray[np.float32] | None], enrolled: NDArray[np.float32] | None
) -> tuple[str, float] | None:
    """The speaker whose voice was enrolled, if one of them confirms it."""
    if enrolled is None:
        return None
    return roles.by_voice(
        {name: float(voice @ enrolled) for name, voice in found.items() if voice is not None}
    )


def _described(
    speaker: Speaker, turns: Sequence[Turn], voice: NDArray[np.float32] | None
) -> Speaker:
    """The speaker with how long the voice speaks and, if it was asked for, its print."""
    seconds = sum(turn.end - turn.start for turn in turns if turn.speaker == speaker.id)
    return speaker.model_copy(
        update={
            "seconds": round(seconds, 2),
            "voice": "" if voice is None else voiceprint.encode(voice.tolist()),
        }
    )
