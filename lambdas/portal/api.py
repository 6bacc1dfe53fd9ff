"""The JSON interface: for the demo, for a clinic's own tools, and behind the pages."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from countersign.access import Action
from countersign.consent import SESSION_PURPOSES, Purpose
from countersign.errors import BadRequest
from countersign.ports import Person, Signature
from countersign.review import closes_at, digest
from countersign.session import Session, State
from countersign.transcript import Role
from lambdas import recording
from lambdas.portal import addenda, draft, emergency, gate, reading, sessions, voice
from lambdas.portal.visitor import Visitor, identify, require_csrf, sent
from lambdas.wiring import Ports

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]
AUDIO_TYPE = r"^(audio|video)/[a-z0-9.+-]{1,40}$"
_Body = TypeVar("_Body", bound=BaseModel)


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConsentRequest(_Request):
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)] = SESSION_PURPOSES
    # No consent runs longer than a year without being asked again.
    days: Annotated[int, Field(ge=1, le=366)]


class SessionRequest(_Request):
    patient_id: Annotated[str, Field(min_length=1, max_length=64)]
    template: Annotated[str, Field(max_length=32)] = "soap"


class UploadRequest(_Request):
    """`starts_at` and `seconds`: where the segment lies in the session, and how long it is."""

    segment: Annotated[int, Field(ge=0, le=99_999)] = 0
    content_type: Annotated[str, Field(pattern=AUDIO_TYPE)] = "audio/wav"
    starts_at: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0


class EndRequest(_Request):
    segments: Annotated[int, Field(ge=1, le=99_999)]


class ParticipantsRequest(_Request):
    """`people` in the room, the clinician included, from second `at` of the recording on."""

    people: Annotated[int, Field(ge=1, le=99)]
    at: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class VersionRequest(_Request):
    version: int


class HeardRequest(_Request):
    """Which of the medications that sound alike was said; `at` as the draft's open point has it."""

    at: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    said: Annotated[str, Field(min_length=1, max_length=80)]


class SentenceRequest(_Request):
    """Exactly one of `text`, `complete`, `strike`, `confirm` and `heard`.

    `was`, beside `text`: the sentence that is replaced, as it was shown. The change is then made
    to the newest version, whatever `version` says, if the sentence still reads like that.
    """

    version: int
    text: str | None = None
    was: str | None = None
    complete: str | None = None
    strike: bool | None = None
    confirm: bool | None = None
    heard: HeardRequest | None = None


class VoiceRequest(_Request):
    """`consent`: the clinician has agreed to the text of policies/enrolment.toml."""

    content_type: Annotated[str, Field(pattern=AUDIO_TYPE)] = "audio/wav"
    consent: bool


class SpeakerRequest(_Request):
    """`redraft`: the clinician's own changes to the draft may be discarded."""

    role: Role
    redraft: bool = False


class SignatureRequest(_Request):
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    attestation: bool


