"""Stated confidence against what came of the trade: joined to the right opening, and no share said of few trades."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from arena.application.calibration import FEWEST, Confidences

INTERVAL = timedelta(minutes=5)


def decision(confidence: int | None, minute: int, kind: str = "open_long", symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {"llm_id": "LLM-A", "symbol": symbol, "decision_type": kind, "confidence": confidence, "time": at(minute)}


def trade(minute: int, pnl: str, side: str = "LONG", symbol: str = "BTCUSDT", fees: str = "0.1") -> dict[str, Any]:
    row = {"llm_id": "LLM-A", "symbol": symbol, "side": side, "opened_at": at(minute), "pnl": pnl}
    return {**row, "fees": fees, "funding": "0"}


def at(minute: int) -> str:
    return f"2025-01-01T{minute // 60:02}:{minute % 60:02}:00.000000Z"


def buckets(found: Confidences) -> dict[int, tuple[int, int]]:
    return {each.lowest: (each.trades, each.hits) for each in found.of("LLM-A").buckets if each.trades}


def test_a_trade_counts_under_the_confidence_of_its_own_opening() -> None:
    found = Confidences(INTERVAL)
    found.decided(decision(55, 0))  # was refused: nothing was opened
    found.decided(decision(90, 5, kind="open_short"))
    found.decided(decision(72, 5))
    found.decided(decision(30, 10))  # while the position was open
    found.decided(decision(99, 5, kind="hold"))
    found.decided(decision(41, 5, symbol="ETHUSDT"))
    found.closed(trade(6, "3"))
    assert buckets(found) == {70: (1, 1)}
    found.closed(trade(11, "3"))  # the opening of minute 10 had been waiting
    assert buckets(found) == {0: (1, 1), 70: (1, 1)}
    found.closed(trade(12, "3"))  # opened by nobody's decision
    assert (buckets(found), found.of("LLM-A").unknown) == ({0: (1, 1), 70: (1, 1)}, 1)


def test_a_decision_that_opened_nothing_is_not_a_later_trades() -> None:
    found = Confidences(INTERVAL)
    found.decided(decision(90, 0))  # was refused
    found.closed(trade(11, "3"))
    assert (buckets(found), found.of("LLM-A").unknown) == ({}, 1)
    found.decided(decision(90, 20))  # a limit order that rested until the next cycle
    found.closed(trade(25, "3"))
    assert buckets(found) == {90: (1, 1)}


def test_a_hit_is_a_profit_after_fees_and_funding() -> None:
    found = Confidences(INTERVAL)
    for minute, pnl in enumerate(("0.2", "0.1", "-3", "5")):
        found.decided(decision(60 + minute, minute))
        found.closed(trade(minute, pnl))
    bucket = next(each for each in found.of("LLM-A").buckets if each.trades)
    assert (bucket.trades, bucket.hits, bucket.hit_rate) == (4, 2, Decimal("0.5"))
    assert bucket.stated == Decimal("0.615")


def test_every_confidence_has_one_bucket() -> None:
    found = Confidences(INTERVAL)
    for confidence in range(101):
        found.decided(decision(confidence, confidence))
        found.closed(trade(confidence, "1"))
    counted = [(each.lowest, each.highest, each.trades) for each in found.of("LLM-A").buckets]
    assert counted == [(0, 49, 50), (50, 59, 10), (60, 69, 10), (70, 79, 10), (80, 89, 10), (90, 100, 11)]


def test_few_trades_are_called_few() -> None:
    found = Confidences(INTERVAL)
    assert "nothing can be said yet" in found.of("LLM-A").sentence
    for minute in range(FEWEST):
        assert not any(each.enough for each in found.of("LLM-A").buckets)
        found.decided(decision(65, minute))
        found.closed(trade(minute, "1"))
        if minute == 0:
            assert found.of("LLM-A").sentence.startswith("Too few to say anything: 1 closed trade, ")
    assert [each.lowest for each in found.of("LLM-A").buckets if each.enough] == [60]
    assert found.of("LLM-A").sentence.startswith("20 closed trades; one group has at least 20")


def test_the_pairs_are_those_of_the_buckets() -> None:
    found = Confidences(INTERVAL)
    for minute, (confidence, pnl) in enumerate(((70, "3"), (55, "-3"), (70, "-3"), (70, "0.1"))):
        found.decided(decision(confidence, minute))
        found.closed(trade(minute, pnl))
    assert found.pairs("LLM-A") == ((55, 70, 70, 70), (False, False, False, True))
    assert found.pairs("LLM-B") == ((), ())
