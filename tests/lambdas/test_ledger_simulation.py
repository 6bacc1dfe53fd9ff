"""Ten thousand acts, written and published by processes that die anywhere: each once, in order."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from countersign.errors import LedgerBroken, LedgerConflict
from tests.lambdas.ledger_simulation import MUTANTS, Simulation, Wrong

RUNS, EVENTS = 20, 500

BOUNDARIES = {"get_item", "transact_write_items", "query", "put_item", "get_object", "put_object"}


@cache
def simulated(seed: int) -> Simulation:
    simulation = Simulation(seed, EVENTS)
    simulation.run()
    return simulation


@pytest.mark.parametrize("seed", range(RUNS))
def test_no_act_is_lost_doubled_or_moved_whoever_dies_where(seed: int) -> None:
    simulation = simulated(seed)
    assert len(simulation.indices) == EVENTS
    assert len(simulation.kills) >= EVENTS // 10


def test_ten_thousand_acts_and_an_end_at_every_boundary_often() -> None:
    kills = Counter(kill for seed in range(RUNS) for kill in simulated(seed).kills)
    assert RUNS * EVENTS >= 10_000
    assert set(kills) == BOUNDARIES and kills.total() >= 1_000


@pytest.mark.parametrize("name", MUTANTS, ids=lambda name: name.replace(" ", "_"))
def test_a_ledger_without_one_of_its_precautions_is_found_out(name: str) -> None:
    with pytest.raises((Wrong, LedgerBroken, LedgerConflict)):
        for seed in range(40):
            Simulation(seed, 60, appenders=2, publishers=6, **MUTANTS[name]).run()


def test_a_simulation_runs_the_same_again_from_its_seed() -> None:
    one, other = Simulation(7, 40), Simulation(7, 40)
    one.run()
    other.run()
    assert one.kills == other.kills and one.spans == other.spans
    assert one.store.objects == other.store.objects
