"""Candles from files: exact, in order, and never ahead of time."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.paper.feed import BarFeed
from arena.adapters.recorded import CandleArchive, generate_market
from arena.adapters.recorded.instruments import known_instruments, margin_tiers
from arena.adapters.recorded.series import whole
from arena.errors import ConfigurationError
from tests.conftest import ROOT
from tests.fakes.candles import BAR, START, flat, write_candles, write_funding, write_mark

D = Decimal
HOUR = timedelta(hours=1)
FIFTEEN = timedelta(minutes=15)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "5m"


def test_numbers_are_the_exact_decimals_of_the_file(folder: Path) -> None:
    write_candles(folder, "DOGEUSDT", ["0.11355 0.14848 0.08385 0.14521 922573446", "0.1 0.3 0.1 0.3 7"])
    feed: BarFeed = CandleArchive(folder)
    bar = feed.current("DOGEUSDT", START + timedelta(minutes=3))
    assert bar is not None and bar.mark is bar.trade
    candle = bar.trade
    assert (candle.open, candle.high, candle.low, candle.close) == (D("0.11355"), D("0.14848"), D("0.08385"), D("0.14521"))
    assert candle.volume == D(922573446) and (candle.open_time, candle.close_time) == (START, START + BAR)


@given(ticks=st.lists(st.integers(1, 10**9), min_size=1, max_size=20), decimals=st.integers(0, 8))
def test_a_double_of_an_exact_decimal_comes_back(ticks: list[int], decimals: int) -> None:
    unit = D(1).scaleb(-decimals)
    doubles = np.array([float(n * unit) for n in ticks])
    assert whole(doubles, unit).tolist() == ticks


def test_a_price_between_two_ticks_goes_to_the_nearer_and_a_tie_to_the_even_one() -> None:
    assert whole(np.array([196.804, 196.805, 196.815, 196.806]), D("0.01")).tolist() == [19680, 19680, 19682, 19681]


def test_steps_skip_what_is_missing_and_hold_their_bounds(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", [*flat("100", 2), None, *flat("101", 2)])
    write_candles(folder, "ETHUSDT", [None, *flat("50", 2), None, *flat("51", 1)])
    archive = CandleArchive(folder)
    every = list(archive.steps(START - HOUR, START + HOUR))
    assert [sorted(step.bars) for step in every] == [
        ["BTCUSDT"],
        ["BTCUSDT", "ETHUSDT"],
        ["ETHUSDT"],
        ["BTCUSDT"],
        ["BTCUSDT", "ETHUSDT"],
    ]
    assert [step.close_time for step in every] == [START + BAR * (i + 1) for i in range(5)]
    inside = list(archive.steps(START + BAR, START + BAR * 2))
    assert [step.open_time for step in inside] == [START + BAR]
    assert list(archive.steps(START + BAR, START + BAR * 2 - timedelta(milliseconds=1))) == []
    assert archive.current("BTCUSDT", START + BAR * 2) is None
    assert archive.current("ETHUSDT", START) is None
    assert archive.current("ETHUSDT", START + BAR * 5) is None
    assert (archive.start, archive.end, archive.interval) == (START, START + BAR * 5, BAR)


@settings(max_examples=40, deadline=None)
@given(present=st.lists(st.booleans(), max_size=40).map(lambda bars: [*bars, *[True] * 42]), cut=st.integers(0, 140))
def test_steps_cut_anywhere_are_the_same_steps(present: list[bool], cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("market") / "5m"
    write_candles(folder, "BTCUSDT", [f"{100 + i} {101 + i} {99 + i} {100 + i} 1" if p else None for i, p in enumerate(present)])
    write_candles(folder, "ETHUSDT", flat("50", 2))
    archive = CandleArchive(folder)
    middle = START + timedelta(minutes=3) * cut
    halves = [*archive.steps(START, middle), *archive.steps(middle, START + BAR * 90)]
    assert halves == list(archive.steps(START, START + BAR * 90))


def test_candles_are_put_together_from_finer_ones(folder: Path) -> None:
    rows = ["100 110 95 105 1", "105 120 104 106 2", "106 107 90 91 3", "91 92 89 90 4", None, "93 99 93 98 6", "98 98 98 98 7"]
    write_candles(folder, "BTCUSDT", rows)
    archive = CandleArchive(folder)
    first, second = archive.candles("BTCUSDT", FIFTEEN, START + FIFTEEN * 2, 10)
    assert (first.open, first.high, first.low, first.close, first.volume) == (100, 120, 90, 91, 6)
    assert (second.open, second.high, second.low, second.close, second.volume) == (91, 99, 89, 98, 10)
    assert (second.open_time, second.close_time) == (START + FIFTEEN, START + FIFTEEN * 2)
    assert archive.candles("BTCUSDT", FIFTEEN, START + FIFTEEN * 2, 1) == (second,)
    assert archive.candles("BTCUSDT", FIFTEEN, START + FIFTEEN * 2, 0) == ()
    assert archive.candles("BTCUSDT", BAR, START + BAR * 2, 1)[0].high == 120
    with pytest.raises(ValueError, match="candles of 7m cannot be made of 5m"):
        archive.candles("BTCUSDT", timedelta(minutes=7), START + HOUR, 1)
    with pytest.raises(ValueError, match="candles of 1m cannot be made of 5m"):
        archive.forming("BTCUSDT", timedelta(minutes=1), START)


def test_nothing_of_the_future_shows(folder: Path) -> None:
    past = ["100 110 95 105 1", "105 120 104 106 2"]
    answers = []
    for name, future in (("quiet", ["106 107 106 106 1"] * 4), ("wild", ["106 999 1 500 77"] * 4)):
        archive = CandleArchive(write_candles(folder / name, "BTCUSDT", [*past, *future]).parent)
        now = START + BAR * 2 + timedelta(seconds=100)
        answers.append(
            [archive.candles("BTCUSDT", interval, now, 10) for interval in (BAR, FIFTEEN)]
            + [archive.forming("BTCUSDT", interval, now) for interval in (BAR, FIFTEEN)]
        )
    assert answers[0] == answers[1]
    fresh, growing = answers[0][2], answers[0][3]
    assert (fresh.open, fresh.high, fresh.low, fresh.close, fresh.volume) == (106, 106, 106, 106, 0)
    assert (growing.open, growing.high, growing.low, growing.close, growing.volume) == (100, 120, 95, 106, 3)


def test_the_forming_candle_of_a_gap_is_what_has_closed(folder: Path) -> None:
    archive = CandleArchive(write_candles(folder, "BTCUSDT", ["100 110 95 105 1", None, *flat("7", 2)]).parent)
    now = START + BAR + timedelta(seconds=1)
    assert archive.forming("BTCUSDT", BAR, now) is None
    hour = archive.forming("BTCUSDT", HOUR, now)
    assert hour is not None and (hour.high, hour.close, hour.volume) == (110, 105, 1)


def test_the_mark_stays_in_its_hour_and_fundings_use_its_open(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", ["100 150 60 140 5", *flat("100", 13)])
    write_mark(folder.parent / "mark-1h", "BTCUSDT", ["100.04 120.26 80 101"])
    write_funding(folder.parent / "funding", "BTCUSDT", {START: 9.594e-05, START + HOUR + BAR: -0.0001})
    archive = CandleArchive(folder)
    bar = archive.current("BTCUSDT", START)
    assert bar is not None and (bar.trade.high, bar.trade.low) == (150, 60)
    assert (bar.mark.open, bar.mark.high, bar.mark.low, bar.mark.close) == (100, D("120.3"), 80, D("120.3"))
    later = archive.current("BTCUSDT", START + HOUR)
    assert later is not None and later.mark.high == 100  # an hour that mark-1h lacks
    first, second = archive.fundings(START - BAR, START + HOUR * 2)
    assert (first.rate, first.mark_price, first.time) == (D("0.00009594"), D("100.0"), START)
    assert (second.rate, second.mark_price) == (D("-0.0001"), D(100))
    assert archive.fundings(START, START + HOUR) == ()
    assert archive.next_funding_time("BTCUSDT", START) == START + HOUR + BAR
    assert archive.next_funding_time("BTCUSDT", START + HOUR * 2) is None


def test_a_closed_hour_of_the_mark_is_the_recorded_one_and_a_forming_one_tells_nothing_of_it(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", ["100 102 98 101 5"] * 36)
    write_mark(folder.parent / "mark-1h", "BTCUSDT", ["99 103 97 100", "101 150 50 100", "100 100 99 99"])
    archive = CandleArchive(folder)
    now = START + HOUR + 2 * BAR
    (hour,) = archive.candles("BTCUSDT", HOUR, now, 9, mark=True)
    assert (hour.open, hour.high, hour.low, hour.close, hour.volume) == (99, 103, 97, 100, 0)
    forming = archive.forming("BTCUSDT", HOUR, now, mark=True)
    assert forming is not None and (forming.open, forming.high, forming.low, forming.close) == (100, 102, 98, 100)
    assert archive.candles("BTCUSDT", HOUR, now, 9)[0].high == 102, "the last price's hour is not touched"
    archive.jump("BTCUSDT", START + HOUR + 3 * BAR, D("2"))
    _, split, scaled = archive.candles("BTCUSDT", HOUR, START + 3 * HOUR, 9, mark=True)
    assert (split.open, split.high, split.low, split.close) == (100, 204, 98, 202), "put together from its bars"
    assert (scaled.open, scaled.high, scaled.low, scaled.close) == (200, 200, 198, 198)


def test_the_first_candles_since_a_time_jump_over_gaps(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", [*flat("100", 3), *[None] * 30, *flat("101", 9)])
    archive = CandleArchive(folder)
    found = archive.candles("BTCUSDT", BAR, archive.end, 3, since=START + 2 * BAR)
    assert [(each.open_time - START) // BAR for each in found] == [2, 33, 34]
    assert found == tuple(archive.candles("BTCUSDT", BAR, archive.end, 99)[2:5])
    hours = archive.candles("BTCUSDT", HOUR, archive.end, 2, since=START + BAR)
    assert [(each.open_time - START) // HOUR for each in hours] == [2], "the one it lies in has opened before, the last is open"
    assert hours == archive.candles("BTCUSDT", HOUR, archive.end, 9)[1:]
    assert archive.candles("BTCUSDT", BAR, archive.end, 3, since=archive.end) == ()
    assert archive.candles("BTCUSDT", BAR, archive.end, 0, since=START) == ()


def test_without_funding_files_there_are_no_fundings(folder: Path) -> None:
    archive = CandleArchive(write_candles(folder, "BTCUSDT", flat("100", 3)).parent)
    assert archive.fundings(START - HOUR, START + HOUR) == ()
    assert archive.label == "recorded candles (5m, 2025-01-01 to 2025-01-01)"


def test_a_symbol_has_its_packaged_tiers_or_cautious_ones() -> None:
    assert margin_tiers("BTCUSDT") == known_instruments()["BTCUSDT"].tiers
    unknown = margin_tiers("NOBODYUSDT")
    assert unknown[0].maintenance_rate > margin_tiers("DOGEUSDT")[0].maintenance_rate
    assert all(a.notional_cap == b.notional_floor for a, b in pairwise(unknown))


def test_naive_times_and_another_interval(tmp_path: Path) -> None:
    minute = timedelta(minutes=1)
    archive = CandleArchive(write_candles(tmp_path / "1m", "ETHUSDT", flat("50", 9), interval=minute, zone=None).parent)
    assert (archive.interval, archive.start, archive.end) == (minute, START, START + 9 * minute)


def test_a_known_contract_has_the_venues_filters_and_continuous_tiers() -> None:
    known = known_instruments()
    assert set(known) == {f"{base}USDT" for base in ("BTC", "ETH", "SOL", "BNB", "DOGE", "XRP", "ADA", "TRX")}
    btc = known["BTCUSDT"]
    assert (btc.tick_size, btc.step_size, btc.min_notional, btc.max_market_quantity) == (D("0.1"), D("0.001"), D(50), D(120))
    assert (btc.maker_fee_rate, btc.taker_fee_rate, btc.price_band) == (D("0.0002"), D("0.0005"), D("0.05"))
    second = btc.tiers[1]
    assert (second.notional_floor, second.maintenance_rate, second.maintenance_amount) == (D(300000), D("0.005"), D(300))
    for instrument in known.values():
        for low, high in zip(instrument.tiers, instrument.tiers[1:], strict=False):
            edge = low.notional_cap
            assert high.notional_floor == edge and low.max_leverage > high.max_leverage
            margins = {edge * tier.maintenance_rate - tier.maintenance_amount for tier in (low, high)}
            assert len(margins) == 1


def test_tiers_are_those_of_the_exchange(marketdata: Path) -> None:
    brackets = json.loads((marketdata.parent / "exchange" / "leverageBracket.json").read_text())
    for entry in brackets:
        tiers = known_instruments()[entry["symbol"]].tiers
        assert [
            (float(t.notional_cap), float(t.maintenance_rate), float(t.maintenance_amount), t.max_leverage) for t in tiers
        ] == [(b["notionalCap"], b["maintMarginRatio"], b["cum"], b["initialLeverage"]) for b in entry["brackets"]]


def test_an_unknown_contract_is_derived_and_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        archive = CandleArchive(write_candles(folder, "NEWUSDT", ["0.1234 0.1239 0.1201 0.1205 5"] * 3).parent)
    found = archive.instruments["NEWUSDT"]
    assert (found.tick_size, found.step_size, found.min_notional) == (D("0.0001"), D(1), D(5))
    assert "NEWUSDT is not a known contract: tick 0.0001 and step 1" in caplog.text
    dear = CandleArchive(write_candles(folder / "dear", "GOLDUSDT", flat("65000", 3)).parent).instruments["GOLDUSDT"]
    assert (dear.tick_size, dear.step_size) == (D(1), D("0.00001"))


def test_another_years_finer_tick_is_kept_but_stray_prices_are_not_one(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        old = CandleArchive(write_candles(folder / "2020", "BTCUSDT", ["9000.01 9000.55 8999.99 9000.37 5"] * 3).parent)
    assert old.instruments["BTCUSDT"].tick_size == D("0.01") and "finer than the tick 0.1" in caplog.text
    bar = old.current("BTCUSDT", START)
    assert bar is not None and bar.trade.close == D("9000.37")
    stray = CandleArchive(write_candles(folder / "now", "SOLUSDT", ["196.804 196.9 196.8 196.85 5", *flat("196.8", 200)]).parent)
    bar = stray.current("SOLUSDT", START)
    assert stray.instruments["SOLUSDT"].tick_size == D("0.01") and bar is not None and bar.trade.open == D("196.8")


def test_rows_that_are_no_candles_are_gaps(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = ["100 101 99 100 1", "nan nan nan nan 1", "100 90 99 100 1", "0 0 0 0 0", "100 101 99 100 -1", "100 101 99 100 0"]
    with caplog.at_level(logging.WARNING):
        archive = CandleArchive(write_candles(folder, "BTCUSDT", rows).parent)
    assert [step.open_time for step in archive.steps(START, START + HOUR)] == [START, START + BAR * 5]
    assert "4 of 6 rows are no candles" in caplog.text


def _missing(folder: Path) -> None:
    pass


def _empty(folder: Path) -> None:
    folder.mkdir()


def _parent(folder: Path) -> None:
    write_candles(folder / "1m", "BTCUSDT", flat("1", 2), interval=timedelta(minutes=1))
    write_candles(folder / "5m", "BTCUSDT", flat("1", 2))
    write_funding(folder / "funding", "BTCUSDT", {START: 0.0001})


def _text(folder: Path) -> None:
    folder.mkdir()
    (folder / "BTCUSDT.parquet").write_text("time,open")


def _no_volume(folder: Path) -> None:
    path = write_candles(folder, "BTCUSDT", flat("1", 3))
    pq.write_table(pq.read_table(path).drop_columns(["volume"]), path)


def _words(folder: Path) -> None:
    path = write_candles(folder, "BTCUSDT", flat("1", 3))
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "open", pa.array(["a", "b", "c"])), path)


def _twice(folder: Path) -> None:
    path = write_candles(folder, "BTCUSDT", flat("1", 3))
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table]), path)


def _single(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", flat("1", 1))


def _mixed(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", flat("1", 5))
    write_candles(folder, "ETHUSDT", flat("1", 5), interval=timedelta(minutes=1))


def _no_prices(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", flat("0", 5))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_missing, "is not a folder: name one with candle files"),
        (_empty, "has no candle files: name a folder with files such as BTCUSDT.parquet"),
        (_parent, r"has no candle files: name one of its folders \(1m, 5m\)"),
        (_text, "BTCUSDT.parquet cannot be read as candles or rates .*: replace or remove it"),
        (_no_volume, "BTCUSDT.parquet lacks the column volume: it needs open_time, open, high, low, close, volume"),
        (_words, "BTCUSDT.parquet cannot be read as candles or rates"),
        (_twice, "BTCUSDT.parquet has two rows with the same open_time"),
        (_single, "BTCUSDT.parquet has fewer than two candles"),
        (_mixed, r"mixes candle intervals \(BTCUSDT 5m, ETHUSDT 1m\): keep one interval in a folder"),
        (_no_prices, "BTCUSDT.parquet has no usable candle"),
    ],
)
def test_a_bad_folder_ends_in_one_sentence(make, sentence: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    make(folder)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        CandleArchive(folder)
    assert "\n" not in str(caught.value)


def test_only_the_symbols_asked_for(folder: Path) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        write_candles(folder, symbol, flat("100", 3))
    assert CandleArchive(folder, ["SOLUSDT", "BTCUSDT"]).symbols == ("BTCUSDT", "SOLUSDT")
    with pytest.raises(ConfigurationError, match=r"has no candles of DOTUSDT: it has BTCUSDT, ETHUSDT, SOLUSDT"):
        CandleArchive(folder, ["DOTUSDT"])


def test_a_generated_market_is_the_seeds_and_says_so(tmp_path: Path) -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")
    first = generate_market(tmp_path / "a", 7, symbols, start=START, bars=3000)
    again = generate_market(tmp_path / "b", 7, ("DOGEUSDT",), start=START, bars=3000)
    other = generate_market(tmp_path / "c", 8, ("DOGEUSDT",), start=START, bars=3000)
    doge, same, different = (CandleArchive(folder, ["DOGEUSDT"]) for folder in (first, again, other))
    span = (START - BAR, START + timedelta(days=20))
    assert doge.label == "generated market, seed 7" and different.label == "generated market, seed 8"
    assert list(doge.steps(*span)) == list(same.steps(*span)) != list(different.steps(*span))
    assert doge.fundings(*span) == same.fundings(*span)


def test_a_generated_market_is_plausible(tmp_path: Path) -> None:
    archive = CandleArchive(generate_market(tmp_path, 7, start=START, bars=20 * 288))
    closes = {s: np.array([float(c.close) for c in archive.candles(s, BAR, archive.end, 6000)]) for s in archive.symbols}
    assert set(map(len, closes.values())) == {20 * 288} and len(closes) == 6
    returns = {symbol: np.diff(np.log(close)) for symbol, close in closes.items()}
    volatility = {symbol: r.std() * np.sqrt(105_120) for symbol, r in returns.items()}
    assert all(0.25 < v < 2 for v in volatility.values()) and volatility["DOGEUSDT"] > volatility["BTCUSDT"]
    assert np.corrcoef(returns["BTCUSDT"], returns["ETHUSDT"])[0, 1] > 0.5
    btc = returns["BTCUSDT"]
    assert ((btc - btc.mean()) ** 4).mean() / btc.var() ** 2 > 4  # a normal has 3
    assert np.corrcoef(np.abs(btc[1:]), np.abs(btc[:-1]))[0, 1] > 0.05
    assert abs(closes["BTCUSDT"][0] - 95_000) < 2_000
    for step in archive.steps(START, START + timedelta(days=2)):
        for symbol, bar in step.bars.items():
            c, tick = bar.trade, archive.instruments[symbol].tick_size
            assert c.low <= min(c.open, c.close) <= max(c.open, c.close) <= c.high and c.volume > 0
            assert all(price % tick == 0 for price in (c.open, c.high, c.low, c.close))
    rates = [f.rate for f in archive.fundings(START - BAR, archive.end) if f.symbol == "ETHUSDT"]
    assert len(rates) == 60 and min(rates) < 0 < max(rates) and max(map(abs, rates)) <= D("0.003")


def test_the_real_candles_load_fast_and_are_exact(marketdata: Path) -> None:
    CandleArchive(marketdata / "5m", ["BTCUSDT"])  # libraries and file cache are not what is measured
    begun = time.process_time()
    archive = CandleArchive(marketdata / "5m")
    assert time.process_time() - begun < 2
    assert archive.label == "recorded candles (5m, 2024-12-31 to 2025-11-30)"
    assert len(archive.symbols) == 6 and all(archive.instruments[s] == known_instruments()[s] for s in archive.symbols)
    crash = archive.current("DOGEUSDT", datetime(2025, 10, 10, 21, 20, tzinfo=UTC))
    assert crash is not None
    assert (crash.trade.open, crash.trade.high, crash.trade.low, crash.trade.close) == (
        D("0.11355"),
        D("0.14848"),
        D("0.08385"),
        D("0.14521"),
    )
    assert crash.trade.volume == 922573446 and crash.mark.low == D("0.08867")
    fundings = archive.fundings(archive.start - BAR, archive.end)
    assert len(fundings) == 6 * 1005
    btc = next(f for f in fundings if f.symbol == "BTCUSDT" and f.time == datetime(2025, 10, 10, 16, tzinfo=UTC))
    hours = pq.read_table(marketdata / "mark-1h" / "BTCUSDT.parquet").to_pylist()
    hour = next(each for each in hours if each["open_time"] == btc.time)
    assert btc.mark_price == D(str(round(hour["open"], 1)))


def test_every_real_hour_equals_its_five_minute_bars(marketdata: Path) -> None:
    archive = CandleArchive(marketdata / "5m", ["SOLUSDT"])
    end = datetime(2025, 3, 1, tzinfo=UTC)
    fine, wide = archive.candles("SOLUSDT", BAR, end, 12 * 50), archive.candles("SOLUSDT", HOUR, end, 50)
    assert len(wide) == 50
    for index, hour in enumerate(wide):
        own = fine[12 * index : 12 * index + 12]
        assert (hour.open, hour.close) == (own[0].open, own[-1].close)
        assert (hour.high, hour.low) == (max(c.high for c in own), min(c.low for c in own))
        assert hour.volume == sum(c.volume for c in own) and hour.open_time == own[0].open_time


# --- jumps ---------------------------------------------------------------------------------------------------------------------


def test_a_jump_scales_every_price_from_the_next_bar_on(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", ["100 102 98 101 5"] * 4)
    archive = CandleArchive(folder)
    before = archive.candles("BTCUSDT", BAR, START + 2 * BAR, 9)
    assert archive.jump("BTCUSDT", START + 1.5 * BAR, D("0.666")) == START + 2 * BAR
    third = archive.current("BTCUSDT", START + 2 * BAR)
    assert third is not None and third.mark is third.trade
    candle = third.trade
    assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == (D("66.6"), D("67.9"), D("65.3"), D("67.3"), 5)
    assert archive.candles("BTCUSDT", BAR, START + 2 * BAR, 9) == before
    assert [step.bars["BTCUSDT"].trade.open for step in archive.steps(START, START + 4 * BAR)] == [100, 100, D("66.6"), D("66.6")]
    (wide,) = archive.candles("BTCUSDT", 4 * BAR, START + 4 * BAR, 9)
    assert (wide.open, wide.high, wide.low, wide.close) == (100, 102, D("65.3"), D("67.3"))


def test_jumps_multiply_up_and_a_price_never_falls_below_a_tick(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", ["100 102 98 101 5"] * 4)
    archive = CandleArchive(folder)
    archive.jump("BTCUSDT", START, D("1.5"))
    archive.jump("BTCUSDT", START + BAR, D("2"))
    opens = [step.bars["BTCUSDT"].trade.open for step in archive.steps(START, START + 4 * BAR)]
    assert opens == [100, 150, 300, 300]
    archive.jump("BTCUSDT", START + 2 * BAR, D("0.000001"))
    last = archive.current("BTCUSDT", START + 3 * BAR)
    assert last is not None and last.trade.low == last.trade.high == D("0.1")
    with pytest.raises(ValueError, match="BTCUSDT has no bar after"):
        archive.jump("BTCUSDT", START + 3 * BAR, D("2"))


def test_a_jump_moves_the_mark_and_what_is_paid_on_it_but_not_the_past(folder: Path) -> None:
    write_candles(folder, "BTCUSDT", ["100 102 98 101 5"] * 36)
    write_mark(folder.parent / "mark-1h", "BTCUSDT", ["99 100 99 100", "101 101 100 100", "100 100 99 99"])
    write_funding(folder.parent / "funding", "BTCUSDT", {START + HOUR * n / 2: 0.0001 for n in range(1, 5)})
    archive = CandleArchive(folder)
    archive.jump("BTCUSDT", START + HOUR + BAR, D("2"))
    marks = [funding.mark_price for funding in archive.fundings(START, START + 3 * HOUR)]
    assert marks == [99, 101, 202, 200]
    bars = [bar for minute in (60, 65, 70) if (bar := archive.current("BTCUSDT", START + timedelta(minutes=minute)))]
    assert [bar.mark.open for bar in bars] == [100, 100, 200] and [bar.trade.close for bar in bars] == [101, 101, 202]


@settings(deadline=None)  # each example writes and reads a file, on a disk that others use
@given(percents=st.lists(st.integers(-90, 300), min_size=1, max_size=4))
def test_a_jumped_candle_is_still_one(percents: list[int]) -> None:
    with TemporaryDirectory() as directory:
        folder = write_candles(Path(directory) / "5m", "BTCUSDT", ["100 102.3 97.1 101 5"] * 6).parent
        archive = CandleArchive(folder)
        for number, percent in enumerate(percents):
            archive.jump("BTCUSDT", START + number * BAR, 1 + D(percent) / 100)
        for step in archive.steps(START, START + 6 * BAR):
            bar = step.bars["BTCUSDT"].trade
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert all(price % D("0.1") == 0 for price in (bar.open, bar.high, bar.low, bar.close))


def test_candles_are_written_and_read_without_pandas(folder: Path) -> None:
    """Arrow imports it, where it is installed, for ways of its own that are easily taken; that takes seconds."""
    generate_market(folder.parent, 3, ("BTCUSDT", "ETHUSDT"), start=START, bars=30)
    write_mark(folder.parent / "mark-1h", "BTCUSDT", ["95000 95001 94999 95000"])
    (folder / "ETHUSDT.parquet").unlink()
    times = [1735689600000, 1735689900000, 1735690200000]
    (folder / "ETHUSDT.csv").write_text("open_time,open,high,low,close,volume\n" + "".join(f"{t},1,1,1,1,1\n" for t in times))
    code = (
        "import sys\n"
        "from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from arena.adapters.recorded import CandleArchive, generate_market\n"
        "archive = CandleArchive(Path(sys.argv[1]))\n"
        "generate_market(Path(sys.argv[1]) / 'more', 3, ('BTCUSDT',), start=datetime(2030, 1, 1, tzinfo=UTC), bars=30)\n"
        "print(','.join(archive.symbols), 'pandas' in sys.modules)"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(folder)], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "BTCUSDT,ETHUSDT False\n"


def test_numbers_of_any_kind_in_any_parts_and_one_that_is_missing(folder: Path) -> None:
    folder.mkdir()
    stamps = [START + BAR * number for number in range(6)]
    prices = pa.chunked_array([[D("100.1"), D("100.2")], [D("100.3"), None], [], [D("100.5"), D("100.6")]], pa.decimal128(9, 1))
    table = pa.table(
        {"open_time": pa.array(stamps, pa.timestamp("ns")), **dict.fromkeys(("open", "high", "low", "close"), prices)}
    )
    table = table.append_column("volume", pa.chunked_array([[1, 2, 3], [4, 5, 6]], pa.int32()))
    pq.write_table(table, folder / "BTCUSDT.parquet", row_group_size=2)
    series = CandleArchive(folder).series("BTCUSDT")
    assert series.trade.close.tolist() == [1001, 1002, 1003, 1005, 1006], "the row without a price is no candle"
    assert (series.volume * series.instrument.step_size).tolist() == [1, 2, 3, 5, 6]
    stamps[2] = None  # type: ignore[call-overload]
    pq.write_table(table.set_column(0, "open_time", pa.array(stamps, pa.timestamp("ms"))), folder / "BTCUSDT.parquet")
    with pytest.raises(ConfigurationError, match=r"BTCUSDT.parquet cannot be read as candles or rates \(a row has no time\)"):
        CandleArchive(folder)
