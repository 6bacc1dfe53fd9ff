from pathlib import Path

import numpy as np
import pytest

from countersign.errors import ModelMissing
from countersign.transcript import Doubt, Role, Transcript, Turn, Word
from inference.audio import RATE
from inference.settings import MODELS
from local import recognizers
from local.bench_speech import SAMPLE
from local.recognizers import Ear, Heard, Recognizer
from local.recordings import read_session, write_wav
from local.scores import word_errors

TINY = MODELS / "whisper-tiny" / "model.bin"
needs_tiny = pytest.mark.skipif(not TINY.is_file(), reason="needs the tiny model: make models")


def heard(*turns: Turn, doubts: tuple[Doubt, ...] = ()) -> Heard:
    return Heard(1, 2, "", Transcript(turns=turns, warnings=doubts))


ONE = Turn(
    id="t1", speaker="S1", role=Role.THERAPIST, start=0, end=4, text="one two three",
    words=tuple(Word(start=s, end=s + 0.5, text="w") for s in (0.0, 0.9, 3.5)),
)  # fmt: skip
TWO = Turn(id="t2", speaker="S2", role=Role.PATIENT, start=5, end=6, text="four")


def test_a_run_of_speech_ends_at_half_a_second_of_silence() -> None:
    assert heard(ONE, TWO).turns == [(0, 4, "S1"), (5, 6, "S2")]
    assert heard(ONE, TWO).runs == [(0, 1.4, "S1"), (3.5, 4.0, "S1"), (5, 6, "S2")]


def test_in_a_marked_overlap_both_of_two_voices_speak() -> None:
    marks = (
        Doubt(code="overlapping_speech", start=3, end=4),
        Doubt(code="low_confidence", start=0, end=1),
    )
    assert set(heard(ONE, TWO, doubts=marks).turns) == {
        (0, 4, "S1"), (5, 6, "S2"), (3, 4, "S1"), (3, 4, "S2")
    }  # fmt: skip


def test_among_three_voices_a_marked_overlap_is_nobodys() -> None:
    third = Turn(id="t3", speaker="S3", start=7, end=8, text="five")
    marks = (Doubt(code="overlapping_speech", start=3, end=4),)
    assert len(heard(ONE, TWO, third, doubts=marks).turns) == 3


def test_whoever_knows_no_turns_has_none() -> None:
    plain = Heard(1, 2, "all the words")
    assert not (plain.voices or plain.roles or plain.turns or plain.runs or plain.roles_in_time)


def test_the_best_of_several_runs_is_the_quickest_with_the_most_memory() -> None:
    best = recognizers.best([Heard(3, 10, "a"), Heard(2, 30, "b"), Heard(4, 20, "c")])
    assert (best.seconds, best.megabytes, best.text) == (2, 30, "b")


def test_a_refusal_in_the_process_of_its_own_arrives_as_a_refusal() -> None:
    with pytest.raises(ModelMissing):
        Ear(Recognizer.PLAIN, "none")


@needs_tiny
def test_a_recording_is_heard_in_a_process_of_its_own_with_its_time_and_memory(
    tmp_path: Path,
) -> None:
    session = read_session(SAMPLE / "session.flac", SAMPLE / "reference.json")
    audio = write_wav(session.channels[:, : 7 * RATE], tmp_path / "start.wav")
    with Ear(Recognizer.PLAIN, "tiny") as ear:
        found, again = ear.hear(audio), ear.hear(audio.read_bytes())
    assert found.seconds > 0
    assert 80 < found.megabytes < 2000
    assert word_errors(session.lines[0].text, found.text).rate < 0.3
    assert again.text == found.text


@needs_tiny
def test_nobody_speaking_is_heard_as_nothing_and_not_refused(tmp_path: Path) -> None:
    silence = write_wav(np.zeros(2 * RATE, np.float32), tmp_path / "silence.wav")
    with Ear(Recognizer.OURS, "tiny") as ear:
        found = ear.hear(silence)
    assert (found.text, found.transcript) == ("", None)
