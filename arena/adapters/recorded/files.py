"""Parquet files as plain arrays; a file that cannot be used ends in one sentence that names it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from arena.errors import ConfigurationError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BESIDE = ("funding", "mark-1h")  # folders beside the candles, which hold none


def candle_files(directory: Path) -> list[Path]:
    """Return the candle files of a folder by name.

    Raises:
        ConfigurationError: There is no such folder, or it has no candle files.
    """
    if not directory.is_dir():
        raise ConfigurationError(f"{directory} is not a folder: name one with candle files such as BTCUSDT.parquet")
    found = sorted(directory.glob("*.parquet"))
    if not found:
        folders = (path for path in directory.iterdir() if path.name not in BESIDE and any(path.glob("*.parquet")))
        below = sorted(path.name for path in folders)
        hint = f"name one of its folders ({', '.join(below)})" if below else "name a folder with files such as BTCUSDT.parquet"
        raise ConfigurationError(f"{directory} has no candle files: {hint}")
    return found


def read_columns(path: Path, time_column: str, value_columns: Sequence[str]) -> tuple[Integers, list[Floats]]:
    """Return a file's times (ms of Unix time) and values, sorted by time.

    Raises:
        ConfigurationError: It cannot be read, lacks a column, or has one of another type or a time twice.
    """
    try:
        wanted = [time_column, *value_columns]
        missing = [name for name in wanted if name not in pq.read_schema(path).names]
        if missing:
            raise ConfigurationError(f"{path} lacks the column {missing[0]}: it needs {', '.join(wanted)}")
        table = pq.read_table(path, columns=wanted)
        times = _milliseconds(table.column(time_column))
        values = [table.column(name).cast(pa.float64()).to_numpy() for name in value_columns]
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"{path} cannot be read as candles or rates ({reason}): replace or remove it") from error
    order = np.argsort(times, kind="stable")
    times = times[order]
    if np.any(np.diff(times) == 0):
        raise ConfigurationError(f"{path} has two rows with the same {time_column}: keep one of them")
    return times, [column[order] for column in values]


def _milliseconds(column: pa.ChunkedArray) -> Integers:
    """Return times as ms of Unix time; a time without a zone is UTC."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", tz=column.type.tz), safe=False).cast(pa.int64())
    numbers: Integers = column.cast(pa.int64()).to_numpy()
    return numbers
