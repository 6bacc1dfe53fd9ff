"""Decides what a function is: its code, its own role with its ports' grants, its own log group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import AssetHashType
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sqs as sqs

from infra import bundle
from infra.account import Account, allow, document, over_tls_only, trusted_by
from infra.checks import flattened
from infra.flow import Flows, Step
from infra.keys import Keys
from infra.ports import Port, chosen

# One virtual CPU comes with 1,769 MB; half of one is enough for rules that read a session's text.
_MEMORY_MB = 1024
_SECONDS = 60
# A whole log is read from its first entry to its last.
_LONGER = {"verify_ledger": 900}
# An HTTP API gives up after 30 s; the page must fail before that, in words of its own.
_WEB_SECONDS = 29


@dataclass(frozen=True)
class Function:
    """One deployed step; `dead_letters` holds what an asynchronous call could not deliver."""

    step: Step
    function: lambda_.CfnFunction
    dead_letters: sqs.CfnQueue | None


class Functions:
    """Every step as a function, by its logical id."""

    def __init__(
        self, account: Account, keys: Keys, flows: Flows, ports: Mapping[str, Port]
    ) -> None:
        self._account = account
        self._keys = keys
        self._ports = ports
        folder = bundle.assemble()
        self._code = assets.Asset(
            account,
            "Code",
            path=str(folder),
            asset_hash=folder.name,
            asset_hash_type=AssetHashType.CUSTOM,
        )
        self._made = {step.id: self._make(step) for step in flows.steps}

    def of(self, flow: str) -> tuple[Function, ...]:
        """The functions in `lambdas/<flow>/`."""
        return tuple(each for each in self._made.values() if each.step.flow == flow)

    def find(self, id: str) -> Function | None:
        return self._made.get(id)

    def _make(self, step: Step) -> Function:
        account = self._account
        selected = chosen(self._ports, step.ports)
        # A workflow and the web gateway wait for their answer; everything else calls and leaves.
        waited_for = step.state is not None or step.flow == "portal"
        name = account.name(step.name)
        group = logs.CfnLogGroup(
            account,
            f"{step.id}Logs",
            log_group_name=f"/aws/lambda/{name}",
            kms_key_id=self._keys.logs.attr_arn,
            retention_in_days=account.config.retention.log_days,
        )
        dead_letters = None if waited_for else self._dead_letters(step)
        role = iam.CfnRole(
            account,
            f"{step.id}Role",
            assume_role_policy_document=trusted_by("lambda.amazonaws.com"),
            description=f"What lambdas/{step.flow}/{step.module}.py may do",
        )
        policy = self._policy(step, role, group, dead_letters, selected)
        function = lambda_.CfnFunction(
            account,
            step.id,
            function_name=name,
            description=f"lambdas/{step.flow}/{step.module}.py",
            runtime="python3.13",
            architectures=["arm64"],
            handler=step.handler,
            code=lambda_.CfnFunction.CodeProperty(
                s3_bucket=self._code.s3_bucket_name, s3_key=self._code.s3_object_key
            ),
            role=role.attr_arn,
            memory_size=_MEMORY_MB,
            timeout=_WEB_SECONDS if step.flow == "portal" else _LONGER.get(step.module, _SECONDS),
            # No SnapStart: a snapshot of memory would be a copy of a transcript.
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="PassThrough"),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(
                log_group=group.ref, log_format="JSON"
            ),
            environment=lambda_.CfnFunction.EnvironmentProperty(
                variables=self._environment(selected)
            ),
            dead_letter_config=(
                lambda_.CfnFunction.DeadLetterConfigProperty(target_arn=dead_letters.attr_arn)
                if dead_letters
                else None
            ),
        )
        self._code.add_resource_metadata(function, "Code")
        function.add_resource_dependency(policy)
        account.output(f"{step.id}Name", function.ref, f"Function: {step.handler}")
        return Function(step, function, dead_letters)

    def _environment(self, selected: tuple[Port, ...]) -> dict[str, str]:
        config = self._account.config
        variables = {
            "STAGE": config.name,
            "SITE": config.site,
            "POWERTOOLS_SERVICE_NAME": "countersign",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "POWERTOOLS_LOGGER_LOG_EVENT": "false",
            "POWERTOOLS_TRACE_DISABLED": "true",
        }
        for port in selected:
            variables |= port.environment
        return variables

    def _policy(
        self,
        step: Step,
        role: iam.CfnRole,
        group: logs.CfnLogGroup,
        dead_letters: sqs.CfnQueue | None,
        selected: tuple[Port, ...],
    ) -> iam.CfnManagedPolicy:
        account = self._account
        statements: list[dict[str, Any]] = [
            allow(("logs:CreateLogStream", "logs:PutLogEvents"), (group.attr_arn,))
        ]
        if dead_letters:
            statements.append(allow(("sqs:SendMessage",), (dead_letters.attr_arn,)))
        grants = [grant for port in selected for grant in port.grants]
        statements += [allow(grant.actions, grant.resources, grant.conditions) for grant in grants]
        policy = iam.CfnManagedPolicy(
            account,
            f"{step.id}Policy",
            description=f"What lambdas/{step.flow}/{step.module}.py may do",
            roles=[role.ref],
            policy_document=document(*statements),
        )
        patterns = {
            flattened(account.resolve(resource)): grant.pattern
            for grant in grants
            for resource in grant.resources
            if grant.pattern
        }
        for pattern, why in patterns.items():
            account.acknowledge(
                policy, f"AwsSolutions-IAM5[Resource::{pattern}]", f"A pattern, because {why}."
            )
        return policy

    def _dead_letters(self, step: Step) -> sqs.CfnQueue:
        queue = sqs.CfnQueue(
            self._account,
            f"{step.id}DeadLetters",
            message_retention_period=14 * 24 * 3600,
            sqs_managed_sse_enabled=True,
        )
        self._account.output(
            f"{step.id}DeadLettersUrl", queue.ref, f"Queue: lost calls of {step.id}"
        )
        return queue


def accept_from(account: Account, called: Function, principal: str, *sources: str) -> None:
    """Lets an AWS service leave in the dead-letter queue what it could not hand to the function.

    Call it once per function: a queue has one policy.
    """
    if called.dead_letters is None:
        raise ValueError(f"{called.step.id} is waited for: it has no dead letters")
    queue = called.dead_letters.attr_arn
    sqs.CfnQueuePolicy(
        account,
        f"{called.step.id}DeadLettersPolicy",
        queues=[called.dead_letters.ref],
        policy_document=document(
            over_tls_only(queue, actions="sqs:*"),
            {
                "Sid": "UndeliveredCalls",
                "Effect": "Allow",
                "Principal": {"Service": principal},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {"ArnEquals": {"aws:SourceArn": list(sources)}},
            },
        ),
    )


def callable_by(account: Account, called: Function, id: str, principal: str, source: str) -> None:
    """Lets one source of an AWS service call the function."""
    lambda_.CfnPermission(
        account,
        f"{called.step.id}{id}",
        action="lambda:InvokeFunction",
        function_name=called.function.attr_arn,
        principal=principal,
        source_arn=source,
    )
