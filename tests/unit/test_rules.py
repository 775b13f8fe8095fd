"""The baselines: valid in the very schema on any market, within the limits, and never on data that is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.application.parsing import parse_decision
from arena.domain.competitor import SeasonId
from arena.domain.decision import OPENING, Action, Decision, SymbolDecision
from arena.domain.ledger import Ledger
from arena.domain.market import Candle, MarketSnapshot, SymbolMarket
from arena.domain.order import PositionSide
from arena.domain.plan import Desk, OrderPlan
from arena.domain.planning import plan_orders
from arena.domain.risk import Limits
from arena.strategies.prompt_reader import ReadPrompt, ReadSymbol, read_prompt
from arena.strategies.registry import RULES
from tests.fakes import build
from tests.fakes.walk import LIMITS, moving_market, moving_snapshot, prompt, text_of

SNAPSHOT = moving_snapshot()


def decide(name: str, snapshot: MarketSnapshot, ledger: Ledger, limits: Limits = LIMITS) -> Decision:
    read = parse_decision(RULES[name](read_prompt(text_of(prompt(snapshot, ledger, limits=limits)))), list(snapshot.symbols))
    assert isinstance(read, Decision), read
    return read


def planned(decision: Decision, snapshot: MarketSnapshot, ledger: Ledger, limits: Limits = LIMITS) -> OrderPlan:
    desk = Desk(
        season_id=SeasonId("test"),
        cycle=1,
        as_of=snapshot.as_of,
        snapshot=snapshot,
        instruments=build.instruments(),
        limits=limits,
    )
    return plan_orders(decision, ledger, desk)


def read_with(symbol: str = "ETHUSDT", held: PositionSide | None = None, **newest: str | None) -> ReadPrompt:
    """Return a prompt of one symbol at 3350.07 with these last indicators."""
    ledger = build.ledger("200", build.position(f"{held} 0.01 {symbol} @ 3350")) if held else build.ledger("200")
    read = read_prompt(
        text_of(prompt(MarketSnapshot(as_of=build.NOON, symbols={symbol: build.market(symbol, "3350.07")}), ledger))
    )
    market: ReadSymbol = read.symbols[symbol]
    series = {**market.series, **{label: None if text is None else (Decimal(text),) for label, text in newest.items()}}
    return replace(read, symbols={symbol: replace(market, series=series)})


def only(name: str, read: ReadPrompt) -> SymbolDecision | None:
    decision = parse_decision(RULES[name](read), list(read.symbols))
    assert isinstance(decision, Decision)
    return decision.symbols[0] if decision.symbols else None


@pytest.mark.parametrize(
    ("rsi", "held", "action"),
    [
        ("29.9", None, Action.OPEN_LONG),
        ("30.0", None, Action.OPEN_LONG),
        ("30.1", None, None),
        ("69.9", None, None),
        ("70.0", None, Action.OPEN_SHORT),
        ("49.9", PositionSide.LONG, Action.HOLD),
        ("50.0", PositionSide.LONG, Action.CLOSE),
        ("50.1", PositionSide.SHORT, Action.HOLD),
        ("50.0", PositionSide.SHORT, Action.CLOSE),
        (None, None, None),
        (None, PositionSide.LONG, None),
    ],
)
def test_rsi_mean_reversion(rsi: str | None, held: PositionSide | None, action: Action | None) -> None:
    found = only("mean-reversion", read_with(held=held, rsi14=rsi, atr14="10"))
    assert (found.action if found else None) == action


def test_stop_and_target_lie_on_ticks_at_their_distance() -> None:
    long = only("mean-reversion", read_with(rsi14="20", atr14="10.003"))
    short = only("mean-reversion", read_with(rsi14="80", atr14="10.003"))
    assert long and (long.stop_price, long.target_price) == (Decimal("3320.06"), Decimal("3380.08"))
    assert short and (short.stop_price, short.target_price) == (Decimal("3380.08"), Decimal("3320.06"))
    assert (long.size_percent, long.leverage) == (25, 2) == (short.size_percent, short.leverage)
    narrow = only("mean-reversion", read_with(rsi14="20", atr14="0"))
    assert narrow and narrow.stop_price == Decimal("3329.96")  # 0.6 %, whatever the range was


def test_stop_and_target_clear_last_and_mark() -> None:
    read = read_with(rsi14="20", atr14="10")
    market = replace(read.symbols["ETHUSDT"], last=Decimal(3350), mark=Decimal(3300))
    long = only("mean-reversion", replace(read, symbols={"ETHUSDT": market}))
    assert long and (long.stop_price, long.target_price) == (Decimal(3270), Decimal(3380))


def test_what_is_too_small_for_the_venue_is_not_asked_for() -> None:
    read = read_with(rsi14="20", atr14="10")
    asked = {
        least: only("mean-reversion", replace(read, symbols={"ETHUSDT": replace(read.symbols["ETHUSDT"], **least_of(least))}))
        for least in ("quantity 0.029", "quantity 0.030", "quantity 0.045", "notional 97", "notional 100", "notional 148")
    }
    # 25 % of 200 USDT are 0.029 ETH (97.15 USDT) at leverage 2, 0.044 ETH (147.40 USDT) at leverage 3
    assert {least: found.leverage if found else None for least, found in asked.items()} == {
        "quantity 0.029": 2,
        "quantity 0.030": 3,
        "quantity 0.045": None,
        "notional 97": 2,
        "notional 100": 3,
        "notional 148": None,
    }


def least_of(text: str) -> dict[str, Decimal]:
    name, value = text.split()
    return {f"min_{name}": Decimal(value)}


@pytest.mark.parametrize(
    ("ema20", "ema50", "adx", "held", "action"),
    [
        ("3340", "3330", "25", None, Action.OPEN_LONG),
        ("3340", "3330", "19.9", None, None),
        ("3360", "3330", "25", None, None),
        ("3360", "3370", "25", None, Action.OPEN_SHORT),
        ("3340", "3350", "25", None, None),
        ("3340", "3350", "25", PositionSide.LONG, Action.CLOSE),
        ("3340", "3330", "5", PositionSide.LONG, Action.HOLD),
        ("3340", "3330", "25", PositionSide.SHORT, Action.CLOSE),
        (None, "3330", "25", None, None),
        ("3340", None, "25", PositionSide.LONG, None),
        ("3340", "3330", None, None, None),
    ],
)
def test_ema_trend(
    ema20: str | None, ema50: str | None, adx: str | None, held: PositionSide | None, action: Action | None
) -> None:
    found = only("trend-following", read_with(held=held, ema20=ema20, ema50=ema50, adx14=adx, atr14="10"))
    assert (found.action if found else None) == action


def test_buy_and_hold_buys_what_fits_once() -> None:
    first = decide("buy-and-hold", SNAPSHOT, build.ledger("150"))
    assert {each.symbol for each in first.symbols} == {"ETHUSDT", "SOLUSDT", "DOGEUSDT"}  # 67 USDT buy no 0.001 BTC
    assert {each.action for each in first.symbols} == {Action.OPEN_LONG}
    richer = decide("buy-and-hold", SNAPSHOT, build.ledger("2000"))
    assert {each.symbol for each in richer.symbols} == set(SNAPSHOT.symbols)
    held = build.ledger("200", *(build.position(f"LONG 1 {symbol} @ 1") for symbol in SNAPSHOT.symbols))
    assert {each.action for each in decide("buy-and-hold", SNAPSHOT, held).symbols} == {Action.HOLD}


def test_random_depends_on_the_prompt_alone_and_acts_about_once_an_hour() -> None:
    read = read_prompt(text_of(prompt(SNAPSHOT, build.ledger("200"))))
    answers = [RULES["random"](replace(read, digest=str(i))) for i in range(1200)]
    assert answers == [RULES["random"](replace(read, digest=str(i))) for i in range(1200)]
    decisions = [decision for text in answers if isinstance(decision := parse_decision(text, []), Decision)]
    acting = [decision.symbols[0] for decision in decisions if decision.symbols]
    assert 60 <= len(acting) <= 140  # 100 of 1,200 expected
    longs = sum(each.action is Action.OPEN_LONG for each in acting)
    assert 0.35 < longs / len(acting) < 0.65
    assert {each.symbol for each in acting} == set(SNAPSHOT.symbols)


@pytest.mark.parametrize("name", RULES)
def test_no_rule_touches_what_it_does_not_know(name: str) -> None:
    blind = MarketSnapshot(as_of=build.NOON, symbols={}, missing={"BTCUSDT": "timeout"})
    assert decide(name, blind, build.ledger("200")).symbols == ()
    young = replace(SNAPSHOT, symbols={"ETHUSDT": moving_market("ETHUSDT", length=10)})
    if name != "buy-and-hold":
        for i in range(40):
            read = replace(read_prompt(text_of(prompt(young, build.ledger("200")))), digest=str(i))
            assert only(name, read) is None


@pytest.mark.parametrize("name", RULES)
def test_no_rule_opens_what_is_stale(name: str) -> None:
    late = replace(SNAPSHOT, as_of=SNAPSHOT.as_of + timedelta(hours=1))
    assert decide(name, late, build.ledger("200")).symbols == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(1, 10**6),
    capital=st.sampled_from(["12", "50", "200", "10000"]),
    held=st.dictionaries(st.sampled_from(["ETHUSDT", "SOLUSDT"]), st.sampled_from(list(PositionSide)), max_size=2),
    usage=st.sampled_from(["0.2", "0.8", "1"]),
    leverage=st.sampled_from([1, 2, 5]),
    dice=st.integers(0, 11),
)
def test_every_answer_is_valid_and_passes_risk(
    name: str, seed: int, capital: str, held: dict[str, PositionSide], usage: str, leverage: int, dice: int
) -> None:
    snapshot = moving_snapshot(seed=seed, length=60)
    limits = replace(LIMITS, max_leverage=leverage, max_margin_usage=Decimal(usage), max_open_positions=3)
    positions = [
        build.position(f"{side} 0.01 {symbol} @ {snapshot.marks()[symbol]}", leverage=2) for symbol, side in held.items()
    ]
    ledger = build.ledger(capital, *positions)
    read = replace(read_prompt(text_of(prompt(snapshot, ledger, limits=limits))), digest=str(dice))
    decision = parse_decision(RULES[name](read), list(snapshot.symbols))
    assert isinstance(decision, Decision), decision
    plan = planned(decision, snapshot, ledger, limits)
    assert plan.rejections == () and plan.notes == {}
    for each in decision.symbols:
        if each.action in OPENING:
            tick = build.instrument(each.symbol).tick_size
            assert each.stop_price and each.stop_price % tick == 0 and each.target_price and each.target_price % tick == 0


@pytest.mark.slow
def test_rules_find_openings_on_a_real_day(marketdata: Path) -> None:
    day = {symbol: _recorded(marketdata / "5m" / f"{symbol}.parquet", 499 + 24 * 12) for symbol in ("ETHUSDT", "SOLUSDT")}
    openings = {"mean-reversion": 0, "trend-following": 0}
    for last in range(499, 499 + 24 * 12, 12):
        taken = _at({symbol: candles[last - 499 : last] for symbol, candles in day.items()})
        read = read_prompt(text_of(prompt(taken, build.ledger("200"))))
        for name in openings:
            found = parse_decision(RULES[name](read), list(day))
            assert isinstance(found, Decision)
            openings[name] += len(found.symbols)
    assert openings["mean-reversion"] >= 2 and openings["trend-following"] >= 5, openings


def _recorded(path: Path, length: int) -> tuple[Candle, ...]:
    start = datetime(2024, 12, 31, tzinfo=UTC)
    instrument = build.instrument(path.stem)
    return tuple(
        Candle(
            open_time=start + i * build.BAR,
            close_time=start + (i + 1) * build.BAR,
            volume=Decimal(str(row["volume"])),
            **{name: instrument.round_price(Decimal(str(row[name]))) for name in ("open", "high", "low", "close")},
        )
        for i, row in enumerate(pq.read_table(path).slice(0, length).to_pylist())
    )


def _at(candles: Mapping[str, tuple[Candle, ...]]) -> MarketSnapshot:
    return MarketSnapshot(
        as_of=next(iter(candles.values()))[-1].close_time,
        symbols={
            symbol: SymbolMarket(
                symbol=symbol,
                candles=known,
                last_price=known[-1].close,
                mark_price=known[-1].close,
                funding_rate=None,
                next_funding_time=None,
            )
            for symbol, known in candles.items()
        },
    )


def test_the_dice_do_not_depend_on_how_fast_the_machine_is() -> None:
    early = late = text_of(prompt(SNAPSHOT, build.ledger("200")))
    later = re.sub(r"(T\d\d:\d\d):\d\dZ", r"\1:59Z", late)
    assert later != early
    assert read_prompt(early).digest == read_prompt(later).digest
    assert read_prompt(early).digest != read_prompt(early.replace("last: ", "last: 1", 1)).digest
