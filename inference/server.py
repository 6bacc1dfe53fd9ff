"""Decides how requests reach the pipeline: SageMaker's container contract, bounded and silent."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from countersign.errors import (
    AudioTooLong,
    BadAttributes,
    Refusal,
    SpeechBusy,
    SpeechFailed,
)
from inference.pipeline import Channels, Pipeline
from inference.settings import CLINIC, Settings
from inference.voices import MAX_SPEAKERS

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
# "Client closed request": nobody is left to read it, and it shows in no statistics of ours.
_CLIENT_GONE = 499

# SageMaker's largest body. Of what is refused, so much is read, and nobody waits for more.
_LARGEST = 1_073_741_824

# Nothing else of a record is ever written: ids, counts, durations and names of classes.
_FIELDS = (
    "session_id", "code", "status", "bytes", "seconds", "milliseconds", "turns", "warnings",
)  # fmt: skip

logger = logging.getLogger("inference")


@dataclass(frozen=True)
class Attributes:
    """What the caller says of a recording, in `X-Amzn-SageMaker-Custom-Attributes`.

    The platform logs them: there is room for names of policies in them, and for no patient's.
    """

    session: str = ""
    task: Literal["transcribe", "enrol"] = "transcribe"
    speakers: int | None = None
    channels: Channels = "auto"
    vocabulary: str = CLINIC
    voices: bool = False

    @classmethod
    def read(cls, header: str, vocabularies: frozenset[str] = frozenset({CLINIC})) -> Attributes:
        """Reads `session=…;speakers=2;channels=auto;vocabulary=clinic;voices=yes;task=transcribe`.

        Each part may be missing; unknown names are left alone. Raises `BadAttributes`, naming the
        attribute. The header is at most 1,024 characters (SageMaker Runtime API,
        InvokeEndpointAsync).
        """
        if len(header) > 1024:
            raise BadAttributes("the custom attributes are longer than 1,024 characters")
        given: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in header.split(";"))):
            name, equals, value = part.partition("=")
            if not equals:
                raise BadAttributes("a custom attribute is written name=value")
            given[name.strip()] = value.strip()
        session = given.get("session", "")
        if not re.fullmatch(r"[A-Za-z0-9._-]{0,64}", session):
            raise BadAttributes("session: letters, digits, dot, dash and underscore, 64 at most")
        speakers = given.get("speakers", "")
        if not re.fullmatch(rf"[1-{MAX_SPEAKERS}]?", speakers):
            raise BadAttributes(f"speakers: a number from 1 to {MAX_SPEAKERS}")
        channels = given.get("channels", "auto")
        if channels not in ("auto", "split", "mix"):
            raise BadAttributes("channels: auto, split or mix")
        vocabulary = given.get("vocabulary", CLINIC)
        if vocabulary not in vocabularies:
            raise BadAttributes(f"vocabulary: one of {', '.join(sorted(vocabularies))}")
        voices = given.get("voices", "no")
        if voices not in ("yes", "no"):
            raise BadAttributes("voices: yes or no")
        task = given.get("task", "transcribe")
        if task not in ("transcribe", "enrol"):
            raise BadAttributes("task: transcribe or enrol")
        return cls(
            session=session,
            task=cast("Literal['transcribe', 'enrol']", task),
            speakers=int(speakers) if speakers else None,
            channels=cast("Channels", channels),
            vocabulary=vocabulary,
            voices=voices == "yes",
        )


@dataclass(frozen=True)
class Answer:
    """What goes back, and what of it is logged."""

    body: str
    seconds: float
    turns: int = 0
    warnings: int = 0


class Endpoint:
    """One process: the models, loaded once, and a queue in front of them that has an end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="speech")
        self._places = settings.workers + settings.queue
        self._taken = 0
        self._pipeline: Pipeline | None = None
        self.failure: Refusal | None = None

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        if self.failure is not None:
            return "failed"
        return "loading" if self._pipeline is None else "ready"

    def load(self) -> None:
        """Loads and warms the models; a refusal to do so is kept in `failure`."""
        began = time.perf_counter()
        try:
            pipeline = Pipeline(self._settings)
            pipeline.warm()
        except Refusal as refusal:
            self.failure = refusal
            logger.error("models not loaded", extra={"code": refusal.code})
            return
        self._pipeline = pipeline
        logger.info("models ready", extra={"milliseconds": _milliseconds(began)})

    def close(self) -> None:
        """Takes no more work; what runs is ended by whoever asked for it."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def ping(self, request: Request) -> Response:
        """200 once the models are loaded and warm, 503 before."""
        return JSONResponse({"status": self.state}, 200 if self.state == "ready" else 503)

    async def invoke(self, request: Request) -> Response:
        """A recording in, its transcript (or a voice's print) out; a refusal is a 4xx."""
        began = time.perf_counter()
        facts: dict[str, object] = {}
        try:
            response = await self._invoke(request, facts)
        except Refusal as refusal:
            response = _refusal(refusal)
            facts["code"] = refusal.code
        except ClientDisconnect:
            response = Response(status_code=_CLIENT_GONE)
            facts["code"] = "ClientDisconnect"
        except Exception as error:
            # Whatever it is, it is our fault, and its message may quote the session.
            response = _refusal(SpeechFailed("the endpoint failed"), 500)
            facts["code"] = type(error).__name__
        logger.info(
            "invocation",
            extra={
                "session_id": facts.get("session_id", ""),
                "code": facts.get("code", ""),
                "status": response.status_code,
                "bytes": facts.get("bytes", 0),
                "seconds": facts.get("seconds", 0.0),
                "turns": facts.get("turns", 0),
                "warnings": facts.get("warnings", 0),
                "milliseconds": _milliseconds(began),
            },
        )
        return response

    async def _invoke(self, request: Request, facts: dict[str, object]) -> Response:
        pipeline = self._pipeline
        if pipeline is None:
            await _discard(request)
            raise SpeechFailed("the models are not loaded yet")
        if self._taken >= self._places:
            await _discard(request)
            raise SpeechBusy(f"{self._taken} sessions are being transcribed or wait")
        self._taken += 1
        given_up = threading.Event()
        work: asyncio.Future[Answer] | None = None
        try:
            attributes = Attributes.read(
                request.headers.get(ATTRIBUTES, ""), self._settings.vocabularies
            )
            facts["session_id"] = attributes.session
            audio = await _body(request, pipeline.policy.limits.max_bytes)
            facts["bytes"] = len(audio)
            work = asyncio.get_running_loop().run_in_executor(
                self._pool, partial(_answer, pipeline, audio, attributes, given_up.is_set)
            )
            del audio
            answer = await _unless_gone(work, request)
        finally:
            given_up.set()
            if work is None:
                self._free()
            else:
                # The place is free when the worker is, not when the caller has gone.
                work.add_done_callback(self._free)
        facts["seconds"] = answer.seconds
        facts["turns"] = answer.turns
        facts["warnings"] = answer.warnings
        return Response(answer.body, media_type="application/json")

    def _free(self, work: asyncio.Future[Answer] | None = None) -> None:
        self._taken -= 1
        if work is not None and not work.cancelled():
            # Read, so that asyncio does not log what went wrong after the caller had gone.
            work.exception()


def _answer(
    pipeline: Pipeline, audio: bytes, attributes: Attributes, given_up: Callable[[], bool]
) -> Answer:
    """Does what was asked for, in a worker's thread."""
    if attributes.task == "enrol":
        voice, seconds = pipeline.enrol(audio)
        return Answer(json.dumps({"voice": voice, "seconds": seconds}), seconds)
    transcript = pipeline.transcribe(
        audio,
        speakers=attributes.speakers,
        channels=attributes.channels,
        prints=attributes.voices,
        cancelled=given_up,
    )
    return Answer(
        transcript.model_dump_json(),
        transcript.duration,
        len(transcript.turns),
        len(transcript.warnings),
    )


async def _body(request: Request, limit: int) -> bytes:
    """The request's body, in memory once; `AudioTooLong` if it exceeds `limit` bytes.

    The rest of what is refused is read all the same, and not kept: a caller reads no answer before
    it has sent.
    """
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    # A buffer hands out what it holds without a copy.
    body = io.BytesIO()
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        size = max(size, read)
        if size <= limit:
            body.write(chunk)
        else:
            body.close()
        if read > _LARGEST:
            break
    if size > limit:
        raise AudioTooLong(f"the recording has more than {limit:,} bytes")
    return body.getvalue()


async def _discard(request: Request) -> None:
    """Reads a body without keeping it."""
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > _LARGEST:
            return


async def _unless_gone(work: asyncio.Future[Answer], request: Request) -> Answer:
    """The answer; `ClientDisconnect` when the caller hangs up before it is there."""
    gone = asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        gone.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _refusal(refusal: Refusal, status: int | None = None) -> Response:
    return JSONResponse(refusal.as_document(), status or refusal.status)


def _milliseconds(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)


def application(endpoint: Endpoint) -> Starlette:
    """The two routes of SageMaker's container contract, over one endpoint that it loads."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # Not awaited: /ping answers 503 meanwhile, instead of a refused connection.
        loading = asyncio.get_running_loop().run_in_executor(None, endpoint.load)
        yield
        endpoint.close()
        await loading

    return Starlette(
        routes=[
            Route("/ping", endpoint.ping, methods=["GET"]),
            Route("/invocations", endpoint.invoke, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


class _Lines(logging.Formatter):
    """One JSON object a line with known fields; never arguments, exceptions or stacks."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            # Other libraries' messages may hold anything: only ours are written.
            "message": record.msg if record.name == logger.name else "(withheld)",
        }
        line |= {name: value for name in _FIELDS if (value := getattr(record, name, None))}
        return json.dumps(line)


class _Server(uvicorn.Server):
    """Stops, too, when the models cannot be loaded: the platform then replaces the container."""

    def __init__(self, config: uvicorn.Config, endpoint: Endpoint) -> None:
        super().__init__(config)
        self._endpoint = endpoint

    async def on_tick(self, counter: int) -> bool:
        return self._endpoint.failure is not None or await super().on_tick(counter)


def serve(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT, finishing what runs within `grace_seconds`.

    Returns the process's exit code: 0, or 1 when the models could not be loaded.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logger.setLevel(logging.INFO)
    # Uvicorn raises the signal again when it has stopped; having stopped, there is nothing to do.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    endpoint = Endpoint(settings)
    config = uvicorn.Config(
        application(endpoint),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.grace_seconds,
    )
    _Server(config, endpoint).run()
    logger.info("stopped")
    return 1 if endpoint.failure is not None else 0
