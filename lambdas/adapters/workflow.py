"""The orchestrator on Step Functions: start a run once, wake it, ask whether it still runs."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

_NO_LONGER_WAITING = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


class StepFunctionsWorkflow:
    """`ports.Workflow`. A run's name is its idempotency key; its input is one id."""

    def __init__(self, states: Any, machines: dict[str, str]) -> None:
        self._states = states
        self._machines = machines

    def start(self, flow: str, name: str, subject: str) -> bool:
        """StartExecution with the name and input of a running execution answers with that one."""
        try:
            self._states.start_execution(
                stateMachineArn=self._machines[flow],
                name=name,
                input=json.dumps({"session_id": subject}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
            return False
        return True

    def resume(self, token: str, result: dict[str, object]) -> bool:
        return self._answer("send_task_success", taskToken=token, output=json.dumps(result))

    def fail(self, token: str, code: str) -> bool:
        return self._answer("send_task_failure", taskToken=token, error=code, cause=code)

    def running(self, flow: str, name: str) -> bool:
        arn = self._machines[flow].replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            status = self._states.describe_execution(executionArn=arn)["status"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return False
        return bool(status == "RUNNING")

    def _answer(self, call: str, **request: str) -> bool:
        try:
            getattr(self._states, call)(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NO_LONGER_WAITING:
                raise
            return False
        return True
