"""The exported files, read back by a calculator that knows nothing of the arena."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from arena.adapters.storage.csv_files import write_export
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.export import SHEETS
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError
from tests.fakes.season import Story

HEADERS = {
    "fills.csv": "season,cycle_id,competitor,symbol,side,position_side,quantity,price,fee,realized_pnl,client_order_id,"
    "exchange_order_id,time",
    "funding.csv": "competitor,symbol,signed_quantity,mark_price,funding_rate,payment,time",
    "equity.csv": "competitor,time,wallet_balance,unrealized_pnl,equity",
    "positions.csv": "competitor,time,symbol,signed_quantity,entry_price,mark_price,unrealized_pnl",
}


@pytest.fixture
async def records(tmp_path: Path) -> SqliteRecords:
    return SqliteRecords(tmp_path / "arena.db")


async def play(records: SqliteRecords, story: Story, cycles: int) -> None:
    await records.open_season(story.season)
    for _ in range(cycles):
        record = story.cycle()
        await records.begin_cycle(record.season_id, record.number, record.scheduled_at)
        await records.append_intents(record.season_id, story.intents[record.number])
        await records.book(record)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def recompute(folder: Path, capital: Decimal) -> dict[tuple[str, str], tuple[Decimal, Decimal, dict[str, Decimal]]]:
    """Wallet, equity and quantities of every point, from fills, funding and the points' marks alone, by cash flow."""
    fills, funding = read(folder / "fills.csv"), read(folder / "funding.csv")
    marks = defaultdict(dict)
    for row in read(folder / "positions.csv"):
        marks[row["competitor"], row["time"]][row["symbol"]] = Decimal(row["mark_price"])
    worth = {}
    for point in read(folder / "equity.csv"):
        who, until = point["competitor"], point["time"]
        cash, wallet, held = capital, capital, defaultdict(Decimal)
        for fill in (row for row in fills if row["competitor"] == who and row["time"] <= until):
            sign = 1 if fill["side"] == "BUY" else -1
            cash -= sign * Decimal(fill["quantity"]) * Decimal(fill["price"]) + Decimal(fill["fee"])
            wallet += Decimal(fill["realized_pnl"]) - Decimal(fill["fee"])
            held[fill["symbol"]] += sign * Decimal(fill["quantity"])
        for paid in (row for row in funding if row["competitor"] == who and row["time"] <= until):
            cash -= Decimal(paid["payment"])
            wallet -= Decimal(paid["payment"])
        held = {symbol: quantity for symbol, quantity in held.items() if quantity}
        equity = cash + sum(quantity * marks[who, until][symbol] for symbol, quantity in held.items())
        worth[who, until] = (wallet, equity, held)
    return worth


@pytest.mark.parametrize("seed", [7, 8])
async def test_equity_follows_from_fills_and_funding(records: SqliteRecords, tmp_path: Path, seed: int) -> None:
    await play(records, Story(seed=seed), 40)
    files = await write_export(records, SeasonId("test"), tmp_path / "out")
    assert [path.name for path in files] == [
        "fills.csv",
        "funding.csv",
        "equity.csv",
        "positions.csv",
        "decisions.csv",
        "model_calls.csv",
        "accounts.csv",
        "closed_trades.csv",
        "ledger.csv",
    ]
    worth = recompute(tmp_path / "out", Decimal(200))
    points = read(tmp_path / "out" / "equity.csv")
    assert len(points) == len(worth) == 120
    assert len(read(tmp_path / "out" / "funding.csv")) > 10
    for point in points:
        wallet, equity, _ = worth[point["competitor"], point["time"]]
        assert abs(equity - Decimal(point["equity"])) < Decimal("1e-8")
        assert abs(wallet - Decimal(point["wallet_balance"])) < Decimal("1e-8")
        assert Decimal(point["wallet_balance"]) + Decimal(point["unrealized_pnl"]) == Decimal(point["equity"])


async def test_there_is_a_position_row_for_every_open_position_at_every_point(records: SqliteRecords, tmp_path: Path) -> None:
    await play(records, Story(), 30)
    await write_export(records, SeasonId("test"), tmp_path)
    rows = defaultdict(dict)
    for row in read(tmp_path / "positions.csv"):
        rows[row["competitor"], row["time"]][row["symbol"]] = Decimal(row["signed_quantity"])
        profit = Decimal(row["signed_quantity"]) * (Decimal(row["mark_price"]) - Decimal(row["entry_price"]))
        assert abs(profit - Decimal(row["unrealized_pnl"])) < Decimal("1e-8")
    for point, (_, _, held) in recompute(tmp_path, Decimal(200)).items():
        assert rows.get(point, {}) == held


async def test_headers_are_exactly_these(records: SqliteRecords, tmp_path: Path) -> None:
    await play(records, Story(), 0)
    await write_export(records, SeasonId("test"), tmp_path)
    for name, header in HEADERS.items():
        assert (tmp_path / name).read_text() == header + "\n"
    assert len(read(tmp_path / "accounts.csv")) == 3
    assert [row["kind"] for row in read(tmp_path / "ledger.csv")] == ["capital"] * 3
    assert not [path for path in Path(tmp_path).rglob("*") if path.suffix == ".part"]  # noqa: ASYNC240


async def test_numbers_and_times_are_exact_text(records: SqliteRecords, tmp_path: Path) -> None:
    await play(records, Story(), 12)
    await write_export(records, SeasonId("test"), tmp_path)
    first = read(tmp_path / "fills.csv")[0]
    assert first["season"] == "test"
    assert first["competitor"] == "LLM-A"
    assert first["time"] == "2025-01-01T00:05:01.000000Z"
    assert Decimal(first["fee"]) == Decimal(first["quantity"]) * Decimal(first["price"]) * Decimal("0.0005")
    for sheet in SHEETS:
        for row in read(tmp_path / sheet.name):
            plain = [value for title, value in row.items() if title not in ("full_response", "text")]
            assert "None" not in plain and not any("E+" in value or "E-" in value for value in plain)


async def test_text_with_commas_quotes_and_line_ends_comes_back(records: SqliteRecords, tmp_path: Path) -> None:
    text = 'a, "b"\r\nc\nÜ 中 🚀'
    await play(records, Story(text=text), 3)
    await write_export(records, SeasonId("test"), tmp_path)
    rows = read(tmp_path / "decisions.csv")
    assert {row["reasoning"] for row in rows if row["decision_type"] not in ("invalid", "no_answer")} == {text}
    assert [row["decision_type"] for row in rows if row["competitor"] == "LLM-B" and row["cycle_id"] == "2"] == ["invalid"]


async def test_an_unknown_season_writes_nothing(records: SqliteRecords, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no season winter"):
        await write_export(records, SeasonId("winter"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


async def test_a_directory_that_cannot_be_written_is_named(records: SqliteRecords, tmp_path: Path) -> None:
    await play(records, Story(), 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot be written to .*file"):
        await write_export(records, SeasonId("test"), tmp_path / "file")
