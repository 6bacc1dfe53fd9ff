"""Decides how the audit ledger is kept: a table that sequences, a locked bucket that publishes."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3

from infra.account import Account
from infra.keys import Keys
from infra.storage import encrypted, guard, logged, owned, private, table


@dataclass(frozen=True)
class Ledger:
    table: dynamodb.CfnTable
    bucket: s3.CfnBucket


def declare(account: Account, keys: Keys, access_logs: s3.CfnBucket) -> Ledger:
    entries = table(account, "LedgerTable", keys.ledger, recoverable=True)
    bucket = s3.CfnBucket(
        account,
        "LedgerBucket",
        public_access_block_configuration=private(),
        ownership_controls=owned(),
        bucket_encryption=encrypted(keys.ledger),
        logging_configuration=logged(access_logs, "ledger"),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        object_lock_enabled=True,
        object_lock_configuration=locked(account, account.config.retention.ledger_days),
    )
    account.keep(bucket)
    guard(account, bucket)
    account.output("LedgerTableName", entries.ref, "Table: the ledger's entries, in order")
    account.output("LedgerBucketName", bucket.ref, "Bucket: the ledger's tiles and checkpoints")
    return Ledger(entries, bucket)


def locked(account: Account, days: int) -> s3.CfnBucket.ObjectLockConfigurationProperty:
    """Nobody overwrites or deletes an object before its time; in COMPLIANCE not even the root."""
    return s3.CfnBucket.ObjectLockConfigurationProperty(
        object_lock_enabled="Enabled",
        rule=s3.CfnBucket.ObjectLockRuleProperty(
            default_retention=s3.CfnBucket.DefaultRetentionProperty(
                mode=account.config.retention.lock_mode, days=days
            )
        ),
    )
