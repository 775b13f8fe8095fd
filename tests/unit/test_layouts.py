"""The same market from Parquet, from CSV and from Binance's public archive: the same to the last tick."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from arena.adapters.recorded import CandleArchive, generate_market
from arena.errors import ConfigurationError
from tests.fakes.candles import START, flat, write_candles, write_mark
from tests.fakes.layouts import FUNDINGS, KLINES, as_archive, as_csv, rows_of, text, write_zip

SYMBOLS = ("BTCUSDT", "DOGEUSDT", "NEWUSDT")
FROM = datetime(2024, 12, 30, tzinfo=UTC)  # over the end of a year
DAYS = 4


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated candles with a gap, fundings, and a mark that keeps within the candles."""
    folder = tmp_path_factory.mktemp("market")
    candles = generate_market(folder, 5, SYMBOLS, start=FROM, bars=DAYS * 288)
    for symbol in SYMBOLS:
        path = candles / f"{symbol}.parquet"
        table = pq.read_table(path)
        pq.write_table(table.filter([not 700 < row < 720 for row in range(len(table))]), path)
        lows, highs = table.column("low").to_pylist(), table.column("high").to_pylist()
        hours = [f"{low} {high} {low} {high}" for low, high in zip(lows[::12], highs[::12], strict=True)]
        write_mark(folder / "mark-1h", symbol, hours, FROM)
    return folder


@pytest.fixture(scope="module")
def as_it_is(market: Path) -> CandleArchive:
    return CandleArchive(market / "5m")


def assert_same(archive: CandleArchive, other: CandleArchive) -> None:
    assert archive.symbols == other.symbols == SYMBOLS
    assert (archive.start, archive.end, archive.interval) == (other.start, other.end, other.interval)
    assert archive.instruments == other.instruments
    span = (archive.start - timedelta(days=1), archive.end)
    assert list(archive.steps(*span)) == list(other.steps(*span))
    assert archive.fundings(*span) == other.fundings(*span) != ()


def test_csv_is_the_same_market(market: Path, as_it_is: CandleArchive, tmp_path: Path) -> None:
    _, bar, *_ = (step.bars["BTCUSDT"] for step in as_it_is.steps(FROM, FROM + timedelta(hours=1)))
    assert bar.mark != bar.trade, "the mark is one of its own"
    assert_same(CandleArchive(as_csv(market, tmp_path)), as_it_is)


@pytest.mark.parametrize(
    ("named", "header", "unit"),
    [
        ("", True, 1),
        ("data", False, 1),
        ("data/futures/um", True, 1000),
        ("data/futures/um/monthly", False, 1000),
        ("data/futures/um/monthly/klines", True, 1),
    ],
)
def test_binances_archive_is_the_same_market(
    market: Path, as_it_is: CandleArchive, tmp_path: Path, named: str, header: bool, unit: int
) -> None:
    as_archive(market, tmp_path, header=header, unit=unit)
    assert_same(CandleArchive(tmp_path / named), as_it_is)


def test_a_symbols_own_folder_of_the_archive_and_unpacked_files(market: Path, as_it_is: CandleArchive, tmp_path: Path) -> None:
    um = as_archive(market, tmp_path)
    one = um / "monthly" / "klines" / "BTCUSDT" / "5m"
    for path in one.glob("*.zip"):
        shutil.unpack_archive(path, one)
        path.unlink()
    archive = CandleArchive(one)
    assert archive.symbols == ("BTCUSDT",)
    assert archive.candles("BTCUSDT", archive.interval, archive.end, 9) == as_it_is.candles(
        "BTCUSDT", archive.interval, archive.end, 9
    )
    assert len(archive.fundings(FROM - timedelta(days=1), archive.end)) == 3 * DAYS


def test_days_fill_up_what_the_months_lack_and_change_nothing_of_them(
    market: Path, as_it_is: CandleArchive, tmp_path: Path
) -> None:
    um = as_archive(market, tmp_path)
    for symbol in SYMBOLS:
        rows = rows_of(market / "5m" / f"{symbol}.parquet")
        (um / "monthly" / "klines" / symbol / "5m" / f"{symbol}-5m-2025-01.zip").unlink()
        for day in (datetime(2024, 12, 31, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)):
            begin = round(day.timestamp() * 1000)
            factor = 2 if day.year == 2024 else 1
            own = [(at, *(each * factor for each in rest)) for at, *rest in rows if begin <= at < begin + 86_400_000]
            write_zip(um / "daily" / "klines" / symbol / "5m" / f"{symbol}-5m-{day:%Y-%m-%d}.zip", text(own))
    assert_same(CandleArchive(um), as_it_is)


