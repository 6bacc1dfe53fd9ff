"""Functions are found from files: no list is kept by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.flow import FlowError, discover, module_of, ports_of, task_states
from tests.infra.synthesized import Synthesized

_HANDLER = """
from lambdas.wiring import connected

@connected("records", "vault")
def handler(event, context, *, ports=None):
    return {}
"""


@pytest.mark.parametrize(
    ("state", "module"),
    [
        ("CheckConsent", "check_consent"),
        ("Draft", "draft"),
        ("AwaitSignature", "await_signature"),
        ("VerifyFHIRStore", "verify_fhir_store"),
    ],
)
def test_a_state_names_its_file(state: str, module: str) -> None:
    assert module_of(state) == module


def test_states_inside_branches_and_maps_count() -> None:
    task = {"Type": "Task"}
    definition = {
        "States": {
            "Screen": task,
            "Both": {"Type": "Parallel", "Branches": [{"States": {"Escalate": task}}]},
            "Each": {"Type": "Map", "ItemProcessor": {"States": {"Summarize": task}}},
            "End": {"Type": "Succeed"},
        }
    }
    assert list(task_states(definition)) == ["Screen", "Escalate", "Summarize"]


def test_a_handlers_ports_are_read_from_its_decorator() -> None:
    assert ports_of(_HANDLER) == ("records", "vault")
    assert ports_of("def handler(event, context): ...") is None
    assert ports_of("x = 1") is None


def test_a_module_beside_the_workflow_is_a_receiver(tmp_path: Path) -> None:
    flow = tmp_path / "session"
    flow.mkdir()
    (flow / "workflow.asl.json").write_text(json.dumps({"States": {"Draft": {"Type": "Task"}}}))
    (flow / "draft.py").write_text(_HANDLER)
    (flow / "on_speech.py").write_text(_HANDLER)
    (flow / "wording.py").write_text("x = 1")
    found = discover(tmp_path)
    assert [(step.id, step.state) for step in found.steps] == [
        ("SessionDraft", "Draft"),
        ("SessionOnSpeech", None),
    ]
    assert [step.module for step in found.receivers()] == ["on_speech"]
    assert [step.id for step in found.workflows[0].steps] == ["SessionDraft"]


def test_a_state_without_its_file_is_refused(tmp_path: Path) -> None:
    flow = tmp_path / "session"
    flow.mkdir()
    (flow / "workflow.asl.json").write_text(json.dumps({"States": {"Draft": {"Type": "Task"}}}))
    with pytest.raises(FlowError, match="Draft"):
        discover(tmp_path)


def test_every_state_has_one_file_and_one_function(synthesized: Synthesized) -> None:
    functions = synthesized.of_type("AWS::Lambda::Function")
    assert set(functions) == {step.id for step in synthesized.flows.steps}
    for workflow in synthesized.flows.workflows:
        definition = json.loads(workflow.path.read_text(encoding="utf-8"))
        assert sorted(task_states(definition)) == sorted(str(s.state) for s in workflow.steps)
        for step in workflow.steps:
            assert functions[step.id]["Handler"] == (
                f"lambdas.{workflow.flow}.{module_of(str(step.state))}.handler"
            )


def test_a_workflow_file_is_deployed_as_it_is(synthesized: Synthesized) -> None:
    machines = synthesized.of_type("AWS::StepFunctions::StateMachine")
    assert len(machines) == len(synthesized.flows.workflows)
    for workflow in synthesized.flows.workflows:
        text = workflow.path.read_text(encoding="utf-8")
        machine = machines[f"{workflow.flow.title()}Workflow"]
        assert machine["DefinitionString"] == text
        assert set(machine["DefinitionSubstitutions"]) == {f"{s.state}Arn" for s in workflow.steps}
        for name in machine["DefinitionSubstitutions"]:
            assert f"${{{name}}}" in text
        assert text.count("${") == len(machine["DefinitionSubstitutions"])


def test_every_function_that_is_no_state_has_a_caller(synthesized: Synthesized) -> None:
    called = {
        permission["FunctionName"]["Fn::GetAtt"][0]
        for permission in synthesized.of_type("AWS::Lambda::Permission").values()
    }
    assert called == {step.id for step in synthesized.flows.receivers()}


def test_lost_calls_are_kept(synthesized: Synthesized) -> None:
    functions = synthesized.of_type("AWS::Lambda::Function")
    for step in synthesized.flows.receivers():
        kept = "DeadLetterConfig" in functions[step.id]
        assert kept == (step.flow != "portal"), step.id
    for rule in synthesized.of_type("AWS::Events::Rule").values():
        assert all("DeadLetterConfig" in target for target in rule["Targets"])
    for id, subscription in synthesized.of_type("AWS::SNS::Subscription").items():
        assert "RedrivePolicy" in subscription, id
