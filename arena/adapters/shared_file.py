"""A small SQLite file that several processes of this machine use: its owner's alone, and they can take turns with it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from pathlib import Path
from typing import Self

from arena.errors import ConfigurationError

OWNER_ONLY = 0o600
BUSY_TIMEOUT_MS = 5000
BUSY_PAUSE_SECONDS = 0.01


class SharedFile:
    """An open file and the lock beside it.

    Args:
        path: Made where there is none.
        schema: Statements that make what is missing.
        what: The file in a word, for people.

    Raises:
        ConfigurationError: It cannot be opened.
    """

    def __init__(self, path: Path, schema: str, what: str) -> None:
        self.path = path
        try:
            make_private(path)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_MS / 1000)
            self._db.row_factory = sqlite3.Row
            write_ahead(self._db)
            self._db.execute("PRAGMA synchronous = NORMAL")  # survives a kill
            self._db.executescript(schema)
            self._turns = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"the {what} at {path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Let go of the file, and of the turn."""
        self._db.close()
        os.close(self._turns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take_turn(self, *, wait: bool = False) -> bool:
        """Keep other processes from taking theirs; False where one of them has it now. Who dies gives it back."""
        try:
            fcntl.flock(self._turns, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def end_turn(self) -> None:
        """Let others take theirs."""
        fcntl.flock(self._turns, fcntl.LOCK_UN)


def make_private(path: Path) -> None:
    """Make a file that only its owner can read, where there is none.

    Raises:
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))  # the -wal and -shm files take their mode from it
    path.chmod(OWNER_ONLY)


def write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log; SQLite does not wait for others when it changes the mode, whatever the busy timeout."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_PAUSE_SECONDS)
        else:
            return
