"""A whole season in one file: a compressed JSON line a row, with a header before and a hash of everything behind.

What one store writes another takes, so that a season moves between SQLite and Supabase with every digit. The store's own ids and
times of writing are not part of it; the order of the rows is.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from arena.adapters.storage.rows import TABLES, Row, cell
from arena.adapters.storage.sqlite_file import SCHEMA_VERSION
from arena.application.export import check_season
from arena.application.store import PaperBooks, Records
from arena.domain.competitor import AccountId, SeasonId
from arena.errors import ConfigurationError

FORMAT = "llm-trading-arena season"
ARCHIVED = (*TABLES, "paper_books")

Line = tuple[str, Row]  # table and row


class Archived(Records, PaperBooks, Protocol):
    """What is archived: the records, and the paper accounts beside them."""


async def write_archive(records: Archived, season_id: SeasonId, accounts: tuple[AccountId, ...], path: Path) -> int:
    """Write a season into a file, complete or not at all, and return how many rows it has.

    Args:
        records: A store, with its paper books.
        season_id: Whose rows.
        accounts: All accounts that may have a paper book.
        path: Replaced where it exists.

    Raises:
        ConfigurationError: There is no such season, or the file cannot be written.
    """
    await check_season(records, season_id)
    partial, rows, digest = path.with_name(path.name + ".part"), 0, hashlib.sha256()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(partial, "wt", encoding="utf-8", newline="\n") as file:

            def put(value: object) -> None:
                line = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
                digest.update(line.encode())
                file.write(line)

            put({"format": FORMAT, "schema": SCHEMA_VERSION, "season_id": season_id})
            for table in TABLES:
                async for row in records.rows(table, season_id):
                    put([table, {name: cell(value) for name, value in row.items()}])
                    rows += 1
            for account in accounts:
                book = await records.load_paper_book(season_id, account)
                if book is not None:
                    put(["paper_books", {"season_id": season_id, "account": account, "version": book[0], "text": book[1]}])
                    rows += 1
            file.write(json.dumps({"rows": rows, "sha256": digest.hexdigest()}) + "\n")
        partial.replace(path)
    except OSError as error:
        raise ConfigurationError(f"the archive cannot be written to {path}: {error}") from error
    return rows


class Archive:
    """A season's file, checked from its first line to its last before anything of it is used.

    Raises:
        ConfigurationError: It is no archive, of another version, cut off or changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.season_id = SeasonId(self._check())

    def lines(self) -> Iterator[Line]:
        """Yield table and row, in the order in which a store can take them."""
        for text in self._texts():
            line = json.loads(text)
            if isinstance(line, list):
                yield line[0], line[1]

    def _check(self) -> str:
        digest, last, header = hashlib.sha256(), "", ""
        for text in self._texts():
            digest.update(last.encode())
            header, last = header or text, text
        try:
            head, end = json.loads(header or "null"), json.loads(last or "null")
            if head["format"] != FORMAT:
                raise ConfigurationError(f"{self.path} is not a season's archive")
            if head["schema"] != SCHEMA_VERSION:
                raise ConfigurationError(f"{self.path} is of schema {head['schema']}, and this version knows {SCHEMA_VERSION}")
            if end["sha256"] != digest.hexdigest():
                raise ConfigurationError(f"{self.path} was changed or cut off: its hash is another")
            self.rows = end["rows"]
            return str(head["season_id"])
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(f"{self.path} is not a whole archive of a season") from error

    def _texts(self) -> Iterator[str]:
        try:
            with gzip.open(self.path, "rt", encoding="utf-8", newline="\n") as file:
                yield from file
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.path} cannot be read as a season's archive: {error}") from error
