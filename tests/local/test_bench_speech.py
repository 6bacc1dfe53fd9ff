from pathlib import Path

import numpy as np
import pytest

from countersign.errors import FileMissing
from countersign.transcript import Role, Transcript, Turn
from local import bench_speech
from local.recognizers import Heard, Recognizer
from local.recordings import Line, Session

SESSION = Session(
    np.zeros((1, 16_000), np.float32),
    (
        Line(who="therapist", start=0, end=1, text="How have you been?"),
        Line(who="patient", start=1, end=2, text="Tired, all week long."),
    ),
)


def ours(*turns: tuple[str, Role, str]) -> Heard:
    made = tuple(
        Turn(id=f"t{n}", speaker=who, role=role, start=n, end=n + 1, text=text)
        for n, (who, role, text) in enumerate(turns)
    )
    text = " ".join(turn.text for turn in made)
    return Heard(2, 100, text, Transcript(turns=made))


HEARD = ours(("S1", Role.THERAPIST, "How have you been?"), ("S2", Role.PATIENT, "Tired, all week."))


def test_beside_another_recognizer_a_ratio_above_one_is_ours_being_better() -> None:
    plain = Heard(6, 50, "How have you been? Tired.")
    rows = bench_speech.compared("x", SESSION, HEARD, plain, Recognizer.WORDS)
    assert [row.name for row in rows] == [
        "x: time vs plain with word times",
        "x: word error rate vs plain with word times",
        "x: peak memory vs plain with word times",
    ]
    assert [row.ratio for row in rows] == [3, 3, 0.5]
    assert rows[1].ours == pytest.approx(12.5)


def test_words_under_the_wrong_voice_and_role_are_seen() -> None:
    voices, roles = bench_speech.attributed("x", SESSION, HEARD)
    assert voices.ours == pytest.approx(12.5)
    assert roles.ours == 100
    mixed = ours(("S1", Role.THERAPIST, "How have you been? Tired, all week long."))
    voices, roles = bench_speech.attributed("x", SESSION, mixed)
    assert voices.ours == pytest.approx(100)
    assert roles.ours == 50


def test_a_missing_recording_or_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        list(bench_speech.speech("tiny", folder=tmp_path))
    (tmp_path / "session.flac").write_bytes(b"")
    with pytest.raises(FileMissing):
        list(bench_speech.speech("tiny", folder=tmp_path))
