"""The file: opened for its owner only, with the schema this version of the arena knows."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Self

from arena.adapters.shared_file import BUSY_TIMEOUT_MS, make_private, write_ahead
from arena.errors import ConfigurationError, RecordsError

SCHEMA_VERSION = 5
_GROWN_FROM = 4  # which only lacks tables


class SqliteFile:
    """An open file: one connection, usable from any thread, one unit of work at a time.

    Args:
        path: Created where there is none.
        lasting: Whether what is kept survives a power cut; a killed process it survives in any case.

    Raises:
        ConfigurationError: On opening: the file cannot be used, or was written by another version.
    """

    def __init__(self, path: Path, *, lasting: bool = True) -> None:
        self._db = open_file(path)
        if not lasting:
            self._db.execute("PRAGMA synchronous = NORMAL")
        self.path = path
        self._lock = threading.RLock()

    def close(self) -> None:
        """Let go of the file; nothing can be read or written afterwards."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _unit_of_work(self, failure: str, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """Keep everything done inside, or nothing; `failure` says what did not happen."""
        with self._lock:
            try:
                self._db.execute(begin)
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.ProgrammingError as error:
                raise RecordsError(f"{failure}: {error}") from error  # closed
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise RecordsError(f"{failure}: {error}") from error
                raise


def open_file(path: Path) -> sqlite3.Connection:
    """Return a connection to the records at `path`, which is created where there is none.

    Raises:
        ConfigurationError: The file cannot be opened, is something else, or has another version's schema.
    """
    try:
        make_private(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"the records at {path} cannot be opened: {error}") from error
    try:
        _prepare(connection, path)
    except sqlite3.OperationalError as error:
        connection.close()
        raise ConfigurationError(f"the records at {path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ConfigurationError(f"{path} is not a file of the arena's records: {error}") from error
    except ConfigurationError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ledger_entries'").fetchone():
            raise ConfigurationError(f"{path} is another program's database; name a new file for the records")
    elif version not in (0, _GROWN_FROM, SCHEMA_VERSION):
        age = "a newer" if version > SCHEMA_VERSION else "an older"
        raise ConfigurationError(
            f"{path} was written by {age} version of the arena (schema {version}, this one knows {SCHEMA_VERSION}); "
            "use that version, or name a new file"
        )
    write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")  # an intent must survive a power cut: the order is sent right after it
    connection.execute("PRAGMA foreign_keys = ON")
    if version != SCHEMA_VERSION:
        schema = files("arena.adapters.storage").joinpath("schema.sql").read_text(encoding="utf-8")
        connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;")
