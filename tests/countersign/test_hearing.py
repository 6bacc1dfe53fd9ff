"""A doubt is shown beside the turn it is about, and marks the words that were said then."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from countersign.hearing import home, stretch
from countersign.transcript import Doubt, Turn, Word


def said(number: int, start: float, text: str) -> Turn:
    words = tuple(
        Word(start=start + place, end=start + place + 1, text=f" {word}")
        for place, word in enumerate(text.split())
    )
    end = start + len(words)
    return Turn(id=f"t{number}", start=start, end=end, text=text, words=words)


TURNS = (said(1, 0, "How are you"), said(2, 3, "I take lamotrigine now"), said(3, 20, "Good"))


def at(start: float, end: float) -> str | None:
    return home(TURNS, Doubt(code="x", start=start, end=end))


def test_a_doubt_belongs_to_the_turn_it_lies_in() -> None:
    assert at(5, 6) == "t2"
    assert at(5, 5) == "t2"


def test_a_doubt_that_covers_several_turns_is_shown_where_it_begins() -> None:
    assert at(0, 21) == "t1"


def test_touching_a_turn_is_not_belonging_to_it() -> None:
    assert at(2.98, 6) == "t2"
    assert at(7, 20) is None


def test_what_nobody_is_known_to_have_said_belongs_to_no_turn() -> None:
    assert at(9, 15) is None
    assert home((), Doubt(code="x", start=0, end=1)) is None


def test_the_words_of_a_time_are_found_in_the_text() -> None:
    turn = TURNS[1]
    place = stretch(turn, 5, 6)
    assert place is not None
    assert turn.text[slice(*place)] == "lamotrigine"
    assert stretch(turn, 3, 7) == (0, len(turn.text))
    assert stretch(turn, 8, 9) is None
    assert stretch(turn.model_copy(update={"words": ()}), 5, 6) is None


@given(st.floats(0, 30), st.floats(0, 30))
def test_a_doubt_always_has_a_place_inside_the_session(one: float, other: float) -> None:
    start, end = sorted((one, other))
    place = at(start, end)
    assert place is None or place in {turn.id for turn in TURNS}
    for turn in TURNS:
        found = stretch(turn, start, end)
        assert found is None or 0 <= found[0] < found[1] <= len(turn.text)
