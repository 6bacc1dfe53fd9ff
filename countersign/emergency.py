"""Decides what has to be said before somebody reads in an emergency, and when that ends."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy, BadRequest

_MOST_LETTERS = 2000


class Emergency(BaseModel):
    """The rules of policies/emergency.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float = Field(gt=0, le=24 * 60)
    least_letters: int = Field(ge=1, le=500)
    reasons: dict[str, str] = Field(min_length=1)

    @classmethod
    def from_toml(cls, text: str) -> Emergency:
        """The rules in `text`; raises `BadPolicy`, which names the field."""
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"policies/emergency.toml: {error}") from None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadPolicy(f"policies/emergency.toml: {where}: {first['msg']}") from None


class Grant(BaseModel):
    """One person's reading of one session, from `since` until `until`, for a reason by its code."""

    model_config = ConfigDict(frozen=True)

    person: str
    reason: str
    since: datetime
    until: datetime


def grant(person: str, reason: str, words: str, now: datetime, rules: Emergency) -> Grant:
    """The grant for somebody who said why; raises `BadRequest` for no reason, or hardly one."""
    if reason not in rules.reasons:
        raise BadRequest("reason: choose one of those that are listed")
    letters = sum(letter.isalpha() for letter in words)
    if letters < rules.least_letters:
        raise BadRequest(f"words: say why in at least {rules.least_letters} letters")
    if len(words) > _MOST_LETTERS:
        raise BadRequest(f"words: at most {_MOST_LETTERS} characters")
    return Grant(
        person=person, reason=reason, since=now, until=now + timedelta(minutes=rules.minutes)
    )


def opened_to(grants: Iterable[Grant], now: datetime) -> tuple[str, ...]:
    """Who may read at this moment; each person once."""
    return tuple(dict.fromkeys(one.person for one in grants if one.since <= now < one.until))
