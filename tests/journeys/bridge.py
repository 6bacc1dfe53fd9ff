"""A loopback web server in front of the portal's handler, and a stand-in for the sign-in page."""

from __future__ import annotations

import base64
import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from lambdas.wiring import Ports
from tests.portal import PEOPLE, FakeIdentity, call


class Bridge:
    """HTTP request → payload format 2.0 → handler → HTTP answer, one at a time as in a Lambda."""

    def __init__(self) -> None:
        self.ports: Ports | None = None
        self.asked: list[str] = []
        self._one = threading.Lock()
        bridge = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bridge.answer(self)

            do_POST = do_PATCH = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                """Requests are counted in `asked`; nothing is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        where = urlsplit(request.path)
        length = int(request.headers.get("content-length", 0))
        read = request.rfile.read(length)
        try:
            body: str | bytes = read.decode()
        except UnicodeDecodeError:
            body = read
        if where.path.startswith("/pool/"):
            self._pool(request, where.path, where.query)
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        cookies = [c.strip() for c in headers.pop("cookie", "").split(";") if c.strip()]
        assert self.ports is not None
        with self._one:
            self.asked.append(request.path)
            given = call(
                self.ports, request.command, where.path, where.query, headers, cookies, body
            )
        self._send(
            request,
            given["statusCode"],
            [*given["headers"].items(), *(("Set-Cookie", c) for c in given.get("cookies", []))],
            base64.b64decode(given["body"]) if given.get("isBase64Encoded") else given["body"],
        )

    def _pool(self, request: BaseHTTPRequestHandler, path: str, query: str) -> None:
        """The identity provider's own pages, which are not ours and stay as plain as can be."""
        assert self.ports is not None
        identity: FakeIdentity = self.ports.identity
        if path.endswith("/logout"):
            self._send(request, 303, [("Location", "/")], "")
            return
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        links = []
        for person in PEOPLE:
            identity.nonces[person.id] = asked["nonce"]
            target = html.escape(f"/auth/callback?code={person.id}&state={asked['state']}")
            links.append(f'<p><a href="{target}">{person.name}</a></p>')
        page = "<!doctype html><html lang=en><title>Sign in</title>" + "".join(links)
        self._send(request, 200, [("Content-Type", "text/html; charset=utf-8")], page)

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        headers: list[tuple[str, str]],
        body: str | bytes,
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


@contextmanager
def serving() -> Iterator[Bridge]:
    """A bridge that listens on a free port of the loopback interface."""
    bridge = Bridge()
    thread = threading.Thread(target=bridge.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield bridge
    finally:
        bridge.server.shutdown()
        bridge.server.server_close()
        thread.join()
