from pathlib import Path

import pytest

from countersign.errors import FileMissing
from local import evaluate_speech
from local.evaluate_speech import roles_right, term_recall

TRUE = [(0.0, 4.0, "therapist"), (5.0, 9.0, "patient"), (10.0, 12.0, "therapist")]


def test_a_term_is_recalled_as_often_as_it_is_said() -> None:
    terms = ("PHQ-9", "sertraline", "EMDR")
    said = "Your PHQ nine was ten. Sertraline, and sertraline again."
    assert term_recall(terms, said, "your phq-9 was 10 sertraline and certain lean") == (
        pytest.approx(2 / 3)
    )
    assert term_recall(terms, said, said) == 1
    assert term_recall(terms, said, "nothing") == 0
    assert term_recall(terms, "Hello.", "EMDR") is None


def test_a_term_written_too_often_does_not_make_up_for_another() -> None:
    assert term_recall(("lithium", "EMDR"), "lithium emdr", "lithium lithium") == 0.5


def test_roles_are_right_when_each_person_speaks_mostly_under_the_own_one() -> None:
    assert roles_right(TRUE, TRUE)
    assert roles_right(TRUE, [(0.0, 5.5, "therapist"), (5.5, 9.5, "patient")])


@pytest.mark.parametrize(
    "found",
    [
        [(0.0, 4.0, "patient"), (5.0, 9.0, "therapist"), (10.0, 12.0, "patient")],
        [(0.0, 12.0, "therapist")],
        [(0.0, 12.0, "unknown")],
        [],
    ],
)
def test_roles_are_wrong_when_swapped_unknown_or_of_one_person(
    found: list[tuple[float, float, str]],
) -> None:
    assert not roles_right(TRUE, found)


def test_a_folder_without_a_recording_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileMissing, match="no recording"):
            next(evaluate_speech.speech(folder, "none"))


def test_recordings_are_found_by_their_ending(tmp_path: Path) -> None:
    for name in ("b.wav", "a.flac", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "deeper.wav").mkdir()
    assert [file.name for file in evaluate_speech.sounds(tmp_path)] == ["a.flac", "b.wav"]
