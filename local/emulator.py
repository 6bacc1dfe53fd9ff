"""Decides how the AWS emulator runs on this machine: `ministack` as a process on loopback only."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.processes import LOOPBACK, NotStarted, Process, free_port, is_free

REGION = "us-east-1"
ACCOUNT = "000000000000"

# Only what the template uses: fewer imports, and no listener of another protocol.
SERVICES = (
    "apigateway",
    "cloudformation",
    "cloudtrail",
    "cognito-idp",
    "dynamodb",
    "dynamodbstreams",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "wafv2",
)


class Emulator:
    """The emulator and its state in one folder; `keep` writes the state there when it stops."""

    def __init__(self, folder: Path, *, keep: bool = False) -> None:
        self.folder = folder
        self.keep = keep
        self.port = 0
        self._process = Process("emulator", folder, grace=8.0)
        self._client = cache(self._new_client)

    @property
    def address(self) -> str:
        """The endpoint of every AWS service, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, timeout: float = 20.0) -> str:
        """Starts it on the port of the kept state, else on a free one; returns its address.

        Raises `NotStarted` with the end of the log when it is not healthy in `timeout` seconds.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.end_leftover()
        state = self.folder / "state"
        if not self.keep:
            shutil.rmtree(state, ignore_errors=True)
        # Code caches of functions live in the temporary folder, and belong to one process.
        temporary = self.folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in (state / "s3", temporary):
            folder.mkdir(parents=True, exist_ok=True)
        self.port = self._choose_port(state / "port")
        self._process.start(
            "ministack",
            extra={
                "GATEWAY_PORT": str(self.port),
                "BIND_HOST": LOOPBACK,
                "MINISTACK_HOST": "localhost",
                "MINISTACK_REGION": REGION,
                "MINISTACK_ACCOUNT_ID": ACCOUNT,
                "SERVICES": ",".join(SERVICES),
                "LAMBDA_EXECUTOR": "local",
                "CLOUDTRAIL_RECORDING": "1",
                "SFTP_ENABLED": "0",
                "IOT_MTLS_ENABLED": "0",
                "COGNITO_EMAIL_ENABLED": "false",
                "DOCKER_HOST": "unix:///dev/null",
                "LOG_LEVEL": "WARNING",
                "PERSIST_STATE": "1" if self.keep else "0",
                "S3_PERSIST": "1" if self.keep else "0",
                "STATE_DIR": str(state),
                "S3_DATA_DIR": str(state / "s3"),
                "TMPDIR": str(temporary),
            },
        )
        self._process.await_answer(f"{self.address}/_ministack/health", timeout)
        return self.address

    def end_leftover(self) -> bool:
        """Ends what a crashed run left in this folder; True when there was something."""
        return self._process.end_leftover()

    def stop(self) -> None:
        self._process.stop()
        self._client.cache_clear()

    def alive(self) -> bool:
        return self._process.alive()

    def client(self, service: str) -> Any:
        """A boto3 client of this emulator, shared by its callers."""
        return self._client(service)

    def _new_client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 (the emulator's own)
            config=Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 2},
                connect_timeout=5,
                read_timeout=60,
                proxies={},
            ),
        )

    def _choose_port(self, record: Path) -> int:
        # Kept state holds addresses with the port in them.
        if self.keep and record.exists():
            kept = int(json.loads(record.read_text()))
            if not is_free(kept):
                raise NotStarted(f"port {kept}, which the kept state uses, is taken")
            return kept
        port = free_port()
        record.write_text(json.dumps(port))
        return port
