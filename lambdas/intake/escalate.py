"""Stores an alert about the intake, has people called, and enters it; no patient's word in any."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_intake
from countersign.intake import on_duty, page_code, site_of
from lambdas import alerts
from lambdas.wiring import Ports, connected


@connected("records", "ledger", "pager", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    intake_id, run, code = event["session_id"], event["run"], "intake.unscreened"
    facts: dict[str, object] | None = None
    try:
        facts = ports.records.facts(intake_id, "intake")
        code = page_code(ports.records.facts(intake_id, "screening"), run, event["code"])
        site = site_of(facts, intake_id)
        reference = alerts.lift(ports, site, code, intake_id)
        alerts.escalate(ports, reference)
    except Exception:
        # What could not be stored or started still reaches somebody, by the shortest way.
        ports.pager.tell(on_duty(facts), code, intake_id)
        raise
    now = ports.clock.now()
    alerts.enter(ports, reference, run)
    ports.ledger.append(
        of_intake(intake_id, site, "intake.escalated", now, run, part=run, reason=code)
    )
    return {"session_id": intake_id, "code": code}
