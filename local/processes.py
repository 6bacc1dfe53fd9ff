"""Decides how a process of a local run is started, proven ready and ended, also after a crash."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import httpx

from countersign.errors import Refusal

ROOT = Path(__file__).parent.parent
LEASH = Path(__file__).parent / "leash.py"
LOOPBACK = "127.0.0.1"

_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
)


class NotStarted(Refusal):
    """A process did not become ready; the message holds the end of its log."""

    hint = "The end of its log is above, the rest in build/local/. Correct the cause; start again."
    status = 503


class AlreadyRunning(Refusal):
    """Another run that is alive uses the same folder."""

    hint = "Wait until the other run has ended, or stop it."
    status = 409


def free_port() -> int:
    """A loopback TCP port that is free at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a loopback TCP port can be listened on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a local process: nothing of the person's AWS account or proxies in it.

    Credentials are the emulator's `test`; configuration files and the metadata service are out of
    reach, so a mistake here cannot touch a real account.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        **extra,
    }


class Lock:
    """A folder's claim by one run; freed by the system when that run ends in any way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def take(self) -> None:
        """Claims the folder; raises `AlreadyRunning` with the other run's process id."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            owner = self._file.read().strip()
            self._file.close()
            self._file = None
            raise AlreadyRunning(
                f"{self._path.parent} is in use by process {owner or 'unknown'}"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def free(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def end_leftover(lock: Path, grace: float) -> bool:
    """Ends what a crashed run left behind under this lock; True when there was something.

    The lock is held exactly as long as a process of that run lives, so the group id in the file
    cannot meanwhile belong to anybody else.
    """
    if not lock.exists():
        return False
    deadline = time.monotonic() + grace
    with lock.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.05)
        file.seek(0)
        group = file.read().strip()
        if group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(group), signal.SIGKILL)
        fcntl.flock(file, fcntl.LOCK_EX)
    return True


class Process:
    """One child on a leash: its log and lock are files `<name>.log` and `<name>.lock`."""

    def __init__(self, name: str, folder: Path, grace: float = 5.0) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.lock = folder / f"{name}.lock"
        self.grace = grace
        self._leash: subprocess.Popen[bytes] | None = None

    def end_leftover(self) -> bool:
        """Ends what an earlier run of this name left behind; True when there was something."""
        return end_leftover(self.lock, self.grace + 2)

    def start(
        self,
        module: str,
        options: Mapping[str, object] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Starts `python -m module --option value…`, and does not wait for it.

        `extra` is added to its environment. A leftover of an earlier run is ended first.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.end_leftover()
        command = [sys.executable, "-m", module]
        for option, value in (options or {}).items():
            command += [f"--{option}", str(value)]
        with self.log.open("ab") as log:
            self._leash = subprocess.Popen(  # noqa: S603 (our own command, no shell)
                [sys.executable, "-I", "-S", str(LEASH), str(self.lock), str(self.grace), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=ROOT,
                env=environment(extra or {}),
            )

    def await_answer(self, url: str, timeout: float) -> None:
        """Returns once `url` answers 200; raises `NotStarted` if it ends or `timeout` s pass."""
        deadline = time.monotonic() + timeout
        with httpx.Client(trust_env=False, timeout=2) as client:
            while True:
                if not self.alive():
                    raise NotStarted(f"{self.name} ended while starting:\n{self.tail()}")
                with contextlib.suppress(httpx.TransportError):
                    if client.get(url).status_code == 200:
                        return
                if time.monotonic() >= deadline:
                    self.stop()
                    raise NotStarted(
                        f"{self.name} was not ready after {timeout:g} s:\n{self.tail()}"
                    )
                time.sleep(0.03)

    def alive(self) -> bool:
        return self._leash is not None and self._leash.poll() is None

    def stop(self) -> None:
        """Ends the process and its group: asked first, made to after the grace period."""
        leash, self._leash = self._leash, None
        if leash is None:
            return
        if leash.stdin is not None:
            leash.stdin.close()
        try:
            leash.wait(self.grace + 3)
        except subprocess.TimeoutExpired:
            leash.kill()
            leash.wait()
            end_leftover(self.lock, 0)

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
