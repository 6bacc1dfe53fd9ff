from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.sounds import CONFIDENT, CORRECTED, SOUND_ALIKE, Sounds
from countersign.transcript import Word
from countersign.vocabulary import Vocabulary

POLICIES = Path(__file__).parents[2] / "policies"
CLINIC = Vocabulary.from_toml(
    *(
        (POLICIES / name).read_text("utf-8")
        for name in ("vocabulary/clinic.toml", "sound_alike.toml", "lexicons/medications.toml")
    )
)
SOUNDS = CLINIC.sounds
EVERYDAY = (
    "I and the to you it was that a of so my in is but have me like just know what they it's when "
    "good bad see side dad mom past because really think about feel sleep work night morning week "
    "pain storm argue meantime violence process processing certain line Laura pine palm mean does "
    "if as are be tea sea eye oh why ex in on at nine seven five four ten"
).split()


def heard(text: str, probability: float = 0.5) -> list[Word]:
    """The words of a text, half a second each, with Whisper's leading spaces.

    A word may end in `:` and its own probability.
    """
    words = []
    for at, each in enumerate(text.split()):
        said, _, sure = each.partition(":")
        words.append(
            Word(
                start=at / 2,
                end=at / 2 + 0.5,
                text=f" {said}",
                probability=float(sure) if sure else probability,
            )
        )
    return words


def written(words: list[Word], sounds: Sounds = SOUNDS) -> str:
    return "".join(word.text for word in sounds.correct(words).words).strip()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("the la motor gene helps:0.99", "the lamotrigine helps"),
        ("We raised Lammatrogen, slowly:0.99", "We raised lamotrigine, slowly"),
        ("starting:0.99 E M D R soon:0.99", "starting EMDR soon"),
        ("starting:0.99 EMD are soon:0.99", "starting EMDR soon"),
        ("about:0.99 if S and:0.99", "about IFS and"),
        ("your:0.99 PHQ nine score:0.99", "your PHQ-9 score"),
        ("I:0.99 did:0.99 see BT with:0.99", "I did CBT with"),
        ("sounds:0.99 like:0.99 in Hedonia to:0.99", "sounds like anhedonia to"),
        ("on:0.99 Quesia Pine in:0.99", "on quetiapine in"),
        ("one:0.99 clonipin in:0.99", "one Klonopin in"),
        ("gave:0.99 me:0.99 Laura's Pam in:0.99", "gave me lorazepam in"),
        ("a:0.99 little:0.99 Zaloft's effect:0.99", "a little Zoloft's effect"),
        ("Atermoxateen helps:0.99", "Atomoxetine helps"),
    ],
)
def test_doubtful_words_become_the_term_that_they_sound_like(text: str, meant: str) -> None:
    assert written(heard(text)) == meant


def test_the_term_spans_the_time_of_its_words_and_is_as_doubtful_as_the_least() -> None:
    found = SOUNDS.correct(heard("take:0.99 la:0.8 motor:0.3 gene.:0.6 Then:0.99"))
    assert [word.text for word in found.words] == [" take", " lamotrigine.", " Then"]
    assert found.words[1] == Word(start=0.5, end=2.0, text=" lamotrigine.", probability=0.3)
    (doubt,) = found.doubts
    assert (doubt.code, doubt.start, doubt.end) == (CORRECTED, 0.5, 2.0)
    assert doubt.candidates == ("lamotrigine", "la motor gene")


def test_where_two_medications_fit_the_words_stay_and_both_are_shown() -> None:
    words = heard("me:0.99 to:0.99 esotala pram last:0.99")
    found = SOUNDS.correct(words)
    assert found.words == tuple(words)
    (doubt,) = found.doubts
    assert doubt.code == SOUND_ALIKE
    assert doubt.candidates == ("esotala pram", "escitalopram", "citalopram")


