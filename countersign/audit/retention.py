"""Decides how long a published log is locked against everybody, and how firmly."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy

Mode = Literal["GOVERNANCE", "COMPLIANCE"]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    days: int = Field(ge=1)
    mode: Mode
    mode_by_stage: dict[str, Mode] = {}


class Retention(BaseModel):
    """An S3 Object Lock: `days` from writing; in COMPLIANCE not even the account's root ends it."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    days: int

    @classmethod
    def from_toml(cls, text: str, stage: str) -> Retention:
        """The `[ledger]` part of policies/retention.toml for a stage; raises `BadPolicy`."""
        try:
            rule = _Rule.model_validate(tomllib.loads(text).get("ledger"))
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"retention.toml: {error}") from None
        except ValidationError as error:
            wrong = "; ".join(".".join(map(str, e["loc"])) or "missing" for e in error.errors())
            raise BadPolicy(f"retention.toml [ledger]: {wrong}") from None
        return cls(mode=rule.mode_by_stage.get(stage, rule.mode), days=rule.days)

    def until(self, now: datetime) -> datetime:
        """When the lock on something written at `now` ends."""
        return now + timedelta(days=self.days)
