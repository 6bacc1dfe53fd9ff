"""The local FHIR store as a process of its own, as `make demo` runs it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def fhir_server(data: Path, port: int | None = None) -> Iterator[str]:
    """Starts the store on loopback and gives its base address once it answers."""
    chosen = port or free_port()
    command = [sys.executable, "-m", "local.fhir_store", "--port", str(chosen), "--data", str(data)]
    base = f"http://127.0.0.1:{chosen}"
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 30
            while True:
                if process.poll() is not None:
                    raise RuntimeError(f"the store ended with {process.returncode}")
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"{base}/metadata", timeout=5).status_code == 200:
                        break
                if time.monotonic() > deadline:
                    raise RuntimeError("the store did not answer in 30 s")
                time.sleep(0.05)
            yield base
        finally:
            process.terminate()
