"""Receives the endpoint's notice: the segment's transcript is sealed, and its audio erased."""

from __future__ import annotations

import json
from typing import Any

from countersign.enrolment import is_enrolment
from countersign.speech import read_notice
from lambdas import enrolment, recording
from lambdas.wiring import Ports, connected


@connected("records", "audio", "vault", "speech", "ledger", "pager", "workflow")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    notices = [read_notice(json.loads(r["Sns"]["Message"])) for r in event["Records"]]
    for notice in notices:
        if is_enrolment(notice.session_id):
            enrolment.answered(notice.session_id, notice.output_key, notice.failure, ports)
        else:
            recording.answered(notice, ports)
    return {"notices": len(notices)}
