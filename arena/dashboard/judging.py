"""The newest judgement of a season: read where it was written, and made anew now and then by a process of its own.

Judging takes libraries that are slow to import and seconds of processor, which no answer may wait for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from pydantic import ValidationError

from arena.dashboard.answers import Judged

log = logging.getLogger("arena.dashboard")

EVERY_SECONDS = 15 * 60  # at most one judgement in so long,
YOUNG_SECONDS = 60  # or in so long, while a season is young: it has twice as many cycles as were judged
LOWEST_PRIORITY = 19
STOP_SECONDS = 3  # that one under way has to end


class Found(NamedTuple):
    """A judgement in a file.

    Attributes:
        told: Its JSON.
        written: When, seconds since 1970.
    """

    told: Any
    written: float


class JudgementFile:
    """Reads a judgement from a file, again only where that has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[int, int] | None = None
        self._found: Found | None = None

    def __call__(self) -> Found | None:
        """Return the judgement; None where there is no file. One that cannot be read leaves what was known."""
        try:
            stat = self._path.stat()
            known = (stat.st_mtime_ns, stat.st_size)
            if known != self._known:
                self._known = known
                self._found = Found(json.loads(self._path.read_bytes()), stat.st_mtime)
        except OSError:
            self._found = None
        except ValueError as error:
            log.warning("%s is no JSON: %s", self._path, error)
        return self._found


def by_command(command: Sequence[str]) -> Callable[[], Awaitable[None]]:
    """Return what judges by running a command to its end, at the lowest priority; whoever cancels it ends the process.

    Raises:
        OSError: It cannot be run.
        ChildProcessError: It ended with a fault; the text is the last thing that it said.
    """

    async def judge() -> None:
        process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
        try:
            with suppress(psutil.Error):
                psutil.Process(process.pid).nice(LOWEST_PRIORITY)
            _, said = await process.communicate()
        finally:
            await _ended(process)
        if process.returncode:
            lines = [line.strip(" │") for line in said.decode(errors="replace").splitlines() if any(map(str.isalnum, line))]
            raise ChildProcessError(lines[-1] if lines else f"it ended with {process.returncode}")

    return judge


async def _ended(process: Process) -> None:
    """Let no process outlive who has started it."""
    for end in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            end()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)


class Judging:
    """Knows the newest judgement, and has a new one made when it is time.

    Args:
        season: Whose; a judgement of another is none.
        newest: Returns the newest one.
        judge: Makes one; None where nobody does.
        every: Seconds from one to the next, at least.

    Attributes:
        judged: The newest one; None before the first.
        written: When that was made, seconds since 1970.
    """

    def __init__(
        self,
        season: str,
        newest: Callable[[], Found | None],
        judge: Callable[[], Awaitable[None]] | None,
        every: float,
    ) -> None:
        self.judged: Judged | None = None
        self.written = 0.0
        self._season, self._newest, self._judge, self._every = season, newest, judge, every
        self._read: Found | None = None
        self._begun = 0.0
        self._task: asyncio.Task[None] | None = None
        self._complained = False

    @property
    def under_way(self) -> bool:
        """Whether one is being made."""
        return self._task is not None and not self._task.done()

    def look(self) -> None:
        """Read the newest one, if it is another than before."""
        found = self._newest()
        if found is self._read:
            return
        self._read = found
        if found is None:
            self.judged, self.written = None, 0.0
        elif judged := _understood(found.told, self._season):
            self.judged, self.written = judged, found.written

    def begin(self, cycles: int) -> None:
        """Have a new one made where it is time, and wait for nothing.

        Args:
            cycles: Booked ones.
        """
        since = time.time() - max(self.written if self.judged else 0.0, self._begun)
        news = cycles > self.judged.cycles if self.judged else cycles > 0
        young = self.judged is not None and cycles >= 2 * self.judged.cycles
        patience = min(YOUNG_SECONDS, self._every) if young else self._every
        if self._judge is None or self.under_way or not news or since < patience:
            return
        self._begun = time.time()
        self._task = asyncio.create_task(self._made(self._judge))

    async def end(self) -> None:
        """End the one under way."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _made(self, judge: Callable[[], Awaitable[None]]) -> None:
        try:
            await judge()
            self._complained = False
        except OSError as error:  # the season is shown all the same; a ChildProcessError is one
            if not self._complained:
                log.warning("the season could not be judged: %s", error)
            self._complained = True


def _understood(told: Any, season: str) -> Judged | None:
    """Return a judgement as it is answered; None where it is another season's, of no cycle, or of another shape."""
    try:
        judged = Judged.model_validate(told)
    except ValidationError as error:
        log.warning("the judgement of %s is not shown: it has another shape (%s)", season, error.errors()[0]["loc"])
        return None
    return judged if judged.season == season and judged.cycles else None
