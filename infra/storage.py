"""Decides where content rests: the ingest bucket that forgets, the vault, the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnTag
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from infra.account import Account, document, over_tls_only
from infra.keys import Keys

AUDIO = "audio/"
OUTPUT = "speech/"
# The backstop of the erasure rules: S3 counts lifecycle days from midnight UTC, one is the least.
AUDIO_DAYS = 1


@dataclass(frozen=True)
class Storage:
    access_logs: s3.CfnBucket
    ingest: s3.CfnBucket
    vault: s3.CfnBucket
    records: dynamodb.CfnTable
    keys: dynamodb.CfnTable


def declare(account: Account, keys: Keys, portal_origin: str) -> Storage:
    access_logs = _access_logs(account)
    return Storage(
        access_logs=access_logs,
        ingest=_ingest(account, keys, access_logs, portal_origin),
        vault=_vault(account, keys, access_logs),
        records=_records(account, keys),
        keys=_session_keys(account, keys),
    )


def private() -> s3.CfnBucket.PublicAccessBlockConfigurationProperty:
    """No public access, by policy or by list."""
    return s3.CfnBucket.PublicAccessBlockConfigurationProperty(
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )


def encrypted(key: kms.CfnKey) -> s3.CfnBucket.BucketEncryptionProperty:
    """Every object under `key` unless the writer names another; one KMS call per bucket key."""
    return s3.CfnBucket.BucketEncryptionProperty(
        server_side_encryption_configuration=[
            s3.CfnBucket.ServerSideEncryptionRuleProperty(
                bucket_key_enabled=True,
                server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                    sse_algorithm="aws:kms", kms_master_key_id=key.attr_arn
                ),
            )
        ]
    )


def owned() -> s3.CfnBucket.OwnershipControlsProperty:
    """The account owns every object; access lists are off."""
    return s3.CfnBucket.OwnershipControlsProperty(
        rules=[
            s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced"),
        ]
    )


def logged(access_logs: s3.CfnBucket, prefix: str) -> s3.CfnBucket.LoggingConfigurationProperty:
    """Server access logs: who asked for which key, by id."""
    return s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=access_logs.ref, log_file_prefix=f"{prefix}/"
    )


def guard(account: Account, bucket: s3.CfnBucket, *statements: dict[str, Any]) -> None:
    """The bucket's policy: TLS only, and what `statements` add."""
    s3.CfnBucketPolicy(
        account,
        f"{bucket.node.id}Policy",
        bucket=bucket.ref,
        policy_document=document(
            over_tls_only(bucket.attr_arn, f"{bucket.attr_arn}/*", actions="s3:*"), *statements
        ),
    )


def _access_logs(account: Account) -> s3.CfnBucket:
    bucket = s3.CfnBucket(
        account,
        "AccessLogsBucket",
        public_access_block_configuration=private(),
        ownership_controls=owned(),
        # S3 delivers server access logs only to buckets with S3-managed encryption.
        bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
            server_side_encryption_configuration=[
                s3.CfnBucket.ServerSideEncryptionRuleProperty(
                    server_side_encryption_by_default=(
                        s3.CfnBucket.ServerSideEncryptionByDefaultProperty(sse_algorithm="AES256")
                    )
                )
            ]
        ),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
            rules=[
                s3.CfnBucket.RuleProperty(
                    id="past-retention",
                    status="Enabled",
                    expiration_in_days=account.config.retention.log_days,
                    noncurrent_version_expiration=(
                        s3.CfnBucket.NoncurrentVersionExpirationProperty(noncurrent_days=1)
                    ),
                )
            ]
        ),
    )
    account.keep(bucket)
    guard(
        account,
        bucket,
        {
            "Sid": "AccessLogsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{bucket.attr_arn}/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": account.account}},
        },
    )
    account.output("AccessLogsBucketName", bucket.ref, "Bucket: server access logs")
    return bucket


