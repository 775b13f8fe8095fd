"""The rows that are always there: what they come to, by hand, and where they are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

import numpy as np
import pytest

from arena.adapters.recorded import CandleArchive, generate_market
from arena.adapters.recorded.instruments import known_instruments
from arena.verdict.baselines import Baseline, baselines, cash
from arena.verdict.frame import Frame, Unknown
from arena.verdict.market import Market, market_of
from tests.fakes.candles import write_candles, write_funding

D = Decimal
BAR, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)  # of the candles
START = BEGIN + 2 * HOUR
SYMBOLS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")
FEE, SLIP = D("0.0005"), D("1.0002")


def frame(symbols: Sequence[str] = SYMBOLS, hours: float = 12, capital: float = 3000, **changes: object) -> Frame:
    usual = Frame(symbols=tuple(symbols), start=START, end=START + hours * HOUR, every=BAR, capital=capital)
    return replace(usual, **changes)  # type: ignore[arg-type]


def rising(first: str, step: str) -> list[str]:
    """17 hours of bars, each with open and close on the ladder; the last one closes a step above its open."""
    opens = [D(first) + number * D(step) for number in range(17 * 12)]
    return [f"{each} {each + D(step)} {each} {each + D(step)} 10" for each in opens]


LADDERS = {"BTCUSDT": ("90000", "10"), "ETHUSDT": ("3000", "1.5"), "DOGEUSDT": ("0.3", "0.0001")}


@pytest.fixture
def archive(tmp_path: Path) -> CandleArchive:
    for symbol, ladder in LADDERS.items():
        write_candles(tmp_path / "5m", symbol, rising(*ladder), BEGIN)
    write_funding(tmp_path / "funding", "BTCUSDT", {BEGIN + hours * HOUR: rate for hours, rate in ((1, 0.5), (8, 0.0003))})
    write_funding(tmp_path / "funding", "DOGEUSDT", {BEGIN + hours * HOUR: -0.0001 for hours in (0, 8, 16)})
    return CandleArchive(tmp_path / "5m")


def market(frame: Frame, archive: CandleArchive, **instruments: object) -> Market:
    found = market_of(frame, archive, **instruments)  # type: ignore[arg-type]
    assert isinstance(found, Market), found
    return found


def rows(frame: Frame, archive: CandleArchive) -> dict[str, Baseline]:
    return {row.name: row for row in baselines(market(frame, archive))}


def price(symbol: str, at: timedelta) -> Decimal:
    """Of a bar's open."""
    first, step = (D(text) for text in LADDERS[symbol])
    return first + (at // BAR) * step


def held(symbol: str, capital: Decimal, rates: dict[timedelta, str]) -> tuple[Decimal, Decimal, Decimal]:
    """What a share that buys at the start comes to twelve hours later, its fee, and what it pays as funding; all exact."""
    contract = known_instruments()[symbol]
    paid = ((price(symbol, START - BEGIN) * SLIP) / contract.tick_size).to_integral_value(ROUND_CEILING) * contract.tick_size
    quantity = contract.round_quantity(capital / (paid * (1 + FEE)))
    funding = sum((quantity * price(symbol, at) * D(rate) for at, rate in rates.items()), D(0))
    fee = quantity * paid * FEE
    profit = quantity * (price(symbol, START - BEGIN + 12 * HOUR) - paid)
    return capital + profit - fee - funding, fee, funding


def test_holding_is_what_a_hand_calculation_says(archive: CandleArchive) -> None:
    """Fee, slippage up to the tick, fundings of the time in which it is held, and none of those before."""
    found = rows(frame(), archive)
    bitcoin, fee, funding = held("BTCUSDT", D(3000), {8 * HOUR: "0.0003"})
    hold = found["BTC hold"]
    assert hold.equity[-1] == pytest.approx(float(bitcoin), abs=1e-9)
    assert (hold.trades, hold.refused) == (1, 0)
    assert (hold.fees, hold.funding) == (pytest.approx(float(fee)), pytest.approx(float(funding)))
    shares = [
        held("BTCUSDT", D(1000), {8 * HOUR: "0.0003"}),
        held("ETHUSDT", D(1000), {}),
        held("DOGEUSDT", D(1000), {8 * HOUR: "-0.0001"}),
    ]
    weighted = found["equal weight"]
    assert weighted.equity[-1] == pytest.approx(float(sum(worth for worth, _, _ in shares)), abs=1e-9)
    assert weighted.fees == pytest.approx(float(sum(fee for _, fee, _ in shares)))
    assert weighted.funding == pytest.approx(float(sum(paid for _, _, paid in shares)))
    assert weighted.trades == 3
    assert [row.name for row in baselines(market(frame(), archive))] == [
        *("cash", "BTC hold", "equal weight", "EMA cross", "RSI", "MACD")
    ]


def test_equity_begins_with_the_capital_and_is_told_every_hour_and_at_the_end(archive: CandleArchive) -> None:
    season = frame(hours=2.75)
    hold = rows(season, archive)["equal weight"]
    assert hold.times == (START, START + HOUR, START + 2 * HOUR, START + timedelta(hours=2.75)) == cash(season).times
    assert hold.equity[0] == 3000 and hold.equity.shape == (4,)
    quantity = known_instruments()["BTCUSDT"].round_quantity(D(1000) / D(90300))
    whole = rows(frame(), archive)["equal weight"]
    assert whole.equity[:3] == pytest.approx(hold.equity[:3]), "what comes later changes nothing"
    alone = rows(frame(["BTCUSDT"], hours=2.75), archive)["BTC hold"].equity
    assert alone[2] - alone[1] == pytest.approx(float(3 * quantity * 12 * 10), rel=0.02)
    assert cash(season).equity.tolist() == [3000.0] * 4


def test_a_share_that_buys_nothing_stays_cash_and_says_so(archive: CandleArchive) -> None:
    found = rows(frame(capital=200), archive)
    doge, _, _ = held("DOGEUSDT", D(200) / 3, {8 * HOUR: "-0.0001"})
    ether, _, _ = held("ETHUSDT", D(200) / 3, {})
    weighted = found["equal weight"]
    assert (weighted.refused, weighted.trades) == (1, 2), "66.67 USDT buy no 0.001 BTC"
    assert weighted.equity[-1] == pytest.approx(float(D(200) / 3 + doge + ether), abs=1e-9)
    assert found["BTC hold"].refused == 0
    dear = {"BTCUSDT": replace(known_instruments()["BTCUSDT"], min_notional=D(500))}
    poor = {row.name: row for row in baselines(market(frame(capital=200), archive, contracts=dear))}["BTC hold"]
    assert (poor.refused, poor.trades, poor.equity[-1]) == (1, 0, 200.0), "the season's contracts count"


def test_without_bitcoin_the_first_symbol_is_held(archive: CandleArchive) -> None:
    found = rows(frame(["DOGEUSDT", "ETHUSDT"]), archive)
    assert found["DOGE hold"].equity[-1] == pytest.approx(float(held("DOGEUSDT", D(3000), {8 * HOUR: "-0.0001"})[0]), abs=1e-9)


@pytest.mark.parametrize(
    ("start", "end", "every", "first", "decisions"),
    [
        (0, 3600, 300, 0, list(range(12))),
        (3, 3601, 300, 0, list(range(12))),  # cycles are a moment late
        (170, 3600, 300, 1, list(range(11))),  # it begins between two bars
        (0, 1800, 10, 0, list(range(6))),  # once in every bar
        (0, 3600, 900, 0, [0, 3, 6, 9]),
        (0, 3600, 420, 0, [0, 2, 3, 4, 6, 7, 9, 10, 11]),  # at the next open, unless one is a minute old at most
        (0, 3899, 300, 0, list(range(12))),  # the last bar closes after the end
    ],
)
def test_whole_bars_within_the_season_and_decisions_at_their_opens(
    archive: CandleArchive, start: int, end: int, every: int, first: int, decisions: list[int]
) -> None:
    times = {"start": START + timedelta(seconds=start), "end": START + timedelta(seconds=end)}
    found = market(frame(**times, every=timedelta(seconds=every)), archive)
    opens = found.tape.bars.open_ms
    assert int(opens[0]) == (START + first * BAR).timestamp() * 1000 and found.decisions.tolist() == decisions
    assert opens[-1] + 300_000 <= times["end"].timestamp() * 1000 < opens[-1] + 600_000
    assert all(row.equity[0] == 3000 and len(row.equity) == len(found.times) for row in baselines(found))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"end": START + timedelta(seconds=53)}, "not one candle of 5m lies within the season"),
        ({"symbols": ("BTCUSDT", "XRPUSDT")}, "there are no candles of XRPUSDT"),
        ({"end": START + 3 * DAY}, "the candles of BTCUSDT go from 2025-01-01 00:00 to 2025-01-01 17:00 UTC, the season from"),
        ({"start": BEGIN - DAY, "end": BEGIN + HOUR}, "the candles of BTCUSDT go from"),
        ({"start": START + 30 * DAY, "end": START + 90 * DAY}, "the candles of BTCUSDT go from"),
    ],
)
def test_candles_that_do_not_cover_the_season_are_a_reason(
    archive: CandleArchive, changes: dict[str, object], reason: str
) -> None:
    found = market_of(frame(**changes), archive)
    assert isinstance(found, Unknown) and found.reason.startswith(reason)