class AddendumRequest(_Request):
    """`text`: the whole note as it reads from now on. Without `digest` nothing is signed."""

    text: Annotated[str, Field(max_length=60_000)]
    reason: Annotated[str, Field(max_length=500)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    attestation: bool = False


class EmergencyRequest(_Request):
    """`reason`: a code of policies/emergency.toml; `words`: the reason in one's own words."""

    reason: Annotated[str, Field(max_length=40)]
    words: Annotated[str, Field(max_length=2000)]


def ask() -> tuple[Ports, Person]:
    """The ports, and who is asking through the API."""
    ports, visitor = _visited()
    return ports, visitor.person


def _visited() -> tuple[Ports, Visitor]:
    ports: Ports = router.context["ports"]
    visitor = identify(router.current_event, ports)
    if router.current_event.http_method not in ("GET", "HEAD"):
        require_csrf(visitor, router.current_event.headers.get("x-csrf-token", ""))
    return ports, visitor


def body(shape: type[_Body]) -> _Body:
    """The request's body; raises `BadRequest`, which names the field and the rule."""
    try:
        return shape.model_validate_json(sent(router.current_event))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadRequest(f"{where}: {first['msg']}") from None


def answer(document: object, status: int = 200) -> Response[Any]:
    """A JSON response."""
    text = TypeAdapter(Any).dump_json(document).decode()
    return Response(status_code=status, content_type="application/json", body=text)


@router.post("/api/patients/<patient_id>/consents")
def record_consents(patient_id: str) -> Response[Any]:
    ports, person = ask()
    asked = body(ConsentRequest)
    given = sessions.record_consents(ports, person, patient_id, asked.purposes, asked.days)
    return answer({"consents": given}, 201)


@router.delete("/api/patients/<patient_id>/consents/<purpose>")
def revoke_consent(patient_id: str, purpose: str) -> Response[Any]:
    ports, person = ask()
    if purpose not in list(Purpose):
        raise BadRequest("purpose: not a purpose that is asked for")
    sessions.revoke_consent(ports, person, patient_id, Purpose(purpose))
    return answer({"revoked": purpose})


@router.post("/api/sessions")
def register() -> Response[Any]:
    ports, person = ask()
    asked = body(SessionRequest)
    session = sessions.register(ports, person, asked.patient_id, asked.template)
    return answer(session_document(session, None), 201)


@router.get("/api/sessions")
def read_sessions() -> Response[Any]:
    """The asking clinician's own sessions, newest first; `state` narrows them."""
    ports, person = ask()
    wanted = router.current_event.query_string_parameters.get("state", "")
    if wanted not in ("", *State):
        raise BadRequest("state: not a state of a session")
    own = ports.records.sessions(clinician_id=person.id, states=(State(wanted),) if wanted else ())
    newest = sorted(own, key=lambda session: session.registered_at, reverse=True)
    return answer({"sessions": [session_document(session, None) for session in newest]})


@router.post("/api/sessions/<session_id>/upload")
def allow_upload(session_id: str) -> Response[Any]:
    ports, person = ask()
    asked = body(UploadRequest)
    piece = sessions.Piece(**asked.model_dump())
    return answer(sessions.allow_upload(ports, person, session_id, piece))


@router.post("/api/sessions/<session_id>/participants")
def say_participants(session_id: str) -> Response[Any]:
    ports, person = ask()
    asked = body(ParticipantsRequest)
    known = sessions.say_present(ports, person, session_id, asked.people, asked.at)
    return answer({"people": known.people, "consented": known.consented, "covered": known.covered})


@router.post("/api/sessions/<session_id>/recording/end")
def end_recording(session_id: str) -> Response[Any]:
    ports, person = ask()
    asked = body(EndRequest)
    sessions.end_recording(ports, person, session_id, asked.segments)
    return answer(recording_document(ports, session_id))


@router.post("/api/sessions/<session_id>/discard")
def discard(session_id: str) -> Response[Any]:
    ports, person = ask()
    return answer(session_document(sessions.discard(ports, person, session_id), None))


@router.get("/api/sessions/<session_id>")
def read_session(session_id: str) -> Response[Any]:
    ports, person = ask()
    resource = gate.session_of(ports, session_id)
    gate.require(ports, person, Action.READ_SESSION, resource)
    document = session_document(resource.session, ports.records.signature(session_id))
    return answer({**document, **recording_document(ports, session_id)})


@router.get("/api/sessions/<session_id>/draft")
def read_draft(session_id: str) -> Response[Any]:
    ports, person = ask()
    return answer(reading.as_document(reading.lay_out(draft.read(ports, person, session_id))))


@router.patch("/api/sessions/<session_id>/draft/sentences/<sentence_id>")
def change_sentence(session_id: str, sentence_id: str) -> Response[Any]:
    ports, person = ask()
    asked = body(SentenceRequest)
    changed = apply_change(ports, person, session_id, sentence_id, asked)
    return answer(reading.as_document(reading.lay_out(changed)))


@router.post("/api/sessions/<session_id>/draft/sections/<section>/seen")
def see_section(session_id: str, section: str) -> Response[Any]:
    """The clinician has seen that section of the draft; sections are counted from 0."""
    ports, person = ask()
    number = int(section) if section.isascii() and section.isdecimal() else -1
    seen = draft.see(ports, person, session_id, number)
    return answer({"unseen": seen.unseen, "readable_by": seen.readable_by})


@router.post("/api/sessions/<session_id>/draft/undo")
def undo(session_id: str) -> Response[Any]:
    ports, person = ask()
    asked = body(VersionRequest)
    undone = draft.undo(ports, person, session_id, asked.version)
    return answer(reading.as_document(reading.lay_out(undone)))


@router.post("/api/sessions/<session_id>/speakers/<speaker>")
def name_speaker(session_id: str, speaker: str) -> Response[Any]:
    ports, person = ask()
    asked = body(SpeakerRequest)
    named = draft.name_speaker(
        ports, person, session_id, speaker, asked.role, redraft=asked.redraft
    )
    return answer(reading.as_document(reading.lay_out(named)))


@router.post("/api/sessions/<session_id>/signature")
def sign(session_id: str) -> Response[Any]:
    ports, visitor = _visited()
    asked = body(SignatureRequest)
    signature = draft.sign(
        ports, visitor.person, session_id, asked.digest, asked.attestation, visitor.signed_in_at
    )
    return answer(signature, 201)


@router.get("/api/sessions/<session_id>/addenda")
def read_addenda(session_id: str) -> Response[Any]:
    """Which addenda there are, without a word of them."""
    ports, person = ask()
    resource = gate.session_of(ports, session_id)
    gate.require(ports, person, Action.READ_SESSION, resource)
    return answer({"addenda": addenda.listed(ports, session_id)})


@router.post("/api/sessions/<session_id>/addenda")
def add(session_id: str) -> Response[Any]:
    """Shows the addendum that would be signed, or, with its digest, signs it."""
    ports, visitor = _visited()
    asked = body(AddendumRequest)
    who = (ports, visitor.person, session_id, asked.text, asked.reason)
    if asked.digest is None:
        made = addenda.prepare(*who)
        return answer({"text": made.text, "digest": digest(made.text), "lines": made.lines})
    signed = addenda.sign(*who, asked.digest, asked.attestation, visitor.signed_in_at)
    return answer(signed, 201)


@router.post("/api/sessions/<session_id>/emergency")
def break_glass(session_id: str) -> Response[Any]:
    ports, person = ask()
    asked = body(EmergencyRequest)
    return answer(emergency.break_glass(ports, person, session_id, asked.reason, asked.words), 201)


@router.get("/api/me/voice")
def read_voice() -> Response[Any]:
    ports, person = ask()
    return answer(voice.standing(ports, person))


@router.post("/api/me/voice/upload")
def allow_voice_upload() -> Response[Any]:
    ports, person = ask()
    asked = body(VoiceRequest)
    return answer(voice.allow_upload(ports, person, asked.content_type, asked.consent))


@router.delete("/api/me/voice")
def delete_voice() -> Response[Any]:
    ports, person = ask()
    return answer({"deleted": voice.delete(ports, person)})


def apply_change(
    ports: Ports, person: Person, session_id: str, sentence_id: str, asked: SentenceRequest
) -> draft.Draft:
    """The one change that a request names; raises `BadRequest` when it names none, or several."""
    where = (ports, person, session_id, asked.version, sentence_id)
    match (asked.text, asked.complete, asked.strike, asked.confirm, asked.heard):
        case (str() as text, None, None, None, None):
            return draft.rewrite(*where, text, asked.was)
        case (None, str() as words, None, None, None):
            return draft.complete(*where, words)
        case (None, None, bool() as struck, None, None):
            return draft.strike(*where, struck)
        case (None, None, None, bool() as confirmed, None):
            return draft.confirm(*where, confirmed)
        case (None, None, None, None, HeardRequest() as heard):
            return draft.hear(*where, heard.at, heard.said)
    raise BadRequest("body: send exactly one of text, complete, strike, confirm and heard")


def recording_document(ports: Ports, session_id: str) -> dict[str, Any]:
    """How far each segment has come; a recorder warns by its doubts while there is time."""
    ended = ports.records.ended(session_id)
    return {
        "recording": {
            "ended": ended is not None,
            "segments": ended.segments if ended else None,
            "stopped": recording.stopped(session_id, ports),
        },
        "segments": [
            {
                "segment": each.index,
                "state": each.stage,
                "starts_at": each.starts_at,
                "seconds": each.seconds,
                "doubts": each.doubts,
                "failure": each.failure,
            }
            for each in ports.records.segments(session_id)
        ],
    }


def session_document(session: Session, signature: Signature | None) -> dict[str, Any]:
    """A session without a word of content."""
    since = session.awaiting_since
    closing = closes_at(since, draft.signing().window) if since else None
    return {
        **session.model_dump(mode="json", exclude={"run"}),
        "closes_at": closing,
        "signature": signature,
    }
