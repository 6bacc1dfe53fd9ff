"""Whose turn it is, in the site's own time, also when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from countersign.intake.rotation import Roster

ROSTER = """
[default]
zone = "America/New_York"
rotation = { people = ["on-duty/{site}"], starts = "2026-01-05", handover = "08:00", days = 7 }
[sites.west]
zone = "America/Los_Angeles"
shifts = [
  { days = ["mon", "tue"], from = "08:00", until = "18:00", people = ["day"] },
  { days = ["fri"], from = "22:00", until = "06:00", people = ["night"] },
]
rotation = { people = ["a", "b", "c"], starts = "2026-01-05", handover = "08:00", days = 7 }
"""
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


def order(text: str) -> tuple[str, ...]:
    return Roster.from_toml(ROSTER).order("west", datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        ("2026-01-12T15:59:00+00:00", "a"),  # Monday 07:59 in Los Angeles: not yet handed over
        ("2026-01-12T16:00:00+00:00", "day"),
        ("2026-01-13T01:59:00+00:00", "day"),
        ("2026-01-13T02:00:00+00:00", "b"),
        ("2026-01-17T06:00:00+00:00", "night"),  # Friday 22:00
        ("2026-01-17T13:59:00+00:00", "night"),  # Saturday 05:59
        ("2026-01-17T14:00:00+00:00", "b"),
        ("2026-03-09T15:00:00+00:00", "day"),  # 08:00, the day after the clocks went forward
        ("2026-03-09T14:59:00+00:00", "c"),
    ],
)
def test_who_comes_first(moment: str, first: str) -> None:
    assert order(moment)[0] == first


def test_behind_a_shift_stand_those_whose_turn_it_is() -> None:
    assert order("2026-01-12T16:00:00+00:00") == ("day", "b", "c", "a")


def test_a_site_without_lines_has_the_defaults() -> None:
    roster = Roster.from_toml(ROSTER)
    assert roster.order("north", datetime(2026, 5, 1, tzinfo=UTC)) == ("on-duty/north",)
    assert roster.everyone("north") == ("on-duty/north", "everyone/north")


@given(MOMENTS)
def test_at_every_moment_somebody_is_called_and_each_once(moment: datetime) -> None:
    found = Roster.from_toml(ROSTER).order("west", moment)
    assert {"a", "b", "c"} <= set(found)
    assert len(set(found)) == len(found)


@given(MOMENTS)
def test_three_turns_later_the_same_one_is_on_call(moment: datetime) -> None:
    rotation = Roster.from_toml(ROSTER).sites["west"].rotation
    local = moment.replace(tzinfo=None)
    assert rotation.order(local) == rotation.order(local + timedelta(days=21))


@pytest.mark.parametrize(
    "wrong",
    [
        ("America/Los_Angeles", "Atlantis/Center"),
        ('["mon", "tue"]', '["someday"]'),
        ('["a", "b", "c"]', "[]"),
        ("days = 7", "days = 0"),
    ],
)
def test_a_roster_that_would_call_nobody_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(ValidationError):
        Roster.from_toml(ROSTER.replace(*wrong))
