"""Decides what must be erased, by when, and what proves it."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import datetime, timedelta
from typing import TypedDict

from pydantic import BaseModel, ConfigDict

from countersign.errors import AudioNotErased, BadPolicy


class StoredObject(BaseModel):
    """One thing that a listing of a bucket shows: a version or a delete marker."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str
    delete_marker: bool = False
    stored_at: datetime


class ReceiptSummary(TypedDict):
    """The fields of an audit event that a receipt fills."""

    hashes: dict[str, str]
    counts: dict[str, int]
    reason: str


class DeletionReceipt(BaseModel):
    """What was there, what was there afterwards, when, and by which rule."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    rule: str
    erased: tuple[StoredObject, ...]
    left: tuple[StoredObject, ...]
    at: datetime

    def summary(self) -> ReceiptSummary:
        """What the ledger keeps of it: the counts, the rule and the hash of the whole receipt."""
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return {
            "hashes": {"receipt": digest},
            "counts": {"erased": len(self.erased), "left": len(self.left)},
            "reason": self.rule,
        }


def confirm(receipt: DeletionReceipt) -> DeletionReceipt:
    """The receipt itself; raises `AudioNotErased` if the listing afterwards was not empty."""
    if receipt.left:
        raise AudioNotErased(f"{len(receipt.left)} versions or markers are left")
    return receipt


def overdue(
    stored: tuple[StoredObject, ...], now: datetime, limit: timedelta
) -> tuple[StoredObject, ...]:
    """The objects that have been kept for `limit` or longer."""
    return tuple(item for item in stored if now - item.stored_at >= limit)


class AudioLimit(BaseModel):
    """How long audio may exist at all, whatever happens to it."""

    model_config = ConfigDict(frozen=True)

    hard_limit: timedelta

    @classmethod
    def from_toml(cls, text: str) -> AudioLimit:
        """The limit in `policies/retention.toml`, `[audio] hard_limit_minutes`."""
        try:
            minutes = int(tomllib.loads(text)["audio"]["hard_limit_minutes"])
        except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise BadPolicy(f"retention.toml: [audio] hard_limit_minutes: {error}") from None
        if not 0 < minutes <= 24 * 60:
            raise BadPolicy("retention.toml: [audio] hard_limit_minutes is 1 to 1440")
        return cls(hard_limit=timedelta(minutes=minutes))
