"""Decides what must be erased, by when, and what proves it."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from countersign.errors import AudioNotErased


class StoredObject(BaseModel):
    """One thing that a listing of a bucket shows: a version or a delete marker."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str
    delete_marker: bool = False
    stored_at: datetime


class DeletionReceipt(BaseModel):
    """What was there, what was there afterwards, when, and by which rule."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    rule: str
    erased: tuple[StoredObject, ...]
    left: tuple[StoredObject, ...]
    at: datetime


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
