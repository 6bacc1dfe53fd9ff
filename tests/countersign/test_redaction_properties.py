"""What holds for every text: exact spans, a way back, no leak, one surrogate for one thing."""

from __future__ import annotations

import functools

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from countersign.errors import RedactionUnavailable, SurrogateCollision
from countersign.redaction import (
    Engine,
    Policy,
    Redaction,
    Roster,
    leaks,
    lists_named,
    project,
    read_roster,
    redact_transcript,
    restore,
)
from countersign.transcript import Transcript, Turn, Word
from lambdas import policies

ROSTER = read_roster(
    '{"people": [{"name": "Siobhan Murphy", "role": "patient", "aliases": ["Shiv"]},'
    ' {"name": "Hope Larsen", "role": "relative"}], "places": ["Puyallup"]}'
)
PIECES = [
    "my name is teodora vasquez", "i told Keisha", "shavon murphy", "SIOBHAN", "shiv",
    "hope called", "i hope so", "doctor ivanovic", "on march third", "March 3, 1984",
    "the twenty third of june", "six one two five five five oh one seven three", "612-555-0173",
    "a@b.example.org", "in tulsa", "my sister will", "will you", "phq nine was nineteen",
    "fifty milligrams of zoloft", "and then", "my zip is nine eight one oh two",
    "my social is 123-45-6789", "s i o b h a n", "at froedtert", "she is ninety four",
    "puyallup", "my account number is 4471 2209", "ten nine eight seven six", "O'Brien-Katz",
    "my daughter summer said", "summer was hot", "mr. young", "dr. phil", ".", "?", "\n", "the",
    "uh", "4471", "ninety", "may", "mark", "i", "a", "dot com", "at", "slash",
]  # fmt: skip
TEXTS = st.lists(
    st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join), min_size=1, max_size=4
)
ROSTERS = st.sampled_from([None, ROSTER])
ANYTHING = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=120
) | st.text(alphabet="abcdeinorst 0123456789.,:/@-[]()_'\n", max_size=120)


@functools.cache
def engine() -> Engine:
    text = policies.text("redaction.toml")
    return Engine(Policy.from_toml(text, {name: policies.text(name) for name in lists_named(text)}))


def redact(texts: list[str], roster: Roster | None) -> Redaction:
    try:
        return engine().redact(texts, roster)
    except (SurrogateCollision, RedactionUnavailable):
        assume(False)
        raise


def check(texts: list[str], result: Redaction) -> None:
    for text, after, spans in zip(texts, result.texts, result.spans, strict=True):
        at = 0
        rebuilt = ""
        back = ""
        for span in spans:
            assert at <= span.start < span.end <= len(text)
            rebuilt += text[at : span.start] + span.surrogate
            back += text[at : span.start] + result.table[span.surrogate]
            at = span.end
        assert rebuilt + text[at:] == after
        assert restore(after, result.table) == back + text[at:]
        if all(text[span.start : span.end] == result.table[span.surrogate] for span in spans):
            assert restore(after, result.table) == text
        assert leaks(after, result.table) == ()


@settings(max_examples=300, deadline=None)
@given(TEXTS, ROSTERS)
def test_spans_are_exact_the_way_back_is_open_and_nothing_leaks(
    texts: list[str], roster: Roster | None
) -> None:
    check(texts, redact(texts, roster))


@settings(max_examples=300, deadline=None)
@given(st.lists(ANYTHING, max_size=3), ROSTERS)
def test_it_holds_for_any_characters(texts: list[str], roster: Roster | None) -> None:
    check(texts, redact(texts, roster))


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_one_text_is_redacted_the_same_every_time(texts: list[str]) -> None:
    assert redact(texts, ROSTER) == redact(texts, ROSTER)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_one_spelling_has_one_surrogate_of_its_kind(texts: list[str]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for text, spans in zip(texts, redact(texts, None).spans, strict=True):
        for span in spans:
            said = " ".join(text[span.start : span.end].casefold().split())
            assert seen.setdefault((span.label, said), span.surrogate) == span.surrogate


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.data())
def test_a_span_of_redacted_text_projects_onto_the_same_words(
    texts: list[str], data: st.DataObject
) -> None:
    result = redact(texts, ROSTER)
    text = result.texts[0]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    full = restore(text, result.table)
    first, last = project(text, result.table, (start, end))
    assert 0 <= first <= last <= len(full)
    piece = text[start:end]
    if start < end and "[" not in text[:end]:
        assert full[first:last] == piece
    assert project(text, result.table, (0, len(text))) == (0, len(full))


@settings(max_examples=150, deadline=None)
@given(TEXTS, ROSTERS)
def test_no_word_of_a_redacted_turn_holds_an_identifier(
    texts: list[str], roster: Roster | None
) -> None:
    turns = tuple(
        Turn(
            id=f"t{number}",
            start=number * 100.0,
            end=number * 100.0 + 99,
            text=text,
            words=tuple(
                Word(start=number * 100.0 + at, end=number * 100.0 + at + 1, text=f" {word}")
                for at, word in enumerate(text.split())
            ),
        )
        for number, text in enumerate(texts)
    )
    result = redact(texts, roster)
    transcript, table = redact_transcript(engine(), Transcript(turns=turns), roster)
    assert table == result.table
    for before, after, text in zip(turns, transcript.turns, result.texts, strict=True):
        assert after.text == text
        assert (after.id, after.start, after.end) == (before.id, before.start, before.end)
        assert leaks(" ".join(word.text.strip() for word in after.words), table) == ()
        for span in result.spans[int(before.id[1:])]:
            assert span.surrogate in " ".join(word.text for word in after.words)


def test_a_turn_whose_words_do_not_spell_its_text_loses_them() -> None:
    words = (Word(start=0, end=1, text="ay"), Word(start=1, end=2, text="Keisha"))
    turn = Turn(id="t1", start=0, end=2, text="i met Keisha", words=words)
    transcript, _ = redact_transcript(engine(), Transcript(turns=(turn,)), None)
    assert transcript.turns[0].text == "i met [PERSON_1]"
    assert transcript.turns[0].words == ()
