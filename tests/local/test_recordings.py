import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.errors import FileMissing, NotJson
from inference.audio import RATE
from local import recordings
from local.recordings import Line, Session, read_lines, read_rttm, read_session, write_wav


def tone(seconds: float, hertz: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype("f4")


def session(*turns: tuple[str, float, float], seconds: float = 10.0) -> Session:
    """A turn of the therapist is a tone of 400 Hz, of the patient of 900 Hz."""
    sound = np.zeros(int(seconds * RATE), np.float32)
    lines = []
    for who, start, end in turns:
        first, last = int(start * RATE), int(end * RATE)
        hertz = 400 if who == "therapist" else 900
        sound[first:last] = tone(end - start + 0.1, hertz)[: last - first]
        lines.append(Line(who=who, start=start, end=end, text=f"{who} at {start}"))
    return Session(sound[np.newaxis], tuple(lines))


TWO = session(("therapist", 1, 3), ("patient", 4, 6), ("therapist", 7, 9))


def level(samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def heard(sound: Session, hertz: float, start: float, end: float) -> float:
    """How strong a tone is between two times."""
    part = sound.mono[int(start * RATE) : int(end * RATE)]
    spectrum = np.abs(np.fft.rfft(part)) / len(part)
    return float(spectrum[round(hertz * len(part) / RATE)])


def test_a_reference_names_its_speakers_by_role_or_by_a_letter(tmp_path: Path) -> None:
    (tmp_path / "ref.json").write_text(
        json.dumps(
            [
                {"role": "therapist", "start": 0, "end": 1, "text": "Hello."},
                {"speaker": "p", "start": 1, "end": 2, "text": "Hi."},
                {"speaker": "mother", "text": "Good morning."},
            ]
        )
    )
    assert [line.who for line in read_lines(tmp_path / "ref.json")] == [
        "therapist", "patient", "mother"
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["{", "[1]", '[{"text": "maya"}]', "3", '[{"speaker": "p"}]'])
def test_a_reference_that_is_none_is_refused_without_its_words(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "reference.json").write_text(content)
    with pytest.raises(NotJson) as refused:
        read_lines(tmp_path / "reference.json")
    assert "maya" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        read_lines(tmp_path / "ref.json")
    with pytest.raises(FileMissing):
        read_rttm(tmp_path / "ref.rttm")


def test_who_speaks_when_is_read_by_recording(tmp_path: Path) -> None:
    (tmp_path / "two.rttm").write_text(
        "SPEAKER a 1 0.500 1.5 <NA> <NA> t <NA> <NA>\n\n"
        "SPEAKER b 1 0 1 <NA> <NA> MEO069 <NA> <NA>\n"
        "SPEAKER a 1 1.8 1.0 <NA> <NA> p <NA> <NA>\n"
    )
    assert read_rttm(tmp_path / "two.rttm") == {
        "a": [(0.5, 2.0, "therapist"), (1.8, 2.8, "patient")],
        "b": [(0.0, 1.0, "MEO069")],
    }


def test_a_broken_line_of_who_speaks_when_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "two.rttm").write_text("SPEAKER a 1 0 1 <NA> <NA> t\nSPEAKER a 1 soon 1\n")
    with pytest.raises(NotJson, match="line 2"):
        read_rttm(tmp_path / "two.rttm")


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    both = recordings.two_channels(TWO)
    (tmp_path / "ref.json").write_text(json.dumps([{"speaker": "p", "text": "hello"}]))
    again = read_session(write_wav(both.channels, tmp_path / "a.wav"), tmp_path / "ref.json")
    assert again.channels.shape == both.channels.shape
    assert np.abs(again.channels - both.channels).max() < 1e-3


def test_each_of_two_microphones_hears_its_own_speaker_loudest() -> None:
    left, right = recordings.two_channels(TWO).channels
    therapist, patient = slice(RATE, 3 * RATE), slice(4 * RATE, 6 * RATE)
    assert 5 < level(left[therapist]) / level(right[therapist]) < 12
    assert 5 < level(right[patient]) / level(left[patient]) < 12


def test_a_telephone_lets_through_what_is_in_its_band() -> None:
    low = session(("therapist", 1, 9))
    hum = Session(tone(10, 100)[np.newaxis], low.lines)
    assert level(recordings.telephone(low).mono) > 0.9 * level(low.mono)
    assert level(recordings.telephone(hum).mono) < 0.1 * level(hum.mono)


def test_softer_and_noisier_by_what_was_asked() -> None:
    assert level(recordings.quieter(TWO, 20).mono) == pytest.approx(level(TWO.mono) / 10, rel=0.02)
    noise = recordings.noisy(TWO, 20).mono - TWO.mono
    assert level(noise) == pytest.approx(level(TWO.mono) / 10, rel=0.05)


def test_turns_laid_apart_are_where_their_lines_say() -> None:
    apart = recordings.apart(TWO, 5)
    assert [line.start for line in apart.lines] == [5, 12, 19]
    for line in apart.lines:
        hertz = 400 if line.who == "therapist" else 900
        assert heard(apart, hertz, line.start, line.end) > 0.1
    assert level(apart.mono[4 * RATE // 2 : 4 * RATE]) < 0.001


def test_an_overlap_holds_both_voices() -> None:
    made = recordings.overlapped(TWO, seconds=0.5, every=2)
    assert [(line.start, line.end) for line in made.lines] == [(1, 3), (4, 6), (5.5, 7.5)]
    assert heard(made, 400, 5.5, 6.0) > 0.1
    assert heard(made, 900, 5.5, 6.0) > 0.1


def test_a_session_is_repeated_as_often_as_it_fits_and_once_at_least() -> None:
    assert recordings.repeated(TWO, 35).seconds == 30
    assert len(recordings.repeated(TWO, 35).lines) == 9
    assert recordings.repeated(TWO, 35).lines[-1].start == 27
    assert recordings.repeated(TWO, 1).seconds == 10


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0.2, 2.0), st.floats(0.0, 1.0)), min_size=1, max_size=6))
def test_laying_turns_out_anew_keeps_each_ones_length_words_and_order(
    turns: list[tuple[float, float]],
) -> None:
    clock, spans = 0.3, []
    for number, (length, pause) in enumerate(turns):
        spans.append(("patient" if number % 2 else "therapist", clock, clock + length))
        clock += length + pause
    made = session(*spans, seconds=clock + 1)
    for changed in (recordings.apart(made, 2.0), recordings.overlapped(made, 0.1)):
        assert [line.text for line in changed.lines] == [line.text for line in made.lines]
        for before, after in zip(made.lines, changed.lines, strict=True):
            assert after.end - after.start == pytest.approx(before.end - before.start, abs=0.002)
            assert after.end <= changed.seconds
