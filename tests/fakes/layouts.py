"""A market of Parquet files written again in the other layouts: `as_csv(market, to)`, `as_archive(market, to)`."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Row = Sequence[Any]
KLINES = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
FUNDINGS = "calc_time,funding_interval_hours,last_funding_rate"


def rows_of(path: Path) -> list[Row]:
    """Return a file's rows, times in ms."""
    columns = pq.read_table(path).to_pydict()
    times, *values = columns.values()
    return [(round(at.timestamp() * 1000), *row) for at, *row in zip(times, *values, strict=True)]


def as_csv(market: Path, to: Path) -> Path:
    """Write each file as CSV of the same columns, candles with times as text; return the folder of the candles."""
    for path in market.glob("*/*.parquet"):
        table = pq.read_table(path)
        target = to / path.parent.name / f"{path.stem}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        rows = (row.values() for row in table.to_pylist()) if "funding" not in target.parts else rows_of(path)
        target.write_text(text([table.column_names, *rows]))
    return to / "5m"


def as_archive(market: Path, to: Path, *, header: bool = True, unit: int = 1, mark: bool = True) -> Path:
    """Write months as Binance's public archive has them; return the folder of the market.

    Args:
        header: Whether a file says what its columns are.
        unit: Times in ms are written times this.
    """
    um = to / "data" / "futures" / "um"
    for path in market.glob("5m/*.parquet"):
        candles = [_kline(*row) for row in rows_of(path)]
        _months(um / "monthly" / "klines" / path.stem / "5m", f"{path.stem}-5m", candles, header, unit)
    for path in market.glob("mark-1h/*.parquet") if mark else ():
        rows = [_kline(*row, 0) for row in rows_of(path)]
        _months(um / "monthly" / "markPriceKlines" / path.stem / "1h", f"{path.stem}-1h", rows, header, unit)
    for path in market.glob("funding/*.parquet"):
        fundings = [(at, 8, f"{rate:.8f}") for at, rate in rows_of(path)]
        _months(um / "monthly" / "fundingRate" / path.stem, f"{path.stem}-fundingRate", fundings, header, 1)
    return um


def _kline(at: int, *values: float) -> Row:
    return (at, *values, at + 299_999, 0, 0, 0, 0, 0)


def _months(folder: Path, name: str, rows: Iterable[Row], header: bool, unit: int) -> None:
    months: dict[str, list[Row]] = {}
    for row in rows:
        months.setdefault(f"{datetime.fromtimestamp(row[0] / 1000, UTC):%Y-%m}", []).append((row[0] * unit, *row[1:]))
    for month, found in months.items():
        names = (FUNDINGS if "funding" in name else KLINES).split(",")
        write_zip(folder / f"{name}-{month}.zip", text([names, *found] if header else found))


def write_zip(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{path.stem}.csv", content)


def text(rows: Iterable[Iterable[Any]]) -> str:
    to = io.StringIO()
    csv.writer(to).writerows(rows)
    return to.getvalue()
