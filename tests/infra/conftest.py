from __future__ import annotations

import json

import pytest
from aws_cdk import App, PolicyValidationPluginReport
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks

from infra import app as infra_app
from infra import checks, config, flow
from tests.infra.synthesized import Finding, Synthesized


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The default stage, synthesized once for all tests."""
    folder = tmp_path_factory.mktemp("assembly")
    app = App(outdir=str(folder), context=config.context())
    account = infra_app.build(app, config.stage(config.context()))
    found = _findings(app)
    checks.accept(account)
    left = _findings(app)
    app.synth()
    path = folder / account.template_file
    template = json.loads(path.read_text(encoding="utf-8"))
    return Synthesized(path, template, account, flow.discover(), found, left)


def _findings(app: App) -> frozenset[Finding]:
    reports: list[PolicyValidationPluginReport] = [
        pack(app).validate_scope(app) for pack in (HIPAASecurityChecks, AwsSolutionsChecks)
    ]
    return frozenset(
        Finding(violation.rule_name, str(resource.construct_path).split("/", 1)[1])
        for report in reports
        for violation in report.violations
        for resource in violation.violating_resources
    )
