"""Calls the next person about an alert, unless a human has answered it."""

from __future__ import annotations

from typing import Any

from lambdas import alerts
from lambdas.wiring import Ports, connected


@connected("records", "pager")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    reference = event["session_id"]
    called = alerts.page(ports, reference)
    return {"session_id": reference, "spent": alerts.spent(ports, reference), **called}
