"""The pages of an addendum: the text to change, the difference to sign."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from countersign import review
from countersign.access import Action
from countersign.errors import BadRequest, PageUnknown
from lambdas.portal import addenda, draft, gate
from lambdas.portal.pages import ask, form, fresh, page, redirect

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


@router.get("/sessions/<session_id>/addendum")
def begin(session_id: str) -> Response[Any]:
    ports, visitor = ask()
    resource = gate.session_of(ports, session_id)
    gate.require(ports, visitor.person, Action.AMEND_NOTE, resource)
    draft.read_signed(ports, visitor.person, resource)
    text = addenda.newest(ports, session_id)
    return page("addendum.html", visitor, session_id=session_id, text=text, made=None)


@router.post("/sessions/<session_id>/addendum")
def change(session_id: str) -> Response[Any]:
    """Shows the difference, or signs the one that was shown."""
    ports, visitor = ask()
    event = router.current_event
    act, text, reason = form(event, "act"), form(event, "text"), form(event, "reason")
    if act == "sign":
        addenda.sign(
            ports,
            visitor.person,
            session_id,
            text,
            reason,
            form(event, "digest"),
            form(event, "attestation") == "on",
            visitor.signed_in_at,
        )
        return redirect(f"/sessions/{session_id}")
    if act != "compare":
        raise BadRequest("act: say compare or sign")
    made = addenda.prepare(ports, visitor.person, session_id, text, reason)
    return page(
        "addendum.html",
        visitor,
        session_id=session_id,
        made=made,
        digest=review.digest(made.text),
        attestation=draft.signing().attestation,
        fresh=fresh(visitor),
        minutes=draft.signing().sign_in_minutes,
    )


@router.post("/sessions/<session_id>/addenda/<number>/delivery")
def deliver(session_id: str, number: str) -> Response[Any]:
    """Tries once more to bring an addendum into the record system."""
    ports, visitor = ask()
    resource = gate.session_of(ports, session_id)
    gate.require(ports, visitor.person, Action.AMEND_NOTE, resource)
    if not (number.isascii() and number.isdecimal()):
        raise PageUnknown("there is no such addendum")
    addenda.deliver(ports, resource, int(number))
    return redirect(f"/sessions/{session_id}")
