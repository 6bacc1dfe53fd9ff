from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from countersign.transcript import Word
from inference import attribution
from inference.activity import Stretch, speech
from inference.attribution import Attribution, Heard, hear
from inference.audio import RATE, Audio
from inference.settings import MODELS, Settings, SpeechPolicy
from inference.voices import Encoder, Prints
from tests.inference.recordings import noise, reference, session

POLICY = SpeechPolicy.read(Settings().policy)
NO_PRINTS = Prints(np.zeros(0), np.zeros((0, 256), np.float32), np.zeros(0, np.intp), np.zeros(0))
NOBODY = np.zeros((0, 256), np.float32)


@pytest.fixture(scope="module")
def encoder(tiny: Path) -> Encoder:
    return Encoder(MODELS / "voice-encoder.onnx")


def tones(*spans: tuple[float, float], seconds: float = 6.0) -> NDArray[np.float32]:
    """Loud noise within the spans, and the noise of a quiet room elsewhere."""
    samples = noise(seconds, 0.0003).astype(np.float32) / np.float32(32768)
    loud = noise(seconds, 0.05).astype(np.float32) / np.float32(32768)
    for start, end in spans:
        samples[int(start * RATE) : int(end * RATE)] = loud[int(start * RATE) : int(end * RATE)]
    return samples


def said(*words: tuple[float, float, str]) -> list[Word]:
    return [Word(start=start, end=end, text=f" {text}") for start, end, text in words]


def two_microphones(bleed: float = 0.12) -> tuple[Audio, list[tuple[float, float, int]]]:
    """The sample session with a microphone for each, the other's voice in it at -18 dB."""
    mono = session()
    channels = np.zeros((2, len(mono)))
    spoken = []
    for turn in reference():
        number = 0 if turn["role"] == reference()[0]["role"] else 1
        first, last = int(turn["start"] * RATE), int(turn["end"] * RATE)
        channels[number, first:last] += mono[first:last]
        channels[1 - number, first:last] += bleed * mono[first:last]
        spoken.append((turn["start"], turn["end"], number))
    room = noise(len(mono) / RATE, 0.0002)
    return Audio((channels + np.stack([room, room[::-1]])).astype(np.int16)), spoken


# Phrases ------------------------------------------------------------------------------------


def test_speech_is_cut_where_the_sound_pauses() -> None:
    samples = tones((1.0, 2.0), (2.3, 3.0), (3.08, 4.0))
    found = attribution.phrases(samples, [Stretch(0.9, 4.2)])
    assert len(found) == 2
    for phrase, (start, end) in zip(found, [(1.0, 2.0), (2.3, 4.0)], strict=True):
        assert phrase.start == pytest.approx(start, abs=0.03)
        assert phrase.end == pytest.approx(end, abs=0.03)


def test_a_first_sound_that_the_detector_cut_off_belongs_to_the_phrase() -> None:
    (found,) = attribution.phrases(tones((1.0, 2.0)), [Stretch(1.2, 1.9)])
    assert found.start == pytest.approx(1.0, abs=0.03)
    assert found.end == pytest.approx(2.0, abs=0.03)


def test_a_noise_far_from_speech_is_no_phrase() -> None:
    found = attribution.phrases(tones((1.0, 2.0), (4.0, 5.0)), [Stretch(1.0, 2.0)])
    assert [round(phrase.end) for phrase in found] == [2]
    assert attribution.phrases(tones(), []) == ()
    assert attribution.phrases(np.zeros(0, np.float32), [Stretch(0, 1)]) == ()


def test_phrases_are_in_order_and_never_overlap() -> None:
    samples = session().astype(np.float32) / np.float32(32768)
    found = attribution.phrases(samples, speech(samples, POLICY.activity))
    assert len(found) > len(reference())
    assert all(before.end <= after.start for before, after in pairwise(found))


# Words on the clock -------------------------------------------------------------------------


def test_words_beside_a_pause_take_the_times_of_the_sound() -> None:
    phrases = [Stretch(1.0, 2.0), Stretch(3.0, 4.0)]
    words = said((1.2, 1.5, "I"), (1.5, 2.3, "see."), (2.7, 3.4, "And"), (3.4, 3.8, "you?"))
    found = attribution.snapped(words, phrases)
    assert [(word.start, word.end) for word in found] == [
        (1.0, 1.5), (1.5, 2.0), (3.0, 3.4), (3.4, 4.0),
    ]  # fmt: skip
    assert [word.text for word in found] == [word.text for word in words]


def test_the_first_word_of_a_sentence_that_starts_too_early_follows_the_pause() -> None:
    phrases = [Stretch(1.0, 2.0), Stretch(2.3, 3.0)]
    words = said((1.0, 1.7, "Yes."), (1.7, 2.55, "Okay."))
    assert attribution.snapped(words, phrases)[1].start == 2.3


def test_a_word_far_from_any_sound_keeps_its_times() -> None:
    words = said((1.0, 1.5, "one"), (8.0, 8.4, "two"))
    assert attribution.snapped(words, [Stretch(1.0, 1.5)])[1] == words[1]
    assert attribution.snapped(words, []) == tuple(words)


def test_words_stay_in_order_whatever_their_times() -> None:
    draw = np.random.default_rng(3)
    for _ in range(50):
        edges = np.sort(draw.uniform(0, 20, 12)).reshape(-1, 2)
        times = np.sort(draw.uniform(0, 20, 30)).reshape(-1, 2)
        words = said(*((float(a), float(b), "x") for a, b in times))
        found = attribution.snapped(words, [Stretch(float(a), float(b)) for a, b in edges])
        assert len(found) == len(words)
        assert all(word.start <= word.end for word in found)
        assert all(before.end <= after.start for before, after in pairwise(found))