def test_one_medication_is_never_put_in_the_place_of_another() -> None:
    # Nothing but the wrong one is in the list; that it is a medication is known.
    sounds = Sounds(("lamotrigine", "hydroxyzine"), ("lamivudine", "hydralazine"))
    for name in ("lamivudine", "Hydralazine,"):
        assert written(heard(f"takes {name} daily", 0.01), sounds) == f"takes {name} daily"
    misheard = sounds.correct(heard("takes:0.99 hydralyzine daily:0.99"))
    assert "hydroxyzine" not in {word.text.strip() for word in misheard.words}


def test_a_name_is_never_a_medication() -> None:
    sounds = Sounds(("Maya Whitfield", "Zander"), CLINIC.medications)
    assert written(heard("for:0.99 Mya Witfield today:0.99"), sounds) == "for Maya Whitfield today"
    assert written(heard("took a Xanax again", 0.2), sounds) == "took a Xanax again"
    assert written(heard("with:0.99 Josay Fernandis"), Sounds(("José Fernández",))) == (
        "with José Fernández"
    )


def test_words_are_not_joined_over_a_pause_or_the_end_of_a_sentence() -> None:
    assert written(heard("E. M. D. R")) == "EMDR"
    assert written(heard("Quesia. Pine")) == "Quesia. Pine"
    apart = [
        Word(start=0, end=0.5, text=" Quesia", probability=0.5),
        Word(start=3, end=3.5, text=" Pine", probability=0.5),
    ]
    assert written(apart) == "Quesia Pine"


@pytest.mark.parametrize(
    "words", [(" PHQ", "-9,"), (" motivational", " interviewing"), (" EMDR",), (" sertraline",)]
)
def test_a_term_heard_as_it_should_be_is_left_alone(words: tuple[str, ...]) -> None:
    said = tuple(Word(start=0, end=0, text=word, probability=0.1) for word in words)
    found = SOUNDS.correct(said)
    assert (found.words, found.doubts) == (said, ())


@pytest.mark.parametrize("word", EVERYDAY)
def test_everyday_words_stay_however_doubtful(word: str) -> None:
    assert written(heard(f"it {word} so", 0.3)) == f"it {word} so"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from([*EVERYDAY, *CLINIC.terms, *CLINIC.medications]),
                st.sampled_from("la motor gene Lammatrogen BT EMD E M D R 9 9. clonipin".split()),
                st.text(max_size=12),
            ),
            st.floats(0, 1),
        ),
        max_size=12,
    )
)
def test_whatever_is_heard_confident_words_and_medications_stay_and_changes_are_shown(
    said: list[tuple[str, float]],
) -> None:
    words = [
        Word(start=at, end=at + 0.9, text=f" {text}", probability=sure)
        for at, (text, sure) in enumerate(said)
    ]
    found = SOUNDS.correct(words)
    known = {name.casefold() for name in CLINIC.medications}
    kept = {(word.start, word.text) for word in found.words}
    for word in words:
        sure = word.probability >= CONFIDENT or word.text.strip().casefold() in known
        if sure:
            assert (word.start, word.text) in kept
    changed = [word for word in found.words if word not in words]
    shown = [doubt for doubt in found.doubts if doubt.code == CORRECTED]
    assert [(word.start, word.end) for word in changed] == [(d.start, d.end) for d in shown]
    assert SOUNDS.correct(words) == found


def test_near_names_the_terms_of_a_doubtful_stretch_and_none_of_a_certain_one() -> None:
    assert SOUNDS.near(heard("taking:0.99 searcher:0.7 line:0.97 about:0.97"))[0] == "sertraline"
    assert "lamotrigine" in SOUNDS.near(heard("lamotrigine"))
    assert SOUNDS.near(heard("searcher line la motor gene", 0.99)) == ()
    assert SOUNDS.near(()) == ()


def test_a_long_session_takes_well_under_a_second() -> None:
    words = [
        Word(
            start=at / 3,
            end=at / 3 + 0.3,
            text=f" {EVERYDAY[at * 7 % len(EVERYDAY)]}{at % 50}",
            probability=0.5 if at % 12 == 0 else 0.95,
        )
        for at in range(8_000)
    ]
    began = time.perf_counter()
    SOUNDS.near(words)
    SOUNDS.correct(words)
    assert time.perf_counter() - began < 3.0
