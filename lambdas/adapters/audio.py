"""The ingest bucket on S3: segments in, the endpoint's output, and nothing left afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from countersign.erasure import DeletionReceipt, StoredObject
from countersign.ports import UploadTicket
from countersign.segments import audio_key, prefixes

# One segment is about thirty seconds of audio; a quarter of an hour bridges a lost connection.
_TICKET_SECONDS = 900
_PREFIXES = ("audio/", "speech/")


class S3AudioStore:
    """`ports.AudioStore` on an unversioned bucket; versions are listed all the same, as proof."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def ticket(self, session_id: str, segment: int, content_type: str) -> UploadTicket:
        """A presigned PUT that works once: `If-None-Match: *` refuses a second upload."""
        key = audio_key(session_id, segment)
        headers = {"Content-Type": content_type, "If-None-Match": "*"}
        url = self._s3.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ContentType": content_type,
                "IfNoneMatch": "*",
            },
            ExpiresIn=_TICKET_SECONDS,
        )
        expires = datetime.now(UTC) + timedelta(seconds=_TICKET_SECONDS)
        return UploadTicket(url=url, headers=headers, key=key, expires_at=expires)

    def upload_origin(self) -> str:
        """Where tickets lead: their URL without the object."""
        where = urlsplit(self.ticket("none", 0, "audio/wav").url)
        return f"{where.scheme}://{where.netloc}"

    def listing(
        self, session_id: str | None = None, segment: int | None = None
    ) -> tuple[StoredObject, ...]:
        """Every version and delete marker of a segment, of a session, or of them all."""
        found = []
        for prefix in _PREFIXES if session_id is None else prefixes(session_id, segment):
            pages = self._s3.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            for page in pages:
                for kind, marker in (("Versions", False), ("DeleteMarkers", True)):
                    found += [
                        StoredObject(
                            bucket=self._bucket,
                            key=item["Key"],
                            version_id=item.get("VersionId") or "null",
                            delete_marker=marker,
                            stored_at=item["LastModified"],
                        )
                        for item in page.get(kind, ())
                    ]
        return tuple(found)

    def output(self, key: str) -> bytes:
        """The bytes of the endpoint's output object."""
        content: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return content

    def erase(
        self, session_id: str, rule: str, now: datetime, segment: int | None = None
    ) -> DeletionReceipt:
        """Deletes every version it finds, lists again, and reports both lists."""
        found = self.listing(session_id, segment)
        for item in found:
            versioned = {} if item.version_id == "null" else {"VersionId": item.version_id}
            self._s3.delete_object(Bucket=self._bucket, Key=item.key, **versioned)
        return DeletionReceipt(
            session_id=session_id,
            rule=rule,
            erased=found,
            left=self.listing(session_id, segment),
            at=now,
        )
