"""What is in the vault opens with its session's key, and not at all once that is destroyed."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.errors import KeyDestroyed
from lambdas.adapters.vault import S3Vault

MARKER = b"Zebulon Quillfeather"


@pytest.fixture
def vault(client: Any, bucket: str, table: str) -> S3Vault:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    return S3Vault(
        client("s3"),
        client("kms"),
        client("dynamodb"),
        bucket=bucket,
        key_arn=key,
        keys_table=table,
    )


def test_what_is_put_can_be_got(vault: S3Vault) -> None:
    vault.put("one", "transcript", MARKER)
    assert vault.get("one", "transcript") == MARKER


def test_what_was_never_put_is_none(vault: S3Vault) -> None:
    assert vault.get("one", "draft") is None


def test_the_bucket_never_holds_the_words(vault: S3Vault, client: Any) -> None:
    vault.put("one", "transcript", MARKER)
    stored = client("s3").get_object(Bucket="content", Key="one/transcript")["Body"].read()
    assert MARKER not in stored


def test_a_shredded_session_cannot_be_opened_or_written_again(vault: S3Vault) -> None:
    vault.put("one", "transcript", MARKER)
    vault.put("two", "transcript", b"kept")
    vault.shred("one")
    with pytest.raises(KeyDestroyed):
        vault.get("one", "transcript")
    with pytest.raises(KeyDestroyed):
        vault.put("one", "draft", b"new")
    assert vault.get("two", "transcript") == b"kept"


def test_content_moved_to_another_session_or_kind_does_not_open(
    vault: S3Vault, client: Any
) -> None:
    vault.put("one", "transcript", MARKER)
    vault.put("two", "transcript", b"other")
    s3 = client("s3")
    for target in ("two/transcript", "one/draft"):
        s3.copy_object(
            Bucket="content", Key=target, CopySource={"Bucket": "content", "Key": "one/transcript"}
        )
    with pytest.raises(KeyDestroyed):
        vault.get("two", "transcript")
    with pytest.raises(KeyDestroyed):
        vault.get("one", "draft")


def test_two_writers_end_with_one_key(vault: S3Vault) -> None:
    first = vault._new_key("one")
    assert vault._new_key("one") == first
