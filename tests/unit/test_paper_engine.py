"""How the paper engine trades: market, conditional and limit orders, with exact numbers.

BTCUSDT: tick 0.1, step 0.001; taker 0.05 %, maker 0.02 %, slippage 2 bps.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from arena.adapters.paper.account import PaperStatus
from arena.adapters.paper.engine import Refusal
from arena.domain.order import PositionSide
from tests.fakes.bars import GAP
from tests.fakes.build import BAR, NOON
from tests.fakes.rig import CALM, D, rig

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
MS = timedelta(milliseconds=1)


# --- market orders -------------------------------------------------------------------------------------------------------


def test_a_market_buy_pays_slippage_and_the_taker_fee() -> None:
    d = rig(CALM)
    order = d.place("BUY LONG 0.1 BTCUSDT")
    assert (order.status, order.filled_quantity, order.average_price) == (PaperStatus.FILLED, D("0.1"), D("50010"))
    (trade,) = d.account.trades
    assert (trade.trade_id, trade.price, trade.fee, trade.realized_pnl, trade.maker, trade.time) == (
        1,
        D("50010"),
        D("2.5005"),
        0,
        False,
        NOON,
    )
    assert d.account.wallet_balance == D("9997.4995")
    assert d.account.equity({"BTCUSDT": D(50000)}) == D("9996.4995")


@pytest.mark.parametrize(
    ("order", "price"), [("BUY LONG 0.1 BTCUSDT", "50011.4"), ("SELL SHORT 0.1 BTCUSDT", "49991.2")]
)  # 50001.3 × 1.0002 = 50011.30026, × 0.9998 = 49991.29974
def test_slippage_is_rounded_to_the_tick_against_the_trader(order: str, price: str) -> None:
    assert rig("50001.3 50100 49900 50000").place(order).average_price == D(price)


def test_a_round_trip_realises_price_difference_and_two_fees() -> None:
    d = rig(CALM, "51000 51100 50900 51000")
    d.place("BUY LONG 0.1 BTCUSDT")
    d.bars()
    d.place("SELL LONG 0.1 BTCUSDT")  # at 50989.8
    assert d.account.trades[1].realized_pnl == D("97.98")
    assert d.account.wallet_balance == D(10000) + D("97.98") - D("2.5005") - D("2.54949")
    assert d.account.buckets == {}


def test_prices_move_at_bar_boundaries_only() -> None:
    d = rig(CALM, "51000 51100 50900 50950", marks={"BTCUSDT": [CALM, "50990 51090 50890 50940"]})
    d.engine.advance(NOON + BAR - MS)
    assert (d.engine.last_price("BTCUSDT"), d.engine.mark_price("BTCUSDT")) == (D(50000), D(50000))
    d.engine.advance(NOON + BAR)
    assert (d.engine.last_price("BTCUSDT"), d.engine.mark_price("BTCUSDT")) == (D(51000), D(50990))
    d.engine.advance(NOON + 5 * BAR)
    assert (d.engine.last_price("BTCUSDT"), d.engine.mark_price("BTCUSDT")) == (D(50950), D(50940))
    with pytest.raises(ValueError, match="cannot go back"):
        d.engine.advance(NOON)


def test_nothing_trades_in_a_gap_or_without_volume() -> None:
    d = rig(CALM, "50000 50000 50000 50000 0", GAP)
    d.bars()
    assert d.refusal("BUY LONG 0.1 BTCUSDT") is Refusal.NO_LIQUIDITY
    d.bars()
    assert d.refusal("BUY LONG 0.1 BTCUSDT") is Refusal.NO_LIQUIDITY


# --- conditional orders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ("50000 50100 49400 49600", "49490.1"),  # 49500 × 0.9998
        ("49000 49200 48900 49100", "48990.2"),  # the open is beyond the stop: 49000 × 0.9998
    ],
)
def test_a_stop_fills_at_its_trigger_or_at_a_gapped_open(bar: str, price: str) -> None:
    d = rig(CALM, bar, CALM)
    d.place("BUY LONG 0.1 BTCUSDT")
    stop = d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49500", "season-1-A-BTCUSDT-s")
    d.bars()
    assert stop.status is PaperStatus.NEW
    d.bars()
    assert (stop.status, stop.average_price, d.held()) == (PaperStatus.FINISHED, D(price), 0)
    trade = d.account.trades[-1]
    assert (trade.price, trade.time, trade.client_order_id) == (D(price), NOON + 2 * BAR - MS, "season-1-A-BTCUSDT-s")
    assert stop.child_order_id == trade.order_id
    assert d.account.orders[trade.order_id].order.client_order_id == "season-1-A-BTCUSDT-s"
    assert d.account.trades[-1].realized_pnl == D("0.1") * (D(price) - 50010)
    assert d.account.resting == {}


@pytest.mark.parametrize(("bar", "price"), [("50000 50600 49900 50000", "49990.0"), ("49200 49600 49100 49300", "49209.9")])
def test_a_short_is_stopped_above_and_takes_profit_below(bar: str, price: str) -> None:
    d = rig(CALM, bar)
    d.place("SELL SHORT 0.1 BTCUSDT")  # at 49990
    stop = d.place("BUY SHORT 0.1 BTCUSDT STOP_MARKET 50500")
    target = d.place("BUY SHORT 0.1 BTCUSDT TAKE_PROFIT_MARKET 49500")
    d.bars(2)
    assert d.held(SHORT) == 0
    if price == "49990.0":
        assert (stop.average_price, target.status) == (D("50510.1"), PaperStatus.NEW)
    else:  # the open is better than the target: 49200 × 1.0002 = 49209.84
        assert (target.average_price, stop.status) == (D(price), PaperStatus.NEW)


def test_where_stop_and_target_are_both_touched_the_stop_counts() -> None:
    d = rig(CALM, "50000 50600 49400 50500", "51000 51100 50900 51000")
    d.place("BUY LONG 0.1 BTCUSDT")
    target = d.place("SELL LONG 0.1 BTCUSDT TAKE_PROFIT_MARKET 50500", group="A")
    stop = d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49500", group="A")
    d.place("BUY LONG 0.1 BTCUSDT")  # another competitor's, which the target must not touch in this bar
    d.bars(2)
    assert (stop.status, target.status, d.held()) == (PaperStatus.FINISHED, PaperStatus.NEW, D("0.1"))
    d.engine.cancel(d.account, target.order.client_order_id)
    assert target.status is PaperStatus.CANCELED


def test_of_two_stops_in_a_group_only_the_nearer_fills_in_a_bar() -> None:
    d = rig(CALM, "50000 50600 49000 50500")
    d.place("BUY LONG 0.2 BTCUSDT")
    far = d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49200", group="A")
    near = d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49500", group="A")
    d.bars(2)
    assert (near.status, far.status, d.held()) == (PaperStatus.FINISHED, PaperStatus.NEW, D("0.1"))


def test_an_orphaned_conditional_expires_without_a_fill() -> None:
    d = rig(CALM, "50000 50600 49400 50500", "51000 51100 50900 51000")
    d.place("BUY LONG 0.1 BTCUSDT")
    stop = d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49500", group="A")
    target = d.place("SELL LONG 0.1 BTCUSDT TAKE_PROFIT_MARKET 50500", group="A")
    d.bars(3)
    assert (stop.status, target.status, target.filled_quantity) == (PaperStatus.FINISHED, PaperStatus.EXPIRED, 0)
    assert len(d.account.trades) == 2
    assert d.held() == 0


def test_a_conditional_that_is_touched_already_is_refused() -> None:
    d = rig(CALM)
    assert d.refusal("SELL LONG 0.1 BTCUSDT STOP_MARKET 50000") is Refusal.WOULD_TRIGGER
    assert d.refusal("BUY SHORT 0.1 BTCUSDT STOP_MARKET 50000") is Refusal.WOULD_TRIGGER
    assert d.refusal("SELL LONG 0.1 BTCUSDT TAKE_PROFIT_MARKET 50000") is Refusal.WOULD_TRIGGER
    assert d.refusal("BUY SHORT 0.1 BTCUSDT TAKE_PROFIT_MARKET 50000") is Refusal.WOULD_TRIGGER
    d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49999.9")  # no position and no margin are needed yet


def test_a_stop_waits_for_volume() -> None:
    d = rig(CALM, "49400 49400 49400 49400 0", "49300 49350 49250 49300")
    d.place("BUY LONG 0.1 BTCUSDT")
    stop = d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49500")
    d.bars(2)
    assert stop.status is PaperStatus.NEW
    d.bars()
    assert stop.average_price == D("49290.1")  # the first open that trades: 49300 × 0.9998 = 49290.14


def test_nearer_stops_of_several_symbols_fill_first() -> None:
    d = rig("50000 50000 49000 49500", ETHUSDT=["3000 3000 2700 2900"])
    d.place("BUY LONG 0.1 BTCUSDT")
    d.place("BUY LONG 1 ETHUSDT")
    d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49200", "far")  # λ = 0.8
    d.place("SELL LONG 1 ETHUSDT STOP_MARKET 2850", "near")  # λ = 0.5
    d.bars()
    assert [trade.client_order_id for trade in d.account.trades[2:]] == ["near", "far"]


def test_a_stop_that_the_open_has_passed_fills_before_the_corners() -> None:
    d = rig(CALM, "51000 51500 50500 51000", ETHUSDT=["3000 3000 3000 3000", "3000 3000 2700 2900"])
    d.place("BUY LONG 1 ETHUSDT")
    d.place("SELL SHORT 0.1 BTCUSDT")
    d.place("SELL LONG 1 ETHUSDT STOP_MARKET 2850", "on the way down")
    d.place("BUY SHORT 0.1 BTCUSDT STOP_MARKET 50500", "gapped")
    d.bars(2)
    assert [trade.client_order_id for trade in d.account.trades[2:]] == ["gapped", "on the way down"]


def test_an_opening_conditional_needs_margin_when_it_triggers() -> None:
    d = rig("50000 50600 50000 50500", balance="1000")
    rich = d.place("BUY LONG 0.09 BTCUSDT STOP_MARKET 50500")
    poor = d.place("BUY LONG 0.09 BTCUSDT STOP_MARKET 50550")
    d.bars()
    assert (rich.status, rich.average_price, poor.status) == (PaperStatus.FINISHED, D("50510.1"), PaperStatus.EXPIRED)


# --- limit orders --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ("50000 50100 49900 50000", None),  # touched, not traded through
        ("50000 50100 49899.9 50000", "49900"),
        ("49800 50100 49700 50000", "49800"),  # the open is already better
    ],
)
def test_a_limit_needs_a_trade_through_and_is_a_maker(bar: str, price: str | None) -> None:
    d = rig("50000 50000 50000 50000", bar)
    limit = d.place("BUY LONG 0.1 BTCUSDT LIMIT 49900")
    d.bars(2)
    if price is None:
        assert (limit.status, d.account.trades) == (PaperStatus.NEW, [])
    else:
        (trade,) = d.account.trades
        assert (limit.status, trade.price, trade.maker) == (PaperStatus.FILLED, D(price), True)
        assert trade.fee == D("0.1") * D(price) * D("0.0002")


def test_a_marketable_limit_takes_but_never_beyond_its_price() -> None:
    d = rig(CALM)
    assert d.place("BUY LONG 0.1 BTCUSDT LIMIT 50005").average_price == D(50005)  # slippage alone would give 50010
    assert d.place("SELL SHORT 0.1 BTCUSDT LIMIT 49000").average_price == D(49990)
    assert [trade.maker for trade in d.account.trades] == [False, False]
    assert d.refusal("BUY LONG 0.1 BTCUSDT LIMIT 50005", post_only=True) is Refusal.POST_ONLY
    assert d.place("BUY LONG 0.1 BTCUSDT LIMIT 49999.9", post_only=True).status is PaperStatus.NEW


def test_a_limit_expires_at_its_time() -> None:
    d = rig("50000 50000 50000 50000", "50000 50000 50000 50000", "49000 49100 48900 49000")
    limit = d.place("BUY LONG 0.1 BTCUSDT LIMIT 49500", good_till=NOON + 2 * BAR)
    d.bars(3)
    assert (limit.status, limit.updated_at, d.account.resting) == (PaperStatus.EXPIRED, NOON + 2 * BAR, {})
