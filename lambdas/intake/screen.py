"""Screens what the patient wrote, keeps what was found, and says only whether a human must look."""

from __future__ import annotations

from typing import Any

from countersign.audit.event import of_intake
from countersign.intake import read_form, screen_form, site_of
from lambdas import engines
from lambdas.wiring import Ports, connected


@connected("records", "vault", "ledger")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    intake_id, run = event["session_id"], event["run"]
    site = site_of(ports.records.facts(intake_id, "intake"), intake_id)
    form = read_form(ports.vault.get(intake_id, "form") or b"")
    found = screen_form(form, engines.terms())
    ports.vault.put(intake_id, "screening", found.model_dump_json().encode())
    ports.records.put_facts(
        intake_id, "screening", {"run": run, "crisis": found.crisis, "urgent": found.urgent}
    )
    now, counts = ports.clock.now(), {"answers": len(form.answers), "spans": found.spans}
    ports.ledger.append(
        of_intake(intake_id, site, "intake.screened", now, run, part=run, counts=counts)
    )
    return {"session_id": intake_id, "human": found.crisis or found.urgent}
