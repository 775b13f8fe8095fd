"""A Parquet file that grows, and knows for which spans the venue was asked: a gap is not asked for again.

It is written whole beside itself and renamed: a kill at any moment leaves it as it was, with all that was kept before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arena.adapters.recorded.files import Integers, read_columns, write_columns
from arena.adapters.recorded.series import from_ms, to_ms
from arena.errors import ConfigurationError

KEPT_ROWS, KEPT_SHARE = 2_000, 20  # the file is written anew after so many rows, and after a 20th of those it has
_NOTE = b"arena"

Span = tuple[datetime, datetime]  # since, until: the first instant after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Rows that are missing one after the other: where the first one and the first one after them would be, and how many."""

    since: datetime
    until: datetime
    rows: int


class GrowingFile:
    """One symbol's rows of one kind.

    Args:
        path: Of the file, which need not be there.
        time_column, value_columns: Names of its columns.
        source: Where the rows come from; rows from elsewhere are not mixed in.
        least: With fewer rows there is no file, since nobody could read it.

    Raises:
        ConfigurationError: The file cannot be read, or was not made from this source.
    """

    def __init__(self, path: Path, time_column: str, value_columns: Sequence[str], *, source: str, least: int = 1) -> None:
        self.path = path
        self.rows = 0
        self._kept = True
        self._time_column, self._value_columns = time_column, tuple(value_columns)
        self._source, self._least = source, least
        self._asked: list[tuple[int, int]] = []
        self._fresh: list[tuple[datetime, tuple[Decimal, ...]]] = []
        if path.exists():
            self._read_note()

    def missing(self, since: datetime, until: datetime) -> list[Span]:
        """Return the parts of a span that were not asked for yet, in order."""
        at, end, found = to_ms(since), to_ms(until), []
        for begun, ended in self._asked:
            if at < min(begun, end):
                found.append((at, min(begun, end)))
            at = max(at, ended)
        if at < end:
            found.append((at, end))
        return [(from_ms(begun), from_ms(ended)) for begun, ended in found]

    def add(self, rows: Sequence[tuple[datetime, tuple[Decimal, ...]]], asked: Span) -> None:
        """Take in all rows of a span that was missing; now and then the file is written.

        Raises:
            ConfigurationError: It cannot be written.
        """
        self._fresh.extend(rows)
        self._asked = _joined([*self._asked, (to_ms(asked[0]), to_ms(asked[1]))])
        self._kept = False
        if len(self._fresh) >= max(KEPT_ROWS, self.rows // KEPT_SHARE):
            self.keep()

    def keep(self) -> None:
        """Write what was added since the last time.

        Raises:
            ConfigurationError: It cannot be written; it is as it was.
        """
        if self._kept:
            return
        times = np.array([to_ms(time) for time, _ in self._fresh], np.int64)
        values = np.array([row for _, row in self._fresh], np.float64).reshape(len(times), len(self._value_columns))
        columns = [values[:, index] for index in range(len(self._value_columns))]
        if self.path.exists():
            known, kept = read_columns([self.path], self._time_column, self._value_columns)
            times = np.concatenate([known, times])
            columns = [np.concatenate(both) for both in zip(kept, columns, strict=True)]
        if len(times) < self._least:
            return
        times, first = np.unique(times, return_index=True)
        note = json.dumps({"source": self._source, "asked": self._asked})
        named = {name: column[first] for name, column in zip(self._value_columns, columns, strict=True)}
        write_columns(self.path, self._time_column, times, named, {_NOTE.decode(): note})
        self.rows, self._fresh, self._kept = len(times), [], True

    def times(self) -> Integers:
        """Return the times that are kept, ms of Unix time, in order."""
        if not self.path.exists():
            return np.empty(0, np.int64)
        return read_columns([self.path], self._time_column, ())[0]

    def _read_note(self) -> None:
        try:
            file = pq.read_metadata(self.path)
            note = json.loads((file.metadata or {}).get(_NOTE, b"null"))
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ConfigurationError(f"{self.path} cannot be read ({reason}): remove it, or name another folder") from error
        source = note["source"] if note else "elsewhere"
        if source != self._source:
            raise ConfigurationError(f"{self.path} comes from {source}, not from {self._source}: name another folder")
        self.rows, self._asked = file.num_rows, [(begun, ended) for begun, ended in note["asked"]]


def find_gaps(times: Integers, step: timedelta, span: Span) -> Iterator[Gap]:
    """Yield where a span lacks rows, of which there is one in each `step` of Unix time."""
    wide = to_ms(step)
    wanted = np.arange(-(-to_ms(span[0]) // wide), -(-to_ms(span[1]) // wide))
    absent = np.setdiff1d(wanted, times // wide)
    for run in np.split(absent, np.flatnonzero(np.diff(absent) > 1) + 1) if len(absent) else ():
        first, last = int(run[0]), int(run[-1])
        yield Gap(since=from_ms(first * wide), until=from_ms((last + 1) * wide), rows=len(run))


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the same spans in order, with those joined that touch."""
    found: list[tuple[int, int]] = []
    for begun, ended in sorted(spans):
        if found and begun <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((begun, ended))
    return found
