"""Decides what wakes people: the way of an alert is broken, or the audit log is."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.account import Account
from infra.functions import Functions
from infra.notices import Notices
from infra.ports import workflow_arn

_WATCHED = ("settle_alerts", "beat", "verify_ledger")


def declare(account: Account, notices: Notices, functions: Functions) -> None:
    """Dead letters of what may not fail unseen, and runs of the two flows that failed."""
    for called in functions.of("oversight"):
        if called.step.module in _WATCHED and called.dead_letters is not None:
            _alarm(
                account,
                notices,
                f"{called.step.id}Lost",
                f"A call of lambdas/oversight/{called.step.module}.py failed or was lost",
                ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"),
                ("QueueName", called.dead_letters.attr_queue_name),
            )
    for flow in ("intake", "escalation"):
        _alarm(
            account,
            notices,
            f"{flow.title()}Failed",
            f"A run of lambdas/{flow} ended as failed: look at the alerts board",
            ("AWS/States", "ExecutionsFailed", "Sum"),
            ("StateMachineArn", workflow_arn(account, flow)),
        )


def _alarm(
    account: Account,
    notices: Notices,
    id: str,
    says: str,
    metric: tuple[str, str, str],
    dimension: tuple[str, str],
) -> None:
    namespace, name, statistic = metric
    cloudwatch.CfnAlarm(
        account,
        f"{id}Alarm",
        alarm_description=says,
        namespace=namespace,
        metric_name=name,
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=dimension[0], value=dimension[1])],
        statistic=statistic,
        period=60,
        evaluation_periods=1,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[notices.pager.ref],
    )
