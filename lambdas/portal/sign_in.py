"""Signing in and out, by authorization code with PKCE; the cookie holds the identity token."""

from __future__ import annotations

import hmac
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from countersign.errors import SignInFailed
from lambdas.portal import gate
from lambdas.portal.pages import form, redirect
from lambdas.portal.visitor import (
    Cookies,
    begin_sign_in,
    challenge,
    identify,
    require_csrf,
    resume_sign_in,
)
from lambdas.wiring import Ports

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


@router.get("/auth/sign-in")
def sign_in() -> Response[Any]:
    identity = _ports().identity
    begun = begin_sign_in(_query("then"))
    again = _query("again") == "1"
    where = identity.authorize_url(begun.state, challenge(begun.verifier), begun.nonce, again=again)
    return redirect(where, Cookies(identity.portal_url).begin(begun))


@router.get("/auth/callback")
def callback() -> Response[Any]:
    ports = _ports()
    cookies = Cookies(ports.identity.portal_url)
    begun = resume_sign_in(router.current_event, cookies, _query("state"))
    if not _query("code"):
        raise SignInFailed("the sign-in was not completed")
    token = ports.identity.exchange(_query("code"), begun.verifier)
    claims = ports.identity.verify(token)
    if not hmac.compare_digest(claims.nonce or "", begun.nonce):
        raise SignInFailed("the sign-in service answered another sign-in")
    gate.signed_in(ports, claims.subject)
    seconds = int((claims.expires_at - ports.clock.now()).total_seconds())
    return redirect(
        begun.then,
        cookies.set(cookies.session, token, max(seconds, 1)),
        cookies.keep_forms(router.current_event),
        cookies.set(cookies.sign_in, "", 0),
    )


@router.post("/auth/sign-out")
def sign_out() -> Response[Any]:
    ports = _ports()
    cookies = Cookies(ports.identity.portal_url)
    require_csrf(identify(router.current_event, ports), form(router.current_event, "csrf"))
    return redirect(
        ports.identity.sign_out_url(),
        cookies.set(cookies.session, "", 0),
        cookies.set(cookies.forms, "", 0),
    )


def _ports() -> Ports:
    ports: Ports = router.context["ports"]
    return ports


def _query(name: str) -> str:
    return router.current_event.query_string_parameters.get(name, "")
