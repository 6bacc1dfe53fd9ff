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


def test_no_torch_was_needed(encoder: Encoder) -> None:
    assert "torch" not in sys.modules
