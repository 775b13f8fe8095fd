"""A program that is started, stopped, killed and started again, and that does not outlive this process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.processes import NotReady, last_line

START_SECONDS = 30
STOP_SECONDS = 10
POLL_SECONDS = 0.01

# The kernel ends a leashed program when the thread that started it ends, not only when its process does. So one thread, which
# lives as long as this process, starts them all; a worker thread of a test could not.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


class Process(ABC):
    """One program. Starting what runs and stopping what does not are no faults."""

    def __init__(self, name: str, log: Path, privileges: Sequence[str] = ()) -> None:
        self.name = name
        self.log = log
        self.privileges = privileges
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return program and arguments of the next start."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether it can be used now."""

    @property
    def alive(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the running process.

        Raises:
            ProcessLookupError: None runs.
        """
        if self._process is None or not self.alive:
            raise ProcessLookupError(f"{self.name} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it can be used.

        Raises:
            NotReady: It ended, or was not usable in time.
        """
        if self.alive:
            return
        command = leashed(self.command(), self.privileges)
        with self.log.open("ab") as output:
            self._process = _starter.submit(_spawn, command, output.fileno()).result()
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self.kill()  # what would not end; nothing where it did

    def kill(self) -> None:
        """End it at once, as a fault would; it gets no chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def _wait(self) -> None:
        if not wait_until(lambda: not self.alive or self.answers(), START_SECONDS):
            raise NotReady(f"{self.name} could not be used within {START_SECONDS} s; see {self.log}")
        if not self.alive:
            raise NotReady(f"{self.name} did not start: {last_line(self.log)} (all of it in {self.log})")


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Return True as soon as the condition holds, False if it never did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def leashed(command: Sequence[str], privileges: Sequence[str] = ()) -> list[str]:
    """Return the command so that the kernel interrupts the program when whoever started it is gone, even by a kill -9.

    Args:
        command: Program and arguments.
        privileges: Options of setpriv: whom it runs as.
    """
    return [str(shutil.which("setpriv")), "--pdeathsig", "INT", *privileges, *command]


def _spawn(command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
    # A session of its own keeps a terminal's Ctrl-C away: it ends this process, which then ends the programs in their order.
    environ = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ, cwd="/", start_new_session=True
    )
