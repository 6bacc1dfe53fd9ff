"""The log's signing key: in KMS, or, for runs without an account, in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from countersign.errors import BadLogKey, LedgerUnavailable

_PRIVATE = 0o600


class KmsSigner:
    """`ports.Signer` on a KMS key of spec ECC_NIST_EDWARDS25519, which never leaves KMS."""

    def __init__(self, kms: Any, key_arn: str) -> None:
        self._kms = kms
        self._key_arn = key_arn
        self._public: bytes | None = None

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature; raises `LedgerUnavailable` when KMS gives none.

        KMS takes raw messages up to 4,096 bytes; a checkpoint has about 100.
        """
        try:
            answer = self._kms.sign(
                KeyId=self._key_arn,
                Message=message,
                MessageType="RAW",
                SigningAlgorithm="ED25519_SHA_512",
            )
        except (ClientError, BotoCoreError) as error:
            raise LedgerUnavailable(f"the log's key cannot sign: {_code(error)}") from error
        return bytes(answer["Signature"])

    def public_key(self) -> bytes:
        """The 32 raw bytes, asked for once; raises `LedgerUnavailable` or `BadLogKey`."""
        if self._public is None:
            try:
                answer = self._kms.get_public_key(KeyId=self._key_arn)
            except (ClientError, BotoCoreError) as error:
                raise LedgerUnavailable(f"the log's key cannot be read: {_code(error)}") from error
            key = load_der_public_key(answer["PublicKey"])
            if not isinstance(key, Ed25519PublicKey):
                raise BadLogKey("the log's KMS key is not of spec ECC_NIST_EDWARDS25519")
            self._public = key.public_bytes_raw()
        return self._public


class FileSigner:
    """`ports.Signer` on an unencrypted PKCS #8 file, for one machine and its tests only."""

    def __init__(self, path: str | Path) -> None:
        key = load_pem_private_key(Path(path).read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise BadLogKey(f"{path} holds no Ed25519 key")
        self._key = key

    @classmethod
    def create(cls, path: str | Path) -> FileSigner:
        """A new key in a file that only its owner reads; one that is there is kept and used."""
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        except FileExistsError:
            return cls(path)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        return cls(path)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature."""
        return self._key.sign(message)

    def public_key(self) -> bytes:
        """The 32 raw bytes."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _code(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
