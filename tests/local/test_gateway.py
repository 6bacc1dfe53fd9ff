"""The gateway stands between many browsers and one system, and mixes none of them up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from starlette.testclient import TestClient

from local.gateway import Upstream, application


class Portal(BaseHTTPRequestHandler):
    """Signs in whoever asks for /in, and tells everybody which cookie they came with."""

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path.endswith("/in"):
            self.send_header("Set-Cookie", "countersign=amy; Path=/; HttpOnly")
        self.send_header("X-Came-With", self.headers.get("Cookie", "nothing"))
        self.send_header("X-Came-For", self.path)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def portal() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def gateway(portal: str) -> Iterator[TestClient]:
    with TestClient(application(Upstream(portal, "api1"))) as client:
        yield client


def fresh(client: TestClient, path: str, **headers: str) -> httpx.Response:
    """A request of a browser that has no cookies of its own."""
    client.cookies.clear()
    return client.get(path, headers=headers)


def test_a_sign_in_belongs_to_the_browser_that_made_it(gateway: TestClient) -> None:
    assert "countersign=amy" in fresh(gateway, "/in").headers["set-cookie"]
    assert fresh(gateway, "/").headers["x-came-with"] == "nothing"


def test_a_browsers_own_cookie_is_passed_on(gateway: TestClient) -> None:
    fresh(gateway, "/in")
    answer = fresh(gateway, "/", Cookie="countersign=ben")
    assert answer.headers["x-came-with"] == "countersign=ben"


def test_pages_go_to_the_portals_api_and_sign_in_to_the_pool(gateway: TestClient) -> None:
    page = fresh(gateway, "/sessions/s-1?x=%2F")
    assert page.headers["x-came-for"] == "/_aws/execute-api/api1/$default/sessions/s-1?x=%2F"
    assert fresh(gateway, "/oauth2/authorize?a=b").headers["x-came-for"] == "/oauth2/authorize?a=b"


def test_no_answer_is_opened_to_other_origins(gateway: TestClient) -> None:
    assert "access-control-allow-origin" not in fresh(gateway, "/").headers


def test_a_system_that_is_down_is_said_to_be() -> None:
    with TestClient(application(Upstream("http://127.0.0.1:9", "api1"))) as client:
        assert client.get("/").status_code == 502
