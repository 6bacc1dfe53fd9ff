"""A handler's ports are its permissions: nothing more, and nothing less."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from infra.config import ROOT
from infra.ports import UnknownPort, chosen
from lambdas.wiring import Settings
from tests.infra.synthesized import Permission, Synthesized

WIRING = ROOT / "lambdas" / "wiring.py"
# Settings that a local run alone sets, or that the Lambda service sets itself.
_NOT_OURS = {"ledger_signer_file", "aws_endpoint_url", "aws_region"}
_SERVICES = {
    "s3": "s3",
    "dynamodb": "dynamodb",
    "kms": "kms",
    "sns": "sns",
    "states": "states",
    "runtime": "sagemaker",
}
# Calls whose IAM action has another name (service authorization reference).
_ACTIONS = {
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:GeneratePresignedUrl": ("s3:PutObject",),
    "dynamodb:TransactWriteItems": ("dynamodb:PutItem", "dynamodb:UpdateItem"),
}


def _adapters() -> dict[str, tuple[set[str], set[str]]]:
    """Port → (the settings its adapter gets, the adapter modules), read from the wiring."""
    functions = {
        node.name.removeprefix("_"): node
        for node in ast.parse(WIRING.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    found = {}
    for port, node in functions.items():
        settings = {
            each.attr
            for each in ast.walk(node)
            if isinstance(each, ast.Attribute)
            and isinstance(each.value, ast.Name)
            and each.value.id == "settings"
        }
        modules = {
            str(each.module).rsplit(".", 1)[-1]
            for each in ast.walk(node)
            if isinstance(each, ast.ImportFrom) and str(each.module).startswith("lambdas.adapters")
        }
        if modules:
            found[port] = (settings, modules)
    return found


def _calls(module: str) -> set[str]:
    """The IAM actions that an adapter's calls need."""
    text = (ROOT / "lambdas" / "adapters" / f"{module}.py").read_text(encoding="utf-8")
    text = re.sub(r'\.get_paginator\(\s*"(\w+)"\s*\)', r".\1", text)
    needed: set[str] = set()
    for client, method in re.findall(r"self\._(\w+)\.(\w+)\(", text):
        if client in _SERVICES:
            action = f"{_SERVICES[client]}:{''.join(word.title() for word in method.split('_'))}"
            needed |= set(_ACTIONS.get(action, (action,)))
    return needed


def test_a_function_may_do_what_its_adapters_do(synthesized: Synthesized) -> None:
    adapters = _adapters()
    assert {"records", "vault", "audio", "ledger", "speech", "workflow"} <= set(adapters)
    for step in synthesized.flows.steps:
        allowed = {permission.action for permission in synthesized.permissions(step.id)}
        for port in step.ports:
            for module in adapters.get(port, (set(), set()))[1]:
                assert _calls(module) <= allowed, (step.id, module)


def test_a_function_has_the_variables_its_adapters_read(synthesized: Synthesized) -> None:
    adapters = _adapters()
    for step in synthesized.flows.steps:
        variables = synthesized.properties(step.id)["Environment"]["Variables"]
        for port in step.ports:
            for name in adapters.get(port, (set(), set()))[0] - _NOT_OURS:
                assert variables.get(name.upper()), (step.id, name)


def test_every_setting_is_set_somewhere(synthesized: Synthesized) -> None:
    variables = {
        name.lower()
        for function in synthesized.of_type("AWS::Lambda::Function").values()
        for name in function["Environment"]["Variables"]
    }
    assert set(Settings.model_fields) - variables <= _NOT_OURS


def test_nothing_local_is_in_the_template(synthesized: Synthesized) -> None:
    text = synthesized.path.read_text(encoding="utf-8")
    for word in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY", "127.0.0.1", "localhost", str(ROOT)):
        assert word not in text, word


def test_only_the_endpoint_reads_recordings(synthesized: Synthesized) -> None:
    readers = {
        policy
        for policy, statement in synthesized.statements()
        if "s3:GetObject" in statement["Action"]
        and "IngestBucket" in str(statement["Resource"])
        and "audio/" in str(statement["Resource"])
    }
    assert readers == {"SpeechPolicy"}


def test_redaction_knows_nothing_of_recordings_or_the_endpoint(synthesized: Synthesized) -> None:
    allowed = synthesized.permissions("SessionRedact")
    assert not [each for each in allowed if "Ingest" in each.resource or "Audio" in each.resource]
    assert not [each for each in allowed if each.action.startswith(("sagemaker:", "states:"))]
    assert (
        "INGEST_BUCKET" not in synthesized.properties("SessionRedact")["Environment"]["Variables"]
    )


def test_consent_is_checked_without_the_vault(synthesized: Synthesized) -> None:
    resources = {each.resource for each in synthesized.permissions("SessionCheckConsent")}
    assert "<RecordsTable.Arn>" in resources
    assert not [each for each in resources if "Vault" in each or "KeysTable" in each]


def test_nobody_may_delete_from_the_ledger(synthesized: Synthesized) -> None:
    for policy, statement in synthesized.statements():
        if "Ledger" in str(statement["Resource"]):
            assert not [
                action
                for action in statement["Action"]
                if "Delete" in action or "Bypass" in action or "Retention" in action
            ], policy


def test_only_who_holds_the_ledger_port_may_sign(synthesized: Synthesized) -> None:
    sign = Permission("kms:Sign", "<SigningKey.Arn>")
    for step in synthesized.flows.steps:
        assert (sign in synthesized.permissions(step.id)) == ("ledger" in step.ports), step.id


def test_no_action_is_a_wildcard(synthesized: Synthesized) -> None:
    for policy, statement in synthesized.statements():
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action], policy


def test_every_role_is_assumed_by_one_service_and_has_one_policy(
    synthesized: Synthesized,
) -> None:
    roles = synthesized.of_type("AWS::IAM::Role")
    attached = [
        role["Ref"]
        for policy in synthesized.of_type("AWS::IAM::ManagedPolicy").values()
        for role in policy["Roles"]
    ]
    assert sorted(attached) == sorted(roles)
    for id, role in roles.items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert isinstance(statement["Principal"]["Service"], str), id
        assert "ManagedPolicyArns" not in role and "Policies" not in role, id
    assert not synthesized.of_type("AWS::IAM::Policy")


def test_an_unknown_port_is_refused() -> None:
    with pytest.raises(UnknownPort, match="telepathy"):
        chosen({}, ("telepathy",))


def test_each_function_has_its_own_role_and_log_group(synthesized: Synthesized) -> None:
    for id, function in synthesized.of_type("AWS::Lambda::Function").items():
        assert function["Role"] == {"Fn::GetAtt": [f"{id}Role", "Arn"]}
        assert function["LoggingConfig"]["LogGroup"] == {"Ref": f"{id}Logs"}
        assert function["Architectures"] == ["arm64"]
        assert function["Runtime"] == "python3.13"
        assert "SnapStart" not in function
        assert function["TracingConfig"] == {"Mode": "PassThrough"}
        assert Path(ROOT, *function["Handler"].split(".")[:-1]).with_suffix(".py").exists()
