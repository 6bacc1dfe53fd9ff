"""Where a recording is cut, what its keys say, and when all of it is in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.errors import (
    AudioMissing,
    BadPolicy,
    NoSpeech,
    NotAudio,
    SpeechFailed,
)
from countersign.segments import (
    Ended,
    Ingest,
    Progress,
    Stage,
    announced,
    complete,
    cuts,
    failure,
    is_quiet,
    place_of,
    prefixes,
)

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
POLICY = (Path(__file__).parents[2] / "policies" / "retention.toml").read_text("utf-8")
RULES = Ingest.from_toml(POLICY)
STEP = 0.1


def part(index: int, stage: Stage, failed: str | None = None, minutes: float = 0) -> Progress:
    return Progress(index=index, stage=stage, at=NOON + timedelta(minutes=minutes), failure=failed)


# The recorder's rule -------------------------------------------------------------------------


def test_a_cut_falls_into_the_pause() -> None:
    levels = [-20.0] * 600
    levels[283:290] = [-60.0] * 7
    (first, second) = cuts(levels, STEP, RULES)
    assert first[0] == 0.0 and second[1] == 60.0
    middle = (first[1] + second[0]) / 2
    assert 28.3 <= middle <= 29.0
    assert first[1] - second[0] == pytest.approx(2 * RULES.overlap_seconds)


def test_a_short_recording_is_one_segment() -> None:
    assert cuts([-20.0] * 340, STEP, RULES) == ((0.0, 34.0),)
    assert cuts([], STEP, RULES) == ()


@given(st.lists(st.floats(-90, 0), min_size=1, max_size=3000))
def test_segments_cover_everything_overlap_and_keep_their_length(levels: list[float]) -> None:
    found = cuts(levels, STEP, RULES)
    assert found[0][0] == 0.0
    assert found[-1][1] == pytest.approx(len(levels) * STEP)
    for before, after in pairwise(found):
        assert before[1] - after[0] == pytest.approx(2 * RULES.overlap_seconds)
    for start, end in found:
        assert 0 < end - start <= RULES.latest_seconds + RULES.overlap_seconds + STEP
    for start, end in found[:-1]:
        assert end - start >= RULES.earliest_seconds - STEP


def test_a_recording_of_silence_is_cut_as_well() -> None:
    assert len(cuts([-90.0] * 3000, STEP, RULES)) == 10


# Names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("audio/s-1/00007", ("s-1", 7)),
        ("speech/s-1/7-2.out", ("s-1", 7)),
        ("speech/s-1.7.2-error.out", ("s-1", 7)),
        ("audio/voice-amy-1/00000", ("voice-amy-1", 0)),
        ("speech/voice-amy-1/1.out", ("voice-amy-1", None)),
        ("speech/voice-amy-1.1-error.out", ("voice-amy-1", None)),
        ("audio/s-1/notes.txt", ("s-1", None)),
    ],
)
def test_a_key_says_whose_it_is(key: str, place: tuple[str, int | None]) -> None:
    assert place_of(key) == place
    session, index = place
    assert key.startswith(prefixes(session))
    if index is not None:
        assert key.startswith(prefixes(session, index))


def test_the_prefixes_of_one_segment_are_no_other_s() -> None:
    for key in ("audio/s-1/00010", "speech/s-1/10-1.out", "speech/s-1.10.1-error.out"):
        assert not key.startswith(prefixes("s-1", 1))


@pytest.mark.parametrize("key", ["", "audio", "audio//x", "vault/s-1/transcript"])
def test_what_is_no_recording_s_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        place_of(key)


# How far it is -------------------------------------------------------------------------------


def test_a_recording_is_complete_when_it_has_ended_and_all_of_it_is_settled() -> None:
    segments = [part(0, Stage.ERASED), part(1, Stage.FAILED, "NoSpeech")]
    assert not complete(None, segments)
    assert complete(Ended(segments=2, at=NOON, by="recorder"), segments)
    assert not complete(Ended(segments=3, at=NOON, by="recorder"), segments)
    open_ = [segments[0], part(1, Stage.TRANSCRIBED)]
    assert not complete(Ended(segments=2, at=NOON, by="recorder"), open_)


def test_the_last_segment_that_is_known_tells_how_many_there_are() -> None:
    assert announced(None, [part(4, Stage.ALLOWED)]) == 5
    assert announced(Ended(segments=2, at=NOON, by="recorder"), [part(4, Stage.ALLOWED)]) == 2
    assert announced(None, []) == 0


def test_a_recording_is_left_when_nothing_has_come_for_long() -> None:
    segments = [part(0, Stage.ERASED), part(1, Stage.RECEIVED, minutes=5)]
    quiet = NOON + timedelta(minutes=5 + RULES.quiet_minutes)
    assert is_quiet(segments, quiet, RULES)
    assert not is_quiet(segments, quiet - timedelta(seconds=1), RULES)
    assert not is_quiet([], quiet, RULES)


@pytest.mark.parametrize(
    ("codes", "refusal"),
    [
        (("NoSpeech",), NoSpeech),
        (("NoSpeech", "NotAudio"), NotAudio),
        (("AudioMissing", "NoSpeech"), AudioMissing),
        (("Unheard",), SpeechFailed),
        ((), AudioMissing),
    ],
)
def test_a_fault_is_told_before_silence(codes: tuple[str, ...], refusal: type) -> None:
    segments = [part(index, Stage.FAILED, code) for index, code in enumerate(codes)]
    assert failure(segments) is refusal


def test_one_segment_with_words_is_enough() -> None:
    assert failure([part(0, Stage.FAILED, "NotAudio"), part(1, Stage.ERASED)]) is None


# The policy ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("attempts = 3", "attempts = 0"),
        ("latest_seconds = 35.0", "latest_seconds = 26.0"),
        ("most_segments = 720", "most_segmints = 720"),
    ],
)
def test_an_impossible_policy_is_refused(line: str, other: str) -> None:
    assert line in POLICY
    with pytest.raises(BadPolicy, match=r"\[recording\]"):
        Ingest.from_toml(POLICY.replace(line, other))


def test_a_policy_without_the_table_is_refused() -> None:
    with pytest.raises(BadPolicy):
        Ingest.from_toml("[audio]\n")
