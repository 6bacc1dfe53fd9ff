"""A local process ends when it is told to, when its starter dies, and never leaves a child."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.processes import ROOT, AlreadyRunning, Lock, NotStarted, Process, environment, free_port

Eventually = Callable[..., Any]

# Starts a server with a child of its own, as the emulator starts functions; writes both ids.
FAMILY = """
import http.server, os, pathlib, signal, subprocess, sys
where, port, stubborn = sys.argv[2], int(sys.argv[4]), sys.argv[6] == "yes"
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(where).write_text(f"{os.getpid()} {child.pid}")
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
http.server.HTTPServer(("127.0.0.1", port), Ready).serve_forever()
"""

STARTER = """
import sys, time
from pathlib import Path
from local.processes import Process
folder, port = Path(sys.argv[1]), sys.argv[2]
process = Process("family", folder, grace=1)
process.start("family", {"ids": folder / "ids", "port": port, "stubborn": "no"},
              {"PYTHONPATH": str(folder)})
process.await_answer(f"http://127.0.0.1:{port}/", 10)
print("ready", flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def family(tmp_path: Path) -> Path:
    (tmp_path / "family.py").write_text(FAMILY)
    return tmp_path


def started(folder: Path, *, stubborn: str = "no") -> tuple[Process, list[int]]:
    process, port = Process("family", folder, grace=1), free_port()
    options = {"ids": folder / "ids", "port": port, "stubborn": stubborn}
    process.start("family", options, {"PYTHONPATH": str(folder)})
    process.await_answer(f"http://127.0.0.1:{port}/", 10)
    return process, [int(pid) for pid in (folder / "ids").read_text().split()]


def test_stopping_ends_the_process_and_its_children(family: Path) -> None:
    process, pids = started(family)
    assert process.alive()
    process.stop()
    assert not process.alive()
    assert not any(alive(pid) for pid in pids)


def test_a_process_that_will_not_end_is_made_to(family: Path) -> None:
    process, pids = started(family, stubborn="yes")
    asked = time.monotonic()
    process.stop()
    assert time.monotonic() - asked < 5
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_starter(family: Path, eventually: Eventually, how: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(family), str(free_port())],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment({}),
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
        pids = [int(pid) for pid in (family / "ids").read_text().split()]
        assert all(alive(pid) for pid in pids)
        starter.send_signal(how)
    eventually(lambda: not any(alive(pid) for pid in pids), 5)


def test_what_a_lost_leash_left_behind_is_ended_at_the_next_start(family: Path) -> None:
    process, pids = started(family)
    leash = process._leash
    assert leash is not None
    leash.kill()
    leash.wait()
    assert leash.stdin is not None
    leash.stdin.close()
    assert all(alive(pid) for pid in pids)

    again, fresh = started(family)
    assert not alive(pids[0])
    assert all(alive(pid) for pid in fresh)
    again.stop()


def test_a_process_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit('no model here')")
    process = Process("broken", tmp_path)
    process.start("broken", extra={"PYTHONPATH": str(tmp_path)})
    with pytest.raises(NotStarted, match="no model here"):
        process.await_answer(f"http://127.0.0.1:{free_port()}/", 10)
    process.stop()


def test_a_process_that_never_answers_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "silent.py").write_text("import time; time.sleep(60)")
    process = Process("silent", tmp_path, grace=1)
    process.start("silent", extra={"PYTHONPATH": str(tmp_path)})
    with pytest.raises(NotStarted, match=r"not ready after 0\.3 s"):
        process.await_answer(f"http://127.0.0.1:{free_port()}/", 0.3)
    assert not process.alive()


def test_a_folder_belongs_to_one_living_run(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    first.take()
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        second.take()
    first.free()
    second.take()
    second.free()


def test_nothing_of_a_real_account_reaches_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "clinic-production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    given = environment({"MORE": "1"})
    assert given["AWS_ACCESS_KEY_ID"] == "test"
    assert given["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert given["MORE"] == "1"
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY"}.isdisjoint(given)
