"""Processes that were started from a directory and have no supervisor any more."""

from __future__ import annotations

import os
from collections.abc import Iterable

import psutil

from scripts.up.base import MARK, Base

PATIENCE_SECONDS = 10


def started_from(base: Base) -> list[psutil.Process]:
    """Return every process that was started from the directory, the supervisor and flow runs among them, but this one."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _mark(process) == str(base.directory)]


def _mark(process: psutil.Process) -> str | None:
    try:
        mark: str | None = process.environ().get(MARK)
    except (psutil.Error, OSError):  # another user's, or gone
        return None
    return mark


def end(processes: Iterable[psutil.Process]) -> None:
    """End processes: politely, then for good."""
    living = list(processes)
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in living:
            try:
                ask(process)
            except psutil.NoSuchProcess:
                continue
        _, living = psutil.wait_procs(living, timeout=PATIENCE_SECONDS)
