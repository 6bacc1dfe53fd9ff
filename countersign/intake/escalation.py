"""Decides who is called next about an alert that no human has answered, and when again."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Escalation(BaseModel):
    """`policies/intake/escalation.toml`: seconds to wait, and how many are called one by one."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    # Issue 8: acknowledged within 120 s. No edit of the policy can make a person wait longer.
    seconds: Annotated[int, Field(ge=5, le=120)]
    one_by_one: Annotated[int, Field(ge=1, le=10)]
    again_seconds: Annotated[int, Field(ge=5, le=600)]
    # A standard workflow's history holds 25,000 events, and one call makes about twelve.
    calls_in_a_run: Annotated[int, Field(ge=2, le=1500)]
    heartbeat_minutes: Annotated[int, Field(ge=61, le=180)]
    outcomes: dict[str, str]

    @classmethod
    def from_toml(cls, text: str) -> Escalation:
        """The policy file; raises ValueError naming the field."""
        return cls.model_validate(tomllib.loads(text))


@dataclass(frozen=True)
class Call:
    """Whom to call now, and how many seconds to wait for an answer before the next call."""

    recipients: tuple[str, ...]
    seconds: int


def call(rung: int, order: Sequence[str], everyone: Sequence[str], rules: Escalation) -> Call:
    """The call number `rung` (from 0): one person after the other, then everyone, again and again.

    A rung is never empty: whoever falls off the end of the order is everyone.
    """
    alone = tuple(order[: rules.one_by_one])
    if rung < len(alone):
        return Call((alone[rung],), rules.seconds)
    return Call(tuple(everyone), rules.again_seconds)


def due(paged_at: datetime | None, wait: int, now: datetime) -> bool:
    """Whether the next call is due; a run that starts anew does not repeat a call just made."""
    return paged_at is None or now - paged_at >= timedelta(seconds=wait)
