from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from countersign.errors import BadPolicy
from countersign.grounding.words import tokenize
from countersign.sounds import CORRECTED, pronounced
from countersign.transcript import Word
from countersign.vocabulary import SOUND_ALIKE, Vocabulary
from tests.clinical import lexicons

POLICIES = Path(__file__).parents[2] / "policies"
TEXTS = [
    (POLICIES / name).read_text("utf-8")
    for name in ("vocabulary/clinic.toml", "sound_alike.toml", "lexicons/medications.toml")
]
CLINIC = Vocabulary.from_toml(*TEXTS)
VOCABULARY = Vocabulary(
    terms=("sertraline", "lamotrigine", "EMDR"),
    sound_alike=(("lamotrigine", "lamivudine"), ("lamivudine", "lamotil"), ("Zantac", "Xanax")),
    unsure_alike=(("sertraline", "cetirizine"),),
    medications=("sertraline", "lamotrigine", "lamivudine", "Zantac", "Xanax"),
)
names = st.sampled_from(["ada", "ben", "cleo", "dora", "emil", "fay"])


def _told(vocabulary: Vocabulary, terms: tuple[str, ...], budget: int) -> list[str]:
    text = vocabulary.hotwords(terms, budget, len)
    return text.split(", ") if text else []


def test_a_drug_is_told_with_all_that_sound_like_it_or_not_at_all() -> None:
    terms = ("sertraline", "lamotrigine", "EMDR")
    told = ["sertraline", "lamotrigine", "lamivudine", "lamotil", "EMDR"]
    assert _told(VOCABULARY, terms, 1000) == told
    assert _told(VOCABULARY, terms, len(" sertraline, lamotrigine,")) == ["sertraline", "EMDR"]


@given(
    terms=st.lists(names, max_size=6),
    pairs=st.lists(st.tuples(names, names), max_size=5),
    budget=st.integers(0, 60),
)
def test_whatever_is_told_fits_and_leaves_no_sound_alike_out(
    terms: list[str], pairs: list[tuple[str, str]], budget: int
) -> None:
    vocabulary = Vocabulary(sound_alike=tuple(pairs))
    told = _told(vocabulary, tuple(terms), budget)
    assert len(told) == len(set(told))
    assert sum(len(f" {word},") for word in told) <= budget
    for word in told:
        assert set(vocabulary.partners(word)) <= set(told)


def test_a_confusable_medication_is_doubted_however_sure_the_recognizer_is() -> None:
    words = [
        Word(start=1, end=2, text=" Lamivudine,", probability=0.99),
        Word(start=2, end=3, text=" sertraline", probability=0.95),
        Word(start=3, end=4, text=" xanax.", probability=0.9),
        Word(start=4, end=5, text=" sertraline", probability=0.5),
    ]
    assert [(doubt.code, doubt.start, doubt.candidates) for doubt in VOCABULARY.doubts(words)] == [
        (SOUND_ALIKE, 1, ("Lamivudine", "lamotrigine", "lamotil")),
        (SOUND_ALIKE, 3, ("xanax", "Zantac")),
        (SOUND_ALIKE, 4, ("sertraline", "cetirizine")),
    ]


@pytest.mark.parametrize("word", ["chloropromazine", "hydrolyzine", "chlorpromazine", "Klonapin"])
def test_what_sounds_nearly_like_a_confusable_medication_is_doubted_too(word: str) -> None:
    (doubt,) = CLINIC.doubts([Word(start=1, end=2, text=f" {word}", probability=0.99)])
    assert doubt.code == SOUND_ALIKE
    assert doubt.candidates[0] == word


def test_a_corrected_medication_that_another_sounds_like_is_shown_with_it() -> None:
    words = [Word(start=1, end=2, text=" Lammatrogen", probability=0.4)]
    found = CLINIC.corrected(words)
    assert [word.text for word in found.words] == [" Lamotrigine"]
    assert [(doubt.code, doubt.candidates) for doubt in found.doubts] == [
        (CORRECTED, ("lamotrigine", "Lammatrogen")),
        (SOUND_ALIKE, ("Lamotrigine", "lamivudine")),
    ]


def test_a_sessions_own_words_are_looked_for_with_the_clinics() -> None:
    sounds = CLINIC.sounds_with(("Maya Whitfield",))
    words = [
        Word(start=1, end=2, text=" Mya", probability=0.4),
        Word(start=2, end=3, text=" Witfield,", probability=0.6),
        Word(start=3, end=4, text=" clonipin", probability=0.6),
    ]
    text = "".join(word.text for word in CLINIC.corrected(words, sounds).words)
    assert text == " Maya Whitfield, Klonopin"


def test_words_cannot_reshape_the_prompt() -> None:
    told = VOCABULARY.hotwords(("a<|endoftext|>b, c\nd", "x", ""), 1000, len)
    assert told == "a endoftext|>b c d"


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("text", ["[group", "group = 3", 'title = "x"\nother = 1'])
def test_a_broken_policy_is_named(at: int, text: str) -> None:
    texts = [*TEXTS]
    texts[at] = text
    with pytest.raises(BadPolicy, match=("vocabulary", "sound_alike", "medications")[at]):
        Vocabulary.from_toml(*texts)


# The policy itself -------------------------------------------------------------------------------


def test_the_clinics_list_has_what_a_clinic_says() -> None:
    assert len(CLINIC.terms) == len({term.casefold() for term in CLINIC.terms}) >= 150
    assert {
        "sertraline",
        "EMDR",
        "CBT",
        "DBT",
        "IFS",
        "PHQ-9",
        "GAD-7",
        "PCL-5",
        "C-SSRS",
        "MDQ",
    } <= {*CLINIC.terms}


def _apart(one: str, other: str) -> float:
    return min(
        Levenshtein.normalized_distance(a, b) for a in pronounced(one) for b in pronounced(other)
    )


def test_each_listed_pair_does_sound_alike() -> None:
    pairs = (*CLINIC.sound_alike, *CLINIC.unsure_alike)
    assert len(CLINIC.sound_alike) >= 40
    assert [pair for pair in pairs if _apart(*pair) > 0.6] == []
    # Names of drugs that nobody confuses are farther apart.
    others = [("sertraline", "lithium"), ("Zoloft", "Ambien"), ("gabapentin", "Prozac")]
    assert all(_apart(*pair) > 0.65 for pair in others)


def test_the_drug_said_most_is_not_flagged_each_time() -> None:
    for name in ("sertraline", "gabapentin", "lithium", "mirtazapine", "Zoloft"):
        assert CLINIC.doubts([Word(start=0, end=1, text=name, probability=0.97)]) == ()


def test_each_medication_of_the_lists_is_one_that_notes_are_checked_for() -> None:
    known = {name.casefold() for name in CLINIC.medications}
    listed = {member for pair in (*CLINIC.sound_alike, *CLINIC.unsure_alike) for member in pair}
    # Of other specialities, spoken of too seldom to be in a note of this clinic.
    foreign = {"lamivudine", "rabeprazole", "Taxol", "Lamisil", "chlorpropamide", "Cerebyx"}
    foreign |= {"Neulasta", "Noroxin", "Symbyax", "Aldoril", "Stadol"}
    assert {name for name in listed if name.casefold() not in known} <= foreign
    found = lexicons().medications
    assert [name for name in listed - foreign if not found.find(tokenize(name))] == []
