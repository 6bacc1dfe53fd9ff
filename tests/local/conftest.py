"""One small clinic for all tests of the local system: our shapes, and a stand-in for inference."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.stack import Clinic, Running

SAMPLE = Path(__file__).parent / "sample"


class Inference(BaseHTTPRequestHandler):
    """Answers by what it is sent, as the container would: a transcript, a refusal, or nothing."""

    def do_POST(self) -> None:
        audio = self.rfile.read(int(self.headers["content-length"]))
        if audio == b"dies":
            self.connection.close()
            return
        if audio == b"slow":
            time.sleep(3)
        status, answer = 200, {"heard": len(audio), "kind": self.headers["content-type"]}
        if audio == b"silence":
            status, answer = 422, {"error": {"code": "NoSpeech", "message": "nothing was heard"}}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="session")
def inference() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Inference)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def system(inference: str) -> Iterator[Clinic]:
    name = f"tests-{time.time_ns()}"
    with Clinic(name, inference=inference, assembly=SAMPLE / "assembly", code=SAMPLE) as made:
        yield made
    shutil.rmtree(made.folder)


@pytest.fixture(scope="session")
def clinic(system: Clinic) -> Running:
    return system.start()


@pytest.fixture
def local_log(system: Clinic) -> Callable[[str], str]:
    """What a part of the system has logged."""
    return lambda name: (system.folder / f"{name}.log").read_text()


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Asks again until the answer is true; fails after `seconds`."""

    def ask(question: Callable[[], Any], seconds: float = 15) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)
        return answer

    return ask


@pytest.fixture
def row(clinic: Running) -> Callable[[str, str], Any]:
    """One item of the sample's table, or None."""

    def find(pk: str, sk: str) -> Any:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        table = clinic.outputs["RecordsTable"]
        return clinic.client("dynamodb").get_item(TableName=table, Key=key).get("Item")

    return find
