"""The local asynchronous endpoint behaves as its service model and its guide say."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from countersign.speech import read_notice
from local.processes import Process, free_port
from local.stack import Running

Row = Callable[[str, str], Any]


def runtime_at(address: str) -> Any:
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


@pytest.fixture
def submit(clinic: Running) -> Callable[..., dict[str, Any]]:
    """Stores audio and asks for its transcript, in the words of the service's own client."""

    def ask(audio: bytes | None, address: str = clinic.speech, **more: Any) -> dict[str, Any]:
        session = str(uuid4())
        bucket, key = clinic.outputs["IngestBucket"], f"audio/{session}/00001"
        if audio is not None:
            clinic.client("s3").put_object(Bucket=bucket, Key=key, Body=audio)
        asked = {
            "EndpointName": "sample-speech",
            "InferenceId": f"{session}.1",
            "InputLocation": f"s3://{bucket}/{key}",
            "S3OutputPathExtension": session,
            "Filename": "1.out",
            "ContentType": "application/octet-stream",
            "CustomAttributes": f"session={session};speakers=2",
            "InvocationTimeoutSeconds": 60,
        }
        return {**runtime_at(address).invoke_endpoint_async(**{**asked, **more}), "key": key}

    return ask


@pytest.fixture
def told(row: Row, eventually: Callable[..., Any]) -> Callable[[str], dict[str, Any]]:
    """The notice that the subscribed function got."""

    def find(inference_id: str) -> dict[str, Any]:
        item = eventually(lambda: row(inference_id, "NOTICE"))
        return json.loads(item["notice"]["S"])

    return find


@pytest.fixture
def read(clinic: Running) -> Callable[[str], bytes]:
    def get(location: str) -> bytes:
        bucket, _, key = location.removeprefix("s3://").partition("/")
        return clinic.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    return get


def test_an_output_is_stored_and_announced(submit: Any, told: Any, read: Any) -> None:
    accepted = submit(b"speech")
    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    message = told(accepted["InferenceId"])
    assert message["invocationStatus"] == "Completed"
    assert message["eventSource"] == "aws:sagemaker"
    assert message["eventName"] == "InferenceResult"
    assert message["requestParameters"]["endpointName"] == "sample-speech"
    place = message["responseParameters"]["outputLocation"]
    assert place == accepted["OutputLocation"]
    session = accepted["InferenceId"].removesuffix(".1")
    assert place.endswith(f"/speech/{session}/1.out")
    assert json.loads(read(place)) == {"heard": 6, "kind": "application/octet-stream"}
    notice = read_notice(message)
    assert (notice.session_id, notice.attempt, notice.failure) == (session, 1, None)
    assert notice.output_key == f"speech/{session}/1.out"


def test_without_a_name_the_output_is_named_by_the_inference(submit: Any) -> None:
    from_us = submit(b"speech", S3OutputPathExtension="x")
    assert from_us["OutputLocation"].endswith("/speech/x/1.out")


def test_a_refusal_of_the_container_is_announced_with_its_code(
    submit: Any, told: Any, read: Any
) -> None:
    accepted = submit(b"silence")
    message = told(accepted["InferenceId"])
    assert message["invocationStatus"] == "Failed"
    assert "Received client error (422)" in message["failureReason"]
    assert message["failureLocation"] == accepted["FailureLocation"]
    assert json.loads(read(accepted["FailureLocation"]))["error"]["code"] == "NoSpeech"
    assert read_notice(message).failure == "NoSpeech"


def test_a_container_that_dies_half_way_is_a_failure(submit: Any, told: Any) -> None:
    message = told(submit(b"dies")["InferenceId"])
    assert message["failureReason"].startswith("InternalServerException")
    assert read_notice(message).failure == "SpeechFailed"


def test_an_inference_that_takes_too_long_is_a_failure(submit: Any, told: Any) -> None:
    message = told(submit(b"slow", InvocationTimeoutSeconds=1)["InferenceId"])
    assert "Timeout" in message["failureReason"]


def test_a_missing_recording_is_a_failure(submit: Any, told: Any) -> None:
    message = told(submit(None)["InferenceId"])
    assert message["failureReason"].startswith("ClientError: Could not read the input")


def test_audio_is_not_in_its_log(clinic: Running, submit: Any, told: Any, local_log: Any) -> None:
    accepted = submit(b"speech", CustomAttributes="marker-of-an-attribute")
    told(accepted["InferenceId"])
    log = local_log("speech")
    assert accepted["InferenceId"] in log
    assert "marker" not in log
    assert accepted["key"] not in log


@pytest.mark.parametrize(
    "wrong",
    [
        {"EndpointName": "another"},
        {"RequestTTLSeconds": 30_000},
        {"Filename": "two.dots.out"},
        {"InputLocation": "file:///etc/passwd"},
        {"Body": b"inline and in S3"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_request_is_refused(submit: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        submit(b"speech", **wrong)


@pytest.fixture
def short_queue(clinic: Running, inference: str, tmp_path: Any) -> Iterator[str]:
    """An endpoint of its own, with room for one waiting request."""
    process, port = Process("short", tmp_path), free_port()
    process.start(
        "local.speech_endpoint",
        {
            "port": port,
            "emulator": clinic.emulator,
            "inference": "http://127.0.0.1:9",
            "name": "sample-speech",
            "output": clinic.outputs["LocalSpeechOutput"],
            "failure": clinic.outputs["LocalSpeechFailure"],
            "success-topic": clinic.outputs["LocalSpeechSuccessTopic"],
            "error-topic": clinic.outputs["LocalSpeechErrorTopic"],
            "concurrency": 0,
            "waiting": 1,
        },
    )
    process.await_answer(f"http://127.0.0.1:{port}/ping", 10)
    yield f"http://127.0.0.1:{port}"
    process.stop()


def test_a_full_queue_refuses(submit: Any, short_queue: str) -> None:
    submit(b"speech", address=short_queue)
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        submit(b"speech", address=short_queue)


def test_a_dead_inference_server_is_announced(
    clinic: Running, submit: Any, told: Any, tmp_path: Any
) -> None:
    process, port = Process("dead", tmp_path), free_port()
    process.start(
        "local.speech_endpoint",
        {
            "port": port,
            "emulator": clinic.emulator,
            "inference": f"http://127.0.0.1:{free_port()}",
            "name": "sample-speech",
            "output": clinic.outputs["LocalSpeechOutput"],
            "failure": clinic.outputs["LocalSpeechFailure"],
            "success-topic": clinic.outputs["LocalSpeechSuccessTopic"],
            "error-topic": clinic.outputs["LocalSpeechErrorTopic"],
        },
    )
    try:
        process.await_answer(f"http://127.0.0.1:{port}/ping", 10)
        asked = time.monotonic()
        accepted = submit(b"speech", address=f"http://127.0.0.1:{port}")
        message = told(accepted["InferenceId"])
        assert message["invocationStatus"] == "Failed"
        assert message["failureLocation"].endswith("-error.out")
        assert time.monotonic() - asked < 10
    finally:
        process.stop()
