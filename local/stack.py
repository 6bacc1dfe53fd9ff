"""Decides how the whole system starts, runs and stops on one machine, as one thing."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from countersign.errors import ModelMissing, Refusal
from local.deploy import deploy
from local.differences import Places
from local.emulator import Emulator
from local.processes import LOOPBACK, ROOT, Lock, NotStarted, Process, free_port, is_free

BUILD = ROOT / "build"
_KEPT_ASSEMBLIES = 3

Progress = Callable[[str], None]


class NotSynthesized(Refusal):
    """The CDK app did not give a template; the message holds the end of what it printed."""

    hint = "Run `make synth` to see all of it."
    status = 500


@dataclass(frozen=True)
class Running:
    """A started system: addresses without a trailing slash, and the stack's outputs by key."""

    portal: str
    emulator: str
    fhir: str
    inference: str
    speech: str
    outputs: dict[str, str]
    _emulator: Emulator

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator."""
        return self._emulator.client(service)


Seed = Callable[[Running], None]


def synthesize(progress: Progress = lambda _: None) -> Path:
    """The folder of the synthesized assembly; the CDK app runs only when its inputs changed.

    Its inputs are `infra/`, `cdk.json`, the workflow files and each handler's list of ports.
    Function code is none of them: a local run takes it from the source tree. Raises
    `NotSynthesized`.
    """
    folder = BUILD / "local" / "assemblies"
    made = folder / _fingerprint()
    if not made.exists():
        progress("synthesizing the template")
        folder.mkdir(parents=True, exist_ok=True)
        started = folder / f"{made.name}.{os.getpid()}"
        shutil.rmtree(started, ignore_errors=True)
        ended = subprocess.run(  # noqa: S603 (our own program, no shell)
            [sys.executable, "-m", "infra.app", str(started)],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if ended.returncode:
            shutil.rmtree(started, ignore_errors=True)
            said = (ended.stdout + ended.stderr).splitlines()
            raise NotSynthesized("\n".join(said[-25:]))
        for bundle in started.glob("asset.*/"):  # Function code, which a local run does not use.
            shutil.rmtree(bundle)
        with contextlib.suppress(OSError):  # Another run was first; both made the same.
            started.rename(made)
        shutil.rmtree(started, ignore_errors=True)
    made.touch()
    newest = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in newest[_KEPT_ASSEMBLIES:]:
        shutil.rmtree(old, ignore_errors=True)
    return made


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in _sources():
        content = path.read_bytes()
        if path.suffix == ".py" and path.is_relative_to(ROOT / "lambdas"):
            content = _needs(content)
        name = str(path.relative_to(ROOT)).encode()
        digest.update(b"%d %b %d %b" % (len(name), name, len(content), content))
    return digest.hexdigest()[:24]


def _sources() -> Iterator[Path]:
    yield ROOT / "cdk.json"
    yield from sorted(
        path
        for path in (ROOT / "infra").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    yield from sorted((ROOT / "lambdas").rglob("*.asl.json"))
    yield from sorted((ROOT / "lambdas").glob("*/*.py"))


def _needs(source: bytes) -> bytes:
    """The decorators of a module's `handler`, which are all that `infra/` reads of it."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == "handler":
            return "\n".join(ast.dump(each) for each in node.decorator_list).encode()
    return b""


