"""The records table on DynamoDB: one item per fact; every move is a conditional write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from pydantic import TypeAdapter

from countersign.consent import Consent, Purpose
from countersign.errors import AlreadyExists, IllegalMove, SessionUnknown
from countersign.ports import Patient, Person, Signature
from countersign.segments import Ended, Progress
from countersign.session import Session, State, check_move

_PERSON = TypeAdapter(Person)
_PATIENT = TypeAdapter(Patient)
_SIGNATURE = TypeAdapter(Signature)


class DynamoRecords:
    """`ports.Records` on a single table.

    `pk` names whose fact it is (`session#…`, `patient#…`, `person#…`), `sk` which fact; the body is
    JSON. Sessions are also found by clinician and by state through the index `gsi1`.
    """

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    # Sessions -------------------------------------------------------------------------------

    def add_session(self, session: Session) -> None:
        if not self._create(f"session#{session.id}", "session", **_session_item(session)):
            raise AlreadyExists(f"session {session.id} exists")

    def session(self, session_id: str) -> Session:
        body = self._read(f"session#{session_id}", "session")
        if body is None:
            raise SessionUnknown(f"no session {session_id}")
        return Session.model_validate_json(body)

    def move(self, session_id: str, before: State, after: State, **changes: object) -> Session:
        check_move(before, after)
        moved = self.session(session_id).model_copy(update={"state": after, **changes})
        if not self._replace_session(moved, expected=before):
            raise IllegalMove(f"session {session_id} is not {before}")
        return moved

    def update(self, session_id: str, **changes: object) -> Session:
        """Changes anything but the state; a session that moved meanwhile raises `IllegalMove`."""
        known = self.session(session_id)
        changed = known.model_copy(update=changes)
        if not self._replace_session(changed, expected=known.state):
            raise IllegalMove(f"session {session_id} moved on")
        return changed

    def sessions(
        self, *, clinician_id: str | None = None, states: tuple[State, ...] = ()
    ) -> tuple[Session, ...]:
        """Sessions of a clinician, in some states, or both; the whole table is never scanned."""
        if clinician_id is not None:
            keys = [f"clinician#{clinician_id}"]
            index = "gsi1"
        else:
            keys = [f"state#{state}" for state in (states or tuple(State))]
            index = "gsi2"
        found = [
            Session.model_validate_json(item["body"]["S"])
            for key in keys
            for item in self._query(f"{index}pk = :k", {":k": _text(key)}, IndexName=index)
        ]
        return tuple(s for s in found if not states or s.state in states)

    # Consents, people, patients -------------------------------------------------------------

    def add_consent(self, consent: Consent) -> None:
        sort = f"consent#{consent.purpose}#{consent.granted_at.isoformat()}#{consent.id}"
        self._create(f"patient#{consent.patient_id}", sort, body=_text(consent.model_dump_json()))

    def consents(self, patient_id: str) -> tuple[Consent, ...]:
        return tuple(
            Consent.model_validate_json(item["body"]["S"])
            for item in self._below(f"patient#{patient_id}", "consent#")
        )

    def revoke_consent(self, patient_id: str, purpose: Purpose, at: datetime) -> None:
        for item in self._below(f"patient#{patient_id}", f"consent#{purpose}#"):
            consent = Consent.model_validate_json(item["body"]["S"])
            if consent.revoked_at is None:
                revoked = consent.model_copy(update={"revoked_at": at})
                self._put(item["pk"]["S"], item["sk"]["S"], body=_text(revoked.model_dump_json()))

    def add_person(self, person: Person) -> None:
        body = _text(_PERSON.dump_json(person).decode())
        self._put(f"person#{person.id}", "person", body=body)

    def person(self, person_id: str) -> Person | None:
        body = self._read(f"person#{person_id}", "person")
        return None if body is None else _PERSON.validate_json(body)

    def add_patient(self, patient: Patient) -> None:
        body = _text(_PATIENT.dump_json(patient).decode())
        self._put(f"patient#{patient.id}", "patient", body=body)
        for clinician_id in patient.clinician_ids:
            self._put(
                f"patient#{patient.id}",
                f"assigned#{clinician_id}",
                gsi1pk=_text(f"caseload#{clinician_id}"),
                gsi1sk=_text(patient.id),
            )

    def patient(self, patient_id: str) -> Patient | None:
        body = self._read(f"patient#{patient_id}", "patient")
        return None if body is None else _PATIENT.validate_json(body)

    def patients(self, *, clinician_id: str) -> tuple[Patient, ...]:
        """The clinician's caseload. The index only points: the patient's own item decides."""
        pointers = self._query(
            "gsi1pk = :k", {":k": _text(f"caseload#{clinician_id}")}, IndexName="gsi1"
        )
        known = (self.patient(item["gsi1sk"]["S"]) for item in pointers)
        return tuple(p for p in known if p is not None and clinician_id in p.clinician_ids)

    # Segments -------------------------------------------------------------------------------

    def put_segment(self, session_id: str, segment: Progress) -> bool:
        first = segment.version == 1
        version = {"N": str(segment.version - 1)}
        return self._conditionally(
            Item={
                "pk": _text(f"session#{session_id}"),
                "sk": _text(f"segment#{segment.index:05d}"),
                "version": {"N": str(segment.version)},
                "body": _text(segment.model_dump_json()),
            },
            ConditionExpression="attribute_not_exists(pk)" if first else "version = :before",
            **({} if first else {"ExpressionAttributeValues": {":before": version}}),
        )

    def segment(self, session_id: str, index: int) -> Progress | None:
        body = self._read(f"session#{session_id}", f"segment#{index:05d}")
        return None if body is None else Progress.model_validate_json(body)

    def segments(self, session_id: str) -> tuple[Progress, ...]:
        return tuple(
            Progress.model_validate_json(item["body"]["S"])
            for item in self._below(f"session#{session_id}", "segment#")
        )

    def end_recording(self, session_id: str, ended: Ended) -> Ended:
        body = _text(ended.model_dump_json())
        if self._create(f"session#{session_id}", "recording-end", body=body):
            return ended
        first = self.ended(session_id)
        return ended if first is None else first

    def ended(self, session_id: str) -> Ended | None:
        body = self._read(f"session#{session_id}", "recording-end")
        return None if body is None else Ended.model_validate_json(body)

    # Waits, signatures, facts ---------------------------------------------------------------

    def put_wait(self, session_id: str, name: str, token: str) -> None:
        self._put(f"session#{session_id}", f"wait#{name}", body=_text(token))

    def wait(self, session_id: str, name: str) -> str | None:
        return self._read(f"session#{session_id}", f"wait#{name}")

    def sign(self, signature: Signature) -> Signature:
        body = _text(_SIGNATURE.dump_json(signature).decode())
        if self._create(f"session#{signature.session_id}", "signature", body=body):
            return signature
        first = self.signature(signature.session_id)
        return signature if first is None else first

    def signature(self, session_id: str) -> Signature | None:
        body = self._read(f"session#{session_id}", "signature")
        return None if body is None else _SIGNATURE.validate_json(body)

    def put_facts(self, session_id: str, name: str, facts: dict[str, object]) -> None:
        self._put(f"session#{session_id}", f"facts#{name}", body=_text(json.dumps(facts)))

    def swap_facts(
        self,
        session_id: str,
        name: str,
        before: dict[str, object] | None,
        after: dict[str, object],
    ) -> bool:
        partition, sort = f"session#{session_id}", f"facts#{name}"
        if before is None:
            return self._create(partition, sort, body=_text(json.dumps(after)))
        # What was read and is written again in the same order has the same text.
        return self._conditionally(
            Item={"pk": _text(partition), "sk": _text(sort), "body": _text(json.dumps(after))},
            ConditionExpression="#body = :before",
            ExpressionAttributeNames={"#body": "body"},
            ExpressionAttributeValues={":before": _text(json.dumps(before))},
        )

    def facts(self, session_id: str, name: str) -> dict[str, object] | None:
        body = self._read(f"session#{session_id}", f"facts#{name}")
        if body is None:
            return None
        facts: dict[str, object] = json.loads(body)
        return facts

    def facts_below(self, session_id: str, prefix: str) -> tuple[dict[str, object], ...]:
        found = self._below(f"session#{session_id}", f"facts#{prefix}")
        return tuple(json.loads(item["body"]["S"]) for item in found)

    # The table ------------------------------------------------------------------------------

    def _read(self, partition: str, sort: str) -> str | None:
        item = self._dynamodb.get_item(
            TableName=self._table,
            Key={"pk": _text(partition), "sk": _text(sort)},
            ConsistentRead=True,
        ).get("Item")
        return None if item is None else str(item["body"]["S"])

    def _put(self, partition: str, sort: str, **attributes: Any) -> None:
        self._dynamodb.put_item(
            TableName=self._table,
            Item={"pk": _text(partition), "sk": _text(sort), **attributes},
        )

    def _create(self, partition: str, sort: str, **attributes: Any) -> bool:
        return self._conditionally(
            Item={"pk": _text(partition), "sk": _text(sort), **attributes},
            ConditionExpression="attribute_not_exists(pk)",
        )

    def _replace_session(self, session: Session, *, expected: State) -> bool:
        return self._conditionally(
            Item={
                "pk": _text(f"session#{session.id}"),
                "sk": _text("session"),
                **_session_item(session),
            },
            ConditionExpression="#state = :expected",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":expected": _text(expected)},
        )

    def _conditionally(self, **request: Any) -> bool:
        try:
            self._dynamodb.put_item(TableName=self._table, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _below(self, partition: str, prefix: str) -> Iterator[dict[str, Any]]:
        return self._query(
            "pk = :k AND begins_with(sk, :p)",
            {":k": _text(partition), ":p": _text(prefix)},
            ConsistentRead=True,
        )

    def _query(self, condition: str, values: dict[str, Any], **more: Any) -> Iterator[Any]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **more,
        )
        for page in pages:
            yield from page["Items"]


def _text(value: str) -> dict[str, str]:
    return {"S": str(value)}


def _session_item(session: Session) -> dict[str, Any]:
    when = session.registered_at.astimezone(UTC).isoformat()
    return {
        "body": _text(session.model_dump_json()),
        "state": _text(session.state),
        "gsi1pk": _text(f"clinician#{session.clinician_id}"),
        "gsi1sk": _text(when),
        "gsi2pk": _text(f"state#{session.state}"),
        "gsi2sk": _text(when),
    }
