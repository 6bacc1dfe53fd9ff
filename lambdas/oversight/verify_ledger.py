"""Recomputes every published log once a day; what is broken ends in an alarm, never in silence."""

from __future__ import annotations

from typing import Any

from countersign.errors import LedgerBroken
from lambdas.wiring import Ports, connected


@connected("ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    sites = ports.ledger.sites()
    for site in sites:
        broken = ports.ledger.verify(site)
        if broken:
            raise LedgerBroken(f"{len(broken)} breaks in the log of {site}; the first: {broken[0]}")
    return {"sites": len(sites)}
