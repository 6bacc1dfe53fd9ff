"""Decides how a signed note reads as a FHIR R4 DocumentReference, and refuses altered bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadNote, NotJson, SignatureMismatch
from countersign.ports import Person, Signature
from countersign.session import Session
from countersign.transcript import decode_utf8

PROFILE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference"
CATEGORY_SYSTEM = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
URI_SYSTEM = "urn:ietf:rfc:3986"

# Any fixed UUID makes version-5 identifiers stable; changing this one would deliver notes twice.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "countersign")

# FHIR R4 datatypes, `id`.
FhirId = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]


class NoteKind(StrEnum):
    """LOINC codes of the US Core "Clinical Notes" list that a therapy visit may be filed under."""

    PROGRESS = "11506-3"
    CONSULTATION = "11488-4"


_DISPLAY = {NoteKind.PROGRESS: "Progress note", NoteKind.CONSULTATION: "Consult note"}


class SignedNote(BaseModel):
    """A note as its clinician signed it: the exact text, whose act it was, and where it belongs.

    `digest` is the SHA-256, in hexadecimal, of the UTF-8 bytes of `text` at the moment of signing.
    `version` counts amendments from 1.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: FhirId
    patient_id: FhirId
    clinician_id: FhirId
    clinician_name: str = ""
    licence: str
    signed_at: datetime
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    text: Annotated[str, Field(min_length=1)]
    site: str = "main"
    version: Annotated[int, Field(ge=1)] = 1
    encounter_id: FhirId | None = None
    custodian_id: FhirId | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


def signed_note(
    text: str,
    session: Session,
    signature: Signature,
    clinician: Person,
    *,
    encounter_id: str | None = None,
    custodian_id: str | None = None,
) -> SignedNote:
    """Joins the signed text with the records' facts about it.

    Raises `SignatureMismatch` when the signature is for another session, by another clinician or
    over other bytes; `BadNote` when an id cannot be a FHIR id.
    """
    if signature.session_id != session.id:
        raise SignatureMismatch(f"the signature is not for session {session.id}")
    if signature.clinician_id != clinician.id:
        raise SignatureMismatch(f"the signature on session {session.id} is somebody else's")
    try:
        note = SignedNote(
            session_id=session.id,
            patient_id=session.patient_id,
            clinician_id=clinician.id,
            clinician_name=clinician.name,
            licence=signature.licence,
            signed_at=signature.signed_at,
            digest=signature.digest,
            text=text,
            site=session.site,
            encounter_id=encounter_id,
            custodian_id=custodian_id,
        )
    except ValidationError as error:
        raise _bad_note(error) from None
    _signed_bytes(note)
    return note


def read_signed_note(raw: bytes | str) -> SignedNote:
    """The signed note in a JSON document, as `SignedNote` names its fields.

    Raises `EmptyInput`, `NotUtf8`, `NotJson` or `BadNote`; messages name fields, never their
    content.
    """
    text = raw if isinstance(raw, str) else decode_utf8(raw)
    try:
        return SignedNote.model_validate_json(text)
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] == "json_invalid":
            raise NotJson("the signed note is not valid JSON") from None
        raise _bad_note(error) from None


