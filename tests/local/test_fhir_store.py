from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome

from tests.fhir_server import fhir_server, free_port

FHIR = {"Content-Type": "application/fhir+json"}


def document(value: str = "n-1", patient: str = "p-1") -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "identifier": [{"system": "urn:x", "value": value}],
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [
            {"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"x").decode()}}
        ],
    }


def condition(value: str) -> dict[str, str]:
    return {**FHIR, "If-None-Exist": f"identifier=urn%3Ax%7C{value}"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fhir_server(tmp_path_factory.mktemp("fhir") / "fhir.sqlite") as address:
        yield address


def post(base: str, body: dict[str, Any], headers: dict[str, str] = FHIR) -> httpx.Response:
    return httpx.post(f"{base}/{body['resourceType']}", json=body, headers=headers)


def outcome(answer: httpx.Response) -> str:
    read = OperationOutcome.model_validate(answer.json())
    assert answer.headers["Content-Type"].startswith("application/fhir+json")
    return str(read.issue[0].code)


def test_what_is_created_can_be_read(base: str) -> None:
    made = post(base, document("read-me"))
    assert made.status_code == 201
    assert made.headers["Content-Type"].startswith("application/fhir+json")
    read = httpx.get(f"{base}/DocumentReference/{made.json()['id']}")
    assert read.status_code == 200
    assert read.json() == made.json()
    assert made.headers["Location"].endswith(f"/DocumentReference/{made.json()['id']}/_history/1")
    assert read.json()["content"] == document()["content"]


def test_a_repeated_conditional_create_gives_the_first(base: str) -> None:
    first = post(base, document("once"), condition("once"))
    second = post(base, document("once"), condition("once"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_a_condition_that_several_meet_is_refused(base: str) -> None:
    post(base, document("twice"))
    post(base, document("twice"))
    refused = post(base, document("twice"), condition("twice"))
    assert (refused.status_code, outcome(refused)) == (412, "multiple-matches")


def test_a_condition_without_a_criterion_is_refused(base: str) -> None:
    for unless in ("", "x"):
        refused = post(base, document("bare"), {**FHIR, "If-None-Exist": unless})
        assert (refused.status_code, outcome(refused)) == (412, "invalid")


def test_racing_conditional_creates_make_one_document(base: str) -> None:
    answers: list[int] = []

    def create() -> None:
        answers.append(post(base, document("race"), condition("race")).status_code)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 7 + [201]


def test_search_by_identifier_and_patient(base: str) -> None:
    made = post(base, document("find-me", patient="p-7")).json()["id"]
    other = post(base, document("leave-me", patient="p-8")).json()["id"]

    def found(**query: str) -> list[str]:
        answer = httpx.get(f"{base}/DocumentReference", params=query)
        assert answer.status_code == 200
        Bundle.model_validate(answer.json())
        assert answer.json()["total"] == len(answer.json().get("entry", []))
        return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]

    assert found(identifier="urn:x|find-me") == [made]
    assert found(identifier="find-me") == [made]
    assert found(identifier="urn:y|find-me") == []
    assert found(patient="p-7") == [made]
    assert found(patient="p-7", identifier="urn:x|leave-me") == []
    assert found(_id=other) == [other]
    assert found(identifier="' or 1=1 --") == []


def test_a_parameter_it_does_not_know_is_refused(base: str) -> None:
    refused = httpx.get(f"{base}/DocumentReference", params={"colour": "blue"})
    assert (refused.status_code, outcome(refused)) == (400, "not-supported")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": None}, "structure"),
        ({"colour": "blue"}, "structure"),
        ({"date": "yesterday"}, "structure"),
        ({"content": []}, "value"),
        ({"meta": {}}, "value"),
        ({"status": "colourful"}, "value"),
    ],
    ids=["no status", "unknown field", "not a date", "no content", "empty object", "unknown code"],
)
def test_a_resource_of_the_wrong_structure_is_refused(
    base: str, change: dict[str, Any], code: str
) -> None:
    body = {k: v for k, v in (document("wrong") | change).items() if v is not None}
    refused = post(base, body)
    assert (refused.status_code, outcome(refused)) == (422, code)
    assert httpx.get(f"{base}/DocumentReference?identifier=wrong").json()["total"] == 0


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        ("DocumentReference", b"{", FHIR, 400),
        ("DocumentReference", b'{"resourceType": "Patient"}', FHIR, 400),
        ("Nonsense", b'{"resourceType": "Nonsense"}', FHIR, 404),
        ("DocumentReference", b"{}", {"Content-Type": "text/html"}, 415),
        ("DocumentReference", b" " * (17 * 1024 * 1024), FHIR, 413),
    ],
    ids=["not JSON", "another type", "no such type", "not FHIR", "huge"],
)
def test_a_body_that_is_no_such_resource_is_refused(
    base: str, path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    refused = httpx.post(f"{base}/{path}", content=content, headers=headers)
    assert refused.status_code == status
    outcome(refused)


@pytest.mark.parametrize("path", ["DocumentReference/none", "Nonsense", "a/b/c"])
def test_what_is_not_there_is_said_so_in_fhir(base: str, path: str) -> None:
    answer = httpx.get(f"{base}/{path}")
    assert answer.status_code == 404
    outcome(answer)


def test_it_says_what_it_can_do(base: str) -> None:
    told = httpx.get(f"{base}/metadata").json()
    CapabilityStatement.model_validate(told)
    assert told["rest"][0]["resource"][0]["conditionalCreate"] is True


def test_it_listens_on_loopback_alone(base: str) -> None:
    port = int(base.rpartition(":")[2])
    heard = subprocess.run(["cat", "/proc/net/tcp"], capture_output=True, text=True, check=True)
    listening = [
        line.split()[1]
        for line in heard.stdout.splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_documents_survive_a_kill_and_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "kept" / "fhir.sqlite"
    port = free_port()
    with fhir_server(data, port) as base:
        made = post(base, document("kept"), condition("kept"))
        assert made.status_code == 201
        os.kill(_process_on(port), signal.SIGKILL)
    with fhir_server(data, port) as base:
        again = post(base, document("kept"), condition("kept"))
        assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
        assert json.loads(httpx.get(f"{base}/DocumentReference").text)["total"] == 1


def _process_on(port: int) -> int:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"local.fhir_store" in words and str(port).encode() in words:
                return int(folder.name)
    raise AssertionError("the store is not running")
