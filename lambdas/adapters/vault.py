"""The vault on S3, KMS and a table without backups: one data key per session, shredded with it."""

from __future__ import annotations

import os
from typing import Any

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countersign.errors import KeyDestroyed

# NIST SP 800-38D: 96-bit nonces, random, for far fewer than 2^32 messages under one key.
_NONCE_BYTES = 12


class S3Vault:
    """`ports.Vault`: AES-256-GCM under a KMS-wrapped key; the wrapped key has no backup on purpose.

    Destroying the table's item makes the content unreadable everywhere, in every version, replica
    and backup of the bucket. The item is kept as a tombstone so that no second key is ever made.
    """

    def __init__(
        self, s3: Any, kms: Any, dynamodb: Any, *, bucket: str, key_arn: str, keys_table: str
    ) -> None:
        self._s3 = s3
        self._kms = kms
        self._dynamodb = dynamodb
        self._bucket = bucket
        self._key_arn = key_arn
        self._table = keys_table

    def put(self, session_id: str, kind: str, content: bytes) -> None:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._data_key(session_id, create=True)).encrypt(
            nonce, content, _bound_to(session_id, kind)
        )
        self._s3.put_object(Bucket=self._bucket, Key=f"{session_id}/{kind}", Body=nonce + sealed)

    def get(self, session_id: str, kind: str) -> bytes | None:
        """The content, or None when there is none; raises `KeyDestroyed` after a shredding."""
        try:
            stored = self._s3.get_object(Bucket=self._bucket, Key=f"{session_id}/{kind}")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
            return None
        sealed = stored["Body"].read()
        try:
            return AESGCM(self._data_key(session_id, create=False)).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(session_id, kind)
            )
        except InvalidTag:
            raise KeyDestroyed(f"{kind} of session {session_id} cannot be opened") from None

    def shred(self, session_id: str) -> None:
        """Destroys the wrapped key. What it encrypted is noise from then on."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item={"pk": {"S": session_id}, "sk": {"S": "key"}, "destroyed": {"BOOL": True}},
        )

    def _data_key(self, session_id: str, *, create: bool) -> bytes:
        item = self._dynamodb.get_item(
            TableName=self._table,
            Key={"pk": {"S": session_id}, "sk": {"S": "key"}},
            ConsistentRead=True,
        ).get("Item")
        if item is None and create:
            return self._new_key(session_id)
        if item is None or "destroyed" in item:
            raise KeyDestroyed(f"the key of session {session_id} was destroyed")
        plain: bytes = self._kms.decrypt(
            CiphertextBlob=item["wrapped"]["B"],
            EncryptionContext={"session": session_id},
            KeyId=self._key_arn,
        )["Plaintext"]
        return plain

    def _new_key(self, session_id: str) -> bytes:
        made = self._kms.generate_data_key(
            KeyId=self._key_arn, KeySpec="AES_256", EncryptionContext={"session": session_id}
        )
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": session_id},
                    "sk": {"S": "key"},
                    "wrapped": {"B": made["CiphertextBlob"]},
                },
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return self._data_key(session_id, create=False)
        plain: bytes = made["Plaintext"]
        return plain


def _bound_to(session_id: str, kind: str) -> bytes:
    return f"{session_id}/{kind}".encode()
