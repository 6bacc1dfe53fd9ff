"""Decides how a deployment of many clinicians would fare in a working week, and what gives first.

A fluid model in steps of ten seconds: sessions under way pour speech into the endpoint's queue, the
instances that are up drain it in order, and instances come and go as the autoscaling policy says,
with their delay. A draft is there when all speech up to its session's end has been drained, and
some seconds after. Quotas are compared with the busiest minute. The seed makes it repeatable.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
import typer
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.costing import Usage, read_usage
from countersign.errors import BadPolicy, BadQuestion
from lambdas import policies
from local.scores import as_table

STEP: Final = 10.0
_DAY: Final = 24 * 3600
_SIZES: Final = (10, 100, 1000, 10_000)
_MOST: Final = 20_000
_CATCH_UP: Final = 1.25
_ENTRIES_PER_SEGMENT: Final = 5
_ENTRIES_PER_SESSION: Final = 36

Series = NDArray[np.float64]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Clinic(_Table):
    opens: float = Field(ge=0, lt=24)
    closes: float = Field(gt=0, le=24)
    days: int = Field(ge=1, le=7)
    sessions_per_clinician: int = Field(ge=1)
    minutes: float = Field(gt=0)
    minutes_spread: float = Field(ge=0)
    late_minutes: float = Field(ge=0)
    hourly: tuple[float, ...]
    clinicians_per_site: int = Field(ge=1)


class _Endpoint(_Table):
    scale_out_minutes: float = Field(ge=0)
    scale_in_minutes: float = Field(ge=0)
    backlog_per_instance: float = Field(gt=0)
    after: float = Field(ge=0)


class Quota(_Table):
    """A limit of the account or of the configuration, and what to do when it is near."""

    name: str
    kind: Literal["instances", "lambda", "transitions", "entries", "kms", "requests"]
    limit: float = Field(gt=0)
    remedy: str


class Capacity(_Table):
    """`policies/capacity.toml`."""

    version: int
    dated: str
    clinic: _Clinic
    endpoint: _Endpoint
    quota: tuple[Quota, ...]


@dataclass(frozen=True)
class Week:
    """What came of a simulated week; waits are seconds from a session's end to its draft."""

    clinicians: int
    sessions: int
    median: float
    p95: float
    longest: float
    gpu_hours: float
    most_instances: int
    used: dict[str, float]
    first: Quota


def read_capacity(text: str) -> Capacity:
    """The capacity table; raises `BadPolicy`."""
    try:
        return Capacity.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadPolicy(f"capacity.toml: {str(error).splitlines()[0]}") from None


def week(
    clinicians: int,
    capacity: Capacity,
    usage: Usage,
    *,
    instances: int | None = None,
    seed: int = 1,
) -> Week:
    """A working week of so many clinicians; `instances` overrides the endpoint's most.

    Raises `BadQuestion` for a number of clinicians that cannot be.
    """
    if not 1 <= clinicians <= _MOST:
        raise BadQuestion(f"clinicians must lie between 1 and {_MOST:,}")
    clinic = capacity.clinic
    most = instances or int(next(q.limit for q in capacity.quota if q.kind == "instances"))
    rng = np.random.default_rng(seed)
    starts, ends = _sessions(clinicians, clinic, rng)
    steps = int(clinic.days * _DAY / STEP) + int(_DAY / STEP)
    under_way = _under_way(starts, ends, steps)
    work = under_way * STEP * usage.speech.seconds_per_second
    up = _instances(work, under_way > 0, capacity.endpoint, usage, most)
    served = _served(work, up * usage.speech.concurrency * STEP)
    waits = _waits(work, served, ends) + capacity.endpoint.after
    used = _used(under_way, ends, up, capacity, usage, clinicians)
    ranked = sorted(capacity.quota, key=lambda quota: -used[quota.name])
    return Week(
        clinicians=clinicians,
        sessions=len(starts),
        median=float(np.median(waits)),
        p95=float(np.quantile(waits, 0.95)),
        longest=float(waits.max()),
        gpu_hours=float(up.sum() * STEP / 3600),
        most_instances=int(up.max()),
        used=used,
        first=ranked[0],
    )


def _sessions(clinicians: int, clinic: _Clinic, rng: np.random.Generator) -> tuple[Series, Series]:
    """Begin and end of every session in seconds from the week's first midnight."""
    count = clinicians * clinic.sessions_per_clinician * clinic.days
    day = np.repeat(np.arange(clinic.days), clinicians * clinic.sessions_per_clinician)
    weights = np.asarray(clinic.hourly) / sum(clinic.hourly)
    hours = (clinic.closes - clinic.opens) / len(weights)
    slot = rng.choice(len(weights), size=count, p=weights)
    half = rng.integers(0, 2, size=count) * hours / 2
    late = rng.uniform(0, clinic.late_minutes, size=count) / 60
    begins = day * 24.0 + clinic.opens + slot * hours + half + late
    minutes = np.clip(rng.normal(clinic.minutes, clinic.minutes_spread, size=count), 10, 120)
    return begins * 3600, begins * 3600 + minutes * 60


def _under_way(starts: Series, ends: Series, steps: int) -> Series:
    change = np.zeros(steps + 1)
    np.add.at(change, np.minimum((starts / STEP).astype(int), steps), 1)
    np.add.at(change, np.minimum((ends / STEP).astype(int), steps), -1)
    return np.cumsum(change[:steps])


