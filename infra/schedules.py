"""Decides how often oversight looks: each module in lambdas/oversight on its own schedule."""

from __future__ import annotations

from aws_cdk import aws_events as events

from infra.account import Account
from infra.capture import target
from infra.functions import Functions, accept_from, callable_by

# The sweep is what makes up for a lost start of an alert's calls, so it may not take minutes.
_EVERY = {"beat": "1 hour", "settle_alerts": "1 minute", "verify_ledger": "1 day"}
_ELSE = "5 minutes"


def declare(account: Account, functions: Functions) -> None:
    for called in functions.of("oversight"):
        every = _EVERY.get(called.step.module, _ELSE)
        rule = events.CfnRule(
            account,
            f"{called.step.id}Schedule",
            description=f"Every {every}: lambdas/oversight/{called.step.module}.py",
            schedule_expression=f"rate({every})",
            targets=[target(called)],
        )
        callable_by(account, called, "Events", "events.amazonaws.com", rule.attr_arn)
        accept_from(account, called, "events.amazonaws.com", rule.attr_arn)
