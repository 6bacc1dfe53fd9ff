"""Decides what all capabilities share: a stage's stack, names, outputs and acknowledgements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import (
    CfnOutput,
    CfnResource,
    DefaultStackSynthesizer,
    RemovalPolicy,
    Stack,
    Tags,
)
from constructs import Construct

from infra.config import Stage


@dataclass(frozen=True)
class Acknowledgement:
    """One finding on one resource that stays, with the reason a compliance officer reads."""

    rule: str
    resource: str
    reason: str


class Account(Stack):
    """The stack of a stage. A resource's id is its logical id in the template: no hashes."""

    def __init__(self, scope: Construct, config: Stage) -> None:
        super().__init__(
            scope,
            f"Countersign-{config.name}",
            description="Countersign: an ambient scribe; nothing enters the record unsigned",
            analytics_reporting=False,
            termination_protection=config.keep_data,
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        self.config = config
        self.acknowledgements: list[Acknowledgement] = []
        Tags.of(self).add("product", "countersign")
        Tags.of(self).add("stage", config.name)
        Tags.of(self).add("site", config.site)

    def name(self, what: str) -> str:
        """The explicit name of a thing that others must name without a reference."""
        return f"{self.config.prefix}-{what}"

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account and region, for things named before they are declared."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def output(self, id: str, value: str, description: str) -> None:
        CfnOutput(self, id, value=value, description=description)

    def keep(self, resource: CfnResource) -> None:
        """Data outlives the stack where the stage says so."""
        kept = RemovalPolicy.RETAIN if self.config.keep_data else RemovalPolicy.DESTROY
        resource.apply_removal_policy(kept)

    def acknowledge(self, resource: CfnResource, rule: str, reason: str) -> None:
        """Notes that one finding on one resource is accepted; `checks.accept` makes it so.

        `rule` carries the finding in brackets where a rule has many.
        """
        if not CfnResource.is_cfn_resource(resource):
            raise TypeError(f"{resource} is not a single resource")
        self.acknowledgements.append(Acknowledgement(rule, resource.node.id, reason))


def allow(
    actions: tuple[str, ...],
    resources: tuple[str, ...],
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """One Allow statement of an identity policy."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    if conditions:
        statement["Condition"] = conditions
    return statement


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trusted_by(service: str, conditions: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The trust policy of a role that one AWS service assumes."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if conditions:
        statement["Condition"] = conditions
    return document(statement)


def over_tls_only(*resources: str, actions: str) -> dict[str, Any]:
    """The Deny that refuses any request without TLS (45 CFR 164.312(e)(1))."""
    return {
        "Sid": "OverTlsOnly",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": actions,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
