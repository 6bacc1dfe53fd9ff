"""Decides whose turn it is: a site's shifts and its on-call rotation, in the site's own time."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MODEL = ConfigDict(frozen=True, extra="forbid")
_People = Annotated[tuple[str, ...], Field(min_length=1)]


class Shift(BaseModel):
    """Hours of certain weekdays, local; one that ends at or before its start passes midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    days: Annotated[tuple[str, ...], Field(min_length=1)]
    begins: Annotated[time, Field(alias="from")]
    ends: Annotated[time, Field(alias="until")]
    people: _People

    @field_validator("days")
    @classmethod
    def _known(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(days) - set(_DAYS):
            raise ValueError(f"no weekday: {', '.join(sorted(unknown))}; use {', '.join(_DAYS)}")
        return days

    def covers(self, local: datetime) -> bool:
        """Whether the shift runs at that local moment; its end is no longer part of it."""
        clock, today = local.time(), _DAYS[local.weekday()]
        if self.begins < self.ends:
            return today in self.days and self.begins <= clock < self.ends
        yesterday = _DAYS[(local.weekday() - 1) % 7]
        return (today in self.days and clock >= self.begins) or (
            yesterday in self.days and clock < self.ends
        )


class Rotation(BaseModel):
    """Turns of whole calendar days that change at a local hour, the first one on `starts`."""

    model_config = _MODEL
    people: _People
    starts: date
    handover: time
    days: Annotated[int, Field(ge=1)]

    def order(self, local: datetime) -> tuple[str, ...]:
        """The people from the one whose turn it is onwards; before `starts`, turns run back."""
        day = local.date() - timedelta(days=int(local.time() < self.handover))
        turn = (day - self.starts).days // self.days % len(self.people)
        return self.people[turn:] + self.people[:turn]


class Duty(BaseModel):
    """A site's time zone, shifts and rotation."""

    model_config = _MODEL
    zone: str
    shifts: tuple[Shift, ...] = ()
    rotation: Rotation

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("no IANA time zone") from None
        return zone


class Roster(BaseModel):
    """Who is called, for each site; a site without lines of its own has the default's."""

    model_config = _MODEL
    default: Duty
    sites: dict[str, Duty] = {}

    @classmethod
    def from_toml(cls, text: str) -> Roster:
        """`policies/intake/roster.toml`; raises ValueError naming the line's place."""
        return cls.model_validate(tomllib.loads(text))

    def order(self, site: str, now: datetime) -> tuple[str, ...]:
        """Whom to call at `now` (aware), one after the other, each once; never empty."""
        duty = self.sites.get(site, self.default)
        local = now.astimezone(ZoneInfo(duty.zone))
        on_shift = [one for shift in duty.shifts if shift.covers(local) for one in shift.people]
        named = (*on_shift, *duty.rotation.order(local))
        return tuple(dict.fromkeys(one.replace("{site}", site) for one in named))

    def everyone(self, site: str) -> tuple[str, ...]:
        """All whom the site's lines name, and the site's whole list of subscribers."""
        duty = self.sites.get(site, self.default)
        named = (*(one for shift in duty.shifts for one in shift.people), *duty.rotation.people)
        people = (one.replace("{site}", site) for one in named)
        return tuple(dict.fromkeys((*people, f"everyone/{site}")))