class Clinic:
    """The system on one machine, in one folder below build/local/.

    `keep` stores its data there when it stops, for `start(fresh=False)`; without it the data is
    in memory and goes with the processes. `inference` is the address of a server that runs
    already; without it one is started on `model`, a folder below build/models/. `assembly` is a
    synthesized assembly to deploy instead of the product's.
    """

    def __init__(
        self,
        name: str = "demo",
        *,
        model: str = "whisper-base",
        keep: bool = False,
        inference: str | None = None,
        assembly: Path | None = None,
        code: Path = ROOT,
        seed: Seed | None = None,
        progress: Progress = lambda _: None,
    ) -> None:
        self.folder = BUILD / "local" / name
        self._model = model
        self._keep = keep
        self._inference_at = inference
        self._assembly = assembly
        self._code = code
        self._seed = seed
        self._progress = progress
        self._lock = Lock(self.folder / "lock")
        self._emulator = Emulator(self.folder / "emulator", keep=keep)
        self._fhir = Process("fhir", self.folder)
        self._inference = Process("inference", self.folder)
        self._speech = Process("speech", self.folder)
        self._gateway = Process("gateway", self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, port: int | None = None, fresh: bool = True) -> Running:
        """Starts everything and returns when all of it answers.

        `port` is the portal's; without one a free port is taken. Raises `AlreadyRunning` when a
        living run has this name, `ModelMissing`, `NotSynthesized`, `NotDeployed` or `NotStarted`;
        then nothing is left running.
        """
        if port is not None and not is_free(port):
            raise NotStarted(f"port {port} is in use: choose another one")
        self._lock.take()
        try:
            return self._start(port or free_port(), fresh)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops everything, in the order in which nothing is asked of what is gone."""
        for process in (self._gateway, self._speech, self._inference):
            process.stop()
        self._emulator.stop()
        self._fhir.stop()
        self._lock.free()

    def dead(self) -> tuple[str, ...]:
        """The names of parts that ended by themselves; their logs say why."""
        parts = [self._fhir, self._speech, self._gateway]
        if self._inference_at is None:
            parts.append(self._inference)
        ended = [part.name for part in parts if not part.alive()]
        return tuple(ended if self._emulator.alive() else [*ended, "emulator"])

    def _start(self, port: int, fresh: bool) -> Running:
        started = time.monotonic()
        records = self.folder / "fhir"
        for part in (self._gateway, self._speech, self._inference, self._fhir, self._emulator):
            if part.end_leftover():
                self._progress("ended what an interrupted run left behind")
        if fresh or not self._keep:
            shutil.rmtree(self.folder / "emulator", ignore_errors=True)
            shutil.rmtree(records, ignore_errors=True)
        records.mkdir(parents=True, exist_ok=True)
        for log in self.folder.glob("*.log"):
            log.unlink()

        self._progress("starting the emulator, the record system and the speech model")
        fhir = f"http://{LOOPBACK}:{(fhir_port := free_port())}"
        inference = self._inference_at or self._start_inference()
        self._fhir.start("local.fhir_store", {"port": fhir_port, "data": records / "store.sqlite"})
        with ThreadPoolExecutor(1) as pool:
            synthesized = pool.submit(
                lambda: self._assembly if self._assembly else synthesize(self._progress)
            )
            emulator = self._emulator.start()
            assembly = synthesized.result()

        self._progress("deploying the template")
        speech = f"http://{LOOPBACK}:{(speech_port := free_port())}"
        portal = f"http://{LOOPBACK}:{port}"
        python_path = str(ROOT) if self._code == ROOT else f"{self._code}:{ROOT}"
        outputs = deploy(
            assembly,
            self._emulator,
            Places(emulator, speech, fhir, portal, sys.executable, python_path),
        )
        self._start_speech(speech_port, emulator, inference, outputs)
        self._gateway.start(
            "local.gateway", {"port": port, "emulator": emulator, "api": outputs["PortalApiId"]}
        )
        self._fhir.await_answer(f"{fhir}/metadata", 30)
        self._speech.await_answer(f"{speech}/ping", 30)
        self._gateway.await_answer(f"{portal}/.well-known/gateway", 30)
        if self._inference_at is None:
            self._progress("waiting for the speech model")
            self._inference.await_answer(f"{inference}/ping", 120)
        running = Running(portal, emulator, fhir, inference, speech, outputs, self._emulator)
        if self._seed is not None:
            self._progress("adding people, patients and policies")
            self._seed(running)
        self._progress(f"ready after {time.monotonic() - started:.1f} s")
        return running

    def _start_inference(self) -> str:
        models = BUILD / "models"
        model, voice = models / self._model, models / "voice-encoder.onnx"
        for needed in (model / "model.bin", voice):
            if not needed.exists():
                raise ModelMissing(f"{needed.relative_to(ROOT)} is not there")
        port = free_port()
        self._inference.start(
            "inference",
            extra={
                "SPEECH_MODEL_DIR": str(model),
                "SPEECH_VOICE_MODEL": str(voice),
                "SPEECH_HOST": LOOPBACK,
                "SPEECH_PORT": str(port),
                "SPEECH_GRACE_SECONDS": "2",
                "HF_HUB_OFFLINE": "1",
            },
        )
        return f"http://{LOOPBACK}:{port}"

    def _start_speech(
        self, port: int, emulator: str, inference: str, outputs: dict[str, str]
    ) -> None:
        self._speech.start(
            "local.speech_endpoint",
            {
                "port": port,
                "emulator": emulator,
                "inference": inference,
                "name": outputs["LocalSpeechName"],
                "output": outputs["LocalSpeechOutput"],
                "failure": outputs["LocalSpeechFailure"],
                "success-topic": outputs["LocalSpeechSuccessTopic"],
                "error-topic": outputs["LocalSpeechErrorTopic"],
            },
        )
