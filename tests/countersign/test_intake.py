"""The intake screen, rule by rule: what alerts, what does not, and what it promises of any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.errors import BadPolicy, NotJson, NotUtf8, SessionUnknown
from countersign.intake import (
    Kind,
    Screening,
    Status,
    Terms,
    on_duty,
    page_code,
    read_form,
    screen,
    screen_form,
    site_of,
)
from lambdas import engines, policies

TERMS = engines.terms()


def statuses(text: str) -> set[Status]:
    return {span.status for span in screen(text, TERMS).spans if span.kind is Kind.CRISIS}


def test_the_answer_has_flags_and_spans_and_no_measure_of_risk() -> None:
    found = screen("I want to die.", TERMS)
    assert set(Screening.model_fields) == {"crisis", "urgent", "spans"}
    assert set(found.model_dump(mode="json")["spans"][0]) == {
        "start",
        "end",
        "term",
        "kind",
        "status",
    }


def test_a_span_counts_the_characters_that_were_given() -> None:
    text = "Señora dice:  “I wànt   to DÍE”."
    found = screen(text, TERMS)
    assert found.crisis
    assert any("to DÍE" in text[span.start : span.end] for span in found.spans)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("I want to die", Status.ASSERTED),
        ("I do not want to die", Status.NEGATED),
        ("I have never thought about killing myself", Status.NEGATED),
        ("No thoughts of suicide or self-harm", Status.NEGATED),
        ("Denies low mood, anxiety, suicidal ideation", Status.NEGATED),
        ("Suicidal thoughts? No", Status.NEGATED),
        ("No he intentado suicidarme", Status.NEGATED),
        ("I tried to kill myself when I was sixteen", Status.PAST),
        ("I overdosed in 1998", Status.PAST),
        ("My brother is going to kill himself", Status.OTHER),
        ("I was so embarrassed I wanted to die", Status.FIGURATIVE),
        ("In the movie he says “I want to die”", Status.FIGURATIVE),
    ],
)
def test_how_a_term_stands_in_its_sentence(text: str, status: Status) -> None:
    assert statuses(text) == {status}


@pytest.mark.parametrize(
    "text",
    [
        "No, I want to die",
        "I'm not okay i want to kill myself",
        "I don't have a plan but I want to die",
        "I don't want to live I want to die",
        "I can't stop thinking about killing myself",
        "I'm not sure I want to live",
        "Why shouldn't I kill myself",
        "I haven't killed myself yet",
        "I won't kill myself until my kids are grown",
        "I'm not just thinking about suicide, I have a plan",
        "I have never wanted to die more than now",
        "No one knows I want to die",
        "I can't go a day without thinking about killing myself",
        "I don't want to kill myself but I think about it every day",
        "I used to cut myself and lately I want to start again",
        "This song is about heartbreak and makes me want to die",
        "I am a nurse and I feel suicidal",
        "I would rather die than go on like this",
        "My son says he wants to die",
        "My friend killed herself last week",
    ],
)
def test_what_is_in_doubt_alerts(text: str) -> None:
    assert screen(text, TERMS).crisis


@pytest.mark.parametrize(
    "text",
    [
        "suicida1",
        "I want to k i l l m y s e l f",
        "i want to k.i.l.l myself",
        "killl myselfff",
        "k!ll myself",
        "s**cide",
        "d*e, i want to d*e",
        "idontwanttolive",
        "I want to kill my self",
        "sui cide",
        "I wаnt to kіll myself",  # noqa: RUF001
        "Ｉ ｗａｎｔ ｔｏ ｄｉｅ",  # noqa: RUF001
        "sui\u200bcidal",
        "I want\nto die",
        "sucidial",
        "unalive myself",
        "kms",
        "quiero morír",
    ],
)
def test_words_are_known_however_they_are_written(text: str) -> None:
    assert screen(text, TERMS).crisis


@pytest.mark.parametrize(
    "text",
    ["My skills are rusty", "My dad is a good man", "We live in Kilkenny", "the diet is hard"],
)
def test_ordinary_words_are_not_bent_into_telling_ones(text: str) -> None:
    assert screen(text, TERMS).spans == ()


def test_one_sentence_does_not_excuse_another() -> None:
    assert screen("I am not suicidal. I want to die.", TERMS).crisis
    assert screen("This traffic is killing me! I want to die!", TERMS).crisis


def test_one_answer_does_not_excuse_another() -> None:
    form = read_form(
        b'{"answers": [{"id": "a", "text": "Not suicidal."}, {"id": "b", "text": "kill myself"}]}'
    )
    found = screen_form(form, TERMS)
    assert found.crisis and not found.answers[0].screening.crisis


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_screened_the_same_way_twice_within_its_bounds(text: str) -> None:
    found = screen(text, TERMS)
    assert found == screen(text, TERMS)
    assert all(0 <= span.start < span.end <= len(text) for span in found.spans)


_WORDS = st.sampled_from(
    "i do not want to die kill myself no never but when was sixteen movie says or . , ? \n".split(
        " "
    )
)


@given(st.lists(_WORDS, max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_order_of_telling_words_is_screened(words: list[str]) -> None:
    text = " ".join(words)
    found = screen(text, TERMS)
    assert all(0 <= span.start < span.end <= len(text) for span in found.spans)
    assert found == screen(text, TERMS)


@given(st.text(alphabet="abc xyz.,\n", max_size=200), st.text(alphabet="abc xyz", max_size=200))
@settings(max_examples=100, deadline=None)
def test_a_plain_statement_is_found_wherever_it_stands(before: str, after: str) -> None:
    assert screen(f"{before}. I want to kill myself. {after}", TERMS).crisis


@pytest.mark.parametrize(
    "text",
    [
        "I would like help with stress and sleep, please. " * 20_000,
        "kill " * 200_000,
        "not want to die or " * 50_000,
        "a" * 1_000_000,
        "i w a n t " * 100_000,
        "\u0301" * 1_000_000,
        '"' * 1_000_000,
        "killmyself" * 100_000,
    ],
    ids=["prose", "one word", "chain", "no space", "letters", "marks", "quotes", "joined"],
)
def test_a_megabyte_is_screened_in_bounded_time(text: str) -> None:
    started = time.process_time()
    screen(text, TERMS)
    assert time.process_time() - started < 20


def test_what_stands_at_the_end_of_a_megabyte_is_found() -> None:
    text = "I would like help with stress and sleep " * 25_000 + "I want to kill myself"
    found = screen(text, TERMS)
    assert found.crisis
    assert found.spans[-1].end == len(text)


# The term file ------------------------------------------------------------------------------


def test_every_entry_of_the_term_file_gives_its_reason_and_source() -> None:
    assert Terms.from_toml(policies.text("crisis_terms.toml")).patterns


def test_nothing_that_was_screened_stays_in_the_terms() -> None:
    terms = Terms.from_toml(policies.text("crisis_terms.toml"))
    before = repr(terms.patterns)
    screen("zebra crossing, I want to die", terms)
    assert repr(terms.patterns) == before


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('kind = "crisis"', 'kind = "risky"', "group.0.kind"),
        ('source = "C-SSRS item 1;', 'sauce = "C-SSRS item 1;', "group.0"),
        ("\n[classes]", "\n[classes", "line"),
        ('"@burden"', '"@nobody"', "no class 'nobody'"),
        ('"parasuicide"', '"$"', "no word that must be there"),
        ('"parasuicide"', '"~x"', "'~x' is not a word"),
        ('oneself = ["@self"', 'oneself = ["@oneself"', "names itself"),
        ('name = "goodbye"', 'name = "wish to die"', "two entries"),
    ],
)
def test_a_broken_term_file_is_refused_by_name(old: str, new: str, named: str) -> None:
    text = policies.text("crisis_terms.toml")
    assert old in text
    with pytest.raises(BadPolicy) as refused:
        Terms.from_toml(text.replace(old, new, 1))
    assert named in refused.value.message


# The form -----------------------------------------------------------------------------------


def test_a_form_that_is_no_form_is_refused_without_quoting_it() -> None:
    with pytest.raises(NotUtf8):
        read_form(b"\xff")
    with pytest.raises(NotJson) as refused:
        read_form(b'{"answers": [{"id": "secret-word"}]}')
    assert "secret-word" not in refused.value.message


def test_somebody_is_paged_even_for_an_unknown_site() -> None:
    assert on_duty({"site": "north"}) == "on-duty/north"
    assert on_duty(None) == "on-duty/every-site"
    with pytest.raises(SessionUnknown):
        site_of(None, "i")


def test_a_page_says_unscreened_whenever_the_screen_said_nothing() -> None:
    crisis = {"run": "r", "crisis": True, "urgent": True}
    assert page_code(crisis, "r", "") == "intake.crisis"
    assert page_code({**crisis, "crisis": False}, "r", "") == "intake.urgent"
    assert page_code(crisis, "another", "") == "intake.unscreened"
    assert page_code(crisis, "r", "StepFault") == "intake.unscreened"
    assert page_code(None, "r", "") == "intake.unscreened"
