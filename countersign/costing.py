"""Decides what a month of running Countersign costs, from prices, what stands there and its use.

Every line is a quantity times a price of the table. The endpoint, which dominates, is up while
anybody records and some minutes after: with sessions that begin at random over the opening hours it
is idle for a share exp(-rate x (length + warm time)) of them (the idle share of an M/G/infinity
queue, Takacs 1962).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy, BadQuestion

_Positive = Annotated[float, Field(ge=0)]
_Kind = TypeVar("_Kind", bound=BaseModel)
_LONGEST_MINUTES = 24 * 60.0
_MOST_SESSIONS = 10_000_000.0


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Table):
    """US dollars for one unit of an item, and where that was read."""

    item: str
    service: str
    usd: _Positive
    source: str = Field(min_length=1)


class Other(_Table):
    """What somebody else publishes for the same job."""

    name: str
    usd_per_minute: _Positive | None = None
    usd_per_clinician_month: _Positive | None = None
    source: str = Field(min_length=1)


class Prices(_Table):
    """The price table, with the date on which it was read."""

    version: int
    dated: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    region: str
    currency: str
    price: tuple[Price, ...]
    other: tuple[Other, ...] = ()

    def of(self, item: str) -> Price:
        """The price of an item; raises `BadPolicy` when the table lacks it."""
        for price in self.price:
            if price.item == item:
                return price
        raise BadPolicy(f"the price table has no item {item!r}")


class _Month(_Table):
    days: _Positive
    hours_open: float = Field(gt=0, le=24)
    sessions_per_clinician: float = Field(gt=0)
    other_people_per_clinician: _Positive
    least_people: _Positive


class _Speech(_Table):
    instance: str
    seconds_per_second: float = Field(gt=0)
    concurrency: int = Field(ge=1)
    planned_share: float = Field(gt=0, le=1)
    minutes_kept_warm: _Positive
    image_gb: _Positive


class _Idle(_Table):
    runs_per_month: _Positive
    functions: _Positive
    seconds_per_run: _Positive
    memory_gb: _Positive
    calls_per_run: Mapping[str, float]
    custom_metrics: _Positive
    log_gb: _Positive


class _Work(_Table):
    lambda_runs: _Positive
    lambda_seconds: _Positive
    s3_put: _Positive
    s3_get: _Positive
    write_units: _Positive
    read_units: _Positive
    kms: _Positive
    signatures: _Positive
    trail: _Positive
    requests: _Positive
    transitions: _Positive
    log_kb: _Positive
    seconds: _Positive = 0.0
    sent_mb: _Positive = 0.0
    kept_kb: _Positive = 0.0
    emails: _Positive = 0.0


class Usage(_Table):
    """What a deployment uses while nobody records, and what a segment and a session add."""

    version: int
    month: _Month
    speech: _Speech
    standing: Mapping[str, int]
    idle: _Idle
    segment: _Work
    session: _Work


@dataclass(frozen=True)
class Line:
    """A quantity of one item in a month, and what it costs in US dollars."""

    service: str
    item: str
    quantity: float
    usd: float


@dataclass(frozen=True)
class Bill:
    """A month's lines; `idle` are those that are due without a single session."""

    sessions: float
    lines: tuple[Line, ...]
    idle: tuple[Line, ...]

    @property
    def usd(self) -> float:
        """The month's sum in US dollars, idle costs included."""
        return math.fsum(line.usd for line in self.lines)

    @property
    def idle_usd(self) -> float:
        """What an empty deployment costs a month, in US dollars."""
        return math.fsum(line.usd for line in self.idle)

    @property
    def usd_per_session(self) -> float | None:
        """All in; None for a month without sessions."""
        return self.usd / self.sessions if self.sessions else None

    def by_service(self) -> dict[str, float]:
        """US dollars by service, the dearest first."""
        sums: dict[str, float] = {}
        for line in self.lines:
            sums[line.service] = sums.get(line.service, 0.0) + line.usd
        return dict(sorted(sums.items(), key=lambda item: -item[1]))


def read_prices(text: str) -> Prices:
    """The price table; raises `BadPolicy`, which names the field that is wrong."""
    return _read(text, Prices)


def read_usage(text: str) -> Usage:
    """The usage table; raises `BadPolicy`, which names the field that is wrong."""
    return _read(text, Usage)


