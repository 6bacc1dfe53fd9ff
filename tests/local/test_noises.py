from __future__ import annotations

import numpy as np

from local import noises


def test_there_are_over_ten_minutes_of_many_kinds_and_the_same_each_time() -> None:
    first, second = noises.clips(), noises.clips()
    assert sum(map(len, first.values())) >= 600 * noises.RATE
    assert {"silence", "fan", "typing", "breathing", "sobbing", "music", "hold_tone"} <= set(first)
    for name, samples in first.items():
        assert samples.dtype == np.int16
        assert np.array_equal(samples, second[name]), name


def test_only_silence_is_silent_and_nothing_is_cut_off_by_the_scale() -> None:
    for name, samples in noises.clips().items():
        assert samples.any() == (name != "silence"), name
        assert np.mean(np.abs(samples.astype(np.int32)) >= 32_767) < 1e-3, name
