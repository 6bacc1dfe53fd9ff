from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.transcript import Word
from inference.activity import Stretch
from inference.judging import (
    LOOP,
    PHANTOM,
    UNHEARD,
    UNLIKELY_RATE,
    UNSURE,
    Heard,
    Judge,
    unheard,
    unloop,
)
from inference.settings import Settings, SpeechPolicy


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


def test_speech_without_words_is_noticed() -> None:
    certain = (Stretch(0.0, 4.0), Stretch(5.0, 9.0))
    heard = (Word(start=0.1, end=1.0, text=" Well,"),)
    assert unheard(certain, heard, 1.5) == (Stretch(1.0, 4.0), Stretch(5.0, 9.0))


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(SpeechPolicy.read(Settings().policy).guards)


def _judged(judge: Judge, text: str, seconds: float, likely: float = -0.2) -> list[str]:
    said = text.split()
    each = seconds / max(1, len(said))
    words = tuple(
        Word(start=i * each, end=(i + 1) * each, text=f" {word}", probability=0.9)
        for i, word in enumerate(said)
    )
    heard = Heard(words=words, text=text, log_probability=likely, no_speech=0.0)
    return judge.faults([heard], [Stretch(0.0, seconds)])


def test_a_window_that_went_well_is_not_heard_twice(judge: Judge) -> None:
    assert _judged(judge, "I went for a walk with my sister twice and that helped", 4.0) == []


@pytest.mark.parametrize(
    ("text", "seconds", "likely", "fault"),
    [
        ("I went for a walk " * 9, 12.0, -0.2, LOOP),
        ("I went for a walk with my sister twice and that helped a lot", 1.5, -0.2, UNLIKELY_RATE),
        ("How does it feel to say that out loud? " * 2, 6.0, -0.2, LOOP),
        ("Well. I missed one dose last week, that is all. I missed one dose last", 6, -0.2, LOOP),
        ("I went for a walk with my sister twice", 3.0, -1.4, UNSURE),
        ("I went", 8.0, -0.2, UNHEARD),
        ("", 2.0, -0.2, UNHEARD),
    ],
    ids=[
        "loop",
        "impossible rate",
        "said twice",
        "said once and a half",
        "low score",
        "words missing",
        "nothing at all",
    ],
)
def test_a_window_that_went_wrong_is_sent_back(
    judge: Judge, text: str, seconds: float, likely: float, fault: str
) -> None:
    assert fault in _judged(judge, text, seconds, likely)


def test_an_answer_that_no_word_touches_is_missed(judge: Judge) -> None:
    words = (
        Word(start=0.0, end=0.5, text=" Weird,"),
        Word(start=0.5, end=1.0, text=" but"),
        Word(start=1.0, end=1.4, text=" true?"),
    )
    heard = Heard(words=words, text="Weird, but true?", log_probability=-0.2, no_speech=0.0)
    certain = [Stretch(0.0, 1.4), Stretch(2.0, 2.5)]
    assert judge.faults([heard], certain) == [UNHEARD]
    assert judge.faults([heard], certain[:1]) == []


def test_a_lost_window_is_repaired_by_the_careful_way(judge: Judge) -> None:
    lost = (Heard(words=(), text="", log_probability=-0.1, no_speech=0.0),)
    word = Word(start=0.2, end=1.2, text=" Morning.", probability=0.9)
    found = (Heard(words=(word,), text="Morning.", log_probability=-0.6, no_speech=0.0),)
    certain = [Stretch(0.1, 1.3)]
    assert judge.better(lost, found, certain) is found
    assert judge.better(found, lost, certain) is found


def test_phantom_phrases_go_and_are_shown(judge: Judge) -> None:
    words = tuple(
        Word(start=i, end=i + 0.5, text=f" {word}", probability=0.3)
        for i, word in enumerate("Thanks for watching!".split())
    )
    heard = Heard(words, "Thanks for watching!", log_probability=-0.4, no_speech=0.1)
    kept, doubts = judge.guarded(heard, 2.0)
    assert kept == []
    assert [doubt.code for doubt in doubts] == [PHANTOM]
    sure = tuple(word.model_copy(update={"probability": 0.95}) for word in words)
    kept, doubts = judge.guarded(Heard(sure, "Thanks for watching!", -0.1, 0.1), 2.0)
    assert len(kept) == 3


def test_unsure_words_where_hardly_anybody_speaks_go(judge: Judge) -> None:
    word = Word(start=1.0, end=1.4, text=" you", probability=0.2)
    heard = Heard((word,), "you", log_probability=-0.6, no_speech=0.4)
    assert judge.guarded(heard, 0.0)[0] == []
    assert judge.guarded(heard, 0.4)[0] == [word]


@pytest.mark.parametrize(
    ("text", "likely"),
    [("Co-co-co-co-co", -0.5), ("Go, go, go, go, go.", -0.4), ("Thank you.", -0.7)],
)
def test_laughter_and_sobs_are_not_written_as_words(judge: Judge, text: str, likely: float) -> None:
    words = tuple(
        Word(start=i, end=i + 0.3, text=f" {word}", probability=0.7)
        for i, word in enumerate(text.split())
    )
    kept, doubts = judge.guarded(Heard(words, text, likely, 0.66), 1.2)
    assert kept == []
    assert [doubt.code for doubt in doubts] == [PHANTOM]
    spoken, _ = judge.guarded(Heard(words, text, likely, 0.1), 1.2)
    assert len(spoken) == len(words)
