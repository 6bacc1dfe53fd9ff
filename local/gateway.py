"""Decides how one loopback address serves the portal and its sign-in pages, as a browser needs it.

`python -m local.gateway --port 8000 --emulator ADDRESS --api ID` passes requests to the emulator's
HTTP API, and the hosted sign-in's paths to its user pools. It stores nothing and logs no path:
paths name sessions, and queries carry sign-in codes.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

LOOPBACK = "127.0.0.1"
READY = "/.well-known/gateway"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

# The paths of a Cognito domain ("User pool endpoints and managed login reference").
SIGN_IN = frozenset(
    {
        "/oauth2/authorize",
        "/oauth2/token",
        "/oauth2/userInfo",
        "/oauth2/revoke",
        "/login",
        "/logout",
    }
)

# RFC 9110 section 7.6.1, and what the transport sets anew.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NOT_PASSED_BACK = (_HOP_BY_HOP | {"date"}) - {"content-length"}
# The emulator opens every answer to every origin; API Gateway does not unless told to.
_ADDED_BY_EMULATOR = ("access-control-", "x-amz-request-id", "x-amz-id-2")


@dataclass(frozen=True)
class Upstream:
    """The emulator's address and the id of the portal's HTTP API in it."""

    emulator: str
    api: str

    def address(self, path: str, query: str) -> str:
        """Where a request goes; `path` is percent-encoded, as it came."""
        before = "" if path in SIGN_IN else f"/_aws/execute-api/{self.api}/$default"
        return f"{self.emulator}{before}{path}" + (f"?{query}" if query else "")


def application(upstream: Upstream, timeout: float = 35.0) -> Starlette:
    """The gateway as a web application. HTTP APIs give up after 30 s; so does the emulator."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # One client serves every browser: a cookie that it kept would sign a stranger in.
        nobodys = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        async with httpx.AsyncClient(
            trust_env=False, timeout=timeout, follow_redirects=False, cookies=nobodys
        ) as app.state.http:
            yield

    async def ready(request: Request) -> Response:
        return PlainTextResponse("ready")

    async def forward(request: Request) -> Response:
        http: httpx.AsyncClient = request.app.state.http
        path = request.scope["raw_path"].decode("ascii").partition("?")[0]
        query = request.scope["query_string"].decode("ascii")
        headers = [(k, v) for k, v in request.headers.raw if k.decode() not in _HOP_BY_HOP]
        headers.append((b"host", request.headers.get("host", LOOPBACK).encode()))
        call = http.build_request(
            request.method,
            upstream.address(path, query),
            headers=headers,
            content=await request.body(),
        )
        try:
            answer = await http.send(call, stream=True)
        except httpx.TransportError:
            return PlainTextResponse("The local system is not running.", 502)
        response = StreamingResponse(
            answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose)
        )
        response.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.decode().lower() not in _NOT_PASSED_BACK
            and not name.decode().lower().startswith(_ADDED_BY_EMULATOR)
        ]
        return response

    return Starlette(
        routes=[
            Route(READY, ready),
            Route("/{path:path}", forward, methods=_METHODS),
        ],
        lifespan=lifespan,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.gateway", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--api", required=True, help="id of the HTTP API")
    given = parser.parse_args()
    uvicorn.run(
        application(Upstream(given.emulator.rstrip("/"), given.api)),
        host=LOOPBACK,
        port=given.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
