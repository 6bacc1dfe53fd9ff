from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from countersign.errors import NoSpeech, TooNoisy, TooQuiet
from inference import activity
from inference.activity import LOW_LEVEL, NOISY, Heard, Stretch
from inference.audio import RATE
from inference.pipeline import Pipeline
from inference.settings import SpeechPolicy
from local import noises
from tests.inference.recordings import encode, noise, reference, session, trembling, whispered

POLICY = SpeechPolicy.read(Path("policies/speech.toml"))
LEAST = POLICY.limits.min_speech_seconds
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def spoken() -> Samples:
    return (session() / 32_768).astype(np.float32)


def heard(samples: Samples) -> Heard:
    return activity.listen(samples, POLICY.activity)


def quieter(samples: Samples, decibels: float, room: float = -90.0) -> Samples:
    """`samples` at a lower level in the white noise of a room, rounded to 16 bits."""
    room_noise = np.random.default_rng(3).standard_normal(len(samples)) * 10 ** (room / 20)
    return np.asarray(
        np.round((samples * 10 ** (decibels / 20) + room_noise) * 32_768) / 32_768, np.float32
    )


def covered(found: Heard) -> float:
    """The share of the sample's turns, pauses included, that was found to be speech."""
    inside = np.zeros(int(reference()[-1]["end"] * 100), bool)
    for part in found.speech:
        inside[int(part.start * 100) : int(part.end * 100)] = True
    turns = np.zeros_like(inside)
    for turn in reference():
        turns[int(turn["start"] * 100) : int(turn["end"] * 100)] = True
    return float(inside[turns].mean())


def test_clean_speech_is_found_and_not_doubted(spoken: Samples) -> None:
    found = heard(spoken).required(LEAST)
    assert covered(found) > 0.9
    assert not found.doubts
    assert -35 < found.level_db < -15
    assert found.noise_db < -70
    certain = sum(part.end - part.start for part in found.certain)
    assert 0.9 * found.seconds < certain <= found.seconds


def test_stretches_are_in_order_apart_and_within_the_recording(spoken: Samples) -> None:
    clock = 0.0
    for part in heard(spoken).speech:
        assert clock <= part.start < part.end <= len(spoken) / RATE
        clock = part.end + POLICY.activity.pause_seconds - 0.04


@pytest.mark.parametrize("decibels", [0, -10])
def test_whispering_is_speech(spoken: Samples, decibels: float) -> None:
    assert covered(heard(quieter(whispered(spoken), decibels))) > 0.85


def test_a_trembling_voice_broken_by_sobs_is_speech(spoken: Samples) -> None:
    shaken = 0.7 * trembling(spoken) + 0.3 * whispered(spoken)
    assert covered(heard(shaken.astype(np.float32))) > 0.9


def test_a_single_soft_word_is_speech(spoken: Samples) -> None:
    first = int(reference()[1]["start"] * RATE)
    word = whispered(spoken)[first : first + RATE // 2]
    alone = np.concatenate([np.zeros(RATE), word, np.zeros(RATE)]).astype(np.float32)
    assert heard(quieter(alone, -10)).speech


@pytest.fixture(scope="module")
def wordless() -> dict[str, NDArray[np.int16]]:
    return noises.clips()


@pytest.fixture(scope="module")
def left(wordless: dict[str, NDArray[np.int16]]) -> dict[str, float]:
    """What of the clips without speech is left to the recognizer, seconds of each."""
    found = {
        name: heard((clip / 32_768).astype(np.float32)).seconds for name, clip in wordless.items()
    }
    return {name: seconds for name, seconds in found.items() if seconds}


def test_of_sixteen_minutes_without_speech_hardly_any_is_left_to_the_recognizer(
    left: dict[str, float],
) -> None:
    # Laughter is as good as speech; the recognizer hears what is in it.
    assert sum(seconds for name, seconds in left.items() if name != "laughing") < 2.0, left


def test_what_is_left_of_them_gives_no_word(
    pipeline: Pipeline, wordless: dict[str, NDArray[np.int16]], left: dict[str, float]
) -> None:
    for name in left:
        with pytest.raises(NoSpeech):
            pipeline.transcribe(encode(wordless[name][: 6 * RATE]))


@pytest.mark.parametrize(
    ("decibels", "room", "code"),
    [(-42.0, -95.0, LOW_LEVEL), (-20.0, -44.0, NOISY)],
)
def test_what_is_hard_to_hear_is_doubted_where_it_is(
    spoken: Samples, decibels: float, room: float, code: str
) -> None:
    half = len(spoken) // 2
    samples = np.concatenate([spoken[:half], quieter(spoken[half:], decibels, room)])
    doubts = heard(samples).required(LEAST).doubts
    assert {doubt.code for doubt in doubts} == {code}
    # The noise around a place is judged within 15 s, so it may reach that far before the change.
    assert min(doubt.start for doubt in doubts) > half / RATE - 5
    assert sum(doubt.end - doubt.start for doubt in doubts) > 0.6 * (len(spoken) - half) / RATE


@pytest.mark.parametrize(
    ("decibels", "room", "refusal"),
    [(-52.0, -100.0, TooQuiet), (-20.0, -32.0, TooNoisy)],
)
def test_what_nobody_could_understand_is_refused_with_what_to_do(
    spoken: Samples, decibels: float, room: float, refusal: type[NoSpeech]
) -> None:
    with pytest.raises(refusal) as caught:
        heard(quieter(spoken, decibels, room)).required(LEAST)
    assert "microphone" in caught.value.hint
    assert isinstance(caught.value, NoSpeech)


def test_a_room_louder_than_a_voice_is_refused_as_too_noisy() -> None:
    with pytest.raises(TooNoisy):
        heard((noise(5.0, 0.1) / 32_768).astype(np.float32)).required(LEAST)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 5.0])
def test_where_nothing_is_nothing_is_found(seconds: float) -> None:
    found = heard(np.zeros(int(seconds * RATE), np.float32))
    assert not found.speech
    assert not found.certain
    assert not found.doubts
    with pytest.raises(NoSpeech):
        found.required(LEAST)


def test_a_long_recording_is_heard_like_a_short_one(spoken: Samples) -> None:
    # Longer than the detector's block: its memory must go on across the seam.
    long = np.concatenate([np.zeros(int(45.0 * RATE), np.float32), spoken])
    shifted = [
        Stretch(round(part.start + 45.0, 1), round(part.end + 45.0, 1))
        for part in heard(spoken).speech
    ]
    found = [Stretch(round(part.start, 1), round(part.end, 1)) for part in heard(long).speech]
    assert len(found) == len(shifted)
    assert all(
        abs(one.start - other.start) < 0.2 and abs(one.end - other.end) < 0.2
        for one, other in zip(found, shifted, strict=True)
    )
