"""Decides what a port's name buys a function: environment variables, and the least grants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.account import Account
from infra.identity import Identity
from infra.keys import Keys
from infra.ledger import Ledger
from infra.notices import Notices
from infra.storage import AUDIO, OUTPUT, Storage


class UnknownPort(ValueError):
    """A handler asks for a port that nobody defined here."""


@dataclass(frozen=True)
class Grant:
    """What may be done to what. `pattern` says why a resource is a pattern, if it is one."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pattern: str = ""


@dataclass(frozen=True)
class Port:
    environment: Mapping[str, str] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True)
class World:
    """The capabilities that ports lead to, and the addresses among them."""

    keys: Keys
    storage: Storage
    ledger: Ledger
    identity: Identity
    notices: Notices
    fhir_base_url: str
    portal_url: str
    sign_in_url: str


def ports(account: Account, world: World) -> dict[str, Port]:
    """Every port by name; a handler's `@connected("…")` chooses among them."""
    return {
        "clock": Port(),
        "audio": _audio(account, world),
        "vault": _vault(account, world),
        "records": _records(account, world),
        "ledger": _ledger(account, world),
        "speech": _speech(account, world),
        "ehr": Port({"FHIR_BASE_URL": world.fhir_base_url}),
        "pager": _pager(world),
        "workflow": _workflow(account),
        "identity": Port(
            {
                "USER_POOL_ID": world.identity.pool.ref,
                "USER_POOL_CLIENT_ID": world.identity.client.ref,
                "SIGN_IN_URL": world.sign_in_url,
                "PORTAL_URL": world.portal_url,
            }
        ),
    }


def chosen(every: Mapping[str, Port], names: tuple[str, ...]) -> tuple[Port, ...]:
    """The ports of these names; raises `UnknownPort`."""
    for name in names:
        if name not in every:
            raise UnknownPort(f"no port {name!r}; there are {', '.join(sorted(every))}")
    return tuple(every[name] for name in names)


def speech_endpoint(account: Account) -> str:
    """The endpoint's name, which is fixed so that functions can name it before it is declared."""
    return account.name("speech")


def workflow_arn(account: Account, flow: str) -> str:
    """A workflow's ARN, by name: its functions must know it, and it knows its functions."""
    return account.arn("states", f"stateMachine:{account.name(flow)}")


def _through(account: Account, service: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"kms:ViaService": f"{service}.{account.region}.amazonaws.com"}}


def _audio(account: Account, world: World) -> Port:
    bucket = world.storage.ingest.attr_arn
    objects = (f"{bucket}/{AUDIO}*", f"{bucket}/{OUTPUT}*")
    keyed = "object keys hold the session's id, so they are known only when it exists"
    return Port(
        {"INGEST_BUCKET": world.storage.ingest.ref},
        (
            Grant(("s3:ListBucket", "s3:ListBucketVersions"), (bucket,)),
            # No function may read a recording: only the endpoint does. PutObject is what an
            # upload ticket lends to a browser.
            Grant(("s3:PutObject",), (objects[0],), pattern=keyed),
            Grant(("s3:GetObject",), (objects[1],), pattern=keyed),
            Grant(("s3:DeleteObject", "s3:DeleteObjectVersion"), objects, pattern=keyed),
            Grant(
                ("kms:GenerateDataKey", "kms:Decrypt"),
                (world.keys.audio.attr_arn,),
                _through(account, "s3"),
            ),
        ),
    )


