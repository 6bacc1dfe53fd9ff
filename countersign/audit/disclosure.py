"""Decides how an entry of the audit trail reads as a FHIR R4 AuditEvent."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from countersign.audit.event import Event
from countersign.audit.merkle import leaf_hash

ACT = "urn:countersign:act"
POLICY = "urn:countersign:policy:"
SUBJECT = "urn:countersign:subject"
ACTOR = "urn:countersign:actor"
SITE = "urn:countersign:site"

_EXECUTED = "E"
_ACTIONS = {"erased": "D", "erasing": "D", "stored": "C", "received": "C", "drafted": "C"}
"""An act's last word as an action (R4, `AuditEvent.action`: C, R, U, D or E). Any other act is
executed: the codes know no signing and no asking, and a guess would be worse than a plain word."""


def audit_event(event: Event, index: int) -> Mapping[str, Any]:
    """The entry at `index` as a FHIR R4 AuditEvent, as plain JSON values.

    Its `id` is the SHA-256 of the event's id, which FHIR's 64 letters cannot hold, and its entity
    names the entry's number and leaf hash: a reader can ask the ledger to prove it. The act's own
    word is the subtype, under `urn:countersign:act`. It claims no profile: IHE BALP wants the
    patient named, and an entry never names one.
    """
    person = event.role != "system"
    agent: dict[str, Any] = {
        "role": [{"text": event.role}],
        "who": {"identifier": {"system": ACTOR, "value": event.actor}},
        "requestor": person,
    }
    if event.policies:
        agent["policy"] = [POLICY + policy for policy in event.policies]
    details = [
        ("ledger-index", str(index)),
        ("leaf-hash", leaf_hash(event.leaf()).hex()),
        ("event-id", event.id),
        *((f"sha256:{name}", value) for name, value in sorted(event.hashes.items())),
        *((f"count:{name}", str(value)) for name, value in sorted(event.counts.items())),
    ]
    details += [("run", event.run)] if event.run else []
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": sha256(event.id.encode()).hexdigest(),
        "type": {
            "system": "http://dicom.nema.org/resources/ontology/DCM",
            "code": "110100",
            "display": "Application Activity",
        },
        "subtype": [{"system": ACT, "code": event.act}],
        "action": _ACTIONS.get(event.act.rsplit(".", 1)[-1], _EXECUTED),
        "recorded": event.model_dump(mode="json")["at"],
        "agent": [agent],
        "source": {"observer": {"identifier": {"system": SITE, "value": event.site}}},
        "entity": [
            {
                "what": {"identifier": {"system": SUBJECT, "value": event.subject}},
                "detail": [{"type": name, "valueString": value} for name, value in details],
            }
        ],
    }
    if event.reason:
        resource["purposeOfEvent"] = [{"text": event.reason}]
    return resource
