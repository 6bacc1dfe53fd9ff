"""Decides how the cost of a month is shown: on the command line and in docs/cost.md."""

from __future__ import annotations

import sys
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from countersign.costing import Bill, Prices, Usage, bill, read_prices, read_usage
from lambdas import policies

_CLINICIANS: Final = (1, 10, 100, 1000)
_MINUTES: Final = 50.0


def tables() -> tuple[Prices, Usage]:
    """The price table and the usage table of this checkout."""
    return read_prices(policies.text("prices.toml")), read_usage(policies.text("usage.toml"))


def document(
    sessions_per_day: float, minutes: float = _MINUTES, clinicians: float | None = None
) -> dict[str, Any]:
    """One JSON document: a month's US dollars by service, idle, in all and per session."""
    prices, usage = tables()
    month = bill(prices, usage, sessions_per_day, minutes, clinicians)
    each = month.usd_per_session
    return {
        "prices_dated": prices.dated,
        "region": prices.region,
        "currency": prices.currency,
        "sessions_per_day": sessions_per_day,
        "minutes": minutes,
        "sessions_per_month": month.sessions,
        "services": [
            {"service": service, "usd_per_month": round(usd, 2)}
            for service, usd in month.by_service().items()
        ],
        "usd_per_month": round(month.usd, 2),
        "idle_usd_per_month": round(month.idle_usd, 2),
        "usd_per_session": None if each is None else round(each, 4),
        "lines": [
            {
                "service": line.service,
                "item": line.item,
                "quantity": round(line.quantity, 3),
                "usd": round(line.usd, 4),
            }
            for line in month.lines
        ],
    }


def show(found: dict[str, Any], console: Console) -> None:
    """The same as a table for people."""
    table = Table(title=f"A month on AWS, {found['region']}, prices of {found['prices_dated']}")
    table.add_column("Service")
    table.add_column("US dollars", justify="right")
    for each in found["services"]:
        table.add_row(each["service"], f"{each['usd_per_month']:,.2f}")
    table.add_section()
    table.add_row("In all", f"{found['usd_per_month']:,.2f}")
    table.add_row("of it without a session", f"{found['idle_usd_per_month']:,.2f}")
    if found["usd_per_session"] is not None:
        table.add_row("A session", f"{found['usd_per_session']:,.2f}")
    console.print(table)


def markdown() -> str:
    """The tables of docs/cost.md, between its markers."""
    prices, usage = tables()
    per = usage.month.sessions_per_clinician
    bills: list[tuple[int, Bill]] = [
        (count, bill(prices, usage, count * per, _MINUTES, count)) for count in _CLINICIANS
    ]
    services = list(bills[-1][1].by_service())
    heads = [f"{count:,} clinician{'s' if count > 1 else ''}" for count, _ in bills]
    lines = [
        f"Prices of {prices.dated}, {prices.region}, US dollars a month; {per:g} sessions of "
        f"{_MINUTES:g} minutes per clinician and day, {usage.month.days:g} days.",
        "",
        f"| | no session | {' | '.join(heads)} |",
        "|---|" + "---:|" * (len(heads) + 1),
    ]
    empty = bill(prices, usage, 0)
    for service in services:
        row = [f"{each.by_service().get(service, 0.0):,.2f}" for _, each in bills]
        lines.append(
            f"| {service} | {empty.by_service().get(service, 0.0):,.2f} | {' | '.join(row)} |"
        )
    lines.append(
        f"| **in all** | **{empty.usd:,.2f}** | "
        + " | ".join(f"**{each.usd:,.2f}**" for _, each in bills)
        + " |"
    )
    lines.append(
        "| a session | | " + " | ".join(f"{each.usd_per_session:.3f}" for _, each in bills) + " |"
    )
    lines.append(
        "| a clinician | | "
        + " | ".join(f"{each.usd / count:,.2f}" for count, each in bills)
        + " |"
    )
    lines += [
        "",
        "| beside it, by their published prices | a session | a clinician and month | source |",
        "|---|---:|---:|---|",
    ]
    sessions = per * usage.month.days
    for other in prices.other:
        if other.usd_per_minute is not None:
            once = other.usd_per_minute * _MINUTES
            monthly = once * sessions
        else:
            monthly = other.usd_per_clinician_month or 0.0
            once = monthly / sessions
        lines.append(f"| {other.name} | {once:.2f} | {monthly:,.2f} | {other.source} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