def document_reference(note: SignedNote, *, kind: NoteKind = NoteKind.PROGRESS) -> dict[str, Any]:
    """The note as a DocumentReference of the US Core profile, ready to be posted.

    The attachment holds exactly the signed bytes; `hash` is SHA-1 because R4 defines it so
    (http://hl7.org/fhir/R4/datatypes.html#Attachment), and the signed SHA-256 stands in the
    description. Authors are the drafting software (a contained Device) and the clinician, who is
    also the authenticator: the person who answers for the content. The security label AIAST says
    that software took part (HL7 AI Transparency on FHIR).

    Raises `SignatureMismatch` when the text is not what was signed.
    """
    content = _signed_bytes(note)
    clinician: dict[str, Any] = {"reference": f"Practitioner/{note.clinician_id}"}
    if note.clinician_name:
        clinician["display"] = note.clinician_name
    signed_at = _instant(note.signed_at)
    document: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "meta": {
            "profile": [PROFILE],
            "security": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
                    "code": "AIAST",
                    "display": "Artificial Intelligence asserted",
                }
            ],
        },
        "contained": [
            {
                "resourceType": "Device",
                "id": "drafter",
                "status": "active",
                "deviceName": [{"name": "Countersign", "type": "user-friendly-name"}],
                "type": {"text": "Software that drafts clinical notes for a clinician's review"},
            }
        ],
        "identifier": [{"system": URI_SYSTEM, "value": note_identifier(note)}],
        "status": "current",
        "docStatus": "final",
        "type": {
            "coding": [
                {"system": "http://loinc.org", "code": kind.value, "display": _DISPLAY[kind]}
            ],
            "text": _DISPLAY[kind],
        },
        "category": [
            {
                "coding": [
                    {
                        "system": CATEGORY_SYSTEM,
                        "code": "clinical-note",
                        "display": "Clinical Note",
                    }
                ]
            }
        ],
        "subject": {"reference": f"Patient/{note.patient_id}"},
        "date": signed_at,
        "author": [{"reference": "#drafter"}, clinician],
        "authenticator": clinician,
        "description": (
            "Drafted with AI assistance; reviewed and signed by a licensed clinician. "
            f"SHA-256 of the signed text: {note.digest}"
        ),
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": base64.b64encode(content).decode("ascii"),
                    "size": len(content),
                    "hash": base64.b64encode(
                        hashlib.sha1(content, usedforsecurity=False).digest()
                    ).decode("ascii"),
                    "title": _DISPLAY[kind],
                    "creation": signed_at,
                }
            }
        ],
    }
    if note.custodian_id is not None:
        document["custodian"] = {"reference": f"Organization/{note.custodian_id}"}
    context = _context(note)
    if context:
        document["context"] = context
    return document


def note_identifier(note: SignedNote) -> str:
    """`urn:uuid:…` for this version of this session's note: always the same, and no other's."""
    name = f"{note.site}/{note.session_id}/{note.version}"
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, name)}"


def search_token(document: dict[str, Any]) -> str:
    """The document's identifier as a FHIR search token, `system|value`: what makes it unique."""
    identifier = document["identifier"][0]
    return f"{identifier['system']}|{identifier['value']}"


def require_signed_bytes(document: dict[str, Any], digest: str) -> None:
    """Raises `SignatureMismatch` unless the attachment's bytes have the signed SHA-256."""
    try:
        attached = base64.b64decode(document["content"][0]["attachment"]["data"], validate=True)
    except (KeyError, IndexError, TypeError, binascii.Error):
        raise SignatureMismatch("the document holds no readable note") from None
    if not hmac.compare_digest(hashlib.sha256(attached).hexdigest(), digest):
        raise SignatureMismatch("the document's bytes are not the bytes that were signed")


def _signed_bytes(note: SignedNote) -> bytes:
    try:
        content = note.text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadNote(f"the note of session {note.session_id} is not valid Unicode") from None
    if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), note.digest):
        raise SignatureMismatch(f"the note of session {note.session_id} is not what was signed")
    return content


def _context(note: SignedNote) -> dict[str, Any]:
    context: dict[str, Any] = {}
    if note.encounter_id is not None:
        context["encounter"] = [{"reference": f"Encounter/{note.encounter_id}"}]
    period = {
        name: _instant(at)
        for name, at in (("start", note.started_at), ("end", note.ended_at))
        if at is not None
    }
    if period:
        context["period"] = period
    return context


def _instant(at: datetime) -> str:
    utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return re.sub(r"\+00:00$", "Z", utc.isoformat(timespec="milliseconds"))


def _bad_note(error: ValidationError) -> BadNote:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "note"
    return BadNote(f"{where}: {first['msg']}")
