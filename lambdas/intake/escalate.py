"""Pages the clinician on duty at the intake's site by code and id, never with patient's words."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_intake
from countersign.intake import on_duty, page_code, site_of
from lambdas import alerts
from lambdas.wiring import Ports, connected


@connected("records", "ledger", "pager")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    intake_id, run = event["session_id"], event["run"]
    facts = ports.records.facts(intake_id, "intake")
    code = page_code(ports.records.facts(intake_id, "screening"), run, event["code"])
    # Paged first: a person must know even when the ledger cannot be written.
    ports.pager.tell(on_duty(facts), code, intake_id)
    alerts.lift(ports, site_of(facts, intake_id), code, intake_id)
    ports.ledger.append(
        of_intake(
            intake_id,
            site_of(facts, intake_id),
            "intake.escalated",
            ports.clock.now(),
            run,
            part=run,
            reason=code,
        )
    )
    return {"session_id": intake_id, "code": code}
