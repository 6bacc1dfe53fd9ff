"""A site's alerts: raised by flows, answered by people, kept beside the records."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import TypeAdapter

from countersign import boards
from countersign.boards import Alert
from countersign.errors import AlertBusy
from lambdas.wiring import Ports

_ALERTS = TypeAdapter(tuple[Alert, ...])
_NAME = "alerts"
_TRIES = 8


def listed(ports: Ports, site: str) -> tuple[Alert, ...]:
    """The site's open alerts and the last answered ones, oldest first. Needs `records`."""
    known = ports.records.facts(f"site-{site}", _NAME) or {}
    return _ALERTS.validate_python(known.get("alerts", ()))


def lift(ports: Ports, site: str, code: str, subject: str) -> None:
    """Puts an alert on the site's boards; the same one while it is open changes nothing."""
    now = ports.clock.now()
    alert = Alert(id=f"{subject}.{code}".replace("/", "-"), code=code, subject=subject, at=now)
    _change(ports, site, lambda alerts: boards.raised(alerts, alert))


def answer(ports: Ports, site: str, alert_id: str, by: str) -> None:
    """Somebody deals with it."""
    now = ports.clock.now()
    _change(ports, site, lambda alerts: boards.answered(alerts, alert_id, by, now))


def _change(
    ports: Ports, site: str, change: Callable[[tuple[Alert, ...]], tuple[Alert, ...]]
) -> None:
    for _ in range(_TRIES):
        known = ports.records.facts(f"site-{site}", _NAME)
        before = _ALERTS.validate_python((known or {}).get("alerts", ()))
        after = change(before)
        if after == before:
            return
        document = {"alerts": _ALERTS.dump_python(after, mode="json")}
        if ports.records.swap_facts(f"site-{site}", _NAME, known, document):
            return
    raise AlertBusy("many alerts change at once")
