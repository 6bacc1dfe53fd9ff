from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from countersign.transcript import Word
from inference.activity import Stretch
from inference.audio import RATE
from inference.pipeline import unheard
from inference.recognize import Spoken, blocks, in_order, unloop

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


def _said(text: str) -> list[Word]:
    return [Word(start=i, end=i + 0.5, text=f" {word}") for i, word in enumerate(text.split())]


def _text(spoken: list[Word]) -> str:
    return "".join(word.text for word in spoken).strip()


def test_a_loop_is_cut_and_a_plea_is_not() -> None:
    loop = "I was " + "going to the store, " * 9 + "yesterday"
    assert _text(unloop(_said(loop))) == "I was " + "going to the store, " * 2 + "yesterday"
    for plea in ("no, no, no, no, I can't", "I don't know. I don't know. I don't know."):
        assert _text(unloop(_said(plea))) == plea


def test_a_loop_within_a_word_goes() -> None:
    assert _text(unloop(_said("well " + "op" * 60 + " yes"))) == "well yes"


@given(st.lists(st.sampled_from(["yes", "no", "I"]), max_size=40))
def test_cutting_loops_twice_cuts_no_more(said: list[str]) -> None:
    once = unloop(_said(" ".join(said)))
    assert unloop(once) == once


def test_a_long_session_is_cut_in_its_pauses() -> None:
    speech = [Stretch(i * 50.0, i * 50.0 + 49.0) for i in range(20)]
    runs = blocks(speech, np.zeros(RATE, np.float32))
    assert [stretch for run in runs for stretch in run] == speech
    assert all(run[-1].end - run[0].start <= 300 for run in runs)


def test_an_endless_stretch_is_cut_at_its_quietest_moment() -> None:
    samples = np.full(700 * RATE, 0.1, np.float32)
    samples[int(290 * RATE) : int(290.5 * RATE)] = 0.0
    runs = blocks([Stretch(0.0, 700.0)], samples)
    assert 290 <= runs[0][-1].end <= 290.5
    assert runs[-1][-1].end == 700.0
    assert all(run[-1].end - run[0].start <= 300 for run in runs)


def test_speech_without_words_is_noticed_and_completed() -> None:
    certain = (Stretch(0.0, 4.0), Stretch(5.0, 9.0))
    heard = Spoken((Word(start=0.1, end=1.0, text=" Well,"),), ())
    missed = unheard(certain, heard.words, 1.5)
    assert missed == (Stretch(1.0, 4.0), Stretch(5.0, 9.0))
    again = Spoken(
        (Word(start=0.2, end=0.9, text=" Wall"), Word(start=6.0, end=6.4, text=" yes.")), ()
    )
    assert _text(list(heard.completed(again, missed).words)) == "Well, yes."
