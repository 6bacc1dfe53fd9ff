"""Publishes what was appended since the last checkpoint, whoever appended it."""

from __future__ import annotations

from typing import Any

from lambdas.wiring import Ports, connected


@connected("ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    sites = ports.ledger.sites()
    for site in sites:
        ports.ledger.publish(site)
    return {"sites": len(sites)}
