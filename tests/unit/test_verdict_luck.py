"""A competitor among those who make its trades by chance, from the rows that a store has of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from arena.adapters.recorded import CandleArchive
from arena.verdict.baselines import Baseline
from arena.verdict.frame import Frame, Unknown
from arena.verdict.luck import NAME, Luck, luck, median_curve, median_row
from arena.verdict.market import Market, market_of
from arena.verdict.traded import Row, read_traded
from tests.fakes.candles import write_candles

BAR = timedelta(minutes=5)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
BARS = 576
SYMBOLS = ("SOLUSDT", "DOGEUSDT")


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Prices that go up for four hours and down for four, as somebody with foresight would want them."""
    folder = tmp_path_factory.mktemp("market") / "5m"
    for symbol, level, decimals in (("SOLUSDT", 200, 2), ("DOGEUSDT", 0.3, 5)):
        opens = [round(level * (1 + 0.03 * np.sin(2 * np.pi * number / 96)), decimals) for number in range(BARS + 1)]
        rows = [f"{a} {max(a, b)} {min(a, b)} {b} 10" for a, b in pairwise(opens)]
        write_candles(folder, symbol, rows, BEGIN)
    archive = CandleArchive(folder, SYMBOLS)
    frame = Frame(symbols=SYMBOLS, start=BEGIN, end=BEGIN + BARS * BAR, every=BAR, capital=200.0)
    found = market_of(frame, archive)
    assert isinstance(found, Market)
    return found


def row(symbol: str, side: str, begin: int, bars: int, **changes: object) -> Row:
    """One of closed_trades, which begins so many bars after the season; SOL at 200 USDT, DOGE at 0.3."""
    price, quantity = ("200", "0.5") if symbol == "SOLUSDT" else ("0.3", "333")
    usual = {
        "symbol": symbol,
        "side": side,
        "opened_at": (BEGIN + begin * BAR).isoformat(),
        "closed_at": (BEGIN + (begin + bars) * BAR).isoformat(),
        "entry_price": price,
        "quantity": quantity,
        "leverage": 3,
    }
    return usual | changes


def seeing() -> list[Row]:
    """Short from every top to the bottom, long from there to the top."""
    ups = [row("SOLUSDT", "LONG", 72 + 96 * number, 47) for number in range(5)]
    return ups + [row("SOLUSDT", "SHORT", 24 + 96 * number, 47) for number in range(5)]


def lucky(market: Market, rows: list[Row], final: float, **changes: object) -> Luck:
    found = luck(market, rows, final, traders=200, **changes)  # type: ignore[arg-type]
    assert isinstance(found, Luck), found
    return found


def test_rows_are_read_as_trades(market: Market) -> None:
    late = timedelta(seconds=140)
    rows = [
        row("DOGEUSDT", "LONG", 1, 7),
        row("SOLUSDT", "SHORT", 2, 0, leverage=5, closed_at=(BEGIN + 2 * BAR + late).isoformat()),
        row("SOLUSDT", "LONG", 30, 0, closed_at=None, status="open", quantity="0.1", opened_notional="150"),
        row("SOLUSDT", "LONG", 3, 9, status="closed"),
    ]
    made = read_traded(rows, market.tape.symbols, BAR, BEGIN + 40 * BAR)
    assert made is not None
    assert [each.tolist() for each in made.trades] == [[1, 0, 0], [1, -1, 1], [7, 1, 10]]
    assert (made.worth, made.leverage) == ((Decimal("99.9") + 100 + 150) / 3, 3)
    assert read_traded(rows[-1:], SYMBOLS, BAR) is None


def test_foresight_beats_chance_and_chance_beats_its_contrary(market: Market) -> None:
    lost, won = lucky(market, seeing(), 150), lucky(market, seeing(), 250)
    assert (lost.percentile, won.percentile) == (0, 100)
    assert lost.outcomes.tolist() == won.outcomes.tolist(), "the same seed, the same traders"
    assert lost.outcomes.tolist() != lucky(market, seeing(), 150, seed=1).outcomes.tolist()
    assert lost.low < lost.median < lost.high and len(lost.outcomes) == 200
    assert np.count_nonzero(lost.outcomes < lost.low) == 10 == np.count_nonzero(lost.outcomes > lost.high)
    assert lost.median < 200, "whoever trades at random pays fees and slippage"
    dear = lucky(market, seeing(), 150, slippage_bps=30)
    assert lost.median - dear.median == pytest.approx(10 * 2 * 100 * 0.0028, rel=0.15), "ten round trips of 100 USDT, 28 bp more"


def test_the_curve_of_the_median_ends_at_it(market: Market) -> None:
    found = lucky(market, seeing(), 200)
    curve = median_curve(market, found)
    assert curve.shape == (len(market.times),) == (49,) and curve[0] == 200
    assert curve[-1] in found.outcomes and curve[-1] == pytest.approx(found.median, abs=0.5)


def test_all_competitors_together_are_one_row(market: Market) -> None:
    few = [row("DOGEUSDT", "LONG", 5, 30)]
    lucks = {"Claude": lucky(market, seeing(), 203), "GPT": lucky(market, few, 150)}
    found = median_row(market, lucks)
    assert isinstance(found, Baseline) and found.name == NAME
    shares = [f"{each.percentile:.0f} %" for each in lucks.values()]
    assert found.words.endswith(f"of 200 such traders each, Claude beats {shares[0]}, GPT {shares[1]}")
    pooled = np.concatenate([each.outcomes for each in lucks.values()])
    assert found.equity[-1] == pooled[np.abs(pooled - np.median(pooled)).argmin()]
    assert found.trades in (1, 10) and found.fees == pytest.approx(found.trades * 0.1, rel=0.05)
    assert isinstance(median_row(market, {}), Unknown)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "it has not traded"),
        ([row("SOLUSDT", "LONG", number, 0) for number in range(400)], "its trades leave chance no room: 400 trades of a symbol"),
    ],
)
def test_no_trades_or_too_many_are_a_reason(market: Market, rows: list[Row], reason: str) -> None:
    found = luck(market, rows, 200)
    assert isinstance(found, Unknown) and found.reason.startswith(reason)