def test_a_gap_of_a_day_inside_is_lived_through(tmp_path: Path) -> None:
    quiet = ["100 100 100 100 10"] * 30
    write_candles(tmp_path / "5m", "ETHUSDT", [*quiet, *[None] * 288, "120 120 120 120 10", *["120 120 120 120 10"] * 30], BEGIN)
    found = rows(frame(["ETHUSDT"], start=BEGIN, end=BEGIN + 348 * BAR), CandleArchive(tmp_path / "5m"))
    hold = found["ETH hold"].equity
    assert hold[24] == hold[4] < 3000 < hold[-1] == pytest.approx(3600, rel=0.001)


def test_rules_have_the_candles_before_the_season(tmp_path: Path) -> None:
    """With them a rule acts at the first cycle; without them it has to wait until its averages are there."""
    folder = generate_market(tmp_path, 4, ("ETHUSDT", "DOGEUSDT"), start=BEGIN, bars=1200)
    archive = CandleArchive(folder)
    late = frame(["ETHUSDT", "DOGEUSDT"], start=BEGIN + 2 * DAY, end=BEGIN + 4 * DAY)
    early = frame(["ETHUSDT", "DOGEUSDT"], start=BEGIN, end=BEGIN + 2 * DAY)
    for name, hours in (("EMA cross", 26), ("MACD", 34)):
        waits = rows(early, archive)[name]
        assert (waits.equity[: hours + 1] == 3000).all() and waits.trades > 0
        moved = np.flatnonzero(rows(late, archive)[name].equity != 3000)
        assert moved[0] < 12
