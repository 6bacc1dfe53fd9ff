"""Decides what happens when a recording arrives: the bucket's event calls the capture function."""

from __future__ import annotations

from aws_cdk import aws_events as events

from infra.account import Account
from infra.functions import Function, Functions, accept_from, callable_by
from infra.storage import AUDIO, Storage


def declare(account: Account, storage: Storage, functions: Functions) -> None:
    received = functions.find("CaptureOnUpload")
    if received is None:
        return
    rule = events.CfnRule(
        account,
        "UploadRule",
        description="A segment of audio is in the ingest bucket",
        event_pattern={
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [storage.ingest.ref]},
                "object": {"key": [{"prefix": AUDIO}]},
            },
        },
        targets=[target(received)],
    )
    callable_by(account, received, "Events", "events.amazonaws.com", rule.attr_arn)
    accept_from(account, received, "events.amazonaws.com", rule.attr_arn)


def target(called: Function) -> events.CfnRule.TargetProperty:
    """A rule's target that tries for an hour, then leaves the event in the dead-letter queue."""
    if called.dead_letters is None:
        raise ValueError(f"{called.step.id} is waited for: no rule may call it")
    return events.CfnRule.TargetProperty(
        id=called.step.id,
        arn=called.function.attr_arn,
        retry_policy=events.CfnRule.RetryPolicyProperty(
            maximum_event_age_in_seconds=3600, maximum_retry_attempts=10
        ),
        dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
            arn=called.dead_letters.attr_arn
        ),
    )
