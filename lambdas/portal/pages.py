"""The pages: server-rendered, usable without scripts, smoother with them."""

from __future__ import annotations

import functools
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from aws_lambda_powertools.shared.cookies import Cookie
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

from countersign import errors
from countersign.access import Action, SessionOf, Site
from countersign.addendum import Addendum
from countersign.errors import (
    AccessDenied,
    BadRequest,
    KeyDestroyed,
    NotSignedIn,
    PageUnknown,
    Refusal,
    SignInStale,
)
from countersign.note import PLACEHOLDER
from countersign.ports import Patient, Signature
from countersign.review import closes_at, require_fresh
from countersign.session import FINAL, Session, State
from countersign.transcript import Role
from lambdas import enrolment
from lambdas.portal import (
    addenda,
    api,
    draft,
    emergency,
    gate,
    protection,
    reading,
    sessions,
    voice,
)
from lambdas.portal.visitor import Visitor, identify, require_csrf, sent
from lambdas.wiring import Ports

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]
_HERE = Path(__file__).resolve().parent
_STATIC = {
    "alerts.js": "text/javascript; charset=utf-8",
    "portal.css": "text/css; charset=utf-8",
    "recorder.js": "text/javascript; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "voice.js": "text/javascript; charset=utf-8",
    "htmx-2.0.11.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

# What a state means to the person who waits for the note.
STATES = {
    State.REGISTERED: "Waiting for the recording",
    State.RECEIVED: "Transcribing",
    State.TRANSCRIBED: "Erasing the recording",
    State.AUDIO_ERASED: "Removing names",
    State.REDACTED: "Drafting",
    State.DRAFTED: "Checking the draft",
    State.AWAITING_SIGNATURE: "Waiting for your signature",
    State.SIGNED: "Signed, being delivered",
    State.DELIVERED: "Delivered to the record",
    State.CLOSED: "In the record",
    State.LOCKED: "Locked: not signed in time",
    State.FAILED: "Stopped: write this note by hand",
}


# Pages --------------------------------------------------------------------------------------


@router.get("/")
def home() -> Response[Any]:
    ports: Ports = router.context["ports"]
    try:
        visitor = identify(router.current_event, ports)
    except NotSignedIn:
        return page("welcome.html", None)
    mine = [
        gate.session_of(ports, one.id)
        for one in ports.records.sessions(clinician_id=visitor.person.id)
    ]
    seen = [one for one in mine if gate.may(visitor.person, Action.READ_SESSION, one)]
    seen.sort(key=lambda one: one.session.registered_at, reverse=True)
    waiting = [one for one in seen if one.session.state is State.AWAITING_SIGNATURE]
    waiting.sort(key=lambda one: _closing(one.session) or one.session.registered_at)
    others = [one for one in seen if one.session.state is not State.AWAITING_SIGNATURE]
    may_record = bool(sessions.own_patients(ports, visitor.person))
    standing = None
    if gate.may(visitor.person, Action.ENROL_VOICE, visitor.person):
        standing = voice.standing(ports, visitor.person)
    return page(
        "home.html",
        visitor,
        waiting=waiting,
        others=others[:20],
        voice=standing,
        may_record=may_record,
    )


@router.get("/voice")
def own_voice() -> Response[Any]:
    ports, visitor = ask()
    standing = voice.standing(ports, visitor.person)
    may_enrol = gate.may(visitor.person, Action.ENROL_VOICE, visitor.person)
    shown = page(
        "voice.html",
        visitor,
        voice=standing,
        may_enrol=may_enrol,
        rules=enrolment.rules(),
        advice=_advice(standing.failure),
    )
    return with_microphone(ports, shown) if may_enrol else shown


@router.post("/voice/delete")
def delete_voice() -> Response[Any]:
    ports, visitor = ask()
    voice.delete(ports, visitor.person)
    return redirect("/voice")


@router.get("/sessions/<session_id>")
def session(session_id: str) -> Response[Any]:
    ports, visitor = ask()
    resource = gate.session_of(ports, session_id)
    gate.require(ports, visitor.person, Action.READ_SESSION, resource)
    signature = ports.records.signature(session_id)
    if signature is not None:
        return _signed(ports, visitor, resource, signature)
    reviewable = resource.session.state is State.AWAITING_SIGNATURE
    if reviewable and gate.may(visitor.person, Action.READ_DRAFT, resource):
        shown = draft.read(ports, visitor.person, session_id)
        opened = glass_of(ports, visitor, resource)
        return page("review.html", visitor, **_review(visitor, shown), **opened)
    waits = resource.session.state not in (*FINAL, State.AWAITING_SIGNATURE)
    records = sessions.recordable(ports, visitor.person, resource)
    opened = glass_of(ports, visitor, resource)
    return page("status.html", visitor, resource=resource, waits=waits, records=records, **opened)


@router.post("/sessions/<session_id>/sentences/<sentence_id>")
def change_sentence(session_id: str, sentence_id: str) -> Response[Any]:
    ports, visitor = ask()
    asked = _sentence_request()
    changed = api.apply_change(ports, visitor.person, session_id, sentence_id, asked)
    if not _by_htmx():
        return redirect(f"/sessions/{session_id}#s-{sentence_id}")
    return page("draft.html", visitor, saved=True, **_review(visitor, changed))


@router.post("/sessions/<session_id>/undo")
def undo(session_id: str) -> Response[Any]:
    ports, visitor = ask()
    version = form(router.current_event, "version")
    number = int(version) if version.isascii() and version.isdecimal() else 0
    undone = draft.undo(ports, visitor.person, session_id, number)
    if not _by_htmx():
        return redirect(f"/sessions/{session_id}#draft")
    return page("sides.html", visitor, saved=True, **_review(visitor, undone))


@router.get("/sessions/<session_id>/sign")
def signing_part(session_id: str) -> Response[Any]:
    """The part of the review that says what is open, and holds the exact text."""
    ports, visitor = ask()
    shown = draft.read(ports, visitor.person, session_id)
    if not _by_htmx():
        return redirect(f"/sessions/{session_id}#sign")
    return page("sign.html", visitor, **_review(visitor, shown))


@router.post("/sessions/<session_id>/seen")
def see(session_id: str) -> Response[Any]:
    ports, visitor = ask()
    section = form(router.current_event, "section")
    number = int(section) if section.isascii() and section.isdecimal() else -1
    seen = draft.see(ports, visitor.person, session_id, number)
    if not _by_htmx():
        return redirect(f"/sessions/{session_id}#section-{number}")
    return page("sign.html", visitor, **_review(visitor, seen))


@router.post("/sessions/<session_id>/speakers/<speaker>")
def name_speaker(session_id: str, speaker: str) -> Response[Any]:
    ports, visitor = ask()
    event = router.current_event
    role = form(event, "role")
    if role not in list(Role):
        raise BadRequest("role: say therapist, patient or other")
    redraft = form(event, "redraft") == "on"
    named = draft.name_speaker(
        ports, visitor.person, session_id, speaker, Role(role), redraft=redraft
    )
    if not _by_htmx():
        return redirect(f"/sessions/{session_id}#transcript")
    return page("sides.html", visitor, saved=True, **_review(visitor, named))


@router.post("/sessions/<session_id>/signature")
def sign(session_id: str) -> Response[Any]:
    ports, visitor = ask()
    attested = form(router.current_event, "attestation") == "on"
    digest = form(router.current_event, "digest")
    draft.sign(ports, visitor.person, session_id, digest, attested, visitor.signed_in_at)
    return redirect(f"/sessions/{session_id}")


# Only what holds nobody's words is compressed: a secret beside them could be guessed by its size
# (BREACH, CVE-2013-3587).
@router.get("/static/<name>", compress=True)
def static(name: str) -> Response[Any]:
    if name not in _STATIC:
        raise PageUnknown("there is no such file")
    forever = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(status_code=200, content_type=_STATIC[name], body=_asset(name), headers=forever)


def refusal_page(refusal: Refusal) -> Response[Any]:
    """The refusal as a page, or as a line beside the form when htmx asked."""
    parts = router.current_event.path.split("/")
    back = f"/sessions/{parts[2]}" if parts[1:2] == ["sessions"] and len(parts) > 3 else "/"
    template = "refusal_line.html" if _by_htmx() else "refusal.html"
    signed_out = isinstance(refusal, (NotSignedIn, SignInStale))
    return page(
        template,
        None,
        refusal.status,
        refusal=refusal,
        back=back,
        signed_out=signed_out,
        # Whether it may be opened is decided there; here nobody learns anything by the link.
        emergency=isinstance(refusal, AccessDenied) and len(parts) == 3 and parts[1] == "sessions",
        session_id=parts[2] if len(parts) > 2 else "",
    )


def _signed(
    ports: Ports, visitor: Visitor, resource: SessionOf, signature: Signature
) -> Response[Any]:
    text, signer = None, ports.records.person(signature.clinician_id)
    added: tuple[Addendum, ...] = ()
    if gate.may(visitor.person, Action.READ_DRAFT, resource):
        try:
            text = draft.read_signed(ports, visitor.person, resource)
            added = addenda.contents(ports, resource.session.id)
        except KeyDestroyed:
            text = None
    return page(
        "signed.html",
        visitor,
        resource=resource,
        signature=signature,
        signer=signer,
        text=text,
        addenda=addenda.listed(ports, resource.session.id),
        added={one.number: one for one in added},
        may_amend=text is not None and gate.may(visitor.person, Action.AMEND_NOTE, resource),
        **glass_of(ports, visitor, resource),
    )


def glass_of(ports: Ports, visitor: Visitor, resource: SessionOf) -> dict[str, Any]:
    """Until when somebody reads in an emergency, and whether they could."""
    person = visitor.person
    running = emergency.standing(ports, person, resource.session.id)
    reads = gate.may(person, Action.READ_DRAFT, resource)
    return {
        "glass": running,
        "may_break": not reads and gate.may(person, Action.BREAK_GLASS, resource),
    }


def _review(visitor: Visitor, shown: draft.Draft) -> dict[str, Any]:
    may_edit = gate.may(visitor.person, Action.EDIT_DRAFT, shown.resource)
    return {
        "reading": reading.lay_out(shown),
        "draft": shown,
        "resource": shown.resource,
        "may_edit": may_edit,
        "attestation": draft.signing().attestation,
        "unseen": [
            (number, section.name)
            for number, section in enumerate(shown.note.sections)
            if shown.read is None or number not in shown.read.seen
        ],
        "speed": draft.signing().words_per_minute,
        "fresh": fresh(visitor),
        "minutes": draft.signing().sign_in_minutes,
    }


def ask() -> tuple[Ports, Visitor]:
    """The ports, and who is asking through a page; a posted form must be one of ours."""
    ports: Ports = router.context["ports"]
    visitor = identify(router.current_event, ports)
    if router.current_event.http_method == "POST":
        require_csrf(visitor, form(router.current_event, "csrf"))
    return ports, visitor


def fresh(visitor: Visitor) -> bool:
    """Whether the visitor has just signed in, so that they can sign."""
    ports: Ports = router.context["ports"]
    try:
        require_fresh(visitor.signed_in_at, ports.clock.now(), draft.signing())
    except SignInStale:
        return False
    return True


def _sentence_request() -> api.SentenceRequest:
    event = router.current_event
    act, version = form(event, "act"), form(event, "version")
    return api.SentenceRequest(
        version=int(version) if version.isascii() and version.isdecimal() else 0,
        text=form(event, "text") if act == "rewrite" else None,
        was=(form(event, "was") or None) if act == "rewrite" else None,
        complete=form(event, "text") if act == "complete" else None,
        strike={"strike": True, "put-back": False}.get(act),
        confirm={"confirm": True, "reopen": False}.get(act),
        heard=_heard(event) if act == "heard" else None,
    )


def _heard(event: Any) -> api.HeardRequest:
    try:
        return api.HeardRequest.model_validate(
            {"at": form(event, "at"), "said": form(event, "said")}
        )
    except ValidationError:
        raise BadRequest("heard: say which of the two it was") from None


# Answers ------------------------------------------------------------------------------------


def page(
    template: str, visitor: Visitor | None, status: int = 200, **content: Any
) -> Response[Any]:
    """An HTML answer; everything that comes from people is escaped."""
    boards = _boards(visitor) if visitor else ()
    html = _environment().get_template(template).render(visitor=visitor, boards=boards, **content)
    return Response(status_code=status, content_type="text/html; charset=utf-8", body=html)


BOARDS = (
    ("/boards/alerts", "Alerts", Action.ANSWER_ALERTS),
    ("/boards/audit", "Audit", Action.READ_AUDIT),
    ("/boards/quality", "Quality", Action.READ_QUALITY),
    ("/boards/usage", "Usage", Action.READ_USAGE),
)


def _boards(visitor: Visitor) -> tuple[tuple[str, str], ...]:
    """The boards that the visitor may open; the rules decide again when they do."""
    site = Site(visitor.person.site)
    return tuple(
        (where, says) for where, says, action in BOARDS if gate.may(visitor.person, action, site)
    )


def with_microphone(ports: Ports, shown: Response[Any]) -> Response[Any]:
    """The same page, which may use the microphone and send to where recordings go."""
    allowed = protection.headers(
        ports.identity.sign_in_url, send_to=ports.audio.upload_origin(), microphone=True
    )
    shown.headers.update(allowed)
    return shown


def redirect(where: str, *cookies: Cookie) -> Response[Any]:
    """Sends the browser on with a GET."""
    return Response(
        status_code=303,
        content_type="text/plain; charset=utf-8",
        body="",
        headers={"Location": where},
        cookies=list(cookies),
    )


def form(event: Any, name: str) -> str:
    """A field of a posted form; empty when it was not sent."""
    return parse_qs(sent(event), keep_blank_values=True).get(name, [""])[0]


def _by_htmx() -> bool:
    return str(router.current_event.headers.get("hx-request", "")) == "true"


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "asset": _asset_url,
        "clock": _clock,
        "day": _day,
        "patient_name": _patient_name,
        "words": _words,
    }
    environment.globals |= {
        "closing": _closing,
        "hearing": draft.signing().hearing,
        "placeholder": PLACEHOLDER,
        "states": STATES,
    }
    return environment


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _advice(code: str | None) -> str:
    """What to do after a failure of that code."""
    refusal = getattr(errors, code or "", None)
    known = isinstance(refusal, type) and issubclass(refusal, Refusal)
    return str(refusal.hint) if known and refusal is not None else "Try again."


def _day(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _words(code: str) -> str:
    return code.replace("_", " ").replace("-", " ")


def _closing(session: Session) -> Any:
    since = session.awaiting_since
    return None if since is None else closes_at(since, draft.signing().window)


def _patient_name(patient: Patient) -> str:
    people = patient.roster.get("people")
    for person in people if isinstance(people, list) else []:
        if person.get("role") == "patient":
            return str(person["name"])
    return "Patient without a name on file"


@functools.cache
def _asset(name: str) -> str:
    return (_HERE / "static" / name).read_text(encoding="utf-8")


@functools.cache
def _asset_url(name: str) -> str:
    return f"/static/{name}?v={hashlib.sha256(_asset(name).encode()).hexdigest()[:12]}"
