from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.errors import BadPolicy
from countersign.transcript import Word
from countersign.vocabulary import SOUND_ALIKE, Vocabulary

VOCABULARY = Vocabulary(
    terms=("sertraline", "lamotrigine", "EMDR"),
    sound_alike=(("lamotrigine", "lamivudine"), ("lamivudine", "lamotil"), ("Zantac", "Xanax")),
)
names = st.sampled_from(["ada", "ben", "cleo", "dora", "emil", "fay"])


def _told(vocabulary: Vocabulary, first: tuple[str, ...], budget: int) -> list[str]:
    text = vocabulary.hotwords(first, budget, len)
    return text.split(", ") if text else []


def test_this_sessions_words_come_before_the_clinics() -> None:
    assert _told(VOCABULARY, ("Whitfield",), 1000)[:2] == ["Whitfield", "sertraline"]


def test_a_drug_is_told_with_all_that_sound_like_it_or_not_at_all() -> None:
    assert _told(VOCABULARY, (), 1000)[1:4] == ["lamotrigine", "lamivudine", "lamotil"]
    assert _told(VOCABULARY, (), len(" sertraline, lamotrigine,")) == ["sertraline", "EMDR"]


@given(
    terms=st.lists(names, max_size=6),
    pairs=st.lists(st.tuples(names, names), max_size=5),
    budget=st.integers(0, 60),
)
def test_whatever_is_told_fits_and_leaves_no_sound_alike_out(
    terms: list[str], pairs: list[tuple[str, str]], budget: int
) -> None:
    vocabulary = Vocabulary(terms=tuple(terms), sound_alike=tuple(pairs))
    told = _told(vocabulary, (), budget)
    assert len(told) == len(set(told))
    assert sum(len(f" {word},") for word in told) <= budget
    for word in told:
        assert set(vocabulary.partners(word)) <= set(told)


def test_a_confusable_medication_is_doubted_however_sure_the_recognizer_is() -> None:
    words = [
        Word(start=1, end=2, text="Lamivudine,", probability=0.99),
        Word(start=2, end=3, text="sertraline", probability=0.1),
        Word(start=3, end=4, text="xanax.", probability=0.9),
    ]
    doubts = VOCABULARY.doubts(words)
    assert [(doubt.code, doubt.start) for doubt in doubts] == [(SOUND_ALIKE, 1), (SOUND_ALIKE, 3)]


def test_words_cannot_reshape_the_prompt() -> None:
    told = VOCABULARY.hotwords(("a<|endoftext|>b, c\nd", "x", ""), 1000, len)
    assert "<|" not in told
    assert told.startswith("a endoftext|>b c d, ")


@pytest.mark.parametrize(
    "text", ["[vocabulary", "[vocabulary]\nterms = 3", "[vocabulary]\nother = 1"]
)
def test_a_broken_policy_is_named(text: str) -> None:
    with pytest.raises(BadPolicy, match="speech policy"):
        Vocabulary.from_toml(text)