def _vault(account: Account, world: World) -> Port:
    bucket, key = world.storage.vault.attr_arn, world.keys.vault.attr_arn
    return Port(
        {
            "VAULT_BUCKET": world.storage.vault.ref,
            "KEYS_TABLE": world.storage.keys.ref,
            "VAULT_KEY_ARN": key,
        },
        (
            Grant(("s3:ListBucket",), (bucket,)),
            Grant(
                ("s3:GetObject", "s3:PutObject"),
                (f"{bucket}/*",),
                pattern="object keys hold the session's id, so they are known only when it exists",
            ),
            Grant(("dynamodb:GetItem", "dynamodb:PutItem"), (world.storage.keys.attr_arn,)),
            # A session's data key is asked for with that session as its context, or not at all.
            Grant(
                ("kms:GenerateDataKey", "kms:Decrypt"),
                (key,),
                {"Null": {"kms:EncryptionContext:session": "false"}},
            ),
            Grant(("kms:GenerateDataKey", "kms:Decrypt"), (key,), _through(account, "s3")),
            _table_key(account, key),
        ),
    )


def _records(account: Account, world: World) -> Port:
    records = world.storage.records.attr_arn
    return Port(
        {"RECORDS_TABLE": world.storage.records.ref},
        (
            Grant(
                (
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                ),
                (records,),
            ),
            Grant(("dynamodb:Query",), (f"{records}/index/gsi1", f"{records}/index/gsi2")),
            _table_key(account, world.keys.records.attr_arn),
        ),
    )


def _ledger(account: Account, world: World) -> Port:
    bucket, key = world.ledger.bucket.attr_arn, world.keys.ledger.attr_arn
    return Port(
        {
            "LEDGER_TABLE": world.ledger.table.ref,
            "LEDGER_BUCKET": world.ledger.bucket.ref,
            "LEDGER_SIGNING_KEY_ARN": world.keys.signing.attr_arn,
            "LEDGER_ORIGIN": account.config.ledger_origin,
        },
        (
            # Nothing here deletes: the ledger only grows.
            Grant(
                (
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                    "dynamodb:Query",
                ),
                (world.ledger.table.attr_arn,),
            ),
            Grant(("s3:ListBucket",), (bucket,)),
            Grant(
                ("s3:GetObject", "s3:PutObject"),
                (f"{bucket}/*",),
                pattern="tiles are named by their index, which grows with the log",
            ),
            Grant(("kms:GenerateDataKey", "kms:Decrypt"), (key,), _through(account, "s3")),
            _table_key(account, key),
            Grant(("kms:Sign", "kms:GetPublicKey"), (world.keys.signing.attr_arn,)),
        ),
    )


def _speech(account: Account, world: World) -> Port:
    name = speech_endpoint(account)
    return Port(
        {"SPEECH_ENDPOINT": name, "INGEST_BUCKET": world.storage.ingest.ref},
        (
            Grant(
                ("sagemaker:InvokeEndpointAsync",),
                (account.arn("sagemaker", f"endpoint/{name}"),),
            ),
        ),
    )


def _pager(world: World) -> Port:
    return Port(
        {"PAGER_TOPIC_ARN": world.notices.pager.ref},
        (
            Grant(("sns:Publish",), (world.notices.pager.ref,)),
            Grant(("kms:GenerateDataKey", "kms:Decrypt"), (world.keys.logs.attr_arn,)),
        ),
    )


def _workflow(account: Account) -> Port:
    flows = ("session", "intake", "escalation")
    arns = tuple(workflow_arn(account, flow) for flow in flows)
    return Port(
        {f"{flow.upper()}_WORKFLOW_ARN": arn for flow, arn in zip(flows, arns, strict=True)},
        (
            Grant(
                ("states:StartExecution", "states:SendTaskSuccess", "states:SendTaskFailure"), arns
            ),
            Grant(
                ("states:DescribeExecution",),
                tuple(account.arn("states", f"execution:{account.name(f)}:*") for f in flows),
                pattern="a run is named by its session's id, which is known only when it exists",
            ),
        ),
    )


def _table_key(account: Account, key: str) -> Grant:
    """What DynamoDB asks a caller to hold on a table's customer key, and only through DynamoDB."""
    return Grant(
        (
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey",
            "kms:DescribeKey",
        ),
        (key,),
        _through(account, "dynamodb"),
    )
