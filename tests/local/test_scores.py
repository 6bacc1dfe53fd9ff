import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.scores import (
    MaskScore,
    Miss,
    Row,
    diarization_error,
    fully_masked,
    rightly_attributed,
    rows_as_table,
    rttm,
    speaker_errors,
    speaker_word_error_rate,
    spoken,
    word_errors,
    write,
)

SESSION = [
    ("therapist", "How did you sleep?"),
    ("patient", "Badly, I wake up at four."),
    ("therapist", "Every night?"),
]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fifty milligrams", "50mg."),
        ("four one five, five five five", "415-555"),
        ("March fourteenth, nineteen eighty-eight", "march 14th 1988"),
        ("two hundred and five", "205"),
        ("zero to a hundred", "0 to 100"),
        ("three thousand", "3,000"),
        ("I can't, Dr. Hale!", "i cannot doctor hale"),
        ("I\u2019m sure they'll say we don't", "I am sure they will say we do not"),
        ("the P H Q nine, E.M.D.R. I am", "the PHQ-9 EMDR I'm"),
        ("Um, okay", "OK"),
        ("twenty percent", "20%"),
    ],
)
def test_what_sounds_the_same_is_compared_as_the_same(one: str, other: str) -> None:
    assert spoken(one) == spoken(other)


def test_what_sounds_different_stays_different() -> None:
    assert spoken("fifteen milligrams") != spoken("fifty milligrams")
    assert spoken("twenty fifteen") == list("2015")


def test_each_kind_of_word_error_is_counted() -> None:
    found = word_errors("my cat sat on the mat", "now my bat sat on mat")
    assert (found.words, found.substituted, found.dropped, found.invented) == (6, 1, 1, 1)
    assert found.rate == pytest.approx(0.5)


def test_words_where_there_are_none_are_all_wrong() -> None:
    assert word_errors("", "").rate == 0
    assert word_errors("", "thanks for watching").rate == 1


@given(st.text(), st.text())
def test_a_text_has_no_errors_against_itself_and_dropping_it_is_an_error_each_word(
    text: str, other: str
) -> None:
    assert word_errors(text, text).rate == 0
    assert word_errors(text, "").dropped == len(spoken(text))
    assert word_errors(text, other).rate >= 0


def test_names_of_speakers_do_not_matter_for_the_error_rate_by_speaker() -> None:
    named = [({"therapist": "S2", "patient": "S1"}[who], text) for who, text in SESSION]
    assert speaker_word_error_rate(SESSION, named) == 0


def test_a_word_under_the_wrong_voice_counts_twice_in_the_error_rate_by_speaker() -> None:
    heard = [*SESSION[:1], ("patient", "Badly, I wake up at four. Every"), ("therapist", "night?")]
    assert speaker_word_error_rate(SESSION, heard) == pytest.approx(2 / 12)


def test_one_voice_for_everybody_is_an_error_by_speaker_though_each_word_is_right() -> None:
    alone = [("S1", " ".join(text for _, text in SESSION))]
    assert word_errors(" ".join(text for _, text in SESSION), alone[0][1]).rate == 0
    assert speaker_word_error_rate(SESSION, alone) == pytest.approx(1)


def test_roles_are_compared_by_name_over_the_words_that_were_recognized() -> None:
    swapped = [({"therapist": "patient"}.get(who, "therapist"), text) for who, text in SESSION]
    assert rightly_attributed(SESSION, SESSION) == 1
    assert rightly_attributed(SESSION, SESSION[:1]) == 1
    assert rightly_attributed(SESSION, swapped) == 0
    assert rightly_attributed(SESSION, []) == 0


def test_an_identifier_is_masked_when_no_letter_and_no_digit_of_it_is_left() -> None:
    text = "call 415-555-0142 now"
    assert fully_masked(text, (5, 17), [(5, 8), (9, 17)])
    assert not fully_masked(text, (5, 17), [(5, 16)])


def test_what_was_left_and_what_was_masked_for_nothing_is_told_without_its_words() -> None:
    score = MaskScore()
    score.add("a", "ask maya or dan", [(4, 8, "NAME"), (12, 15, "NAME")], [(4, 8, "NAME")])
    score.add("b", "in may", [], [(3, 6, "DATE")])
    score.add("c", "nothing here", [], [])
    score.refuse("d", [(0, 4, "NAME")])
    assert score.recall() == pytest.approx(1 / 3)
    assert score.recall(["DATE"]) is None
    assert score.precision == pytest.approx(1 / 2)
    assert score.clean_touched == pytest.approx(1 / 2)
    assert score.misses == [
        Miss("a", "NAME", "left"),
        Miss("b", "DATE", "masked for nothing"),
        Miss("d", "NAME", "refused"),
    ]


def test_a_clean_text_that_is_refused_is_touched() -> None:
    score = MaskScore()
    score.refuse("e", [])
    assert score.clean_touched == 1


