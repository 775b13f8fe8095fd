"""Files of a market as plain arrays, and back; one that cannot be used ends in one sentence that names it."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    table = pa.table({time_column: pa.array(times).cast(TIME), **columns})
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
        values = [table.column(name).cast(pa.float64()).to_numpy() for name in value_columns]
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"{path} cannot be read as candles or rates ({reason}): replace or remove it") from error
    if len(np.unique(times)) < len(times):
        raise ConfigurationError(f"{path} has two rows with the same {time_column}: keep one of them")
    return times, values


def _table(path: Path, wanted: Sequence[str]) -> pa.Table:
    """Return at least the wanted columns of a file."""
    table = None if path.suffix == ".parquet" else _csv(_content(path), wanted[0])
    names = pq.read_schema(path).names if table is None else table.column_names
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ConfigurationError(f"{path} lacks the column {missing[0]}: it needs {', '.join(wanted)}")
    return pq.read_table(path, columns=wanted) if table is None else table


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
    numbers: Integers = column.cast(pa.int64()).to_numpy()
    return np.where(numbers >= _MICROSECONDS, numbers // 1000, numbers)
