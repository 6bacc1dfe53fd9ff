from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign.delivery import SignedNote, document_reference, search_token
from countersign.errors import EhrRefused, EhrUnavailable
from lambdas.adapters.ehr import FhirEhr
from tests.fhir_server import fhir_server, free_port

MARKER = "Zebrastone"


def document(session_id: str = "s-1") -> dict[str, Any]:
    text = f"Patient said: “{MARKER}.”\n"
    return document_reference(
        SignedNote(
            session_id=session_id,
            patient_id="p-1",
            clinician_id="c-1",
            licence="LCSW 1234",
            signed_at=datetime(2026, 11, 2, 15, 0, tzinfo=UTC),
            digest=hashlib.sha256(text.encode()).hexdigest(),
            text=text,
        )
    )


CLIENTS: list[httpx.Client] = []


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    yield
    while CLIENTS:
        CLIENTS.pop().close()


def client() -> httpx.Client:
    CLIENTS.append(httpx.Client(timeout=httpx.Timeout(2.0), trust_env=False))
    return CLIENTS[-1]


def ehr(base: str, **changes: Any) -> FhirEhr:
    settings: dict[str, Any] = {"pause": 0.001, **changes}
    return FhirEhr(base, client, **settings)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fhir_server(tmp_path_factory.mktemp("fhir") / "fhir.sqlite") as address:
        yield address


class Behaviour:
    """What a hostile server does: one entry of `script` per POST, then it forwards for good."""

    def __init__(self, store: str, script: list[Callable[[Behaviour, Any], None] | int]) -> None:
        self.store = store
        self.link = client()
        self.script = script
        self.headers: dict[str, str] = {}
        self.body: dict[str, Any] | str = ""
        self.posts: list[dict[str, str]] = []
        self.searchable = True


def lose_the_reply(behaviour: Behaviour, request: Any) -> None:
    """Commits, then closes the connection without a word."""
    forward(behaviour, request, answer=False)
    request.close_connection = True


def forward(behaviour: Behaviour, request: Any, answer: bool = True) -> None:
    kept = {
        k: v
        for k, v in request.headers.items()
        if k.lower() in ("content-type", "if-none-exist", "accept")
    }
    got = behaviour.link.request(
        request.command, f"{behaviour.store}{request.path}", headers=kept, content=request.body
    )
    if answer:
        reply(request, got.status_code, got.content, dict(got.headers))


def without_a_body(behaviour: Behaviour, request: Any) -> None:
    got = behaviour.link.post(
        f"{behaviour.store}{request.path}",
        headers={"Content-Type": "application/fhir+json"},
        content=request.body,
    )
    reply(request, 201, b"", {"Location": got.headers["Location"]})


def sign_in_page(behaviour: Behaviour, request: Any) -> None:
    reply(request, 200, b"<html>Please sign in</html>", {"Content-Type": "text/html"})


def silence(behaviour: Behaviour, request: Any) -> None:
    request.close_connection = True


