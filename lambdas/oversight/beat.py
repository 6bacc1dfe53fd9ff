"""Each hour an alert that is none goes the whole way; when one did not arrive, people are told."""

from __future__ import annotations

from typing import Any

from countersign.errors import PathBroken
from lambdas import alerts
from lambdas.wiring import Ports, Settings, connected


@connected("records", "workflow", "pager")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    site = Settings().site
    if not alerts.beat(ports, site):
        for recipient in alerts.roster().everyone(site):
            ports.pager.tell(recipient, "alert.path-broken", site)
        raise PathBroken("the last heartbeat did not reach the pager")
    return {"site": site}
