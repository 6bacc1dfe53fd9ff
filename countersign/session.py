"""Decides which states a session can be in, and which move may follow which."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from countersign.errors import IllegalMove


class State(StrEnum):
    """Where a session stands; the records table holds the truth, the workflow only moves it."""

    REGISTERED = "registered"
    RECEIVED = "received"
    TRANSCRIBED = "transcribed"
    AUDIO_ERASED = "audio_erased"
    REDACTED = "redacted"
    DRAFTED = "drafted"
    AWAITING_SIGNATURE = "awaiting_signature"
    SIGNED = "signed"
    DELIVERED = "delivered"
    CLOSED = "closed"
    LOCKED = "locked"
    FAILED = "failed"


_FORWARD = (
    State.REGISTERED,
    State.RECEIVED,
    State.TRANSCRIBED,
    State.AUDIO_ERASED,
    State.REDACTED,
    State.DRAFTED,
    State.AWAITING_SIGNATURE,
    State.SIGNED,
    State.DELIVERED,
    State.CLOSED,
)

# A draft that nobody signed in time is locked, never lost: a late signature is a supervisor's act.
MOVES: dict[State, frozenset[State]] = {
    **{before: frozenset({after, State.FAILED}) for before, after in pairwise(_FORWARD)},
    State.AWAITING_SIGNATURE: frozenset({State.SIGNED, State.LOCKED, State.FAILED}),
    # A signed note is never failed: it is delivered, however long that takes.
    State.SIGNED: frozenset({State.DELIVERED}),
    State.DELIVERED: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
    State.LOCKED: frozenset(),
    State.FAILED: frozenset(),
}

FINAL = frozenset(state for state, after in MOVES.items() if not after)


class Session(BaseModel):
    """One session's record. Ids only: what was said is in the vault, under this session's key."""

    model_config = ConfigDict(frozen=True)

    id: str
    site: str
    patient_id: str
    clinician_id: str
    template: str = "soap"
    state: State = State.REGISTERED
    registered_at: datetime
    awaiting_since: datetime | None = None
    failure: str | None = None
    run: str | None = None


def reached(session: Session, state: State) -> bool:
    """Whether the session already is at `state` or beyond it, so that a step need not be redone."""
    if session.state not in _FORWARD or state not in _FORWARD:
        return session.state == state
    return _FORWARD.index(session.state) >= _FORWARD.index(state)


def check_move(before: State, after: State) -> None:
    """Raises `IllegalMove` unless `after` may directly follow `before`."""
    if after not in MOVES[before]:
        raise IllegalMove(f"a session cannot go from {before} to {after}")
