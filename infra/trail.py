"""Decides how the account itself is watched: a validated trail into a locked bucket of its own."""

from __future__ import annotations

from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from infra.account import Account, allow, document, trusted_by
from infra.keys import Keys
from infra.ledger import Ledger, locked
from infra.storage import Storage, encrypted, guard, logged, owned, private


def declare(account: Account, keys: Keys, storage: Storage, ledger: Ledger) -> None:
    """Every management call, and every touch of content, keys and ledger, by whom and when."""
    name = account.name("trail")
    of_this_trail = {"aws:SourceArn": account.arn("cloudtrail", f"trail/{name}")}
    bucket = s3.CfnBucket(
        account,
        "TrailBucket",
        public_access_block_configuration=private(),
        ownership_controls=owned(),
        bucket_encryption=encrypted(keys.logs),
        logging_configuration=logged(storage.access_logs, "trail"),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        object_lock_enabled=True,
        object_lock_configuration=locked(account, account.config.retention.trail_days),
    )
    account.keep(bucket)
    service = {"Service": "cloudtrail.amazonaws.com"}
    guard(
        account,
        bucket,
        {
            "Sid": "TrailChecksTheBucket",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:GetBucketAcl",
            "Resource": bucket.attr_arn,
            "Condition": {"StringEquals": of_this_trail},
        },
        {
            "Sid": "TrailWrites",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": f"{bucket.attr_arn}/AWSLogs/{account.account}/*",
            "Condition": {
                "StringEquals": {**of_this_trail, "s3:x-amz-acl": "bucket-owner-full-control"}
            },
        },
    )
    group = logs.CfnLogGroup(
        account,
        "TrailLogs",
        log_group_name=f"/aws/cloudtrail/{name}",
        kms_key_id=keys.logs.attr_arn,
        retention_in_days=account.config.retention.log_days,
    )
    role = iam.CfnRole(
        account,
        "TrailRole",
        assume_role_policy_document=trusted_by(
            "cloudtrail.amazonaws.com", {"StringEquals": of_this_trail}
        ),
        description="Lets the trail write to its log group",
    )
    policy = iam.CfnManagedPolicy(
        account,
        "TrailPolicy",
        description="Lets the trail write to its log group",
        roles=[role.ref],
        policy_document=document(
            allow(("logs:CreateLogStream", "logs:PutLogEvents"), (group.attr_arn,))
        ),
    )
    trail = cloudtrail.CfnTrail(
        account,
        "Trail",
        trail_name=name,
        is_logging=True,
        is_multi_region_trail=True,
        include_global_service_events=True,
        enable_log_file_validation=True,
        s3_bucket_name=bucket.ref,
        kms_key_id=keys.logs.attr_arn,
        cloud_watch_logs_log_group_arn=group.attr_arn,
        cloud_watch_logs_role_arn=role.attr_arn,
        advanced_event_selectors=[
            _selector("Management calls", {"eventCategory": ["Management"]}),
            _selector(
                "Every touch of recordings, of the vault and of the ledger",
                {"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]},
                [f"{each.attr_arn}/" for each in (storage.ingest, storage.vault, ledger.bucket)],
            ),
            _selector(
                "Every touch of a session's key",
                {"eventCategory": ["Data"], "resources.type": ["AWS::DynamoDB::Table"]},
                [storage.keys.attr_arn],
            ),
        ],
    )
    trail.add_resource_dependency(policy)
    written = account.node.find_child("TrailBucketPolicy")
    if isinstance(written, s3.CfnBucketPolicy):
        trail.add_resource_dependency(written)
    account.output("TrailBucketName", bucket.ref, "Bucket: the account's own audit trail")


def _selector(
    name: str, equals: dict[str, list[str]], resources: list[str] | None = None
) -> cloudtrail.CfnTrail.AdvancedEventSelectorProperty:
    fields = [
        cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(field=key, equal_to=value)
        for key, value in equals.items()
    ]
    if resources:
        fields.append(
            cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(
                field="resources.ARN", starts_with=resources
            )
        )
    return cloudtrail.CfnTrail.AdvancedEventSelectorProperty(name=name, field_selectors=fields)
