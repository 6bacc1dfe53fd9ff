"""A newcomer who reads the folders and the workflow files knows the system: that stays true."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.machine import FLOWS, definition, snake

WORKFLOWS = sorted(path.parent.name for path in FLOWS.glob("*/workflow.asl.json"))

# What is called by an event or a schedule instead of a state, by name.
RECEIVERS = {
    "session": {"on_speech"},
    "capture": {"on_upload"},
    "oversight": {
        "sweep_audio",
        "redrive",
        "publish_ledger",
        "verify_ledger",
        "settle_recordings",
        "settle_alerts",
        "beat",
    },
    "portal": {"web"},
}


def handlers(flow: str) -> set[str]:
    found = set()
    for path in (FLOWS / flow).glob("*.py"):
        functions = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)]
        if any(function.name == "handler" for function in functions):
            found.add(path.stem)
    return found


def tasks(states: dict[str, dict[str, object]]) -> set[str]:
    """The task states of a workflow, those inside its branches included."""
    found = set()
    for name, state in states.items():
        if state["Type"] == "Task":
            found.add(name)
        for branch in state.get("Branches", ()):  # type: ignore[attr-defined]
            found |= tasks(branch["States"])
    return found


@pytest.mark.parametrize("flow", WORKFLOWS)
def test_every_task_state_has_its_file_and_every_file_its_state(flow: str) -> None:
    states = {snake(name) for name in tasks(definition(flow)["States"])}
    assert states == handlers(flow) - RECEIVERS.get(flow, set())


@pytest.mark.parametrize("flow", sorted({"session", "intake"} | set(RECEIVERS)))
def test_every_receiver_that_is_named_is_there(flow: str) -> None:
    assert RECEIVERS.get(flow, set()) <= handlers(flow)


@pytest.mark.parametrize("flow", WORKFLOWS)
def test_a_workflow_names_each_function_by_its_own_state(flow: str) -> None:
    for name, state in definition(flow)["States"].items():
        if state["Type"] == "Task":
            assert state["Arguments"]["FunctionName"] == f"${{{name}Arn}}"


@pytest.mark.parametrize("flow", WORKFLOWS)
def test_a_workflow_is_jsonata_and_says_what_each_step_is_for(flow: str) -> None:
    document = definition(flow)
    assert document["QueryLanguage"] == "JSONata"
    assert all(s.get("Comment") for s in document["States"].values() if s["Type"] == "Task")


def test_a_signature_has_24_hours_and_a_timeout_of_its_own() -> None:
    waiting = definition("session")["States"]["AwaitSignature"]
    assert waiting["TimeoutSeconds"] == 24 * 60 * 60
    assert "HeartbeatSeconds" not in waiting
    assert waiting["Catch"][0]["ErrorEquals"] == ["States.Timeout"]


def test_every_failure_before_the_signature_erases_the_audio() -> None:
    states = definition("session")["States"]
    before = ["CheckConsent", "Transcribe", "Merge", "EraseAudio", "Redact", "Draft", "Ground"]
    for name in before:
        assert states[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
        assert states[name]["Catch"][-1]["Next"] == "Discard"


@pytest.mark.parametrize("flow", WORKFLOWS)
def test_workflow_state_carries_ids_and_flags_only(flow: str) -> None:
    allowed = {"session_id", "run", "token", "code"}
    for state in definition(flow)["States"].values():
        if state["Type"] == "Task":
            payload = state["Arguments"]["Payload"]
            assert isinstance(payload, dict)
            assert set(payload) <= allowed, json.dumps(payload)


def test_a_handler_is_short() -> None:
    for path in [p for flow in WORKFLOWS for p in (FLOWS / flow).glob("*.py")]:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name == "handler":
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno <= 24, f"{Path(path).name} is long"


def test_modules_say_in_one_sentence_what_they_are_for() -> None:
    root = FLOWS.parent
    rooms = ("countersign", "lambdas", "inference", "infra", "local")
    for path in [p for room in rooms for p in (root / room).rglob("*.py")]:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert text, f"{path} has no docstring"
        assert path.stem not in ("utils", "common", "helpers", "manager")
