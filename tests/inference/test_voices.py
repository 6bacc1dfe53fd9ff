from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from inference.activity import Stretch, speech
from inference.audio import RATE
from inference.settings import MODELS, Settings, SpeechPolicy
from inference.voices import Encoder, group, mel_filters, mel_spectrogram
from tests.inference.recordings import noise, reference, session

POLICY = SpeechPolicy.read(Settings().policy)


@pytest.fixture(scope="module")
def encoder(tiny: Path) -> Encoder:
    return Encoder(MODELS / "voice-encoder.onnx")


def test_the_filter_bank_is_slaneys() -> None:
    assert mel_filters() == pytest.approx(
        FeatureExtractor.get_mel_filters(RATE, 400, n_mels=40), abs=1e-6
    )


def test_a_tone_lands_in_its_own_channel() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    mels = mel_spectrogram(tone, mel_filters())
    assert mels.shape == (101, 40)
    centre = mel_filters()[:, round(1000 / (RATE / 400))].argmax()
    assert mels[50].argmax() == centre


def test_speech_is_found_where_it_is_and_not_in_noise() -> None:
    samples = session().astype(np.float32) / 32768
    found = speech(samples, POLICY.activity)
    for turn in reference():
        inside = sum(
            max(0.0, min(part.end, turn["end"]) - max(part.start, turn["start"])) for part in found
        )
        assert inside > 0.85 * (turn["end"] - turn["start"])
    assert not speech(noise(5.0).astype(np.float32) / 32768, POLICY.activity)


def test_each_voice_resembles_itself_more_than_the_other(encoder: Encoder) -> None:
    samples = session().astype(np.float32) / 32768
    voices = [
        (turn["role"], encoder.voice(samples, [Stretch(turn["start"], turn["end"])]))
        for turn in reference()
    ]
    for role, voice in voices:
        assert voice is not None
        others = [other for name, other in voices if name != role and other is not None]
        same = [other for name, other in voices if name == role and other is not None]
        assert min(voice @ other for other in same) > max(voice @ other for other in others)


def test_a_voice_is_known_at_another_loudness(encoder: Encoder) -> None:
    samples = session(7.0).astype(np.float32) / 32768
    whole = [Stretch(0.6, 6.9)]
    loud, soft = encoder.voice(samples, whole), encoder.voice(samples * 0.05, whole)
    assert loud is not None
    assert soft is not None
    assert float(loud @ soft) > 0.99


def test_too_little_sound_gives_no_voice(encoder: Encoder) -> None:
    assert encoder.voice(np.zeros(RATE, np.float32), [Stretch(0.0, 0.1)]) is None
    assert encoder.voice(np.zeros(RATE, np.float32), []) is None


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_voices_are_counted(count: int) -> None:
    draw = np.random.default_rng(count)
    centres = np.eye(256, dtype=np.float32)[:count]
    prints = np.repeat(centres, 40, axis=0)
    prints += draw.standard_normal(prints.shape).astype(np.float32) * 0.02
    prints /= np.linalg.norm(prints, axis=1, keepdims=True)
    assert len(group(prints)) == count
    assert len(group(prints, 2)) == 2
    assert len(group(prints[:0])) == 0


def around(centre: np.ndarray, count: int, spread: float, seed: int) -> np.ndarray:
    """Prints of length 1 around a centre."""
    drawn = np.random.default_rng(seed).standard_normal((count, 256)) * spread + centre
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("resemblance", [0.55, 0.7, 0.8])
def test_two_people_are_two_with_stray_prints_and_all(resemblance: float) -> None:
    one, other, stray = np.eye(256)[:3]
    other = resemblance * one + np.sqrt(1 - resemblance**2) * other
    prints = np.concatenate(
        [around(one, 90, 0.02, 1), around(other, 60, 0.02, 2), around(stray, 3, 0.02, 3)]
    )
    centres = group(prints)
    assert len(centres) == 2
    assert sorted(np.round(centres @ one, 1).tolist()) == [pytest.approx(resemblance, abs=0.06), 1]


def test_one_person_is_one_however_lively() -> None:
    assert len(group(around(np.eye(256)[0], 120, 0.03, 4))) == 1


def test_a_third_who_is_hardly_another_is_not_counted() -> None:
    one, other, third = np.eye(256)[:3]
    near = 0.8 * one + 0.6 * third
    prints = np.concatenate(
        [around(one, 60, 0.02, 1), around(other, 60, 0.02, 2), around(near, 20, 0.02, 3)]
    )
    assert len(group(prints)) == 2
    assert len(group(prints, 3)) == 3


def test_short_prints_do_not_decide_how_many_there_are() -> None:
    one, other, blurred = np.eye(256)[:3]
    prints = np.concatenate(
        [around(one, 30, 0.02, 1), around(other, 30, 0.02, 2), around(blurred, 30, 0.02, 3)]
    )
    seconds = np.repeat([1.6, 1.6, 0.4], 30)
    assert len(group(prints, None, seconds)) == 2


def test_a_short_phrase_is_told_apart_too(encoder: Encoder) -> None:
    samples = session().astype(np.float32) / 32768
    turns = reference()
    whole = {
        turn["role"]: encoder.voice(samples, [Stretch(turn["start"], turn["end"])])
        for turn in turns[2:4]
    }
    for turn in turns[:2]:
        short = encoder.voice(samples, [Stretch(turn["start"] + 0.2, turn["start"] + 0.8)])
        assert short is not None
        nearest = max(whole, key=lambda role: float(whole[role] @ short))
        assert nearest == turn["role"]


def test_no_torch_was_needed(encoder: Encoder) -> None:
    assert "torch" not in sys.modules
