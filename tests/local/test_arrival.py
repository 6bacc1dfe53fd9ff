import numpy as np
import pytest

from inference.audio import RATE
from local.arrival import levels, waited


def test_loudness_is_in_decibels_below_full_scale() -> None:
    loud = np.ones(RATE // 10, np.float32)
    found = levels(np.concatenate([loud, loud / 10, loud * 0]), step=0.1)
    assert found == pytest.approx([0, -20, -120], abs=0.1)


def test_a_last_piece_counts_as_one() -> None:
    assert len(levels(np.ones(RATE + 1, np.float32), step=0.1)) == 11


def test_with_work_shorter_than_a_segment_only_the_last_ones_work_is_waited_for() -> None:
    assert waited([30, 60, 75], [3, 4, 2]) == pytest.approx(2)


def test_work_that_piles_up_is_waited_for() -> None:
    assert waited([10, 20, 30], [25, 25, 25]) == pytest.approx(55)


def test_no_segment_is_no_wait() -> None:
    assert waited([], []) == 0