def _ingest(
    account: Account, keys: Keys, access_logs: s3.CfnBucket, portal_origin: str
) -> s3.CfnBucket:
    bucket = s3.CfnBucket(
        account,
        "IngestBucket",
        public_access_block_configuration=private(),
        ownership_controls=owned(),
        bucket_encryption=encrypted(keys.audio),
        logging_configuration=logged(access_logs, "ingest"),
        # No versioning, on purpose: a delete must leave nothing behind.
        lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
            rules=[
                s3.CfnBucket.RuleProperty(
                    id="erasure-backstop",
                    status="Enabled",
                    expiration_in_days=AUDIO_DAYS,
                    abort_incomplete_multipart_upload=(
                        s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                            days_after_initiation=AUDIO_DAYS
                        )
                    ),
                )
            ]
        ),
        cors_configuration=s3.CfnBucket.CorsConfigurationProperty(
            cors_rules=[
                s3.CfnBucket.CorsRuleProperty(
                    allowed_origins=[portal_origin],
                    allowed_methods=["PUT"],
                    allowed_headers=["content-type", "if-none-match"],
                    max_age=3000,
                )
            ]
        ),
        notification_configuration=s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        ),
    )
    account.keep(bucket)
    guard(account, bucket)
    account.output("IngestBucketName", bucket.ref, "Bucket: recordings, until transcribed")
    return bucket


def _vault(account: Account, keys: Keys, access_logs: s3.CfnBucket) -> s3.CfnBucket:
    bucket = s3.CfnBucket(
        account,
        "VaultBucket",
        public_access_block_configuration=private(),
        ownership_controls=owned(),
        bucket_encryption=encrypted(keys.vault),
        logging_configuration=logged(access_logs, "vault"),
        # Versions are safe here: what they hold dies with the session's key.
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
    )
    account.keep(bucket)
    guard(account, bucket)
    account.output("VaultBucketName", bucket.ref, "Bucket: sealed transcripts, drafts and notes")
    return bucket


def table(
    account: Account,
    id: str,
    key: kms.CfnKey,
    *,
    recoverable: bool,
    indexes: tuple[str, ...] = (),
    expiry: str | None = None,
) -> dynamodb.CfnTable:
    """An on-demand table with string keys `pk` and `sk`, and indexes on `<index>pk`/`<index>sk`."""
    attributes = ["pk", "sk", *(f"{index}{key}" for index in indexes for key in ("pk", "sk"))]
    made = dynamodb.CfnTable(
        account,
        id,
        billing_mode="PAY_PER_REQUEST",
        attribute_definitions=[
            dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=name, attribute_type="S")
            for name in attributes
        ],
        key_schema=_schema("pk", "sk"),
        global_secondary_indexes=[
            dynamodb.CfnTable.GlobalSecondaryIndexProperty(
                index_name=index,
                key_schema=_schema(f"{index}pk", f"{index}sk"),
                projection=dynamodb.CfnTable.ProjectionProperty(projection_type="ALL"),
            )
            for index in indexes
        ]
        or None,
        sse_specification=dynamodb.CfnTable.SSESpecificationProperty(
            sse_enabled=True, sse_type="KMS", kms_master_key_id=key.attr_arn
        ),
        point_in_time_recovery_specification=(
            dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
                point_in_time_recovery_enabled=recoverable
            )
        ),
        time_to_live_specification=(
            dynamodb.CfnTable.TimeToLiveSpecificationProperty(attribute_name=expiry, enabled=True)
            if expiry
            else None
        ),
        deletion_protection_enabled=account.config.keep_data,
        tags=[CfnTag(key="backup", value="yes" if recoverable else "never")],
    )
    account.keep(made)
    return made


def _schema(partition: str, sort: str) -> list[dynamodb.CfnTable.KeySchemaProperty]:
    return [
        dynamodb.CfnTable.KeySchemaProperty(attribute_name=partition, key_type="HASH"),
        dynamodb.CfnTable.KeySchemaProperty(attribute_name=sort, key_type="RANGE"),
    ]


def _records(account: Account, keys: Keys) -> dynamodb.CfnTable:
    records = table(
        account,
        "RecordsTable",
        keys.records,
        recoverable=True,
        indexes=("gsi1", "gsi2"),
        expiry="expires",
    )
    account.output("RecordsTableName", records.ref, "Table: consents, people, sessions, waits")
    return records


def _session_keys(account: Account, keys: Keys) -> dynamodb.CfnTable:
    # No recovery of any kind: a destroyed key must not come back (crypto-shredding).
    session_keys = table(account, "KeysTable", keys.vault, recoverable=False)
    account.output("KeysTableName", session_keys.ref, "Table: each session's wrapped data key")
    return session_keys
