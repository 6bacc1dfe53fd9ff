"""Decides how often oversight looks: every module in lambdas/oversight, every five minutes."""

from __future__ import annotations

from aws_cdk import aws_events as events

from infra.account import Account
from infra.capture import target
from infra.functions import Functions, accept_from, callable_by


def declare(account: Account, functions: Functions) -> None:
    for called in functions.of("oversight"):
        rule = events.CfnRule(
            account,
            f"{called.step.id}Schedule",
            description=f"Every five minutes: lambdas/oversight/{called.step.module}.py",
            schedule_expression="rate(5 minutes)",
            targets=[target(called)],
        )
        callable_by(account, called, "Events", "events.amazonaws.com", rule.attr_arn)
        accept_from(account, called, "events.amazonaws.com", rule.attr_arn)
