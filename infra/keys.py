"""Decides which KMS key protects which class of data, and which key signs the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Fn
from aws_cdk import aws_kms as kms

from infra.account import Account, document


@dataclass(frozen=True)
class Keys:
    audio: kms.CfnKey
    records: kms.CfnKey
    vault: kms.CfnKey
    ledger: kms.CfnKey
    logs: kms.CfnKey
    signing: kms.CfnKey


def declare(account: Account) -> Keys:
    """One rotating key per data class; the Ed25519 key cannot rotate: it is the log's identity."""
    return Keys(
        audio=_key(
            account, "Audio", "recordings and the recognizer's output, on their way through"
        ),
        records=_key(account, "Records", "consents, people, sessions and waits"),
        vault=_key(account, "Vault", "transcripts, drafts, surrogates; wraps each session's key"),
        ledger=_key(account, "Ledger", "the audit ledger's entries, tiles and checkpoints"),
        logs=_key(
            account,
            "Logs",
            "logs, trails and notices, which carry ids and counts only",
            _log_service(account),
            *_trail_service(account),
            _alarm_service(account),
        ),
        signing=_signing_key(account),
    )


def _key(account: Account, name: str, what: str, *statements: dict[str, Any]) -> kms.CfnKey:
    key = kms.CfnKey(
        account,
        f"{name}Key",
        description=f"Countersign {account.config.name}: {what}",
        enable_key_rotation=True,
        pending_window_in_days=30 if account.config.keep_data else 7,
        key_policy=document(_administered_by_iam(account), *statements),
    )
    return _finish(account, key, name)


def _signing_key(account: Account) -> kms.CfnKey:
    key = kms.CfnKey(
        account,
        "SigningKey",
        description=f"Countersign {account.config.name}: signs the audit ledger's checkpoints",
        key_spec="ECC_NIST_EDWARDS25519",
        key_usage="SIGN_VERIFY",
        pending_window_in_days=30,
        key_policy=document(_administered_by_iam(account)),
    )
    return _finish(account, key, "Signing")


def _finish(account: Account, key: kms.CfnKey, name: str) -> kms.CfnKey:
    account.keep(key)
    kms.CfnAlias(
        account,
        f"{name}KeyAlias",
        alias_name=f"alias/{account.name(name.lower())}",
        target_key_id=key.ref,
    )
    account.output(f"{name}KeyArn", key.attr_arn, f"KMS key: {name.lower()}")
    return key


def _administered_by_iam(account: Account) -> dict[str, Any]:
    # A key policy's "*" is the key itself; without this statement nobody could ever manage it.
    return {
        "Sid": "AdministeredByIam",
        "Effect": "Allow",
        "Principal": {
            "AWS": Fn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"),
        },
        "Action": "kms:*",
        "Resource": "*",
    }


def _log_service(account: Account) -> dict[str, Any]:
    return {
        "Sid": "LogGroupsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{account.region}.amazonaws.com"},
        "Action": [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:DescribeKey",
        ],
        "Resource": "*",
        "Condition": {
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": account.arn("logs", "log-group:*")}
        },
    }


def _alarm_service(account: Account) -> dict[str, Any]:
    # Without it an alarm cannot publish to an encrypted topic, and says so nowhere.
    return {
        "Sid": "AlarmsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account.account}},
    }


def _trail_service(account: Account) -> tuple[dict[str, Any], ...]:
    trail = account.arn("cloudtrail", f"trail/{account.name('trail')}")
    service = {"Service": "cloudtrail.amazonaws.com"}
    of_this_trail = {"StringEquals": {"aws:SourceArn": trail}}
    return (
        {
            "Sid": "TrailOfThisAccount",
            "Effect": "Allow",
            "Principal": service,
            "Action": "kms:GenerateDataKey",
            "Resource": "*",
            "Condition": {
                **of_this_trail,
                "StringLike": {
                    "kms:EncryptionContext:aws:cloudtrail:arn": (
                        f"arn:{account.partition}:cloudtrail:*:{account.account}:trail/*"
                    )
                },
            },
        },
        {
            "Sid": "TrailDescribesItsKey",
            "Effect": "Allow",
            "Principal": service,
            "Action": "kms:DescribeKey",
            "Resource": "*",
            "Condition": of_this_trail,
        },
    )
