"""Decides how requests to the local asynchronous speech endpoint are queued, run and announced.

It has the interface of `InvokeEndpointAsync` (SageMaker Runtime API; header names from its service
model) before the inference server's `/invocations`: S3 in, S3 out, then a notice to SNS in the
shape of the Amazon SageMaker Developer Guide, "Check prediction results". Unlike SageMaker's, the
queue is lost with the process; the workflow's own timeout covers that. Logs carry inference ids,
outcomes and durations, never a header, a body or a reason.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import uvicorn
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LOOPBACK = "127.0.0.1"
_PREFIX = "x-amzn-sagemaker-"
# Limits of the service model of SageMaker Runtime, 2017-05-13.
_LARGEST_BODY = 128_000
_DEFAULT_TTL = 21_600
_DEFAULT_TIMEOUT = 900
_LONGEST_REASON = 1_024

logger = logging.getLogger("speech_endpoint")


class Refused(Exception):
    """A request that the endpoint does not take: HTTP status, error code, words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words


class Failed(Exception):
    """An inference that gave no output: the reason as SageMaker words it, and the container's."""

    def __init__(self, reason: str, body: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason[:_LONGEST_REASON]
        self.body = body


@dataclass(frozen=True)
class Endpoint:
    """What the template's endpoint configuration says: places in S3 (`s3://…/`) and topics."""

    name: str
    output: str
    failure: str
    success_topic: str
    error_topic: str


@dataclass(frozen=True)
class Invocation:
    """One accepted request; times in seconds, `received` by the wall clock."""

    inference_id: str
    content_type: str
    accept: str
    attributes: str
    input_location: str
    body: bytes
    output_location: str
    failure_location: str
    ttl: int
    timeout: int
    received: datetime
    queued: float = field(default_factory=time.monotonic)


def accept(endpoint: Endpoint, name: str, headers: Any, body: bytes, now: datetime) -> Invocation:
    """The invocation that a request asks for; raises `Refused` as the service would."""
    if name != endpoint.name:
        raise Refused(400, "ValidationError", f"Endpoint {name} of account not found.")

    def header(word: str, pattern: str, default: str = "") -> str:
        value = str(headers.get(_PREFIX + word, default))
        if value and not re.fullmatch(pattern, value):
            raise Refused(400, "ValidationError", f"{word} does not match {pattern}")
        return value

    def seconds(word: str, low: int, high: int, default: int) -> int:
        value = int(header(word, r"\d{1,6}", str(default)))
        if not low <= value <= high:
            raise Refused(400, "ValidationError", f"{word} must be between {low} and {high}")
        return value

    source = header("inputlocation", r"(https|s3)://([^/]{1,255})/?(.{0,768})")
    if bool(source) == bool(body):
        raise Refused(400, "ValidationError", "Give exactly one of InputLocation and Body.")
    if len(body) > _LARGEST_BODY:
        raise Refused(413, "ValidationError", f"Body is larger than {_LARGEST_BODY} bytes.")
    inference_id = header("inference-id", r"\S[ -~]{0,63}", str(uuid.uuid4()))
    extension = header("s3outputpathextension", r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]{1,512}")
    filename = header("filename", r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9_.-]{0,31}")
    place = "/".join(part.strip("/") for part in (endpoint.output, extension) if part)
    return Invocation(
        inference_id=inference_id,
        content_type=header("content-type", r"[ -~]{1,1024}", "application/octet-stream"),
        accept=header("accept", r"[ -~]{1,1024}", "application/json"),
        attributes=header("custom-attributes", r"[ -~]{1,1024}"),
        input_location=source,
        body=body,
        output_location=f"{place}/{filename or f'{inference_id}.out'}",
        # SageMaker documents the extension and the name for the response's place only.
        failure_location=f"{endpoint.failure.rstrip('/')}/{inference_id}-error.out",
        ttl=seconds("requestttlseconds", 60, 21_600, _DEFAULT_TTL),
        timeout=seconds("invocationtimeoutseconds", 1, 3_600, _DEFAULT_TIMEOUT),
        received=now,
    )


def notice(
    endpoint: Endpoint,
    invocation: Invocation,
    now: datetime,
    *,
    content_type: str = "",
    failure: str | None = None,
) -> dict[str, Any]:
    """The message to SNS, for an output or, with its reason, for a failure."""
    message: dict[str, Any] = {
        "awsRegion": "us-east-1",
        "eventTime": _stamp(now),
        "receivedTime": _stamp(invocation.received),
        "invocationStatus": "Completed" if failure is None else "Failed",
        "requestParameters": {
            "contentType": invocation.content_type,
            "endpointName": endpoint.name,
            "inputLocation": invocation.input_location,
        },
        "inferenceId": invocation.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if failure is None:
        message["responseParameters"] = {
            "contentType": content_type,
            "outputLocation": invocation.output_location,
        }
    else:
        message["failureReason"] = failure
        message["failureLocation"] = invocation.failure_location
    return message


class Worker:
    """Takes invocations from a bounded queue, `concurrency` at a time."""

    def __init__(
        self,
        endpoint: Endpoint,
        client: Callable[[str], Any],
        inference: str,
        *,
        concurrency: int,
        waiting: int,
    ) -> None:
        self._endpoint = endpoint
        self._s3 = client("s3")
        self._sns = client("sns")
        self._inference = inference
        self._concurrency = concurrency
        self._queue: asyncio.Queue[Invocation] = asyncio.Queue(waiting)

    def submit(self, invocation: Invocation) -> None:
        """Queues it; raises `Refused` when the queue is full."""
        try:
            self._queue.put_nowait(invocation)
        except asyncio.QueueFull:
            raise Refused(503, "ServiceUnavailable", "The endpoint's queue is full.") from None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with httpx.AsyncClient(trust_env=False) as http:
            tasks = [asyncio.create_task(self._run(http)) for _ in range(self._concurrency)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, http: httpx.AsyncClient) -> None:
        while True:
            invocation = await self._queue.get()
            started = time.monotonic()
            try:
                outcome = await self._serve(http, invocation)
            except Exception as error:
                # Only the emulator can fail here; the worker must outlive it.
                outcome = f"not announced ({type(error).__name__})"
            seconds = time.monotonic() - started
            logger.info("%s %s in %.2f s", invocation.inference_id, outcome, seconds)

    async def _serve(self, http: httpx.AsyncClient, invocation: Invocation) -> str:
        endpoint = self._endpoint
        try:
            if time.monotonic() - invocation.queued > invocation.ttl:
                raise Failed("ClientError: The request expired before it was processed.")
            answer = await self._infer(http, invocation)
        except Failed as failed:
            await self._put(
                invocation.failure_location, failed.body or failed.reason.encode(), "text/plain"
            )
            message = notice(endpoint, invocation, datetime.now(UTC), failure=failed.reason)
            await self._publish(endpoint.error_topic, message)
            return "failed"
        kind = answer.headers.get("content-type", "application/octet-stream")
        await self._put(invocation.output_location, answer.content, kind)
        message = notice(endpoint, invocation, datetime.now(UTC), content_type=kind)
        await self._publish(endpoint.success_topic, message)
        return "completed"

    async def _infer(self, http: httpx.AsyncClient, invocation: Invocation) -> httpx.Response:
        content = invocation.body or await self._get(invocation.input_location)
        headers = {
            "Content-Type": invocation.content_type,
            "Accept": invocation.accept,
            "X-Amzn-SageMaker-Inference-Id": invocation.inference_id,
            "X-Amzn-SageMaker-Custom-Attributes": invocation.attributes,
        }
        try:
            async with asyncio.timeout(invocation.timeout):
                answer = await http.post(
                    f"{self._inference}/invocations", content=content, headers=headers, timeout=None
                )
        except TimeoutError:
            raise Failed(
                "InternalServerException: Timeout while waiting for the model's response."
            ) from None
        except httpx.TransportError:
            raise Failed(
                "InternalServerException: Could not get a response from the model container."
            ) from None
        if answer.status_code == 200:
            return answer
        side = ("client", "Client") if answer.status_code < 500 else ("server", "InternalServer")
        raise Failed(
            f"{side[1]}Error: Received {side[0]} error ({answer.status_code}) from primary "
            f'with message "{answer.text}".',
            answer.content,
        )

    async def _get(self, location: str) -> bytes:
        bucket, key = _place(location)
        try:
            found = await asyncio.to_thread(self._s3.get_object, Bucket=bucket, Key=key)
            return bytes(await asyncio.to_thread(found["Body"].read))
        except self._s3.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            raise Failed(f"ClientError: Could not read the input from S3 ({code}).") from None

    async def _put(self, location: str, content: bytes, kind: str) -> None:
        bucket, key = _place(location)
        await asyncio.to_thread(
            self._s3.put_object, Bucket=bucket, Key=key, Body=content, ContentType=kind
        )

    async def _publish(self, topic: str, message: dict[str, Any]) -> None:
        await asyncio.to_thread(self._sns.publish, TopicArn=topic, Message=json.dumps(message))


def application(endpoint: Endpoint, worker: Worker) -> Starlette:
    """The endpoint as a web application; `/ping` answers once it takes requests."""

    async def invoke(request: Request) -> Response:
        body = await request.body()
        name = request.path_params["name"]
        try:
            invocation = accept(endpoint, name, request.headers, body, datetime.now(UTC))
            worker.submit(invocation)
        except Refused as refused:
            return JSONResponse(
                {"message": refused.words},
                refused.status,
                headers={"x-amzn-errortype": refused.code},
            )
        return JSONResponse(
            {"InferenceId": invocation.inference_id},
            202,
            headers={
                "X-Amzn-SageMaker-OutputLocation": invocation.output_location,
                "X-Amzn-SageMaker-FailureLocation": invocation.failure_location,
            },
        )

    async def ping(request: Request) -> Response:
        return Response()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with worker.running():
            yield

    return Starlette(
        routes=[
            Route("/endpoints/{name}/async-invocations", invoke, methods=["POST"]),
            Route("/ping", ping),
        ],
        lifespan=lifespan,
    )


def _place(location: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`."""
    parts = urlsplit(location)
    return parts.netloc, parts.path.lstrip("/")


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.speech_endpoint", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--emulator", required=True, help="address of S3 and SNS")
    parser.add_argument("--inference", required=True, help="address of the inference server")
    parser.add_argument("--name", required=True, help="the endpoint's name")
    parser.add_argument("--output", required=True, help="s3://… for outputs")
    parser.add_argument("--failure", required=True, help="s3://… for failures")
    parser.add_argument("--success-topic", required=True)
    parser.add_argument("--error-topic", required=True)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--waiting", type=int, default=200)
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logger.setLevel(logging.INFO)

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=given.emulator,
            config=Config(
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "total_max_attempts": 4},
                connect_timeout=5,
                read_timeout=60,
                proxies={},
            ),
        )

    endpoint = Endpoint(
        name=given.name,
        output=given.output,
        failure=given.failure,
        success_topic=given.success_topic,
        error_topic=given.error_topic,
    )
    worker = Worker(
        endpoint,
        client,
        given.inference.rstrip("/"),
        concurrency=given.concurrency,
        waiting=given.waiting,
    )
    uvicorn.run(
        application(endpoint, worker),
        host=LOOPBACK,
        port=given.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
