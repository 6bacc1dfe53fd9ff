from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.activity import Stretch
from inference.audio import RATE
from inference.windows import LONGEST, Window, batches, cut, quietest

SILENCE = np.zeros(RATE, np.float32)


@st.composite
def speeches(draw: st.DrawFn) -> list[Stretch]:
    """Stretches of speech in order, with pauses between them."""
    clock, found = draw(st.floats(0, 3)), []
    for _ in range(draw(st.integers(1, 12))):
        end = clock + draw(st.floats(0.1, 40))
        found.append(Stretch(clock, end))
        clock = end + draw(st.floats(0.3, 5))
    return found


@given(speeches())
def test_all_speech_is_in_a_window_and_no_two_overlap(speech: list[Stretch]) -> None:
    samples = np.zeros(int((speech[-1].end + 1) * RATE), np.float32)
    windows = cut(speech, samples)
    assert all(window.seconds <= LONGEST + 0.5 for window in windows)
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(windows))
    for stretch in speech:
        inside = sum(
            max(0.0, min(w.end, stretch.end) - max(w.start, stretch.start)) for w in windows
        )
        assert inside == pytest.approx(stretch.end - stretch.start, abs=1e-6)


def test_who_talks_on_is_cut_where_it_is_quietest() -> None:
    samples = np.full(30 * RATE, 0.1, np.float32)
    for pause in (6.0, 13.5, 21.0):
        samples[int(pause * RATE) : int((pause + 0.2) * RATE)] = 0.0
    windows = cut([Stretch(0.0, 30.0)], samples)
    assert [window.end for window in windows[:3]] == pytest.approx([6.1, 13.6, 21.1], abs=0.1)
    assert windows[-1].end == 30.0


def test_too_short_a_place_is_cut_in_its_middle() -> None:
    assert quietest(SILENCE, 0.0, 0.05) == pytest.approx(0.025)


@given(
    st.lists(st.floats(0.2, 9), min_size=1, max_size=60),
    st.integers(1, 4),
    st.floats(10, 100),
)
def test_every_window_is_in_one_batch_of_bounded_size(
    lengths: list[float], lanes: int, budget: float
) -> None:
    windows = [Window(0.0, length) for length in lengths]
    runs = batches(windows, lanes, budget, 2.0)
    assert sorted(index for run in runs for index in run) == list(range(len(windows)))
    for run in runs:
        longest = max(windows[index].seconds for index in run) + 2.0
        assert len(run) == 1 or longest * len(run) <= budget


def test_a_short_session_is_shared_out_among_the_lanes() -> None:
    windows = [Window(0.0, 8.0) for _ in range(4)]
    assert [len(run) for run in batches(windows, 2, 60.0, 2.0)] == [2, 2]
