"""The composition root: which adapter stands behind which port, from the environment."""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from pydantic_settings import BaseSettings

from countersign import ports as p
from countersign.errors import Refusal

logger = Logger(service="countersign")


class StepFault(Exception):
    """A fault of ours inside a step: the original's type and place, never its message.

    Exceptions of libraries quote the data they choked on, and Lambda writes an exception's message
    to the log and the workflow's history. This one is safe in both, and its name is what `Retry`
    catches.
    """


class Settings(BaseSettings):
    """The environment of a function, as `infra/` sets it. Only what a port needs is there."""

    stage: str = "dev"
    site: str = "main"
    records_table: str = ""
    keys_table: str = ""
    ledger_table: str = ""
    ingest_bucket: str = ""
    vault_bucket: str = ""
    ledger_bucket: str = ""
    vault_key_arn: str = ""
    ledger_signing_key_arn: str = ""
    ledger_signer_file: str = ""
    ledger_origin: str = ""
    speech_endpoint: str = ""
    session_workflow_arn: str = ""
    intake_workflow_arn: str = ""
    escalation_workflow_arn: str = ""
    fhir_base_url: str = ""
    pager_topic_arn: str = ""
    user_pool_id: str = ""
    user_pool_client_id: str = ""
    sign_in_url: str = ""
    portal_url: str = ""
    aws_endpoint_url: str | None = None
    aws_region: str = "us-east-1"


@dataclass(frozen=True)
class Ports:
    """The outside world as one handler sees it; a port it did not ask for raises on use."""

    clock: p.Clock
    connected: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.connected[name]
        except KeyError:
            raise AttributeError(f"this handler did not ask for the port {name!r}") from None


class Handler(Protocol):
    needs: tuple[str, ...]

    def __call__(
        self, event: dict[str, Any], context: Any, *, ports: Ports | None = None
    ) -> dict[str, Any]: ...


def connected(*needs: str) -> Callable[[Callable[..., dict[str, Any]]], Handler]:
    """Marks a Lambda handler with the ports it needs, and connects them when it is called bare.

    `infra/` reads these names from the source file and grants exactly them, so the list is also
    the function's permissions. Logs carry the handler's name, the session's id, the outcome and
    the duration: never the event, never the result, never an exception's message.
    """

    def decorate(function: Callable[..., dict[str, Any]]) -> Handler:
        name = function.__module__.removeprefix("lambdas.")

        @functools.wraps(function)
        def handler(
            event: dict[str, Any], context: Any, *, ports: Ports | None = None
        ) -> dict[str, Any]:
            started = time.perf_counter()
            outcome, where = "done", ""
            try:
                return function(event, context, ports=ports or connect(needs))
            except Refusal as refusal:
                outcome = refusal.code
                raise
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                outcome = type(error).__name__
                where = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
                raise StepFault(f"{outcome} at {where}") from None
            finally:
                logger.info(
                    name,
                    extra={
                        "session_id": str(event.get("session_id", "")),
                        "outcome": outcome,
                        "where": where,
                        "milliseconds": round(1000 * (time.perf_counter() - started)),
                    },
                )

        handler.needs = needs  # type: ignore[attr-defined]
        return handler  # type: ignore[return-value]

    return decorate


class SystemClock:
    """`ports.Clock` on the machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@functools.cache
def connect(needs: tuple[str, ...]) -> Ports:
    """The named ports, built once per process from the environment."""
    settings = Settings()
    return Ports(
        clock=SystemClock(),
        connected={need: _ADAPTERS[need](settings) for need in needs if need != "clock"},
    )


@functools.cache
def _client(service: str) -> Any:
    """One client per service and process: bounded waits, bounded retries with jitter."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        config=Config(
            connect_timeout=3,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 4},
            # Presigned uploads to a bucket with a KMS key are refused without version 4.
            signature_version="s3v4" if service == "s3" else None,
        ),
    )


# Adapters are imported where they are built: a function pays only for the ports it asked for.


def _records(settings: Settings) -> p.Records:
    from lambdas.adapters.records import DynamoRecords

    return DynamoRecords(_client("dynamodb"), settings.records_table)


def _vault(settings: Settings) -> p.Vault:
    from lambdas.adapters.vault import S3Vault

    return S3Vault(
        _client("s3"),
        _client("kms"),
        _client("dynamodb"),
        bucket=settings.vault_bucket,
        key_arn=settings.vault_key_arn,
        keys_table=settings.keys_table,
    )


def _audio(settings: Settings) -> p.AudioStore:
    from lambdas.adapters.audio import S3AudioStore

    return S3AudioStore(_client("s3"), settings.ingest_bucket)


def _ledger(settings: Settings) -> p.Ledger:
    from lambdas.adapters.ledger import DynamoLedger
    from lambdas.adapters.signer import FileSigner, KmsSigner

    signer: p.Signer = (
        FileSigner(settings.ledger_signer_file)
        if settings.ledger_signer_file
        else KmsSigner(_client("kms"), settings.ledger_signing_key_arn)
    )
    return DynamoLedger(
        _client("dynamodb"),
        _client("s3"),
        signer,
        table=settings.ledger_table,
        bucket=settings.ledger_bucket,
        origin=settings.ledger_origin,
    )


def _speech(settings: Settings) -> p.Speech:
    from lambdas.adapters.speech import SageMakerSpeech

    return SageMakerSpeech(
        _client("sagemaker-runtime"), settings.speech_endpoint, settings.ingest_bucket
    )


def _pager(settings: Settings) -> p.Pager:
    from lambdas.adapters.pager import SnsPager

    return SnsPager(_client("sns"), settings.pager_topic_arn)


def _workflow(settings: Settings) -> p.Workflow:
    from lambdas.adapters.workflow import StepFunctionsWorkflow

    return StepFunctionsWorkflow(
        _client("stepfunctions"),
        {
            "session": settings.session_workflow_arn,
            "intake": settings.intake_workflow_arn,
            "escalation": settings.escalation_workflow_arn,
        },
    )


def _ehr(settings: Settings) -> p.Ehr:
    from lambdas.adapters.ehr import FhirEhr

    return FhirEhr(settings.fhir_base_url)


def _identity(settings: Settings) -> p.Identity:
    import httpx

    from lambdas.adapters.identity import CognitoIdentity

    return CognitoIdentity(
        httpx.Client(timeout=5),
        pool_id=settings.user_pool_id,
        client_id=settings.user_pool_client_id,
        sign_in_url=settings.sign_in_url,
        portal_url=settings.portal_url,
        keys_base=settings.aws_endpoint_url,
    )


_ADAPTERS: dict[str, Callable[[Settings], Any]] = {
    "records": _records,
    "vault": _vault,
    "audio": _audio,
    "ledger": _ledger,
    "speech": _speech,
    "pager": _pager,
    "workflow": _workflow,
    "ehr": _ehr,
    "identity": _identity,
}
