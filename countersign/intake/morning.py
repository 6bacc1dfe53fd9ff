"""Decides what the clinical director reads each morning about yesterday's alerts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pydantic import AwareDatetime, BaseModel, ConfigDict

EMPTY = "No alerts were raised."
"""Never "no risk": that no word was found says nothing about danger."""


class CriticalCase(BaseModel):
    """One alert and what people did about it. Ids and times, never a word of the patient's."""

    model_config = ConfigDict(frozen=True)
    id: str
    code: str
    subject: str
    raised_at: AwareDatetime
    acknowledged_by: str | None = None
    acknowledged_at: AwareDatetime | None = None
    handed_to: str | None = None
    handed_at: AwareDatetime | None = None
    closed_by: str | None = None
    closed_at: AwareDatetime | None = None

    @property
    def waited(self) -> timedelta | None:
        """From the alert to its acknowledgement; None while nobody has acknowledged it."""
        return self.acknowledged_at - self.raised_at if self.acknowledged_at else None

    def open_at(self, moment: datetime) -> bool:
        """Whether no person had closed it by then."""
        return self.closed_at is None or self.closed_at > moment


class DailyReport(BaseModel):
    """Every alert of one day in the clinic's time zone, and older ones that are still open."""

    model_config = ConfigDict(frozen=True)
    day: date
    site: str
    made_at: AwareDatetime
    still_open: tuple[CriticalCase, ...]
    closed: tuple[CriticalCase, ...]
    raised: int


def bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """`[start, end)` of a calendar day in UTC; 23 or 25 hours long when the clocks change."""
    first = datetime.combine(day, time(), zone)
    last = datetime.combine(day + timedelta(days=1), time(), zone)
    return first.astimezone(UTC), last.astimezone(UTC)


def daily(
    cases: Iterable[CriticalCase], day: date, *, site: str, zone: tzinfo, now: datetime
) -> DailyReport:
    """The report of `day`: still-open alerts first, each group oldest first.

    A case that is given twice, as after a repeated delivery, is counted once, in its later state.
    An alert of an earlier day stays on every report until a person has closed it.
    """
    start, end = bounds(day, zone)
    known: dict[str, CriticalCase] = {}
    for case in cases:
        before = known.get(case.id)
        known[case.id] = case if before is None else _later(before, case)
    ordered = sorted(known.values(), key=lambda case: (case.raised_at, case.id))
    of_day = [case for case in ordered if start <= case.raised_at < end]
    waiting = [case for case in ordered if case.raised_at < end and case.open_at(now)]
    return DailyReport(
        day=day,
        site=site,
        made_at=now,
        still_open=tuple(waiting),
        closed=tuple(case for case in of_day if case not in waiting),
        raised=len(of_day),
    )


def _later(one: CriticalCase, other: CriticalCase) -> CriticalCase:
    """The copy on which people have done more; a step once taken is never lost."""
    given = {
        name: value
        for case in sorted((one, other), key=lambda case: case.model_dump_json(), reverse=True)
        for name, value in case.model_dump().items()
        if value is not None
    }
    return CriticalCase.model_validate(given)


def as_text(report: DailyReport, zone: tzinfo) -> str:
    """The report as plain lines, in the clinic's own time."""
    lines = [f"Alerts of {report.day.isoformat()} at {report.site}"]
    if not report.raised:
        lines.append(EMPTY)
    else:
        noun = "alert was" if report.raised == 1 else "alerts were"
        lines.append(f"{report.raised} {noun} raised.")
    if report.still_open:
        lines += ["", f"Still open ({len(report.still_open)})"]
        lines += [_line(case, zone) for case in report.still_open]
    if report.closed:
        lines += ["", f"Closed by a person ({len(report.closed)})"]
        lines += [_line(case, zone) for case in report.closed]
    return "\n".join(lines) + "\n"


def _line(case: CriticalCase, zone: tzinfo) -> str:
    parts = [f"{_at(case.raised_at, zone)} {case.code} {case.subject}"]
    if case.acknowledged_at and case.waited is not None:
        seconds = max(0, round(case.waited.total_seconds()))
        who = case.acknowledged_by or "somebody"
        parts.append(f"acknowledged by {who} after {seconds} s")
    else:
        parts.append("NOT ACKNOWLEDGED")
    if case.handed_at:
        parts.append(f"handed to {case.handed_to or 'somebody'} {_at(case.handed_at, zone)}")
    if case.closed_at:
        parts.append(f"closed by {case.closed_by or 'somebody'} {_at(case.closed_at, zone)}")
    return "; ".join(parts)


def _at(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
