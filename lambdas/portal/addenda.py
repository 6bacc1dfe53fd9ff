"""What the clinician adds to a signed note: shown as a difference, signed, delivered."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from countersign import addendum, review
from countersign.access import Action, SessionOf
from countersign.addendum import Addendum, Signer
from countersign.delivery.document import SignedNote, document_reference, search_token
from countersign.errors import (
    DraftChanged,
    DraftNotReady,
    EhrRefused,
    EhrUnavailable,
    IllegalMove,
    ReviewIncomplete,
)
from countersign.ports import Person, Signature
from lambdas.portal import gate
from lambdas.portal.draft import signing
from lambdas.wiring import Ports

logger = Logger(service="countersign")
_FACTS = "addenda"


@dataclass(frozen=True)
class Added:
    """A signed addendum as the records know it. `document`: its id in the record system, once."""

    number: int
    digest: str
    at: str
    by: str
    licence: str
    part: str
    document: str | None = None


def listed(ports: Ports, session_id: str) -> tuple[Added, ...]:
    """The signed addenda of a session, oldest first."""
    known = ports.records.facts(session_id, _FACTS) or {}
    return tuple(Added(**one) for one in known.get("addenda", ()))


def contents(ports: Ports, session_id: str) -> tuple[Addendum, ...]:
    """Their texts and differences, while the vault holds them."""
    found = []
    for one in listed(ports, session_id):
        raw = ports.vault.get(session_id, one.part)
        if raw is not None:
            found.append(Addendum.model_validate_json(raw))
    return tuple(found)


def newest(ports: Ports, session_id: str) -> str:
    """The note as it reads with all its addenda; raises `DraftNotReady` before the signature."""
    added = contents(ports, session_id)
    if added:
        return added[-1].after
    signed: bytes | None = ports.vault.get(session_id, "note")
    if signed is None or ports.records.signature(session_id) is None:
        raise DraftNotReady("this note is not signed", hint="Change the draft instead.")
    return signed.decode("utf-8")


def prepare(ports: Ports, person: Person, session_id: str, after: str, reason: str) -> Addendum:
    """The addendum that would be signed; nothing is stored. Raises what `addendum.write` raises."""
    resource, _ = _amendable(ports, person, session_id)
    return _written(ports, person, resource, after, reason)


def sign(
    ports: Ports,
    person: Person,
    session_id: str,
    after: str,
    reason: str,
    digest: str,
    attested: bool,
    signed_in_at: datetime,
) -> Added:
    """Signs exactly the addendum whose SHA-256 is `digest`, as it was shown, and delivers it.

    Raises `DraftChanged` when another addendum came between, `SignInStale` and `ReviewIncomplete`
    as for a note. A record system that does not answer loses nothing: `deliver` tries again.
    """
    resource, rules = _amendable(ports, person, session_id)
    made = _written(ports, person, resource, after, reason)
    now = ports.clock.now()
    review.require_fresh(signed_in_at, now, signing())
    if not attested:
        raise ReviewIncomplete("the attestation is missing", hint="Tick it, then sign.")
    if review.digest(made.text) != digest:
        raise DraftChanged("this is not the addendum that was shown")
    once = secrets.token_hex(4)
    signature: Signature = ports.records.signature(session_id)
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "note.amended",
            resource,
            part=f"{made.number}.{once}",
            rules=rules,
            hashes={"note": signature.digest, "addendum": digest},
            counts={
                "number": made.number,
                "removed": sum(line.kind == "removed" for line in made.lines),
                "added": sum(line.kind == "added" for line in made.lines),
            },
        )
    )
    added = Added(
        number=made.number,
        digest=digest,
        at=now.isoformat(),
        by=person.id,
        licence=person.licence or "",
        part=f"addendum.{made.number}.{once}",
    )
    ports.vault.put(session_id, added.part, made.model_dump_json().encode())
    known = ports.records.facts(session_id, _FACTS)
    before = list((known or {}).get("addenda", ()))
    if len(before) != made.number - 1 or not ports.records.swap_facts(
        session_id, _FACTS, known, {"addenda": [*before, vars(added)]}
    ):
        raise DraftChanged("another addendum was signed at the same moment")
    return deliver(ports, resource, made.number)


def deliver(ports: Ports, resource: SessionOf, number: int) -> Added:
    """Brings a signed addendum into the record system, once, however often it is called."""
    session_id = resource.session.id
    known = ports.records.facts(session_id, _FACTS) or {"addenda": []}
    added = next((one for one in listed(ports, session_id) if one.number == number), None)
    if added is None:
        raise DraftNotReady("there is no such addendum")
    if added.document is not None:
        return added
    raw = ports.vault.get(session_id, added.part)
    if raw is None:
        raise DraftNotReady("the addendum's text is not there any more")
    try:
        delivered = ports.ehr.deliver(*_document(ports, resource, added, raw))
    except (EhrUnavailable, EhrRefused) as refusal:
        logger.warning(
            "an addendum was not delivered",
            extra={"session_id": session_id, "outcome": refusal.code},
        )
        return added
    done = Added(**{**vars(added), "document": delivered.id})
    rest: list[Any] = [
        vars(done) if one.number == number else vars(one) for one in listed(ports, session_id)
    ]
    ports.records.swap_facts(session_id, _FACTS, known, {"addenda": rest})
    return done


def _document(
    ports: Ports, resource: SessionOf, added: Added, raw: bytes
) -> tuple[dict[str, Any], str]:
    session = resource.session
    clinician = ports.records.person(added.by)
    note = SignedNote(
        session_id=session.id,
        patient_id=session.patient_id,
        clinician_id=added.by,
        clinician_name=clinician.name if clinician else "",
        licence=added.licence,
        signed_at=datetime.fromisoformat(added.at),
        digest=added.digest,
        text=json.loads(raw)["text"],
        site=session.site,
        version=added.number + 1,
    )
    document = document_reference(note)
    original = ports.records.facts(session.id, "delivery")
    if original is not None:
        # FHIR R4, DocumentReference.relatesTo: the addendum is new information beside the note.
        target = {"reference": f"{original['resource']}/{original['id']}"}
        document["relatesTo"] = [{"code": "appends", "target": target}]
    return document, search_token(document)


def _amendable(ports: Ports, person: Person, session_id: str) -> tuple[SessionOf, tuple[str, ...]]:
    resource = gate.session_of(ports, session_id)
    rules = gate.require(ports, person, Action.AMEND_NOTE, resource)
    if ports.records.signature(session_id) is None:
        raise IllegalMove("this note is not signed", hint="Change the draft instead.")
    return resource, rules


def _written(
    ports: Ports, person: Person, resource: SessionOf, after: str, reason: str
) -> Addendum:
    session_id = resource.session.id
    signature: Signature = ports.records.signature(session_id)
    return addendum.write(
        newest(ports, session_id),
        after,
        reason,
        len(listed(ports, session_id)) + 1,
        Signer(
            session_id=session_id,
            clinician=person.name,
            licence=person.licence or "",
            signed_at=signature.signed_at,
            digest=signature.digest,
        ),
    )
