"""The page of an emergency: why, and what happens then."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from countersign.access import Action
from lambdas.portal import emergency, gate
from lambdas.portal.pages import ask, form, page, redirect

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


@router.get("/sessions/<session_id>/emergency")
def explain(session_id: str) -> Response[Any]:
    ports, visitor = ask()
    resource = gate.session_of(ports, session_id)
    gate.require(ports, visitor.person, Action.BREAK_GLASS, resource)
    return page("emergency.html", visitor, session_id=session_id, rules=emergency.rules())


@router.post("/sessions/<session_id>/emergency")
def break_glass(session_id: str) -> Response[Any]:
    ports, visitor = ask()
    event = router.current_event
    emergency.break_glass(
        ports, visitor.person, session_id, form(event, "reason"), form(event, "words")
    )
    return redirect(f"/sessions/{session_id}")
