"""No alert is lost: one that nobody has answered and nobody is called about is called again."""

from __future__ import annotations

from typing import Any

from lambdas import alerts
from lambdas.wiring import Ports, connected


@connected("records", "ledger", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    waited, started = alerts.settle(ports)
    return {"waiting": waited, "started": started}
