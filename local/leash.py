"""Decides when a process of a local run must end: with the one that started it, however that ends.

Run as a script: `python leash.py LOCK GRACE COMMAND…`. It starts COMMAND in a process group of its
own, and ends that group when its standard input closes (the starter closed it, or died by any
signal), when it is told to terminate, or when COMMAND ends. LOCK stays locked as long as any of
this lives, and holds the group's id, so that a later run can tell and end what a crash left over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

HELD = 75


def end_group(group: int, grace: float, ended: subprocess.Popen[bytes]) -> None:
    """Asks a process group to end, waits `grace` seconds for its leader, then makes it end."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        ended.wait(grace)
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Runs the command to its end or to ours; returns its exit code, or 75 if LOCK is held."""
    path, grace, command = Path(arguments[0]), float(arguments[1]), arguments[2:]
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return HELD

    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    told_to_end = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

    with subprocess.Popen(  # noqa: S603 (the command is the local run's own)
        command, stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=(lock.fileno(),)
    ) as child:
        lock.truncate(0)
        lock.write(str(child.pid))
        lock.flush()
        while child.poll() is None:
            ready, _, _ = select.select([sys.stdin, woken], [], [])
            if sys.stdin in ready and not os.read(sys.stdin.fileno(), 64):
                break
            if woken in ready and told_to_end & set(os.read(woken, 64)):
                break
        end_group(child.pid, grace, child)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
