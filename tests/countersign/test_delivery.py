from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from fhir.resources.R4B.documentreference import DocumentReference
from hypothesis import given
from hypothesis import strategies as st

from countersign.delivery import (
    NoteKind,
    SignedNote,
    document_reference,
    note_identifier,
    read_signed_note,
    require_signed_bytes,
    search_token,
    signed_note,
)
from countersign.errors import BadNote, EmptyInput, NotJson, NotUtf8, SignatureMismatch
from countersign.ports import Person, Signature
from countersign.session import Session

TEXT = "Subjective\nPatient said: “I slept four hours.”\n\nSigned by Ada Moreno, LCSW\n"
SIGNED_AT = datetime(2026, 11, 2, 15, 4, 5, 250000, tzinfo=UTC)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def note(text: str = TEXT, **changes: Any) -> SignedNote:
    fields: dict[str, Any] = {
        "session_id": "s-1",
        "patient_id": "p-1",
        "clinician_id": "c-1",
        "clinician_name": "Ada Moreno",
        "licence": "LCSW 1234",
        "signed_at": SIGNED_AT,
        "digest": digest(text),
        "text": text,
    }
    return SignedNote(**{**fields, **changes})


def attachment(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["content"][0]["attachment"]
    return found


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_the_signed_bytes_are_sent_exactly(text: str) -> None:
    document = document_reference(note(text))
    sent = attachment(document)
    assert base64.b64decode(sent["data"], validate=True) == text.encode()
    assert sent["size"] == len(text.encode())
    require_signed_bytes(document, digest(text))


def test_the_document_is_valid_fhir() -> None:
    whole = note(
        encounter_id="e-1",
        custodian_id="o-1",
        started_at=SIGNED_AT - timedelta(hours=2),
        ended_at=SIGNED_AT - timedelta(hours=1),
    )
    for document in (document_reference(note()), document_reference(whole)):
        read = DocumentReference.model_validate(document)
        assert json.loads(read.model_dump_json())["identifier"] == document["identifier"]


def test_what_us_core_asks_of_a_clinical_note_is_there() -> None:
    document = document_reference(note(encounter_id="e-1", custodian_id="o-1"))
    assert (document["status"], document["docStatus"]) == ("current", "final")
    assert document["meta"]["profile"] == [
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference"
    ]
    assert document["type"]["coding"][0]["code"] == "11506-3"
    assert document["category"][0]["coding"][0]["code"] == "clinical-note"
    assert document["subject"] == {"reference": "Patient/p-1"}
    assert document["date"] == "2026-11-02T15:04:05.250Z"
    assert document["context"]["encounter"] == [{"reference": "Encounter/e-1"}]
    assert document["custodian"] == {"reference": "Organization/o-1"}
    assert attachment(document)["contentType"] == "text/plain"
    assert attachment(document)["hash"] == base64.b64encode(
        hashlib.sha1(TEXT.encode(), usedforsecurity=False).digest()
    ).decode("ascii")


def test_the_software_is_named_as_an_author_and_the_clinician_answers_for_it() -> None:
    document = document_reference(note())
    software, clinician = document["author"]
    assert software["reference"] == f"#{document['contained'][0]['id']}"
    assert document["contained"][0]["resourceType"] == "Device"
    assert clinician == document["authenticator"]
    assert clinician == {"reference": "Practitioner/c-1", "display": "Ada Moreno"}
    assert document["meta"]["security"][0]["code"] == "AIAST"


def test_a_consultation_is_filed_as_one() -> None:
    document = document_reference(note(), kind=NoteKind.CONSULTATION)
    assert document["type"]["coding"][0]["code"] == "11488-4"


def test_times_are_written_in_utc() -> None:
    there = SIGNED_AT.astimezone(timezone(timedelta(hours=-5)))
    assert document_reference(note(signed_at=there))["date"] == "2026-11-02T15:04:05.250Z"


def test_an_identifier_is_the_same_for_the_same_version_and_for_no_other() -> None:
    assert note_identifier(note()) == note_identifier(note(text="Other words"))
    others = [
        note_identifier(note(**change))
        for change in ({"version": 2}, {"session_id": "s-2"}, {"site": "north"})
    ]
    assert len({note_identifier(note()), *others}) == 4
    assert search_token(document_reference(note())) == (
        f"urn:ietf:rfc:3986|{note_identifier(note())}"
    )


def test_altered_text_is_not_turned_into_a_document() -> None:
    altered = note().model_copy(update={"text": TEXT.replace("four", "five")})
    with pytest.raises(SignatureMismatch) as refused:
        document_reference(altered)
    assert "slept" not in str(refused.value)


def test_an_altered_document_is_not_sent() -> None:
    document = document_reference(note())
    attachment(document)["data"] = base64.b64encode(TEXT.upper().encode()).decode()
    with pytest.raises(SignatureMismatch):
        require_signed_bytes(document, digest(TEXT))


@pytest.mark.parametrize(
    "document",
    [{}, {"content": []}, {"content": [{"attachment": {"data": "!"}}]}],
    ids=["empty", "no content", "not base64"],
)
def test_a_document_without_a_readable_note_is_not_sent(document: dict[str, Any]) -> None:
    with pytest.raises(SignatureMismatch):
        require_signed_bytes(document, digest(TEXT))


SESSION = Session(
    id="s-1", site="main", patient_id="p-1", clinician_id="c-1", registered_at=SIGNED_AT
)
CLINICIAN = Person(id="c-1", name="Ada Moreno", roles=("therapist",), site="main")
SIGNATURE = Signature(
    session_id="s-1",
    clinician_id="c-1",
    licence="LCSW 1234",
    digest=digest(TEXT),
    signed_at=SIGNED_AT,
)


def test_the_records_facts_are_joined_to_the_text() -> None:
    assert signed_note(TEXT, SESSION, SIGNATURE, CLINICIAN) == note()


@pytest.mark.parametrize(
    "changes",
    [{"session_id": "s-2"}, {"clinician_id": "c-2"}, {"digest": digest("other")}],
    ids=["another session", "another clinician", "other bytes"],
)
def test_a_signature_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SignatureMismatch):
        signed_note(TEXT, SESSION, replace(SIGNATURE, **changes), CLINICIAN)


def test_an_id_that_fhir_cannot_carry_is_refused() -> None:
    odd = SESSION.model_copy(update={"patient_id": "p/../1"})
    with pytest.raises(BadNote, match="patient_id"):
        signed_note(TEXT, odd, SIGNATURE, CLINICIAN)


def test_a_signed_note_is_read_back_as_it_was_written() -> None:
    assert read_signed_note(note().model_dump_json()) == note()


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (b"", EmptyInput),
        (b"\xff\xfe\x00", NotUtf8),
        (b"{", NotJson),
        (b"[]", BadNote),
        (b'{"text": "x"}', BadNote),
    ],
    ids=["empty", "not UTF-8", "not JSON", "a list", "no signature"],
)
def test_a_file_that_is_no_signed_note_is_refused(raw: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        read_signed_note(raw)


def test_a_refusal_does_not_repeat_the_note() -> None:
    spoilt = note().model_dump(mode="json") | {"signed_at": "Ada slept badly"}
    with pytest.raises(BadNote) as refused:
        read_signed_note(json.dumps(spoilt))
    assert "Ada" not in str(refused.value)