def test_a_folder_with_one_folder_of_candles_is_that_one(market: Path, as_it_is: CandleArchive) -> None:
    archive = CandleArchive(market)
    assert_same(archive, as_it_is)
    assert archive.label == "generated market, seed 5", "its note is found there, too"


def test_dates_and_extra_columns_of_a_csv(tmp_path: Path) -> None:
    rows = "\n".join(f"2025-01-0{day},x,1,2,1,2,10" for day in range(1, 9))
    folder = tmp_path / "1d"
    folder.mkdir()
    (folder / "ETHUSDT.csv").write_text(f"open_time,note,open,high,low,close,volume\n{rows}\n")
    archive = CandleArchive(folder)
    assert (archive.start, archive.interval, archive.end) == (START, timedelta(days=1), START + timedelta(days=8))


def _twice(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", flat("1", 3))
    (folder / "BTCUSDT.csv").write_text("open_time\n")


def _empty(folder: Path) -> None:
    (folder / "BTCUSDT.csv").touch()


def _no_volume(folder: Path) -> None:
    (folder / "BTCUSDT.csv").write_text("open_time,open,high,low,close\n2025-01-01T00:00:00Z,1,1,1,1\n")


def _words(folder: Path) -> None:
    (folder / "BTCUSDT.csv").write_text("open_time,open,high,low,close,volume\nyesterday,1,1,1,1,1\n")


def _uneven(folder: Path) -> None:
    (folder / "BTCUSDT-5m-2025-01.csv").write_text("1735689600000,1,1,1,1,1\n1735689900000,1,1\n")


def _no_zip(folder: Path) -> None:
    (folder / "BTCUSDT-5m-2025-01.zip").write_text("<Error>NoSuchKey</Error>")


def _cut_zip(folder: Path) -> None:
    path = folder / "BTCUSDT-5m-2025-01.zip"
    write_zip(path, KLINES)
    path.write_bytes(path.read_bytes()[:-30])


def _nothing_in_it(folder: Path) -> None:
    shutil.make_archive(str(folder / "BTCUSDT-5m-2025-01"), "zip", root_dir=_made(folder.parent / "nothing"))


def _fundings_alone(folder: Path) -> None:
    write_zip(folder / "BTCUSDT-fundingRate-2025-01.zip", FUNDINGS)


def _two_intervals(folder: Path) -> None:
    for interval in ("5m", "1m"):
        write_zip(folder / "klines" / "BTCUSDT" / interval / f"BTCUSDT-{interval}-2025-01.zip", KLINES)


def _two_markets(folder: Path) -> None:
    for market in ("spot", "futures/um"):
        write_zip(folder / market / "monthly" / "klines" / "BTCUSDT" / "5m" / "BTCUSDT-5m-2025-01.zip", KLINES)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_twice, r"has BTCUSDT twice \(BTCUSDT.csv, BTCUSDT.parquet\): keep one of them"),
        (_empty, r"BTCUSDT.csv cannot be read as candles or rates \(.*\): replace or remove it"),
        (_no_volume, "BTCUSDT.csv lacks the column volume: it needs open_time, open, high, low, close, volume"),
        (_words, "BTCUSDT.csv cannot be read as candles or rates"),
        (_uneven, r"BTCUSDT-5m-2025-01.csv cannot be read as candles or rates \(.*Expected 6 columns, got 3"),
        (_no_zip, r"BTCUSDT-5m-2025-01.zip cannot be read as candles or rates \(File is not a zip file\): replace or remove it"),
        (_cut_zip, "BTCUSDT-5m-2025-01.zip cannot be read as candles or rates"),
        (_nothing_in_it, "BTCUSDT-5m-2025-01.zip holds 0 CSV files where there should be one: replace or remove it"),
        (_fundings_alone, "has no candle files: name a folder with files such as BTCUSDT.parquet"),
        (_two_intervals, r"mixes candle intervals \(1m, 5m\): keep one interval in it"),
        (_two_markets, "has more than one market: name one of .*data/futures/um, .*data/spot"),
    ],
)
def test_a_wrong_file_is_one_sentence(make: Callable[[Path], None], sentence: str, tmp_path: Path) -> None:
    folder = _made(tmp_path / "data")
    make(folder)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        CandleArchive(folder)
    assert "\n" not in str(caught.value)
