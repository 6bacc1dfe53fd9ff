"""Decides how tests ask the synthesized template their questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.account import Account
from infra.checks import flattened
from infra.flow import Flows, Step


@dataclass(frozen=True)
class Finding:
    rule: str
    resource: str


@dataclass(frozen=True)
class Permission:
    """One allowed action on one resource, spelled as cdk-nag does: `<IngestBucket.Arn>/audio/*`."""

    action: str
    resource: str


@dataclass(frozen=True)
class Synthesized:
    """One synthesis of a stage: what it wrote, and what the checks said before and after."""

    path: Path
    template: dict[str, Any]
    account: Account
    flows: Flows
    found: frozenset[Finding]
    left: frozenset[Finding]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Logical id → properties of every resource of a type."""
        return {
            id: resource.get("Properties", {})
            for id, resource in self.template["Resources"].items()
            if resource["Type"] == kind
        }

    def properties(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.template["Resources"][id]["Properties"]
        return found

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of every identity policy, with its policy's logical id."""
        for id, properties in self.of_type("AWS::IAM::ManagedPolicy").items():
            for statement in properties["PolicyDocument"]["Statement"]:
                yield id, statement

    def permissions(self, id: str) -> set[Permission]:
        """What a function, or another holder of `<id>Policy`, may do."""
        return {
            Permission(action, flattened(resource))
            for policy, statement in self.statements()
            if policy == f"{id}Policy"
            for action in _list(statement["Action"])
            for resource in _list(statement["Resource"])
        }

    def step(self, id: str) -> Step:
        (step,) = (step for step in self.flows.steps if step.id == id)
        return step


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
