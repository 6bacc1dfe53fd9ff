"""Whoever reads in an emergency says why, and it ends by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.emergency import Emergency, Grant, grant, opened_to
from countersign.errors import BadPolicy, BadRequest

TEXT = (Path(__file__).parents[2] / "policies" / "emergency.toml").read_text(encoding="utf-8")
RULES = Emergency.from_toml(TEXT)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
WORDS = "The patient's mother called and fears for him."


def test_a_reason_opens_for_as_long_as_the_policy_says() -> None:
    given = grant("ona", "danger", WORDS, NOON, RULES)
    assert given.until - given.since == timedelta(minutes=RULES.minutes)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("", WORDS),
        ("curiosity", WORDS),
        ("danger", ""),
        ("danger", "emergency"),
        ("danger", "." * 200),
        ("danger", "1234567890 " * 10),
        ("danger", "words " * 400),
    ],
)
def test_hardly_a_reason_opens_nothing(reason: str, words: str) -> None:
    with pytest.raises(BadRequest):
        grant("ona", reason, words, NOON, RULES)


@given(seconds=st.floats(-4000, 8000), others=st.lists(st.integers(-200, 200), max_size=5))
def test_nobody_reads_before_or_after_their_time(seconds: float, others: list[int]) -> None:
    given = grant("ona", "danger", WORDS, NOON, RULES)
    past = [
        Grant(person=f"p{n}", reason="danger", since=NOON, until=NOON + timedelta(seconds=n))
        for n in others
    ]
    moment = NOON + timedelta(seconds=seconds)
    assert ("ona" in opened_to([*past, given], moment)) is (given.since <= moment < given.until)


@pytest.mark.parametrize(
    "text", ["", "minutes = 0", TEXT.replace("minutes = 60", "minutes = 100_000"), "x ="]
)
def test_a_policy_that_is_not_in_order_is_refused(text: str) -> None:
    with pytest.raises(BadPolicy):
        Emergency.from_toml(text)
