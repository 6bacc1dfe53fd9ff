"""The workflow files, run as they are on moto: everything that touches moto's insides is here.

moto calls Lambda code only in Docker and ships no JSONata evaluator; both seams are given here: a
task's function is our handler, in process, with the ports of the test.
"""

from __future__ import annotations

import importlib
import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import jsonata
import pytest
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata

from lambdas.adapters.workflow import StepFunctionsWorkflow
from lambdas.wiring import Ports

FLOWS = Path(__file__).resolve().parent.parent / "lambdas"
_REGION = "us-east-1"
_ACCOUNT = "123456789012"


def snake(name: str) -> str:
    """`CheckConsent` → `check_consent`: the file of a state."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def definition(flow: str) -> dict[str, Any]:
    """The workflow file of a flow, as it stands."""
    document: dict[str, Any] = json.loads((FLOWS / flow / "workflow.asl.json").read_text("utf-8"))
    return document


class Machine:
    """One flow on moto's interpreter. `crash_before` kills the run at a state, as a lost one."""

    def __init__(self, flow: str, ports: Ports, hurry: dict[str, int] | None = None) -> None:
        self.flow = flow
        self.trail: list[str] = []
        self.errors: list[str] = []
        self._ports = ports
        self._client = boto3.client("stepfunctions", region_name=_REGION)
        # As a function's alias: what a run of the test before still asks for is not answered here.
        self._mark = uuid.uuid4().hex
        document = definition(flow)
        for state, seconds in (hurry or {}).items():
            document["States"][state]["TimeoutSeconds"] = seconds
        text = re.sub(
            r"\$\{(\w+)Arn\}",
            lambda m: f"arn:aws:lambda:{_REGION}:{_ACCOUNT}:function:{snake(m[1])}:{self._mark}",
            json.dumps(document),
        )
        self.arn = self._client.create_state_machine(
            name=flow, definition=text, roleArn=f"arn:aws:iam::{_ACCOUNT}:role/flow"
        )["stateMachineArn"]
        # What this flow starts beside itself is a run that ends at once.
        empty = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
        beside = {
            other: self._client.create_state_machine(
                name=other, definition=json.dumps(empty), roleArn=f"arn:aws:iam::{_ACCOUNT}:role/f"
            )["stateMachineArn"]
            for other in {"escalation"} - {flow}
        }
        self.workflow = StepFunctionsWorkflow(self._client, {**beside, flow: self.arn})

    def invoke(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Calls the handler of a state or a receiver, by its file's name."""
        handler = importlib.import_module(f"lambdas.{self.flow}.{name}").handler
        result: dict[str, Any] = handler(event, None, ports=self._ports)
        return result

    def status(self, run: str) -> str:
        arn = self.arn.replace(":stateMachine:", ":execution:") + f":{run}"
        return str(self._client.describe_execution(executionArn=arn)["status"])

    def finished(self, run: str, seconds: float = 20) -> str:
        """The run's status once it has ended."""
        return self.until(lambda: self.status(run) != "RUNNING", seconds) and self.status(run)

    def until(self, holds: Any, seconds: float = 20) -> Any:
        """Waits until `holds()` is true; fails the test when it never is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answer := holds():
                return answer
            time.sleep(0.01)
        pytest.fail(f"waited {seconds} s in vain; states so far: {self.trail}; {self.errors}")

    def _called(
        self, parameters: dict[str, Any], region: str, state_credentials: Any
    ) -> dict[str, Any]:
        name, mark = parameters["FunctionName"].rsplit(":", 2)[-2:]
        if mark != self._mark:
            gone = {"errorType": "TestIsOver", "errorMessage": "its machine is gone"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": gone}
        self.trail.append(name)
        try:
            payload = self.invoke(name, json.loads(parameters["Payload"]))
        except Exception as error:
            self.errors.append(type(error).__name__)
            refused = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": refused}
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(payload))}


def _wait_anew(endpoint: CallbackEndpoint, timeout: float | None = None) -> Any:
    """Each outcome wakes one attempt. moto gives a retried attempt the token of the failed one.

    AWS makes a new token for each attempt; with moto's, the first failure would fail every retry.
    An event without an outcome is the interrupt that the attempt before left behind.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    while endpoint._notify_event.wait(
        None if deadline is None else max(0.0, deadline - time.monotonic())
    ):
        endpoint._notify_event.clear()
        outcome, endpoint._outcome = endpoint._outcome, None
        if outcome is not None:
            return outcome
    return None


def _evaluate(expression: str) -> Any:
    return jsonata.Jsonata(expression).evaluate(None)


@contextmanager
def machine(flow: str, ports: Ports, hurry: dict[str, int] | None = None) -> Iterator[Machine]:
    """A flow on moto whose tasks are our handlers; the `workflow` port is the real adapter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", _REGION)
        patch.setattr(moto_jsonata, "_eval_jsonata", _evaluate)
        patch.setattr(CallbackEndpoint, "wait", _wait_anew)
        # The retrier's own clock, and nobody else's: a poll that never sleeps starves the run.
        patch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda seconds: None))
        with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
            made = Machine(flow, ports, hurry)
            patch.setattr(lambda_eval_utils, "_invoke_lambda_function", made._called)
            ports.connected["workflow"] = made.workflow
            yield made
