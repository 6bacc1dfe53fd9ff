"""A month's cost is the sum of quantities times listed prices, and refuses what cannot be asked."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.costing import bill, instance_hours, read_prices, read_usage
from countersign.errors import BadPolicy, BadQuestion
from lambdas import policies

PRICES = read_prices(policies.text("prices.toml"))
USAGE = read_usage(policies.text("usage.toml"))


def test_the_smallest_deployment_costs_little_when_nobody_records() -> None:
    assert bill(PRICES, USAGE, 0).usd < 40


def test_a_hundred_sessions_a_day_cost_less_than_a_dollar_each() -> None:
    each = bill(PRICES, USAGE, 100).usd_per_session
    assert each is not None
    assert each < 1


def test_the_sum_is_that_of_the_lines_and_of_the_services() -> None:
    month = bill(PRICES, USAGE, 37, 45)
    assert month.usd == pytest.approx(
        sum(line.quantity * PRICES.of(line.item).usd for line in month.lines)
    )
    assert month.usd == pytest.approx(sum(month.by_service().values()))


def test_one_session_a_day_keeps_a_machine_for_its_length_and_the_warm_time() -> None:
    hours = instance_hours(USAGE, 1, 50)
    whole = USAGE.month.days * (50 + USAGE.speech.minutes_kept_warm) / 60
    assert hours == pytest.approx(whole, rel=0.06)


def test_a_crowd_of_sessions_needs_as_many_machines_as_carry_it() -> None:
    month, speech = USAGE.month, USAGE.speech
    at_once = 10_000 * 50 / (month.hours_open * 60)
    machines = at_once * speech.seconds_per_second / (speech.concurrency * speech.planned_share)
    whole = month.days * month.hours_open * machines
    assert instance_hours(USAGE, 10_000, 50) == pytest.approx(whole)


@given(st.floats(0, 5000), st.floats(0, 5000), st.floats(1, 200))
def test_more_sessions_never_cost_less(few: float, many: float, minutes: float) -> None:
    few, many = sorted((few, many))
    assert bill(PRICES, USAGE, few, minutes).usd <= bill(PRICES, USAGE, many, minutes).usd + 1e-9


@pytest.mark.parametrize(
    ("sessions", "minutes"), [(-1, 50), (math.nan, 50), (math.inf, 50), (1e9, 50), (5, 0), (5, -3)]
)
def test_a_number_that_cannot_be_is_refused(sessions: float, minutes: float) -> None:
    with pytest.raises(BadQuestion):
        bill(PRICES, USAGE, sessions, minutes)


def test_a_price_that_is_missing_is_named() -> None:
    less = PRICES.model_copy(update={"price": PRICES.price[1:]})
    with pytest.raises(BadPolicy, match=PRICES.price[0].item):
        bill(less, USAGE, 10)


@pytest.mark.parametrize("broken", ["version = ", 'version = 1\ndated = "soon"'])
def test_a_broken_table_is_refused(broken: str) -> None:
    with pytest.raises(BadPolicy):
        read_prices(broken)
