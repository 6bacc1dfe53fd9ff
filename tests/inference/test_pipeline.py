from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from countersign.errors import ModelMissing, NoSpeech, NotAudio, SpeechFailed
from countersign.transcript import Role, Transcript
from inference import pipeline as module
from inference.audio import RATE
from inference.pipeline import Pipeline
from inference.settings import Settings
from tests.inference.recordings import encode, noise, reference, session


@pytest.fixture(scope="module")
def transcript(pipeline: Pipeline, session_wav: bytes) -> Transcript:
    return pipeline.transcribe(session_wav)


def _share_right(transcript: Transcript) -> float:
    """The share of words that stand under the role whose turn it is at their middle."""
    truth = reference()
    right = 0
    words = [(word, turn.role) for turn in transcript.turns for word in turn.words]
    for word, role in words:
        middle = (word.start + word.end) / 2
        nearest = min(truth, key=lambda turn: max(turn["start"] - middle, middle - turn["end"], 0))
        right += nearest["role"] == role.value
    return right / len(words)


def test_the_session_is_understood(transcript: Transcript) -> None:
    text = " ".join(turn.text for turn in transcript.turns).lower()
    for phrase in (
        "good morning, maya",
        "garage was full",
        "date of birth",
        "whitfield",
        "my cell",
    ):
        assert phrase in text
    assert transcript.model == "whisper-tiny"
    assert transcript.duration == pytest.approx(38.0, abs=0.1)
    assert transcript.compute_seconds > 0


def test_therapist_and_patient_are_told_apart(transcript: Transcript) -> None:
    assert {speaker.role for speaker in transcript.speakers} == {Role.THERAPIST, Role.PATIENT}
    assert _share_right(transcript) > 0.98
    assert [turn.role for turn in transcript.turns] == [Role.THERAPIST, Role.PATIENT] * 3


def test_turns_and_words_never_overlap(transcript: Transcript) -> None:
    words = [word for turn in transcript.turns for word in turn.words]
    assert all(before.end <= after.start for before, after in pairwise(words))
    for turn in transcript.turns:
        assert turn.start == turn.words[0].start
        assert turn.end == turn.words[-1].end
        assert 0 < turn.confidence <= 1
        assert all(word.text in turn.text for word in turn.words)


def test_the_same_recording_gives_the_same_words(
    pipeline: Pipeline, transcript: Transcript
) -> None:
    webm = encode(session(14.5), "webm", "libopus", 48_000)
    first, second = (pipeline.transcribe(webm, speakers=2) for _ in range(2))
    assert first.turns == second.turns
    assert first.turns[0].text == transcript.turns[0].text


def test_two_channels_tell_the_speakers_apart(pipeline: Pipeline) -> None:
    mono = session(25.2)
    stereo = np.stack([mono // 50, mono // 50])
    for turn in reference():
        span = slice(int(turn["start"] * RATE), int(turn["end"] * RATE))
        stereo[int(turn["role"] == "patient"), span] = mono[span]
    spoken = pipeline.transcribe(encode(stereo), channels="auto")
    assert [turn.role.value for turn in spoken.turns] == ["therapist", "patient", "therapist"]
    assert _share_right(spoken) > 0.98


def test_an_enrolled_voice_is_recognized(pipeline: Pipeline) -> None:
    # The third turn enrols; the first two are the session.
    third = reference()[2]
    whole = session()
    enrol = encode(whole[int(third["start"] * RATE) : int(third["end"] * RATE)])
    spoken = pipeline.transcribe(encode(whole[: int(14.3 * RATE)]), enrol=enrol)
    assert {speaker.basis for speaker in spoken.speakers} == {"enrolment"}
    assert spoken.turns[0].role is Role.THERAPIST


@pytest.mark.parametrize(
    "samples",
    [np.zeros(5 * RATE, np.int16), noise(5.0), noise(5.0, 0.05)],
    ids=["silence", "hiss", "loud hiss"],
)
def test_where_nobody_speaks_nothing_is_written(pipeline: Pipeline, samples: np.ndarray) -> None:
    with pytest.raises(NoSpeech):
        pipeline.transcribe(encode(samples))


def test_a_text_file_named_wav_is_refused(pipeline: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "session.wav"
    file.write_text("not a recording")
    with pytest.raises(NotAudio):
        pipeline.transcribe(file)


def test_work_ends_when_nobody_waits_for_it(pipeline: Pipeline, session_wav: bytes) -> None:
    with pytest.raises(SpeechFailed):
        pipeline.transcribe(session_wav, cancelled=lambda: True)


@pytest.mark.parametrize("speakers", [0, 9])
def test_a_number_of_speakers_out_of_range_is_an_error(pipeline: Pipeline, speakers: int) -> None:
    with pytest.raises(ValueError, match="speakers"):
        pipeline.transcribe(b"", speakers=speakers)


def test_a_session_without_roles_says_so(pipeline: Pipeline) -> None:
    alone = pipeline.transcribe(encode(session(6.9)), speakers=1)
    assert [turn.role for turn in alone.turns] == [Role.UNKNOWN]
    assert module.ROLE_UNSURE in {doubt.code for doubt in alone.warnings}


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        Pipeline(Settings(model_dir=tmp_path))
    with pytest.raises(ModelMissing):
        Settings().with_model("enormous")
