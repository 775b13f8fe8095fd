"""Small markets as Parquet files: `write_candles(tmp_path / "5m", "BTCUSDT", ["100 102 99 101 5"])`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

START = datetime(2025, 1, 1, tzinfo=UTC)
BAR = timedelta(minutes=5)
PRICES = ("open", "high", "low", "close")


def write_candles(
    directory: Path,
    symbol: str,
    rows: Iterable[str | None],
    start: datetime = START,
    interval: timedelta = BAR,
    zone: str | None = "UTC",
) -> Path:
    """Each row says `open high low close volume`; None is a gap."""
    found = [(start + interval * i, *map(float, row.split())) for i, row in enumerate(rows) if row is not None]
    times, *values = zip(*found, strict=True)
    return _write(directory, symbol, "open_time", times, dict(zip((*PRICES, "volume"), values, strict=True)), zone)


def write_funding(directory: Path, symbol: str, rates: Mapping[datetime, float]) -> Path:
    return _write(directory, symbol, "funding_time", tuple(rates), {"funding_rate": tuple(rates.values())}, "UTC")


def write_mark(directory: Path, symbol: str, rows: Sequence[str], start: datetime = START) -> Path:
    """Each row is an hour: `open high low close`."""
    times = tuple(start + timedelta(hours=1) * i for i in range(len(rows)))
    values = zip(*(map(float, row.split()) for row in rows), strict=True)
    return _write(directory, symbol, "open_time", times, dict(zip(PRICES, values, strict=True)), "UTC")


def flat(price: str, bars: int, volume: str = "10") -> list[str]:
    return [f"{price} {price} {price} {price} {volume}"] * bars


def _write(
    directory: Path,
    symbol: str,
    time_column: str,
    times: Sequence[datetime],
    values: Mapping[str, Sequence[float]],
    zone: str | None,
) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    stamps = pa.array([t if zone else t.replace(tzinfo=None) for t in times], pa.timestamp("ms", tz=zone))
    path = directory / f"{symbol}.parquet"
    pq.write_table(pa.table({time_column: stamps, **{name: pa.array(column) for name, column in values.items()}}), path)
    return path
