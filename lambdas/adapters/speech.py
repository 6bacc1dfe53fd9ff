"""The speech endpoint on SageMaker asynchronous inference: S3 in, S3 out, then a notice."""

from __future__ import annotations

from typing import Any

# What `answer_minutes` in policies/retention.toml counts on: half an hour in the queue, while an
# instance starts, and half an hour of work, for a long session that is one segment.
_TTL_SECONDS = 1_800
_INVOCATION_SECONDS = 1_800


class SageMakerSpeech:
    """`ports.Speech`. The output's place follows from the inference id, so erasure can find it.

    An inference is `<session>.<segment>.<attempt>`: at most 64 characters, which a session's id
    of 32 leaves room for.
    """

    def __init__(self, runtime: Any, endpoint: str, bucket: str) -> None:
        self._runtime = runtime
        self._endpoint = endpoint
        self._bucket = bucket

    def submit(self, session_id: str, key: str, inference_id: str, speakers: int) -> None:
        _, segment, attempt = inference_id.rsplit(".", 2)
        self._runtime.invoke_endpoint_async(
            EndpointName=self._endpoint,
            InferenceId=inference_id,
            InputLocation=f"s3://{self._bucket}/{key}",
            S3OutputPathExtension=session_id,
            Filename=f"{segment}-{attempt}.out",
            ContentType="application/octet-stream",
            Accept="application/json",
            CustomAttributes=f"session={session_id};speakers={speakers};channels=auto;voices=yes",
            RequestTTLSeconds=_TTL_SECONDS,
            InvocationTimeoutSeconds=_INVOCATION_SECONDS,
        )

    def enrol(self, session_id: str, key: str) -> None:
        self._runtime.invoke_endpoint_async(
            EndpointName=self._endpoint,
            InferenceId=f"{session_id}.1",
            InputLocation=f"s3://{self._bucket}/{key}",
            S3OutputPathExtension=session_id,
            Filename="1.out",
            ContentType="application/octet-stream",
            Accept="application/json",
            CustomAttributes=f"session={session_id};task=enrol",
            RequestTTLSeconds=_TTL_SECONDS,
            InvocationTimeoutSeconds=_INVOCATION_SECONDS,
        )