def _instances(
    work: Series, busy: NDArray[np.bool_], endpoint: _Endpoint, usage: Usage, most: int
) -> Series:
    """How many instances are up at each step, following the backlog with the scaling's delays."""
    carried = usage.speech.concurrency * STEP
    per_segment = usage.segment.seconds * usage.speech.seconds_per_second
    up = np.zeros(len(work))
    now, backlog, idle = 0, 0.0, 0.0
    coming: list[tuple[int, int]] = []
    out = int(endpoint.scale_out_minutes * 60 / STEP)
    for step, arrived in enumerate(work):
        while coming and coming[0][0] <= step:
            now = max(now, coming.pop(0)[1])
        backlog = max(0.0, backlog + arrived - now * carried)
        wanted = int(np.ceil(backlog / per_segment / endpoint.backlog_per_instance))
        load = int(np.ceil(arrived / carried / usage.speech.planned_share))
        wanted = min(most, max(wanted if backlog > 0 else 0, load, 1 if busy[step] else 0))
        expected = max([now, *(count for _, count in coming)])
        if wanted > expected:
            coming.append((step + out, wanted))
        idle = idle + STEP if wanted < now else 0.0
        if idle >= endpoint.scale_in_minutes * 60:
            now, idle = wanted, 0.0
        up[step] = now
    return up


def _served(work: Series, room: Series) -> Series:
    """Work done up to the end of each step: never more than has arrived."""
    done = np.empty(len(work))
    total = arrived = 0.0
    for step in range(len(work)):
        arrived += work[step]
        total = min(arrived, total + room[step])
        done[step] = total
    return done


def _waits(work: Series, served: Series, ends: Series) -> Series:
    """Seconds from each session's end until all that had arrived by then was done."""
    at = np.minimum((ends / STEP).astype(int), len(work) - 1)
    arrived = np.cumsum(work)[at]
    done = np.searchsorted(served, arrived - 1e-6)
    waits: Series = np.maximum(0.0, (done - at) * STEP)
    return waits


def _used(
    under_way: Series,
    ends: Series,
    up: Series,
    capacity: Capacity,
    usage: Usage,
    clinicians: int,
) -> dict[str, float]:
    """The share of each quota that the busiest minute takes; over 1 is too much."""
    minute = max(1, int(60 / STEP))
    smooth = np.convolve(under_way, np.ones(minute) / minute, mode="same")
    busiest = float(smooth.max())
    ended = np.bincount((ends / 60).astype(int))
    closing = float(ended.max()) / 60
    segment, session = usage.segment, usage.session
    begun = busiest / segment.seconds
    site = min(clinicians, capacity.clinic.clinicians_per_site) / clinicians
    minutes = capacity.clinic.minutes * 60
    figures = {
        "instances": busiest
        * usage.speech.seconds_per_second
        / (usage.speech.concurrency * usage.speech.planned_share),
        "lambda": begun * segment.lambda_runs * segment.lambda_seconds
        + closing * session.lambda_runs * session.lambda_seconds,
        "transitions": begun * segment.transitions + closing * session.transitions,
        "entries": site * (begun * _ENTRIES_PER_SEGMENT + closing * _ENTRIES_PER_SESSION),
        "kms": begun * segment.kms + closing * session.kms,
        "requests": begun * segment.requests + busiest * session.requests / minutes,
    }
    return {quota.name: figures[quota.kind] / quota.limit for quota in capacity.quota}


def tables(sizes: tuple[int, ...] = _SIZES, seed: int = 1) -> str:
    """Markdown: the weeks as configured, then with as many instances as the load asks for."""
    capacity = read_capacity(policies.text("capacity.toml"))
    usage = read_usage(policies.text("usage.toml"))
    head = (
        "clinicians",
        "sessions",
        "instances",
        "median",
        "95 %",
        "longest",
        "GPU hours",
        "first",
    )
    said: list[str] = []
    for title, enough in (("As configured", False), ("With as many instances as carry it", True)):
        rows = []
        for size in sizes:
            found = week(size, capacity, usage, seed=seed)
            shares = dict(found.used)
            if enough:
                carry = _carried(found, capacity)
                found = week(size, capacity, usage, instances=carry, seed=seed)
                shares = {q.name: shares[q.name] for q in capacity.quota if q.kind != "instances"}
            name, share = max(shares.items(), key=lambda item: item[1])
            rows.append(
                (
                    f"{size:,}",
                    f"{found.sessions:,}",
                    str(found.most_instances),
                    _time(found.median),
                    _time(found.p95),
                    _time(found.longest),
                    f"{found.gpu_hours:,.0f}",
                    f"{name}: {100 * share:,.0f} %" + (" **over**" if share > 1 else ""),
                )
            )
        said.append(f"{title}:\n\n{as_table(head, rows)}")
    near = [f"- {quota.name}: {quota.remedy}" for quota in capacity.quota]
    return "\n\n".join(said) + "\n\nRemedies:\n\n" + "\n".join(near) + "\n"


def _carried(found: Week, capacity: Capacity) -> int:
    """As many instances as the busiest minute needs, with a quarter to catch up after a start."""
    limit = next(quota for quota in capacity.quota if quota.kind == "instances")
    return max(1, int(np.ceil(found.used[limit.name] * limit.limit * _CATCH_UP)))


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@app.command()
def simulate(
    clinicians: Annotated[
        list[int] | None, typer.Option(help="Sizes; default 10 to 10,000.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same week.")] = 1,
) -> None:
    """Print Markdown tables of a simulated working week."""
    sys.stdout.write(tables(tuple(clinicians or _SIZES), seed))


if __name__ == "__main__":
    app()
