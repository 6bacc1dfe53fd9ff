"""Synthesis needs a machine, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from infra.config import ROOT
from tests.infra.synthesized import Synthesized

# A proxy where nobody listens: whatever asks the network fails.
_NO_NETWORK = {
    name: "http://127.0.0.1:9"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")
}


def test_production_synthesizes_without_account_or_network(
    synthesized: Synthesized, tmp_path: Path
) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "infra.app", str(tmp_path / "out")],
        cwd=ROOT,
        # The CDK CLI hands `-c stage=prod` over in this variable.
        env={
            **environment,
            **_NO_NETWORK,
            "HOME": str(home),
            "CDK_CONTEXT_JSON": '{"stage": "prod"}',
        },
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    template = json.loads((tmp_path / "out" / "Countersign-prod.template.json").read_text())
    resources = template["Resources"]
    assert set(resources) == set(synthesized.template["Resources"])
    for id in ("RecordsTable", "KeysTable", "LedgerBucket", "TrailBucket", "VaultKey", "UserPool"):
        assert resources[id]["DeletionPolicy"] == "Retain", id
    assert resources["UserPool"]["Properties"]["MfaConfiguration"] == "ON"
    lock = resources["LedgerBucket"]["Properties"]["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"]["Mode"] == "COMPLIANCE"


def test_what_others_need_to_know_is_an_output(synthesized: Synthesized) -> None:
    outputs = synthesized.template["Outputs"]
    for id, resource in synthesized.template["Resources"].items():
        wanted = {
            "AWS::S3::Bucket": f"{id}Name",
            "AWS::DynamoDB::Table": f"{id}Name",
            "AWS::KMS::Key": f"{id}Arn",
            "AWS::Lambda::Function": f"{id}Name",
            "AWS::StepFunctions::StateMachine": f"{id}Arn",
            "AWS::SNS::Topic": f"{id}Arn",
            "AWS::SQS::Queue": f"{id}Url",
        }.get(resource["Type"])
        assert wanted is None or wanted in outputs, id
    assert {"UserPoolId", "UserPoolClientId", "PortalApiId", "PortalUrlInUse"} <= set(outputs)


def test_logical_ids_carry_no_hashes(synthesized: Synthesized) -> None:
    assert {"IngestBucket", "RecordsTable", "SessionRedact", "SessionRedactPolicy"} <= set(
        synthesized.template["Resources"]
    )


def test_people_are_invited_and_sign_in_without_a_shared_secret(
    synthesized: Synthesized,
) -> None:
    pool = synthesized.properties("UserPool")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    client = synthesized.properties("PortalClient")
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert "/auth/callback" in str(client["CallbackURLs"])


def test_access_logs_hold_no_path_and_workflow_logs_no_data(synthesized: Synthesized) -> None:
    stage = synthesized.properties("PortalStage")
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert not {"$context.path", "$context.http.path"} & set(logged.values())
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    for machine in synthesized.of_type("AWS::StepFunctions::StateMachine").values():
        logging = machine["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
