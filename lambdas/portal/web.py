"""The portal's one function: finds the route, answers refusals as documents or pages."""

from __future__ import annotations

import traceback
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from countersign.errors import PageUnknown, Refusal
from lambdas.portal import (
    api,
    boards,
    corrections,
    glass,
    openapi,
    pages,
    protection,
    recorder,
    sign_in,
)
from lambdas.wiring import Ports, connected

logger = Logger(service="countersign")
app = APIGatewayHttpResolver()
for router in (
    api.router,
    boards.router,
    corrections.router,
    glass.router,
    pages.router,
    recorder.router,
    sign_in.router,
):
    app.include_router(router)


class PortalFault(Refusal):
    """A fault of ours; the log has its type and place."""

    hint = "Nothing you wrote is lost. Try again; if it happens again, tell your administrator."
    status = 500


@app.get("/api/openapi.json")
def interface() -> Response[Any]:
    """What programs can ask for; it holds nothing of anybody, so nobody has to sign in."""
    return api.answer(openapi.document())


@connected("records", "vault", "audio", "ledger", "workflow", "identity", "pager", "ehr")
def handler(event: dict[str, Any], context: Any, *, ports: Ports) -> dict[str, Any]:
    app.append_context(ports=ports)  # type: ignore[no-untyped-call]
    answer = app.resolve(event, context)
    answer["headers"] = {
        **protection.headers(ports.identity.sign_in_url),
        **answer.get("headers", {}),
    }
    return answer


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
