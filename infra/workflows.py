"""Decides how the workflow files run: as they are, as standard workflows, with their functions."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as stepfunctions

from infra.account import Account, allow, document, trusted_by
from infra.flow import Flows, Workflow
from infra.functions import Functions
from infra.keys import Keys


def declare(account: Account, keys: Keys, flows: Flows, functions: Functions) -> None:
    for workflow in flows.workflows:
        _machine(account, keys, workflow, functions)


def _machine(account: Account, keys: Keys, workflow: Workflow, functions: Functions) -> None:
    id = f"{workflow.flow.title()}Workflow"
    arns = {
        f"{each.step.state}Arn": each.function.attr_arn
        for each in functions.of(workflow.flow)
        if each.step.state
    }
    group = logs.CfnLogGroup(
        account,
        f"{id}Logs",
        # The prefix keeps the account's log resource policy small (Step Functions' own advice).
        log_group_name=f"/aws/vendedlogs/states/{account.name(workflow.flow)}",
        kms_key_id=keys.logs.attr_arn,
        retention_in_days=account.config.retention.log_days,
    )
    role = iam.CfnRole(
        account,
        f"{id}Role",
        assume_role_policy_document=trusted_by(
            "states.amazonaws.com", {"StringEquals": {"aws:SourceAccount": account.account}}
        ),
        description=f"What lambdas/{workflow.flow}/{workflow.path.name} may call",
    )
    policy = iam.CfnManagedPolicy(
        account,
        f"{id}Policy",
        description=f"What lambdas/{workflow.flow}/{workflow.path.name} may call",
        roles=[role.ref],
        policy_document=document(
            *([allow(("lambda:InvokeFunction",), tuple(arns.values()))] if arns else []),
            allow(
                (
                    "logs:CreateLogDelivery",
                    "logs:GetLogDelivery",
                    "logs:UpdateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:DescribeResourcePolicies",
                    "logs:DescribeLogGroups",
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                ),
                ("*",),
            ),
        ),
    )
    account.acknowledge(
        policy,
        "AwsSolutions-IAM5[Resource::*]",
        "Log deliveries and X-Ray traces have no ARNs to name: AWS takes only * for these actions.",
    )
    machine = stepfunctions.CfnStateMachine(
        account,
        id,
        state_machine_name=account.name(workflow.flow),
        state_machine_type="STANDARD",
        role_arn=role.attr_arn,
        # The file's own text, so that the template can be read and compared line by line.
        definition_string=workflow.path.read_text(encoding="utf-8"),
        definition_substitutions=arns or None,
        logging_configuration=stepfunctions.CfnStateMachine.LoggingConfigurationProperty(
            level="ERROR",
            include_execution_data=False,
            destinations=[
                stepfunctions.CfnStateMachine.LogDestinationProperty(
                    cloud_watch_logs_log_group=(
                        stepfunctions.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=group.attr_arn
                        )
                    )
                )
            ],
        ),
        tracing_configuration=stepfunctions.CfnStateMachine.TracingConfigurationProperty(
            enabled=True
        ),
    )
    machine.add_resource_dependency(policy)
    account.acknowledge(
        machine,
        "AwsSolutions-SF1",
        "Only failures are logged, without data: the ledger and the run's history hold each step.",
    )
    account.output(f"{id}Arn", machine.ref, f"Workflow: lambdas/{workflow.flow}")
