"""What rests where, and for how long."""

from __future__ import annotations

from tests.infra.synthesized import Synthesized


def test_the_ingest_bucket_has_no_versions_and_a_one_day_backstop(
    synthesized: Synthesized,
) -> None:
    bucket = synthesized.properties("IngestBucket")
    assert "VersioningConfiguration" not in bucket
    assert "ObjectLockEnabled" not in bucket
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == 1
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "Prefix" not in rule and "TagFilters" not in rule


def test_an_arrival_is_announced_without_a_helper_function(synthesized: Synthesized) -> None:
    bucket = synthesized.properties("IngestBucket")
    assert bucket["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    pattern = synthesized.properties("UploadRule")["EventPattern"]
    assert pattern["detail"]["object"]["key"] == [{"prefix": "audio/"}]
    kinds = {resource["Type"] for resource in synthesized.template["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("Custom::") or "CustomResource" in kind]


def test_only_the_portal_may_upload_from_a_browser(synthesized: Synthesized) -> None:
    (rule,) = synthesized.properties("IngestBucket")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["PUT"]
    (origin,) = rule["AllowedOrigins"]
    assert origin["Fn::If"][0] == "OwnPortalUrl"


def test_nothing_is_public_or_reached_without_tls(synthesized: Synthesized) -> None:
    buckets = synthesized.of_type("AWS::S3::Bucket")
    assert set(buckets) == {
        "AccessLogsBucket",
        "IngestBucket",
        "LedgerBucket",
        "TrailBucket",
        "VaultBucket",
    }
    for id, bucket in buckets.items():
        assert all(bucket["PublicAccessBlockConfiguration"].values()), id
        first = synthesized.properties(f"{id}Policy")["PolicyDocument"]["Statement"][0]
        assert first["Effect"] == "Deny"
        assert first["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_each_class_of_data_has_its_own_key(synthesized: Synthesized) -> None:
    keys = synthesized.of_type("AWS::KMS::Key")
    assert set(keys) == {
        f"{name}Key" for name in ("Audio", "Records", "Vault", "Ledger", "Logs", "Signing")
    }
    used = {}
    for id, bucket in synthesized.of_type("AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        if "KMSMasterKeyID" in default:
            used[id] = default["KMSMasterKeyID"]["Fn::GetAtt"][0]
    for id, table in synthesized.of_type("AWS::DynamoDB::Table").items():
        used[id] = table["SSESpecification"]["KMSMasterKeyId"]["Fn::GetAtt"][0]
    assert used == {
        "IngestBucket": "AudioKey",
        "VaultBucket": "VaultKey",
        "LedgerBucket": "LedgerKey",
        "TrailBucket": "LogsKey",
        "RecordsTable": "RecordsKey",
        "KeysTable": "VaultKey",
        "LedgerTable": "LedgerKey",
    }
    for id, key in keys.items():
        if id == "SigningKey":
            assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
        else:
            assert key["EnableKeyRotation"] is True, id


def test_session_keys_cannot_be_restored(synthesized: Synthesized) -> None:
    recoverable = {
        id: table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        for id, table in synthesized.of_type("AWS::DynamoDB::Table").items()
    }
    assert recoverable == {"RecordsTable": True, "LedgerTable": True, "KeysTable": False}
    keys = synthesized.properties("KeysTable")
    assert "StreamSpecification" not in keys and "KinesisStreamSpecification" not in keys
    kinds = {resource["Type"] for resource in synthesized.template["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("AWS::Backup::")]


def test_the_ledger_and_the_trail_are_locked(synthesized: Synthesized) -> None:
    for id in ("LedgerBucket", "TrailBucket"):
        bucket = synthesized.properties(id)
        assert bucket["ObjectLockEnabled"] is True
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
        assert retention == {"Mode": "GOVERNANCE", "Days": 1}


def test_the_trail_validates_itself_and_sees_every_touch_of_content(
    synthesized: Synthesized,
) -> None:
    trail = synthesized.properties("Trail")
    assert trail["EnableLogFileValidation"] is True
    assert trail["IsLogging"] is True
    watched = str(trail["AdvancedEventSelectors"])
    for id in ("IngestBucket", "VaultBucket", "LedgerBucket", "KeysTable"):
        assert f"'{id}'" in watched, id


def test_every_log_group_is_encrypted_and_ends(synthesized: Synthesized) -> None:
    groups = synthesized.of_type("AWS::Logs::LogGroup")
    assert len(groups) > len(synthesized.flows.steps)
    for id, group in groups.items():
        assert group["KmsKeyId"] == {"Fn::GetAtt": ["LogsKey", "Arn"]}, id
        assert group["RetentionInDays"] == 30, id


def test_the_endpoint_is_isolated_and_its_output_is_where_erasure_looks(
    synthesized: Synthesized,
) -> None:
    assert synthesized.properties("SpeechModel")["EnableNetworkIsolation"] is True
    output = synthesized.properties("SpeechEndpointConfig")["AsyncInferenceConfig"]["OutputConfig"]
    expected = {"Fn::Join": ["", ["s3://", {"Ref": "IngestBucket"}, "/speech/"]]}
    assert output["S3OutputPath"] == output["S3FailurePath"] == expected
    assert output["KmsKeyId"] == {"Fn::GetAtt": ["AudioKey", "Arn"]}
    assert synthesized.properties("SpeechScaling")["MinCapacity"] == 0
