"""The portal's one function: finds the route, answers refusals as documents or pages."""

from __future__ import annotations

import traceback
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from countersign.errors import PageUnknown, Refusal
from lambdas.portal import api, pages, sign_in
from lambdas.wiring import Ports, connected

logger = Logger(service="countersign")
app = APIGatewayHttpResolver()
for router in (api.router, pages.router, sign_in.router):
    app.include_router(router)


class PortalFault(Refusal):
    """A fault of ours; the log has its type and place."""

    hint = "Nothing you wrote is lost. Try again; if it happens again, tell your administrator."
    status = 500


@connected("records", "vault", "audio", "ledger", "workflow", "identity")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    app.append_context(ports=ports)  # type: ignore[no-untyped-call]
    answer = app.resolve(event, context)
    answer["headers"] = {**headers(ports.identity.sign_in_url), **answer.get("headers", {})}
    return answer


def headers(sign_in_url: str) -> dict[str, str]:
    """What every answer carries. Signing out leads to the sign-in service, so forms may go there.

    Sources: OWASP Secure Headers Project; CSP Level 3. `no-store` keeps clinical text out of every
    cache, the browser's own included. `no-referrer` would turn the `Origin` of our own forms into
    `null`, so it is `same-origin`.
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {sign_in_url}"
    )
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def refused(refusal: Refusal) -> Response[Any]:
    """A refusal in the form that was asked for: a document under /api/, else a page."""
    logger.info("refused", extra={"outcome": refusal.code})
    if app.current_event.path.startswith("/api/"):
        return api.answer(refusal.as_document(), refusal.status)
    return pages.refusal_page(refusal)


def unknown(_: NotFoundError) -> Response[Any]:
    """There is no such route."""
    return refused(PageUnknown("there is no such page"))


def failed(error: Exception) -> Response[Any]:
    """A fault of ours: its type and place go to the log, its message nowhere."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
    logger.error("fault", extra={"outcome": type(error).__name__, "where": where})
    return refused(PortalFault("something went wrong on our side"))


app.not_found(unknown)
app.exception_handler(Refusal)(refused)
app.exception_handler(Exception)(failed)
