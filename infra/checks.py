"""Decides what a template must pass before it may be deployed, and which findings are accepted."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from aws_cdk import Acknowledgment, App, CfnResource, Validations
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks

from infra.account import Account

ACKNOWLEDGEMENTS = Path(__file__).with_name("acknowledgements.toml")


class AcknowledgementError(ValueError):
    """An entry of acknowledgements.toml names nothing in the template."""


def gate(app: App) -> None:
    """Makes the HIPAA and AwsSolutions packs part of synthesis: an open error stops it."""
    Validations.of(app).add_plugins(HIPAASecurityChecks(app), AwsSolutionsChecks(app))


def accept(account: Account, path: Path = ACKNOWLEDGEMENTS) -> None:
    """Accepts the findings that the capabilities and the file name, each on its one resource.

    An entry of `every_function` is entered once for each function that it fits, because functions
    are found, not listed. Raises `AcknowledgementError`.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    for entry in entries["resource"]:
        resource = account.node.try_find_child(entry["id"])
        if not isinstance(resource, CfnResource):
            raise AcknowledgementError(f"{path.name} names {entry['id']}, which is no resource")
        for rule in entry["rules"]:
            account.acknowledge(resource, rule, entry["reason"])
    for function in account.node.children:
        if isinstance(function, lambda_.CfnFunction):
            for entry in entries["every_function"]:
                if not (entry.get("waited_for", False) and function.dead_letter_config):
                    account.acknowledge(function, entry["rule"], entry["reason"])
    for each in account.acknowledgements:
        Validations.of(account.node.find_child(each.resource)).acknowledge(
            Acknowledgment(id=each.rule, reason=each.reason)
        )


def flattened(value: Any) -> str:
    """A resolved CloudFormation value as cdk-nag spells it in a finding's id."""
    match value:
        case str():
            return value.replace("${", "<").replace("}", ">")
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(flattened(part) for part in parts)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
    raise TypeError(f"no spelling for {value!r}")
