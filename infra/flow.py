"""Decides which functions exist, from the files of `lambdas/`: read, never imported."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.config import ROOT

LAMBDAS = ROOT / "lambdas"
WORKFLOW = "workflow.asl.json"


class FlowError(ValueError):
    """A workflow and its files disagree; the message names both."""


@dataclass(frozen=True)
class Step:
    """One Lambda function: a module with a `handler`, the ports it asks for, its state if any."""

    flow: str
    module: str
    ports: tuple[str, ...]
    state: str | None = None

    @property
    def handler(self) -> str:
        return f"lambdas.{self.flow}.{self.module}.handler"

    @property
    def id(self) -> str:
        """The logical id: `SessionCheckConsent`."""
        return "".join(part.title() for part in (self.flow, *self.module.split("_")))

    @property
    def name(self) -> str:
        """The function's name without the stage: `session-check-consent`."""
        return f"{self.flow}-{self.module.replace('_', '-')}"


@dataclass(frozen=True)
class Workflow:
    """One state machine: its file, and the functions that its Task states stand for."""

    flow: str
    path: Path
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Flows:
    workflows: tuple[Workflow, ...]
    steps: tuple[Step, ...]

    def receivers(self) -> tuple[Step, ...]:
        """The functions that are no state of a workflow: something else calls them."""
        return tuple(step for step in self.steps if step.state is None)


def module_of(state: str) -> str:
    """The file of a state: `CheckConsent` → `check_consent`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", state).lower()


def task_states(definition: dict[str, Any]) -> Iterator[str]:
    """The names of a definition's Task states, those inside Parallel and Map states too."""
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            yield name
        for branch in state.get("Branches", ()):
            yield from task_states(branch)
        if "ItemProcessor" in state:
            yield from task_states(state["ItemProcessor"])


def ports_of(source: str) -> tuple[str, ...] | None:
    """What a module's `@connected("…")` handler asks for; None when it has no such handler."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == "handler":
            for decorator in node.decorator_list:
                if (
                    isinstance(decorator, ast.Call)
                    and isinstance(decorator.func, ast.Name)
                    and decorator.func.id == "connected"
                ):
                    return tuple(str(ast.literal_eval(argument)) for argument in decorator.args)
    return None


def discover(root: Path = LAMBDAS) -> Flows:
    """Every function and workflow below `root`.

    Raises `FlowError` when a Task state has no file with a connected handler.
    """
    workflows: list[Workflow] = []
    steps: list[Step] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        modules = {
            path.stem: ports
            for path in sorted(folder.glob("*.py"))
            if (ports := ports_of(path.read_text(encoding="utf-8"))) is not None
        }
        states: dict[str, str] = {}
        workflow = folder / WORKFLOW
        if workflow.exists():
            definition = json.loads(workflow.read_text(encoding="utf-8"))
            states = {module_of(name): name for name in task_states(definition)}
        for module, state in states.items():
            if module not in modules:
                raise FlowError(
                    f"state {state} of {folder.name}/{WORKFLOW} needs "
                    f"lambdas/{folder.name}/{module}.py with a connected handler"
                )
        found = tuple(
            Step(folder.name, module, ports, states.get(module))
            for module, ports in modules.items()
        )
        steps += found
        if workflow.exists():
            tasks = tuple(step for step in found if step.state is not None)
            workflows.append(Workflow(folder.name, workflow, tasks))
    return Flows(tuple(workflows), tuple(steps))
