"""Closes the intake's run and publishes the ledger, so that its last entry can be checked."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_intake
from countersign.intake import site_of
from lambdas.wiring import Ports, connected


@connected("records", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    intake_id, run = event["session_id"], event["run"]
    site = site_of(ports.records.facts(intake_id, "intake"), intake_id)
    now = ports.clock.now()
    ports.ledger.append(of_intake(intake_id, site, "intake.closed", now, run, part=run))
    ports.ledger.publish(site)
    return {"session_id": intake_id}
