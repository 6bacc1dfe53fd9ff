"""Decides what one entry of the audit trail says, and its exact bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, field_serializer, field_validator

from countersign.erasure import DeletionReceipt
from countersign.session import Session


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

    @field_validator("at")
    @classmethod
    def _aware(cls, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError("an event's time needs a time zone")
        try:
            return at.astimezone(UTC)
        except OverflowError:
            raise ValueError("an event's time is outside the calendar") from None

    @field_serializer("at")
    def _utc(self, at: datetime) -> str:
        return at.isoformat().replace("+00:00", "Z")

    def leaf(self) -> bytes:
        """The entry's canonical bytes: UTF-8 JSON, sorted keys, no white space, no empty fields."""
        filled = {k: v for k, v in self.model_dump(mode="json").items() if v not in (None, [], {})}
        return json.dumps(
            filled, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()

    def identity(self) -> bytes:
        """What makes two events the same act: the leaf without the moment and the run.

        A step that is repeated after a crash has a later clock and perhaps another run; it is still
        the same act and must not be entered twice.
        """
        return self.model_copy(update={"at": datetime.min, "run": None}).leaf()


def of_system(
    session: Session,
    act: str,
    now: datetime,
    run: str | None,
    *,
    part: str = "",
    hashes: dict[str, str] | None = None,
    counts: dict[str, int] | None = None,
    reason: str | None = None,
) -> Event:
    """The entry for something the system did to a session by itself.

    `part` tells apart repeatable acts of one kind, such as the attempts at one transcription.
    """
    return Event(
        id="/".join(filter(None, (session.id, act, part))),
        at=now,
        site=session.site,
        actor="countersign",
        role="system",
        act=act,
        subject=session.id,
        run=run,
        hashes=hashes or {},
        counts=counts or {},
        reason=reason,
    )


def of_erasure(
    session: Session, receipt: DeletionReceipt, run: str | None, part: str = ""
) -> Event:
    """The entry for an erasure that may happen again: each is told apart by moment and receipt.

    `part` names the segment, when only that was erased.
    """
    told = receipt.summary()
    which = "/".join(filter(None, (part, receipt.at.isoformat(), told["hashes"]["receipt"][:16])))
    return of_system(session, "audio.erased", receipt.at, run, part=which, **told)


def of_intake(
    intake_id: str,
    site: str,
    act: str,
    now: datetime,
    run: str | None,
    *,
    part: str = "",
    counts: dict[str, int] | None = None,
    reason: str | None = None,
) -> Event:
    """The entry for something the system did to an intake form by itself; `part` as above."""
    return Event(
        id="/".join(filter(None, (intake_id, act, part))),
        at=now,
        site=site,
        actor="countersign",
        role="system",
        act=act,
        subject=intake_id,
        run=run,
        counts=counts or {},
        reason=reason,
    )


def read_event(leaf: bytes) -> Event:
    """The event whose canonical bytes are exactly `leaf`; raises ValueError for any others."""
    event = Event.model_validate_json(leaf)
    if event.leaf() != leaf:
        raise ValueError("not the canonical bytes of the event they describe")
    return event


class EventAtAGlance(
    msgspec.Struct,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """What `Event` holds, in the order of its leaf: as much of an event as checking a log needs.

    Reading one costs a tenth of reading an `Event`. Its fields and types are those of `Event`.
    """

    act: str
    actor: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    counts: dict[str, int] = {}
    hashes: dict[str, str] = {}
    id: str
    policies: tuple[str, ...] = ()
    reason: str | None = None
    role: str
    run: str | None = None
    site: str
    subject: str


_ZONE = attrgetter("at.tzinfo")
_DECODE = msgspec.json.Decoder(EventAtAGlance).decode_lines
_ENCODE = msgspec.json.Encoder(order="deterministic").encode_lines


def glance(leaves: Sequence[bytes]) -> list[EventAtAGlance] | None:
    """The events of all these leaves if each is surely the canonical bytes of one; else None.

    None says only that something wants a closer look by `read_event`, such as an escaped
    character. What is returned, `read_event` reads too: the bytes were decoded, encoded again in
    the one canonical way, and compared. Lines keep the leaves apart, because no canonical leaf
    holds a line feed.
    """
    lines = b"\n".join(leaves) + b"\n"
    if b"\\" in lines:
        return None  # two encoders may escape differently
    try:
        events = _DECODE(lines)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if len(events) != len(leaves) or _ENCODE(events) != lines:
        return None
    if list(map(_ZONE, events)).count(UTC) != len(leaves):
        return None
    return events