def _read(text: str, kind: type[_Kind]) -> _Kind:
    try:
        loaded: dict[str, Any] = tomllib.loads(text)
        return kind.model_validate(loaded)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(f"{kind.__name__.lower()}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadPolicy(f"{kind.__name__.lower()}, {where}: {first['msg']}") from None


def instance_hours(usage: Usage, sessions_per_day: float, minutes: float) -> float:
    """Hours a month for which machines of the endpoint run, all of them added up."""
    if not sessions_per_day:
        return 0.0
    month, speech = usage.month, usage.speech
    begins = sessions_per_day / (month.hours_open * 60)
    up = 1 - math.exp(-begins * (minutes + speech.minutes_kept_warm))
    at_once = begins * minutes
    carried = speech.concurrency * speech.planned_share / speech.seconds_per_second
    machines = max(up, at_once / carried)
    return month.days * month.hours_open * machines


def bill(
    prices: Prices,
    usage: Usage,
    sessions_per_day: float,
    minutes: float = 50.0,
    clinicians: float | None = None,
) -> Bill:
    """A month of `sessions_per_day` sessions of `minutes` each.

    `clinicians` are counted from the sessions when they are not given. Raises `BadQuestion` for
    a number that is negative, not finite or absurd.
    """
    for name, value, most in (
        ("sessions a day", sessions_per_day, _MOST_SESSIONS),
        ("minutes", minutes, _LONGEST_MINUTES),
    ):
        if not math.isfinite(value) or not 0 <= value <= most:
            raise BadQuestion(f"{name} must lie between 0 and {most:,.0f}")
    if not minutes:
        raise BadQuestion("a session has more than 0 minutes")
    month = usage.month
    sessions = sessions_per_day * month.days
    if clinicians is None:
        clinicians = math.ceil(sessions_per_day / month.sessions_per_clinician)
    idle = tuple(_idle(prices, usage))
    segments = sessions * math.ceil(minutes * 60 / usage.segment.seconds)
    lines = [*idle]
    hours = instance_hours(usage, sessions_per_day, minutes)
    lines.append(_line(prices, f"sagemaker.{usage.speech.instance}.hour", hours))
    for work, times in ((usage.segment, segments), (usage.session, sessions)):
        lines += _worked(prices, work, times, usage.idle.memory_gb)
    if clinicians:
        people = max(
            clinicians * (1 + month.other_people_per_clinician), clinicians + month.least_people
        )
        lines.append(_line(prices, "cognito.user_month", people))
    return Bill(sessions, tuple(line for line in lines if line.quantity), idle)


def _line(prices: Prices, item: str, quantity: float) -> Line:
    price = prices.of(item)
    return Line(price.service, item, quantity, quantity * price.usd)


def _idle(prices: Prices, usage: Usage) -> list[Line]:
    idle = usage.idle
    runs = idle.runs_per_month * idle.functions
    calls = idle.calls_per_run
    quantities = {
        "kms.key_month": float(usage.standing.get("AWS::KMS::Key", 0)),
        "alarm_month": float(usage.standing.get("AWS::CloudWatch::Alarm", 0)),
        "metric_month": idle.custom_metrics,
        "lambda.request": runs,
        "lambda.arm.gb_second": runs * idle.seconds_per_run * idle.memory_gb,
        "s3.put": runs * calls.get("s3_put", 0.0),
        "s3.get": runs * calls.get("s3_get", 0.0),
        "dynamodb.read_unit": runs * calls.get("read_units", 0.0),
        "kms.request": runs * calls.get("kms", 0.0),
        "trail.data_event": runs * calls.get("trail", 0.0),
        "logs.gb": idle.log_gb,
        "ecr.gb_month": usage.speech.image_gb,
    }
    return [_line(prices, item, quantity) for item, quantity in quantities.items()]


def _worked(prices: Prices, work: _Work, times: float, memory_gb: float) -> list[Line]:
    kilo, mega = 1e-6, 1e-3
    quantities = {
        "lambda.request": work.lambda_runs,
        "lambda.arm.gb_second": work.lambda_runs * work.lambda_seconds * memory_gb,
        "s3.put": work.s3_put,
        "s3.get": work.s3_get,
        "s3.gb_month": work.kept_kb * kilo,
        "dynamodb.write_unit": work.write_units,
        "dynamodb.read_unit": work.read_units,
        "kms.request": work.kms,
        "kms.sign": work.signatures,
        "trail.data_event": work.trail,
        "api.request": work.requests,
        "states.transition": work.transitions,
        "logs.gb": work.log_kb * kilo,
        "transfer.gb": work.sent_mb * mega,
        "sns.email": work.emails,
    }
    return [_line(prices, item, quantity * times) for item, quantity in quantities.items()]
