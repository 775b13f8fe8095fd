"""What the venue does against an owner's wish: market orders that trade in part, and positions it closes itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.adapters.paper.account import IncomeKind, PaperStatus
from arena.adapters.paper.engine import Refusal, Refused
from arena.domain.order import PositionSide
from tests.fakes.rig import CALM, D, Rig, rig

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
MARKS = {"BTCUSDT": D(50000)}


def quantities(d: Rig) -> list[Decimal]:
    return [trade.quantity for trade in d.account.trades]


def test_a_share_trades_in_two_trades_of_one_order_and_the_rest_expires() -> None:
    d = rig(CALM)
    order = d.place("BUY LONG 0.1 BTCUSDT", share=D("0.555"))
    assert (order.status, order.filled_quantity, d.account.resting) == (PaperStatus.EXPIRED, D("0.055"), {})
    first, second = d.account.trades
    assert (first.quantity, first.price, second.quantity, second.price) == (D("0.028"), D("50010"), D("0.027"), D("50010.1"))
    assert {first.order_id, second.order_id} == {order.order_id} and (first.trade_id, second.trade_id) == (1, 2)
    assert order.filled_notional == D("0.028") * D("50010") + D("0.027") * D("50010.1")
    assert d.account.position("BTCUSDT", LONG).signed_cost == order.filled_notional


@pytest.mark.parametrize(
    ("quantity", "share", "traded"),
    [
        ("0.1", "0", ["0.001"]),
        ("0.1", "0.019", ["0.001"]),
        ("0.1", "0.02", ["0.001", "0.001"]),
        ("0.003", "0.99", ["0.001", "0.001"]),
        ("0.1", "1", ["0.05", "0.05"]),
    ],
)
def test_a_share_is_cut_to_the_step_and_is_at_least_one(quantity: str, share: str, traded: list[str]) -> None:
    d = rig(CALM)
    order = d.place(f"BUY LONG {quantity} BTCUSDT", share=D(share))
    assert quantities(d) == [D(text) for text in traded]
    assert order.status is (PaperStatus.FILLED if share == "1" else PaperStatus.EXPIRED)


def test_the_whole_order_must_be_affordable_though_a_share_trades() -> None:
    d = rig(CALM, balance="1000")
    assert d.refusal("BUY LONG 0.1 BTCUSDT", share=D("0.5")) is Refusal.MARGIN
    assert d.refusal("SELL LONG 0.1 BTCUSDT", share=D("0.01")) is Refusal.NO_POSITION_TO_CLOSE


@given(
    quantity=st.integers(2, 150),
    share=st.integers(0, 1000),
    closing=st.integers(0, 1000),
    side=st.sampled_from(PositionSide),
)
def test_nothing_is_lost_between_the_parts(quantity: int, share: int, closing: int, side: PositionSide) -> None:
    d = rig(CALM, "50500 50600 50400 50500")
    opened = d.place(f"{side.opening_side} {side} {quantity * D('0.001')} BTCUSDT", share=share / D(1000))
    d.bars()
    held = d.account.position("BTCUSDT", side).quantity
    closed = d.place(f"{side.closing_side} {side} {held} BTCUSDT", share=closing / D(1000))
    account, bucket = d.account, d.account.position("BTCUSDT", side)
    assert held == opened.filled_quantity and bucket.quantity == held - closed.filled_quantity
    assert sum(quantities(d)) == opened.filled_quantity + closed.filled_quantity
    notional = sum(trade.quantity * trade.price for trade in account.trades)
    assert notional == opened.filled_notional + closed.filled_notional
    assert sum(trade.fee for trade in account.trades) == notional * D("0.0005")
    realized = sum(trade.realized_pnl for trade in account.trades)
    assert realized == side.sign * (closed.filled_notional - opened.filled_notional) + bucket.signed_cost
    assert account.wallet_balance == 10_000 + realized - notional * D("0.0005")
    assert account.wallet_balance == sum(entry.amount for entry in account.income)
    assert account.initial_margin(MARKS) == bucket.quantity * 50000 / 5


# --- auto-deleveraging ---------------------------------------------------------------------------------------------------------


def test_the_venue_closes_a_part_of_a_bucket_at_the_mark() -> None:
    d = rig(CALM, CALM, marks={"BTCUSDT": [CALM, "50020.5 50100 49900 50000"]})
    d.place("SELL SHORT 0.1 BTCUSDT")  # at 49990
    stop = d.place("BUY SHORT 0.1 BTCUSDT STOP_MARKET 51000")
    d.bars()
    order = d.engine.deleverage(d.account, "BTCUSDT", SHORT, D("0.04"))
    trade = d.account.trades[-1]
    assert (order.order.client_order_id, order.status, trade.client_order_id) == (
        "adl_autoclose",
        PaperStatus.FILLED,
        "adl_autoclose",
    )
    assert (trade.price, trade.quantity, trade.side, trade.realized_pnl) == (D("50020.5"), D("0.04"), "BUY", D("-1.22"))
    assert trade.fee == D("0.04") * D("50020.5") * D("0.0005")
    assert (d.held(SHORT), stop.status) == (D("-0.06"), PaperStatus.NEW)
    d.engine.deleverage(d.account, "BTCUSDT", SHORT, D("0.06"))
    assert d.account.buckets == {}
    assert sum(d.income(IncomeKind.REALIZED_PNL)) == D("0.1") * (D("49990") - D("50020.5"))


@pytest.mark.parametrize(
    ("symbol", "side", "quantity", "reason"),
    [
        ("BTCUSDT", LONG, "0.101", Refusal.NO_POSITION_TO_CLOSE),
        ("BTCUSDT", SHORT, "0.1", Refusal.NO_POSITION_TO_CLOSE),
        ("BTCUSDT", LONG, "0.0005", Refusal.PRECISION),
        ("NOSUCH", LONG, "0.1", Refusal.UNKNOWN_SYMBOL),
    ],
)
def test_the_venue_cannot_close_what_is_not_there(symbol: str, side: PositionSide, quantity: str, reason: Refusal) -> None:
    d = rig(CALM)
    d.place("BUY LONG 0.1 BTCUSDT")
    with pytest.raises(Refused) as caught:
        d.engine.deleverage(d.account, symbol, side, D(quantity))
    assert caught.value.reason is reason and d.held() == D("0.1")
