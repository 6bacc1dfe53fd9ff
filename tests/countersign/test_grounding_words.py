"""Numbers, negations and phrases are read alike in spoken and in written text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.grounding.spoken import Answer, answer, asks, plain
from countersign.grounding.words import (
    negated,
    quantities,
    said_spans,
    sentence_spans,
    stem,
    tokenize,
)
from tests.clinical import lexicons

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
_ONES += "fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def spoken(number: int) -> str:
    if number < 20:
        return _ONES.split()[number]
    if number < 100:
        rest = "" if number % 10 == 0 else " " + spoken(number % 10)
        return _TENS.split()[number // 10 - 2] + rest
    rest = "" if number % 100 == 0 else " and " + spoken(number % 100)
    return f"{spoken(number // 100)} hundred{rest}"


@given(st.integers(min_value=1, max_value=999))
def test_a_spoken_number_is_the_written_one(number: int) -> None:
    for text in (str(number), spoken(number), spoken(number).replace(" and ", " ")):
        assert [q.value for q in quantities(tokenize(text))] == [number], text


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("one twenty", 120),
        ("nineteen ninety five", 1995),
        ("two and a half", 2.5),
        ("zero point five", 0.5),
        ("a hundred and fifty", 150),
        ("twenty-five", 25),
        ("1,200", 1200),
        ("twice", 2),
    ],
)
def test_a_number_has_the_readings_people_mean(text: str, reading: float) -> None:
    assert reading in quantities(tokenize(text))[0].readings


def test_two_weeks_last_fourteen_days_and_not_fourteen_weeks() -> None:
    weeks, days, longer = (quantities(tokenize(t))[0] for t in ("two weeks", "14 days", "14 weeks"))
    assert weeks.lasts(days) and not weeks.lasts(longer)


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "Z")), max_size=80))
def test_sentences_lie_in_order_inside_the_text(text: str) -> None:
    end = 0
    for start, stop in sentence_spans(text):
        assert end <= start < stop <= len(text)
        assert text[start:stop].strip() == text[start:stop]
        end = stop


def test_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    text = "Dr. Lee gave 2.5 mg b.i.d. for pain. It helped."
    assert [text[s:e] for s, e in sentence_spans(text)] == [
        "Dr. Lee gave 2.5 mg b.i.d. for pain.", "It helped.",
    ]  # fmt: skip


def test_a_negation_reaches_to_the_end_of_its_clause() -> None:
    text = "I don't drink at home, but I smoke."
    tokens = tokenize(text)
    marks = dict(zip([token.text for token in tokens], negated(tokens, text), strict=True))
    assert marks["drink"] and marks["home"] and not marks["smoke"]


def test_an_opening_no_answers_and_does_not_negate() -> None:
    text = "No, I drink every day."
    assert not any(negated(tokenize(text), text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("No, nothing like that.", Answer.NO),
        ("Um, not really.", Answer.NO),
        ("Yeah, no.", Answer.NO),
        ("I haven't, no.", Answer.NO),
        ("Yes.", Answer.YES),
        ("Well, sometimes.", Answer.YES),
        ("No, I do, sometimes.", Answer.UNCLEAR),
        ("My mother called.", Answer.UNCLEAR),
    ],
)
def test_an_answer_is_yes_no_or_unclear(text: str, said: Answer) -> None:
    assert answer(text) is said


def test_a_question_needs_no_mark() -> None:
    assert asks("have you been sleeping") and asks("Any panic attacks?")
    assert not asks("I have been sleeping.")


@pytest.mark.parametrize(
    "words",
    [
        "sleep sleeps sleeping",
        "worry worried worries worrying",
        "drink drinks drinking",
        "stay stays staying stayed",
        "play plays playing",
    ],
)
def test_inflections_have_one_stem(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 1


@pytest.mark.parametrize(
    ("said", "generic"),
    [
        ("Zoloft", "sertraline"),
        ("zoloff", "sertraline"),
        ("WELLBUTRIN", "bupropion"),
        ("Seroquel's", "quetiapine"),
        ("klonopin", "clonazepam"),
        ("Adderall", "amphetamine-dextroamphetamine"),
        ("lithium", "lithium"),
    ],
)
def test_brands_and_misspellings_lead_to_the_generic(said: str, generic: str) -> None:
    hits = lexicons().medications.find(tokenize(f"He takes {said} daily."))
    assert [hit.meaning.generic for hit in hits] == [generic]


@pytest.mark.parametrize("text", ["She sits still.", "I add it up.", "He aids her.", "well versed"])
def test_everyday_words_are_neither_drugs_nor_diagnoses(text: str) -> None:
    assert lexicons().medications.find(tokenize(text)) == ()
    assert lexicons().diagnoses.find(tokenize(text)) == ()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("I am sad. I sleep badly.", ["I am sad.", "I sleep badly."]),
        ("No... thoughts of that.", ["No... thoughts of that."]),
        ("Never. Thoughts of that are gone.", ["Never. Thoughts of that are gone."]),
        ("No. I am tired. Yes.", ["No. I am tired.", "Yes."]),
        ("Thank you. to, and what now?", ["Thank you. to, and what now?"]),
        ("i am sad. i sleep badly.", ["i am sad.", "i sleep badly."]),
        ('He said "Go. Now." I left.', ['He said "Go. Now."', "I left."]),
        ('A 5" cut. I am sad.', ['A 5" cut.', "I am sad."]),
        ("", []),
    ],
)
def test_speech_falls_apart_only_where_meaning_allows(text: str, parts: list[str]) -> None:
    assert [text[start:end] for start, end in said_spans(text)] == parts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("No.", Answer.NO),
        ("No, nothing like that.", Answer.NO),
        ("No, not lately.", Answer.UNCLEAR),
        ("No, but I did in May.", Answer.UNCLEAR),
        ("Not really.", Answer.UNCLEAR),
        ("I don't think so.", Answer.UNCLEAR),
        ("Yes, every morning.", Answer.YES),
        ("Well, yeah.", Answer.YES),
        ("I have a brother.", Answer.UNCLEAR),
        ("Yes, sometimes.", Answer.UNCLEAR),
    ],
)
def test_only_a_plain_answer_affirms_or_denies(text: str, said: Answer) -> None:
    assert plain(text) is said
