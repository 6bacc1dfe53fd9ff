"""Decides what boards show: open alerts, how reviews went, how much is used. Numbers and ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

from pydantic import BaseModel, ConfigDict

from countersign.audit.event import Event
from countersign.session import Session, State

# How many closed alerts stay visible; the audit log has them all.
_CLOSED = 30


class Alert(BaseModel):
    """Something that a person must look at now. `code` and `subject` are ids, never words.

    `rung` counts the calls made so far; `entered` says that the audit log has it. Whoever answers
    takes it into human hands; only a human closes it, and says by a code what was done.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    code: str
    subject: str
    at: datetime
    answered_by: str | None = None
    answered_at: datetime | None = None
    rung: int = 0
    paged_at: datetime | None = None
    wait: int = 0
    runs: int = 0
    entered: bool = False
    outcome: str | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None


def answered(alert: Alert, by: str, now: datetime) -> Alert:
    """Somebody has said that they deal with it; the first to say so stays."""
    if alert.answered_by is not None:
        return alert
    return alert.model_copy(update={"answered_by": by, "answered_at": now})


def closed(alert: Alert, by: str, outcome: str, now: datetime) -> Alert:
    """A human says what was done; the first word stays. Whoever closes it also answers it."""
    if alert.closed_by is not None:
        return alert
    done = {"closed_by": by, "closed_at": now, "outcome": outcome}
    return answered(alert, by, now).model_copy(update=done)


def shown(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Every alert that nobody has closed, and the last closed ones; oldest first."""
    every = sorted(alerts, key=lambda one: (one.at, one.id))
    done = [one for one in every if one.closed_by is not None]
    gone = {one.id for one in done[:-_CLOSED]}
    return tuple(one for one in every if one.id not in gone)


class Reviews(BaseModel):
    """How one clinician's reviews went. Seconds and counts are medians over the notes signed."""

    model_config = ConfigDict(frozen=True)

    clinician: str
    signed: int
    seconds: float
    edits: float
    struck: float
    refused: int
    amended: int


def reviews(events: Iterable[Event]) -> tuple[Reviews, ...]:
    """One line per clinician who signed, or was refused, by name of id."""
    known = list(events)
    acts = ("note.signed", "signature.refused", "note.amended")
    rows = []
    for person in sorted({one.actor for one in known if one.act in acts}):
        mine = [one for one in known if one.actor == person]
        signed = [one for one in mine if one.act == "note.signed"]

        def middle(name: str, notes: Sequence[Event] = tuple(signed)) -> float:
            values = [one.counts[name] for one in notes if name in one.counts]
            return float(median(values)) if values else 0.0

        rows.append(
            Reviews(
                clinician=person,
                signed=len(signed),
                seconds=middle("review_seconds"),
                edits=middle("edits"),
                struck=middle("struck"),
                refused=sum(one.act == "signature.refused" for one in mine),
                amended=sum(one.act == "note.amended" for one in mine),
            )
        )
    return tuple(rows)


def by_state(sessions: Iterable[Session]) -> tuple[tuple[State, int], ...]:
    """How many sessions stand where, in the order of the way."""
    counted = Counter(session.state for session in sessions)
    return tuple((state, counted[state]) for state in State if counted[state])


def by_day(sessions: Iterable[Session], most: int) -> tuple[tuple[str, int, int], ...]:
    """For each of the last days with sessions: the day (UTC), how many, how many of them failed."""
    days: dict[str, list[Session]] = {}
    for session in sessions:
        days.setdefault(f"{session.registered_at:%Y-%m-%d}", []).append(session)
    return tuple(
        (day, len(held), sum(one.state in (State.FAILED, State.LOCKED) for one in held))
        for day, held in sorted(days.items(), reverse=True)[:most]
    )
