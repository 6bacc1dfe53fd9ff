"""A quotation is verified whole, whatever its marks and however many sentences it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.grounding import check
from countersign.grounding.marks import quoted_spans
from countersign.grounding.reading import lines
from tests.clinical import lexicons, transcript

SAID = transcript(
    ("T", "How is it at home?"),
    ("P", "I can't sleep. I feel bad at my parents' house."),
    ("T", "Mm-hmm."),
    ("P", "It's my dad's 5\" knife collection. I hate it."),
    ("T", "Have you thought about moving? It might help."),
    ("P", "Not really."),
    ("T", "All right."),
    ("P", "Maybe."),
    ("T", "Let us look at the week."),
    ("P", "We ate fish."),
)


def found(text: str) -> list[tuple[str, str, str]]:
    result = check(text, SAID, lexicons())
    return [(f.kind, f.severity.value, text[f.span[0] : f.span[1]]) for f in result.findings]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('He said, "Go. Now." I left.', ["Go. Now."]),
        ("He said \u201cGo. Now.\u201d I left.", ["Go. Now."]),
        ("He said 'I can't. My parents' home is gone.' I left.",
         ["I can't. My parents' home is gone."]),
        ("He said \u2018I can\u2019t. Go.\u2019 I left.", ["I can\u2019t. Go."]),
        ("the 'bad' days and 'good' days", ["bad", "good"]),
        ('A 5" cut. "I fell."', ["I fell."]),
        ("The parents' house and the kids' school.", []),
        ('He said, "He called it \u201codd\u201d to me."', ["He called it \u201codd\u201d to me."]),
        ('He said, "I go. And more.', ["I go."]),
        ('He said "I go.\n\nNext, "I stay."', ["I go.", "I stay."]),
    ],
)  # fmt: skip
def test_marks_hold_the_words_between_them(text: str, quoted: list[str]) -> None:
    assert [text[start:end] for start, end in quoted_spans(text)] == quoted


@given(st.text(alphabet="ab .'\"\u201c\u201d\u2018\u2019\n5", max_size=40))
def test_quoted_spans_lie_in_order_inside_the_text(text: str) -> None:
    end = 0
    for start, stop in quoted_spans(text):
        assert end <= start < stop <= len(text)
        end = stop


@pytest.mark.parametrize(
    "note",
    [
        "Patient stated, \"I can't sleep. I feel bad at my parents' house.\"",
        "Patient said \u201cI can\u2019t sleep. I feel bad at my parents\u2019 house.\u201d",
        "Patient said 'I feel bad at my parents' house.' That was all.",
        'Patient stated, "I feel bad at my parents\' house. I hate it."',
        'Therapist asked, "Have you thought about moving? It might help."',
    ],
)
def test_several_sentences_that_were_said_pass(note: str) -> None:
    assert found(note) == []


@pytest.mark.parametrize(
    ("note", "finding"),
    [
        ('Patient stated, "I can\'t sleep. I feel great at my parents\' house."',
         ("quote", "block", "great")),
        ('Patient stated, "I can\'t sleep. My sister was in prison. I hate it."',
         ("quote", "block", "My sister was in prison")),
        ("Patient said \u2018I can\u2019t sleep. I feel good at my parents\u2019 house.\u2019",
         ("quote", "block", "good")),
        ('Therapist said, "I can\'t sleep. I hate it."', ("speaker", "block", "Therapist")),
        ('Patient stated, "I hate it. I can\'t sleep."',
         ("quote", "review", "I hate it. I can't sleep.")),
        ('Patient stated, "I can\'t sleep. We ate fish."',
         ("quote", "review", "I can't sleep. We ate fish.")),
        ('Patient stated, "I can\'t sleep. It might help."',
         ("quote", "review", "I can't sleep. It might help.")),
    ],
)  # fmt: skip
def test_several_sentences_are_checked_each_and_in_their_order(
    note: str, finding: tuple[str, str, str]
) -> None:
    assert finding in found(note)


def test_a_quotation_is_one_line_and_a_wrapped_line_goes_on() -> None:
    text = (
        'He said, "I feel bad. My mother\nis dead. Done." Then he left.\n'
        "The patient denies any wishes of this or that kind and\nhomicidal ideation.\n- Item"
    )
    assert [line.text for line in lines(text)] == [
        'He said, "I feel bad. My mother\nis dead. Done."',
        "Then he left.",
        "The patient denies any wishes of this or that kind and\nhomicidal ideation.",
        "Item",
    ]
