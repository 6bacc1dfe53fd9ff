"""A simulated week follows the load, keeps order, and says what gives first."""

from __future__ import annotations

import numpy as np
import pytest

from countersign.costing import read_usage
from countersign.errors import BadPolicy, BadQuestion
from lambdas import policies
from local.simulate import _served, _waits, read_capacity, week

CAPACITY = read_capacity(policies.text("capacity.toml"))
USAGE = read_usage(policies.text("usage.toml"))


def test_the_same_seed_is_the_same_week() -> None:
    assert week(20, CAPACITY, USAGE, seed=3) == week(20, CAPACITY, USAGE, seed=3)
    assert week(20, CAPACITY, USAGE, seed=3) != week(20, CAPACITY, USAGE, seed=4)


def test_every_session_of_every_clinician_is_there() -> None:
    clinic = CAPACITY.clinic
    assert week(7, CAPACITY, USAGE).sessions == 7 * clinic.sessions_per_clinician * clinic.days


def test_a_small_clinic_has_its_drafts_at_once() -> None:
    found = week(10, CAPACITY, USAGE, instances=2)
    assert found.most_instances <= 2
    assert found.median <= CAPACITY.endpoint.after + 10


def test_too_few_instances_make_drafts_late_and_enough_do_not() -> None:
    few = week(1000, CAPACITY, USAGE, instances=4)
    many = week(1000, CAPACITY, USAGE, instances=200)
    assert few.p95 > 10 * many.p95
    assert few.most_instances == 4
    assert many.most_instances > 4
    assert few.first.kind == "instances"


def test_gpu_hours_are_at_least_the_work() -> None:
    found = week(300, CAPACITY, USAGE, instances=100)
    speech = found.sessions * CAPACITY.clinic.minutes / 60
    least = speech * USAGE.speech.seconds_per_second / USAGE.speech.concurrency
    assert least <= found.gpu_hours <= 20 * least


def test_work_is_done_in_order_and_never_before_it_arrives() -> None:
    work = np.array([30.0, 0.0, 0.0, 10.0])
    served = _served(work, np.array([10.0, 10.0, 10.0, 10.0]))
    assert served.tolist() == [10.0, 20.0, 30.0, 40.0]
    assert _waits(work, served, np.array([0.0, 30.0])).tolist() == [20.0, 0.0]


@pytest.mark.parametrize("clinicians", [0, -1, 10**9])
def test_a_number_that_cannot_be_is_refused(clinicians: int) -> None:
    with pytest.raises(BadQuestion):
        week(clinicians, CAPACITY, USAGE)


def test_a_broken_table_is_refused() -> None:
    with pytest.raises(BadPolicy):
        read_capacity("version = 1")
