"""Decides who may be recorded, for which purpose, until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from countersign.errors import ConsentExpired, ConsentMissing, ConsentRevoked


class Purpose(StrEnum):
    """What a patient agrees to; each is asked for, stored and withdrawn on its own."""

    RECORDING = "recording"
    AI_PROCESSING = "ai_processing"


SESSION_PURPOSES = (Purpose.RECORDING, Purpose.AI_PROCESSING)


class Consent(BaseModel):
    """One participant's stored agreement to one purpose."""

    model_config = ConfigDict(frozen=True)

    id: str
    patient_id: str
    purpose: Purpose
    granted_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    recorded_by: str


def require(consents: Iterable[Consent], purpose: Purpose, now: datetime) -> Consent:
    """The newest consent that covers `purpose` at `now`.

    Raises `ConsentMissing` when none was ever given, `ConsentRevoked` when the newest was
    withdrawn, `ConsentExpired` when it has run out. The newest act counts: a later withdrawal
    beats an earlier grant (45 CFR 164.508(b)(5)).
    """
    given = sorted(
        (c for c in consents if c.purpose == purpose and c.granted_at <= now),
        key=lambda c: c.granted_at,
    )
    if not given:
        raise ConsentMissing(f"no stored consent for {purpose}")
    newest = given[-1]
    if newest.revoked_at is not None and newest.revoked_at <= now:
        raise ConsentRevoked(f"the consent for {purpose} was withdrawn")
    if newest.expires_at <= now:
        raise ConsentExpired(f"the consent for {purpose} has run out")
    return newest
