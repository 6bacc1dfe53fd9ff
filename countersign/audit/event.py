"""Decides what one entry of the audit trail says, and its exact bytes."""

from __future__ import annotations

import json
from datetime import datetime

from pydantic import BaseModel, ConfigDict, field_serializer


class Event(BaseModel):
    """Who did what, to which thing, when and under which rule. Ids, counts and hashes; never PHI.

    `id` is deterministic for an act (such as `session-id/transcribed`), so that a repeated step
    writes no second entry.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    at: datetime
    site: str
    actor: str
    role: str
    act: str
    subject: str
    policies: tuple[str, ...] = ()
    run: str | None = None
    hashes: dict[str, str] = {}
    counts: dict[str, int] = {}
    reason: str | None = None

    @field_serializer("at")
    def _utc(self, at: datetime) -> str:
        return at.isoformat().replace("+00:00", "Z")

    def leaf(self) -> bytes:
        """The entry's canonical bytes: UTF-8 JSON, sorted keys, no white space, no empty fields."""
        filled = {k: v for k, v in self.model_dump(mode="json").items() if v not in (None, [], {})}
        return json.dumps(
            filled, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
