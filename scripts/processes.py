"""Start helpers of a command on loopback, and end every one of them, however the command ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

STOP_SECONDS = 10


class NotReady(RuntimeError):
    """A process did not answer in time; its log is named."""


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str], log: Path, environ: Mapping[str, str], ready_url: str, seconds: float
) -> Iterator[None]:
    """Run a command in a process group of its own until the block is left.

    Args:
        name: For messages.
        command: Program and arguments.
        log: Takes what it prints.
        environ: Its whole environment.
        ready_url: Polled until it answers 200.
        seconds: At most.

    Raises:
        NotReady: It ended or did not answer.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=dict(environ), start_new_session=True)
    try:
        _wait(name, process, ready_url, seconds, log)
        yield
    finally:
        _end(process)


def default_signals() -> None:
    """Make SIGTERM end this command the way Ctrl-C does, so that the processes it started are ended too."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)  # a shell's `&` may have left it ignored


def python(*arguments: str) -> list[str]:
    """Return a command that runs this interpreter."""
    return [sys.executable, *arguments]


def _wait(name: str, process: subprocess.Popen[bytes], url: str, seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotReady(f"{name} ended with {process.returncode}: {last_line(log)} (all of it in {log})")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).status_code == 200:
                return
        time.sleep(0.2)
    raise NotReady(f"{name} did not answer within {seconds:.0f} s; see {log}")


def last_line(log: Path) -> str:
    """Return the last thing a program said before it ended."""
    lines = log.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: politely, then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # children that outlived their leader
