"""Audio is gone when it is gone: every version, every marker, every output of the endpoint."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from countersign.erasure import confirm
from countersign.errors import AudioNotErased
from lambdas import wiring
from lambdas.adapters.audio import S3AudioStore
from tests.fakes import NOON

SESSION = "a" * 32
OTHER = "b" * 32


@pytest.fixture
def s3(client: Any, bucket: str) -> Any:
    return wiring._client.__wrapped__("s3")


def put(s3: Any, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket="content", Key=key, Body=b"audio")


def test_erasing_a_session_takes_its_audio_and_the_endpoint_s_output(s3: Any) -> None:
    store = S3AudioStore(s3, "content")
    put(s3, f"audio/{SESSION}/00001", f"speech/{SESSION}/1.out", f"speech/{SESSION}.2-error.out")
    put(s3, f"audio/{OTHER}/00001")

    receipt = confirm(store.erase(SESSION, "transcript-durable", NOON))

    assert {item.key for item in receipt.erased} == {
        f"audio/{SESSION}/00001",
        f"speech/{SESSION}/1.out",
        f"speech/{SESSION}.2-error.out",
    }
    assert receipt.left == ()
    assert [item.key for item in store.listing()] == [f"audio/{OTHER}/00001"]


def test_noncurrent_versions_and_delete_markers_are_erased_too(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="content", VersioningConfiguration={"Status": "Enabled"})
    key = f"audio/{SESSION}/00001"
    put(s3, key, key)
    s3.delete_object(Bucket="content", Key=key)
    store = S3AudioStore(s3, "content")
    assert len(store.listing(SESSION)) == 3

    receipt = store.erase(SESSION, "transcript-durable", NOON)

    assert receipt.left == ()
    assert sum(item.delete_marker for item in receipt.erased) == 1


def test_a_version_that_survives_is_noticed(s3: Any) -> None:
    put(s3, f"audio/{SESSION}/00001")

    class Keeps:
        """An S3 whose deletes are lost on the way."""

        def __init__(self, real: Any) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        def delete_object(self, **request: Any) -> None:
            return None

    receipt = S3AudioStore(Keeps(s3), "content").erase(SESSION, "transcript-durable", NOON)
    with pytest.raises(AudioNotErased):
        confirm(receipt)


def test_a_ticket_is_for_one_key_one_type_and_once(s3: Any) -> None:
    ticket = S3AudioStore(s3, "content").ticket(SESSION, 1, "audio/flac")
    assert ticket.key == f"audio/{SESSION}/00001"
    assert ticket.headers == {"Content-Type": "audio/flac", "If-None-Match": "*"}
    url = urlsplit(ticket.url)
    assert url.path.endswith(ticket.key)
    signed = parse_qs(url.query)["X-Amz-SignedHeaders"][0].split(";")
    assert {"content-type", "if-none-match"} <= set(signed)


def test_a_listing_of_more_than_a_page_is_whole(s3: Any) -> None:
    put(s3, *[f"audio/{SESSION}/{number:05d}" for number in range(1005)])
    assert len(S3AudioStore(s3, "content").listing(SESSION)) == 1005