def reply(request: Any, status: int, content: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name in ("Content-Type", "Location", "Retry-After"):
        for given, value in headers.items():
            if given.lower() == name.lower():
                request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


@contextmanager
def hostile(behaviour: Behaviour) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.body = self.rfile.read(int(self.headers["Content-Length"]))
            behaviour.posts.append(dict(self.headers.items()))
            act = behaviour.script.pop(0) if behaviour.script else forward
            if isinstance(act, int):
                body = behaviour.body
                content = body if isinstance(body, str) else json.dumps(body)
                reply(self, act, content.encode(), behaviour.headers)
            else:
                act(behaviour, self)

        def do_GET(self) -> None:
            self.body = b""
            if behaviour.searchable:
                forward(behaviour, self)
            else:
                reply(self, 404, b"", {})

        def log_message(self, format: str, *arguments: Any) -> None:
            """Says nothing: the test's own output is enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def held(store: str, sent: dict[str, Any]) -> list[str]:
    bundle = httpx.get(
        f"{store}/DocumentReference", params={"identifier": search_token(sent)}
    ).json()
    return [entry["resource"]["id"] for entry in bundle.get("entry", [])]


def test_a_note_is_delivered_once_however_often_it_is_sent(store: str) -> None:
    sent = document("once")
    first = ehr(store).deliver(sent, search_token(sent))
    second = ehr(store).deliver(sent, search_token(sent))
    assert (first.resource, first.status, second.status) == (
        "DocumentReference",
        "created",
        "existing",
    )
    assert held(store, sent) == [first.id] == [second.id]
    stored = httpx.get(f"{store}/DocumentReference/{first.id}").json()
    assert stored["content"] == sent["content"]


@pytest.mark.parametrize(
    "script",
    [[500, 503], [429], [lose_the_reply], [lose_the_reply, lose_the_reply], [silence, 502], [409]],
    ids=["500s", "429", "lost reply", "two lost replies", "closed, then 502", "race"],
)
@pytest.mark.parametrize("searchable", [True, False], ids=["searchable", "no search"])
def test_trouble_on_the_way_makes_neither_none_nor_two(
    store: str, script: list[Any], searchable: bool, request: pytest.FixtureRequest
) -> None:
    sent = document(hashlib.sha256(request.node.name.encode()).hexdigest())
    behaviour = Behaviour(store, list(script))
    behaviour.searchable = searchable
    with hostile(behaviour) as base:
        delivered = ehr(base).deliver(sent, search_token(sent))
    assert held(store, sent) == [delivered.id]
    assert {post["If-None-Exist"] for post in behaviour.posts} == {
        f"identifier=urn%3Aietf%3Arfc%3A3986%7C{search_token(sent)[18:].replace(':', '%3A')}"
    }


def test_a_server_that_ignores_the_condition_still_gets_one_document(store: str) -> None:
    def commit_without_condition(behaviour: Behaviour, request: Any) -> None:
        del request.headers["If-None-Exist"]
        lose_the_reply(behaviour, request)

    sent = document("ignorant")
    with hostile(Behaviour(store, [commit_without_condition] * 5)) as base:
        delivered = ehr(base).deliver(sent, search_token(sent))
    assert held(store, sent) == [delivered.id]
    assert delivered.status == "existing"


def test_an_answer_without_a_body_is_read_from_its_location(store: str) -> None:
    sent = document("terse")
    with hostile(Behaviour(store, [without_a_body])) as base:
        delivered = ehr(base).deliver(sent, search_token(sent))
    assert held(store, sent) == [delivered.id]
    assert delivered.status == "created"


def test_a_page_that_says_200_is_not_a_delivery(store: str) -> None:
    sent = document("proxy")
    with hostile(Behaviour(store, [sign_in_page])) as base, pytest.raises(EhrRefused):
        ehr(base).deliver(sent, search_token(sent))
    assert held(store, sent) == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 412, 422, 302, 501])
def test_a_refusal_is_told_at_once_with_its_code_and_nobodys_words(store: str, status: int) -> None:
    behaviour = Behaviour(store, [status])
    behaviour.body = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "business-rule", "diagnostics": f"{MARKER} is unknown"}
        ],
    }
    with hostile(behaviour) as base, pytest.raises(EhrRefused) as refused:
        ehr(base).deliver(document("refused"), search_token(document("refused")))
    assert str(refused.value).endswith(f"HTTP {status} business-rule")
    assert len(behaviour.posts) == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        f"<p>{MARKER}</p>",
        "[1]",
        {"issue": MARKER},
        {"issue": [{"code": f"about {MARKER}"}]},
        {"issue": [MARKER]},
    ],
)
def test_a_refusal_in_any_shape_stays_free_of_content(store: str, body: Any) -> None:
    behaviour = Behaviour(store, [422])
    behaviour.body = body
    with hostile(behaviour) as base, pytest.raises(EhrRefused) as refused:
        ehr(base).deliver(document(), search_token(document()))
    assert str(refused.value).endswith("HTTP 422")


def test_the_store_itself_refuses_an_invalid_document(store: str) -> None:
    broken = document("broken") | {"status": "colourful", "content": []}
    with pytest.raises(EhrRefused, match="HTTP 422 value"):
        ehr(store).deliver(broken, search_token(broken))


def test_lasting_trouble_is_told_as_such_within_bounds(store: str) -> None:
    behaviour = Behaviour(store, [503] * 50)
    waits: list[float] = []
    with hostile(behaviour) as base, pytest.raises(EhrUnavailable, match="HTTP 503") as told:
        ehr(base, attempts=4, pause=1.0, sleep=waits.append).deliver(
            document("down"), search_token(document("down"))
        )
    assert MARKER not in str(told.value)
    assert len(behaviour.posts) == 4
    assert all(0 <= wait <= 2**n for n, wait in enumerate(waits))
    assert len(waits) == 3


def test_the_server_may_ask_for_time_but_not_for_ever(store: str) -> None:
    waits: list[float] = []
    behaviour = Behaviour(store, [429, 429])
    behaviour.headers = {"Retry-After": "7"}
    sent = document("patient")
    with hostile(behaviour) as base:
        ehr(base, sleep=waits.append).deliver(sent, search_token(sent))
        assert waits == [7.0, 7.0]
        behaviour.script[:] = [429]
        behaviour.headers = {"Retry-After": "3600"}
        with pytest.raises(EhrUnavailable):
            ehr(base, sleep=waits.append).deliver(document("x"), search_token(document("x")))
    assert waits == [7.0, 7.0]


def test_nobody_listening_is_unavailable() -> None:
    nowhere = ehr(f"http://127.0.0.1:{free_port()}", attempts=2)
    with pytest.raises(EhrUnavailable, match="ConnectError"):
        nowhere.deliver(document(), search_token(document()))


def test_a_note_lost_on_the_last_try_is_still_found(store: str) -> None:
    sent = document("last")
    with hostile(Behaviour(store, [503, lose_the_reply])) as base:
        delivered = ehr(base, attempts=2).deliver(sent, search_token(sent))
    assert held(store, sent) == [delivered.id]


@pytest.mark.parametrize(
    "address",
    ["http://ehr.example.org/fhir", "ftp://127.0.0.1", "", "//host", "http://127.0.0.1.evil.org"],
)
def test_notes_do_not_travel_in_the_clear(address: str) -> None:
    with pytest.raises(EhrRefused, match="not https"):
        FhirEhr(address)


@pytest.mark.parametrize("address", ["https://ehr.example.org/fhir", "http://[::1]:8"])
def test_tls_or_this_machine_is_accepted(address: str) -> None:
    FhirEhr(address, client)


def test_a_hundred_deliveries_under_faults_make_a_hundred_documents(tmp_path: Path) -> None:
    faults: list[Any] = [lose_the_reply, 500, silence, forward, 503, forward, 429]
    with fhir_server(tmp_path / "fhir.sqlite") as store:
        behaviour = Behaviour(store, faults * 12)
        with hostile(behaviour) as base:
            sender = ehr(base, attempts=10, pause=0.0)
            for number in range(100):
                sent = document(f"load-{number}")
                sender.deliver(sent, search_token(sent))
        assert httpx.get(f"{store}/DocumentReference").json()["total"] == 100
