"""Files of a market as plain arrays, and back; one that cannot be used ends in one sentence that names it.

Arrow's columns and numpy's arrays are turned into each other by their memory alone: Arrow's own ways (`read_table`, `to_numpy`,
`pa.array`, `pa.scalar`) import pandas where it is installed, which takes seconds.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from arena.errors import ConfigurationError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TIME = pa.timestamp("ms", tz="UTC")
_BINANCE = {  # what the columns are where a file does not say, by that of the time
    "open_time": (
        *("open_time", "open", "high", "low", "close", "volume", "close_time"),
        *("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
    ),
    "funding_time": ("funding_time", "funding_interval_hours", "funding_rate"),
}
_OURS = {"calc_time": "funding_time", "last_funding_rate": "funding_rate"}  # Binance's names for them
_MICROSECONDS = 10**14  # as milliseconds this is the year 5138
_UNREADABLE = (pa.ArrowException, OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


def read_columns(paths: Sequence[Path], time_column: str, value_columns: Sequence[str]) -> tuple[Integers, list[Floats]]:
    """Return the times (ms of Unix time) and values of one history, sorted by time; of a time in two files the first counts.

    Args:
        paths: Of Parquet, CSV, or ZIP with one CSV in it; at least one.
        time_column: `open_time` or `funding_time`.
        value_columns: Names of the others.

    Raises:
        ConfigurationError: A file cannot be read, lacks a column, or has one of another type or a time twice.
    """
    parts = [_read(path, time_column, value_columns) for path in paths]
    times, first = np.unique(np.concatenate([each for each, _ in parts]), return_index=True)
    columns = zip(*(values for _, values in parts), strict=True)
    return times, [np.concatenate(column)[first] for column in columns]


def write_columns(
    path: Path, time_column: str, times: Integers, columns: Mapping[str, Floats], note: Mapping[str, str] | None = None
) -> None:
    """Write a Parquet file whole or not at all.

    Args:
        path: Its folder is made where it is missing.
        time_column: Name of the times.
        times: ms of Unix time.
        columns: Values by name.
        note: Kept in the file beside the columns.

    Raises:
        ConfigurationError: It cannot be written; what was there is as it was.
    """
    table = pa.Table.from_arrays(
        [_column(times, pa.int64()).cast(TIME), *(_column(values, pa.float64()) for values in columns.values())],
        names=[time_column, *columns],
    )
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata(note), partial, compression="zstd")
        partial.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror or error})") from error


def _read(path: Path, time_column: str, value_columns: Sequence[str]) -> tuple[Integers, list[Floats]]:
    wanted = [time_column, *value_columns]
    try:
        table = _table(path, wanted)
        times = _milliseconds(table.column(time_column))
        values = [_floats(table.column(name)) for name in value_columns]
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"{path} cannot be read as candles or rates ({reason}): replace or remove it") from error
    if len(np.unique(times)) < len(times):
        raise ConfigurationError(f"{path} has two rows with the same {time_column}: keep one of them")
    return times, values


def _table(path: Path, wanted: Sequence[str]) -> pa.Table:
    """Return at least the wanted columns of a file."""
    if path.suffix != ".parquet":
        table = _csv(_content(path), wanted[0])
        _check_columns(path, table.column_names, wanted)
        return table
    with pq.ParquetFile(path) as file:
        _check_columns(path, file.schema_arrow.names, wanted)
        return file.read(columns=wanted)


def _check_columns(path: Path, names: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ConfigurationError(f"{path} lacks the column {missing[0]}: it needs {', '.join(wanted)}")


def _content(path: Path) -> bytes:
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        if len(names) != 1:
            raise ConfigurationError(f"{path} holds {len(names)} CSV files where there should be one: replace or remove it")
        return archive.read(names[0])


def _csv(content: bytes, time_column: str) -> pa.Table:
    """Read a CSV file under our names; one without a line of names has Binance's columns."""
    first = content.partition(b"\n")[0].split(b",")
    names = _BINANCE[time_column][: len(first)] if first[0].strip().isdigit() else None
    table = csv.read_csv(io.BytesIO(content), read_options=csv.ReadOptions(column_names=names))
    return table.rename_columns([_OURS.get(name, name) for name in table.column_names])


def _milliseconds(column: pa.ChunkedArray) -> Integers:
    """Return times as ms of Unix time; one without a zone is UTC, and a number may be ms or µs."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", tz=column.type.tz), safe=False).cast(pa.int64())
    if column.null_count:
        raise pa.ArrowInvalid("a row has no time")
    numbers = _numbers(column.cast(pa.int64()), np.dtype(np.int64))
    return np.where(numbers >= _MICROSECONDS, numbers // 1000, numbers)


def _floats(column: pa.ChunkedArray) -> Floats:
    """Return numbers of any kind; what is missing is NaN."""
    values = _numbers(column.cast(pa.float64()), np.dtype(np.float64))
    if not column.null_count:
        return values
    return np.where(_numbers(column.is_null().cast(pa.uint8()), np.dtype(np.uint8)), np.nan, values)


def _numbers(column: pa.ChunkedArray, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return a column of numbers of this very kind; where one is missing there is any."""
    parts = [
        np.frombuffer(each.buffers()[1], kind, len(each), each.offset * kind.itemsize) for each in column.chunks if len(each)
    ]
    return np.concatenate(parts) if parts else np.empty(0, kind)


def _column(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return an array as a column that shares its memory."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