def test_a_ratio_above_one_is_better_whichever_way_the_unit_runs() -> None:
    assert Row("rate", 30.0, "words/s", 10.0, "x").ratio == 3
    assert Row("time", 10.0, "s", 30.0, "x", lower_is_better=True).ratio == 3
    assert Row("length", 30.0, "words", 10.0, "x", lower_is_better=None).ratio == 3


def test_there_is_no_ratio_without_a_baseline_nor_to_nothing() -> None:
    assert Row("time", 10.0, "s").ratio is None
    assert Row("errors", 0.0, "%", 3.0, "x", lower_is_better=True).ratio is None
    assert Row("recall", 90.0, "%", 0.0, "x").ratio is None


def test_rows_are_written_with_the_agreed_keys_and_shown_with_ratios_first(tmp_path: Path) -> None:
    rows = [Row("time", 2.0, "s", 5.0, "plain", lower_is_better=True), Row("size", 12345.6, "MB")]
    write(rows, tmp_path / "new" / "bench.json")
    assert json.loads((tmp_path / "new" / "bench.json").read_text()) == [
        {
            "name": "time",
            "ours": 2.0,
            "baseline": 5.0,
            "baseline_name": "plain",
            "ratio": 2.5,
            "unit": "s",
        },
        {
            "name": "size",
            "ours": 12350.0,
            "baseline": None,
            "baseline_name": None,
            "ratio": None,
            "unit": "MB",
        },
    ]
    lines = rows_as_table(rows).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[1:3]] == ["measured", "ratio"]
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == [
        "size", "-", "12,346", "-", "MB", ""
    ]  # fmt: skip
    assert len({len(line) for line in lines}) == 1


TWO = [(0.0, 4.0, "a"), (5.0, 9.0, "b"), (9.0, 11.0, "a")]


def test_whoever_is_right_under_other_names_makes_no_error() -> None:
    found = [(start, end, {"a": "S2", "b": "S1"}[who]) for start, end, who in TWO]
    assert diarization_error(TWO, found) == 0
    assert diarization_error(TWO, TWO, collar=0) == 0
    assert diarization_error([], []) == 0


def test_each_kind_of_speaker_error_is_counted() -> None:
    # Missed 1 s of "a", invented 1 s in the pause, and 2 s of "b" under the name of "a".
    found = [(1.0, 5.0, "x"), (5.0, 7.0, "y"), (7.0, 11.0, "x")]
    errors = speaker_errors(TWO, found, collar=0)
    assert (errors.spoken, errors.missed, errors.invented, errors.confused) == (10, 1, 1, 2)
    assert errors.rate == pytest.approx(0.4)
    assert diarization_error(TWO, found, collar=0) == pytest.approx(0.4)


def test_nothing_is_scored_near_a_boundary_of_the_reference() -> None:
    # Scored: 0.25-3.75 and 5.25-8.75 and 9.25-10.75; the boundaries are off by less than that.
    found = [(0.2, 4.2, "x"), (4.9, 8.8, "y"), (8.8, 11.2, "x")]
    errors = speaker_errors(TWO, found)
    assert errors.spoken == pytest.approx(8.5)
    assert errors.rate == 0
    # Half a second late: a quarter of it counts at either end of "b".
    late = [(0.0, 4.0, "x"), (5.5, 9.5, "y"), (9.5, 11.0, "x")]
    assert diarization_error(TWO, late) == pytest.approx(0.5 / 8.5)


def test_overlapped_speech_counts_for_each_speaker() -> None:
    both = [(0.0, 6.0, "a"), (4.0, 10.0, "b")]
    errors = speaker_errors(both, [(0.0, 5.0, "x"), (5.0, 10.0, "y")], collar=0)
    assert errors.spoken == 12
    assert errors.missed == 2
    assert errors.rate == pytest.approx(2 / 12)


def test_one_found_voice_stands_for_one_speaker_only() -> None:
    errors = speaker_errors(TWO, [(0.0, 4.0, "x"), (5.0, 11.0, "x")], collar=0)
    assert errors.confused == 4
    split = speaker_errors(TWO, [(0, 4, "x"), (5, 9, "y"), (9, 11, "z")], collar=0)
    assert split.confused == 2


def test_a_speaker_who_is_given_twice_at_once_speaks_once() -> None:
    assert diarization_error(TWO, [*TWO, (1.0, 2.0, "a")], collar=0) == 0


def test_who_spoke_when_is_read_from_rttm() -> None:
    lines = [
        "SPKR-INFO one 1 <NA> <NA> <NA> unknown a <NA> <NA>",
        "SPEAKER one 1 0.500 1.250 <NA> <NA> a <NA> <NA>",
        "",
    ]
    assert rttm(lines) == [(0.5, 1.75, "a")]
    with pytest.raises(ValueError, match="SPEAKER"):
        rttm(["SPEAKER one 1 0.5"])