# Whose words --------------------------------------------------------------------------------


def test_a_stray_word_within_a_sentence_does_not_change_the_speaker() -> None:
    words = said(*((n * 0.3, n * 0.3 + 0.3, "word") for n in range(9)))
    scores = np.tile([0.9, 0.6], (9, 1))
    scores[4] = (0.6, 0.8)
    assert set(attribution.attribute(words, scores).labels) == {0}


def test_a_short_answer_between_pauses_is_another_speakers() -> None:
    words = said((0, 1, "Better?"), (1.3, 1.7, "Yeah."), (2.0, 2.5, "Good."))
    scores = np.array([[0.9, 0.5], [0.55, 0.68], [0.9, 0.5]])
    assert attribution.attribute(words, scores).labels == (0, 1, 0)


def test_the_voices_of_a_session_are_known_before_its_words(encoder: Encoder) -> None:
    recording = Audio(session()[None])
    samples = recording.mono()
    heard = hear(recording, speech(samples, POLICY.activity), encoder)
    assert len(heard.centres) == 2
    right = wrong = 0.0
    labels: dict[str, int] = {}
    for part, label in heard.segments():
        middle = (part.start + part.end) / 2
        for turn in reference():
            if turn["start"] <= middle <= turn["end"]:
                same = labels.setdefault(turn["role"], label) == label
                right += same * (part.end - part.start)
                wrong += (not same) * (part.end - part.start)
    assert len(set(labels.values())) == 2
    assert wrong < 0.01 * right


def test_one_speaker_needs_no_prints(encoder: Encoder) -> None:
    samples = session(7.0)
    heard = hear(Audio(samples[None]), [Stretch(0.6, 6.9)], encoder, speakers=1)
    words, voice = heard.attribute(said((0.7, 1.0, "one"), (1.0, 1.4, "two")))
    assert voice.labels == (0, 0)
    assert heard.overlapping(words, voice) == []
    assert {label for _, label in heard.segments()} == {0}


# Two channels -------------------------------------------------------------------------------


def test_a_voice_in_the_others_microphone_makes_no_turn_of_the_other(encoder: Encoder) -> None:
    recording, spoken = two_microphones()
    heard = hear(recording, speech(recording.mono(), POLICY.activity), encoder)
    assert heard.louder is not None
    for part, label in heard.segments():
        middle = (part.start + part.end) / 2
        assert [number for start, end, number in spoken if start <= middle <= end] == [label]
    words, voice = heard.attribute(
        [Word(start=start + 0.5, end=end - 0.5, text="x") for start, end, _ in spoken]
    )
    assert list(voice.labels) == [number for _, _, number in spoken]
    assert heard.overlapping(words, voice) == []


def test_one_voice_on_both_channels_is_not_two_microphones(encoder: Encoder) -> None:
    samples = session()
    both = Audio(np.stack([samples, (samples * 0.9).astype(np.int16)]))
    heard = hear(both, speech(both.mono(), POLICY.activity), encoder)
    assert heard.louder is None
    assert len(heard.centres) == 2


def test_where_both_speak_neither_channel_leads() -> None:
    draw = np.random.default_rng(1)
    lead = np.concatenate([np.full(150, 18.0), np.zeros(50), np.full(100, -18.0)])
    lead = (lead + draw.normal(0, 2, 300)).astype(np.float32)
    (found,) = attribution.at_once(lead, [Stretch(0.0, 6.0)])
    assert found.code == "overlapping_speech"
    assert found.start == pytest.approx(3.0, abs=0.2)
    assert found.end == pytest.approx(4.0, abs=0.2)
    assert attribution.at_once(lead, []) == []


# One channel --------------------------------------------------------------------------------


def test_a_change_of_speaker_without_a_pause_may_be_an_overlap() -> None:
    phrases = [Stretch(0.0, 3.0), Stretch(3.4, 5.0)]
    words = said((0, 1.5, "And"), (1.5, 3.0, "so"), (3.4, 4.0, "No"), (4.0, 5.0, "Yes"))
    voice = Attribution((0, 1, 0, 0), (0.3,) * 4)
    found = attribution.overlapping(words, voice, phrases, NO_PRINTS, NOBODY)
    assert [(doubt.start, doubt.end) for doubt in found] == [(1.0, 2.0)]


def test_a_print_between_two_voices_may_be_an_overlap() -> None:
    one, other = np.eye(256, dtype=np.float32)[:2]
    vectors = np.stack([one, one, (one + other) / np.sqrt(2), other, other]).astype(np.float32)
    prints = Prints(np.linspace(1.0, 4.2, 5), vectors, np.zeros(5, np.intp), np.full(5, 1.6))
    found = attribution.overlapping(
        [], Attribution((), ()), [Stretch(0.0, 6.0)], prints, np.stack([one, other])
    )
    assert [(doubt.start, doubt.end) for doubt in found] == [(2.2, 3.0)]


def test_nothing_spoken_gives_nothing() -> None:
    heard = Heard((), None, NO_PRINTS, NOBODY)
    assert heard.segments() == ()
    assert heard.overlapping([], Attribution((), ())) == []
    assert attribution.turns([], []) == []
