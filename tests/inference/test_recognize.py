from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from countersign.transcript import Word
from inference import activity
from inference.audio import decode
from inference.pipeline import Pipeline
from inference.recognize import in_order

times = st.floats(0, 100, allow_nan=False)


@st.composite
def words(draw: st.DrawFn) -> Word:
    start = draw(times)
    return Word(start=start, end=start + draw(st.floats(0, 2)), text=draw(st.sampled_from("abc")))


@given(st.lists(words(), max_size=30))
def test_words_in_order_never_overlap_and_none_is_lost(spoken: list[Word]) -> None:
    ordered = in_order(spoken)
    assert sorted(word.text for word in ordered) == sorted(word.text for word in spoken)
    assert all(word.start <= word.end for word in ordered)
    assert all(before.end <= after.start for before, after in pairwise(ordered))


def _heard(pipeline: Pipeline, samples: np.ndarray, told: str) -> tuple[str, list[str]]:
    """All that was heard when each window is told `told`, and what `tell` was asked about."""
    sound = activity.listen(samples, pipeline.policy.activity)
    asked: list[str] = []

    def tell(heard: Sequence[Word]) -> str:
        asked.append("".join(word.text for word in heard))
        return told

    spoken = pipeline._recognizer.listen(samples, sound.speech, sound.certain, tell)
    return "".join(word.text for word in spoken.words), sorted(asked)


def test_each_window_is_asked_about_and_what_nobody_said_is_not_written(
    pipeline: Pipeline, session_wav: bytes
) -> None:
    samples = decode(session_wav, max_seconds=600, max_bytes=10**8).mono()
    text, asked = _heard(pipeline, samples, "")
    assert sum(len(said.split()) for said in asked) >= len(text.split()) > 80
    told = "hydroxyzine, hydralazine, lamotrigine, lamivudine, methylphenidate"
    again, _ = _heard(pipeline, samples, told)
    assert not [
        drug for drug in told.split(", ") if drug in again.casefold() not in text.casefold()
    ]
