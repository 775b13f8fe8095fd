"""What the paper engine refuses, what it charges for holding, and when it liquidates, with exact numbers.

BTCUSDT: tick 0.1, step 0.001; taker 0.05 %, maker 0.02 %, slippage 2 bps.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from arena.adapters.paper.account import IncomeKind, PaperStatus
from arena.adapters.paper.engine import Refusal, Refused
from arena.domain.margin import liquidation_price
from arena.domain.market import FundingRate
from arena.domain.order import PositionSide
from tests.fakes.bars import feed
from tests.fakes.build import BAR, NOON
from tests.fakes.rig import CALM, D, Rig, rig

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
MS = timedelta(milliseconds=1)


# --- margin, filters, modes ----------------------------------------------------------------------------------------------


def test_margin_is_refused_below_the_exact_boundary() -> None:
    # 0.1 × 50010 / 5 + 0.1 × 50010 × 0.0005 = 1000.2 + 2.5005
    assert rig(CALM, balance="1002.7005").place("BUY LONG 0.1 BTCUSDT").status is PaperStatus.FILLED
    assert rig(CALM, balance="1002.7004").refusal("BUY LONG 0.1 BTCUSDT") is Refusal.MARGIN


def test_hedge_mode_keeps_two_buckets_whose_margins_add_up() -> None:
    d = rig(CALM)
    d.place("BUY LONG 0.1 BTCUSDT")
    d.place("SELL SHORT 0.2 BTCUSDT")
    assert (d.held(LONG), d.held(SHORT)) == (D("0.1"), D("-0.2"))
    assert (d.account.position("BTCUSDT", LONG).entry_price, d.account.position("BTCUSDT", SHORT).entry_price) == (50010, 49990)
    marks = {"BTCUSDT": D(50000)}
    assert d.account.unrealized_pnl(marks) == D(-1) + D(-2)
    assert d.account.initial_margin(marks) == D(3000)
    assert d.account.maintenance_margin(marks, d.engine.instruments) == D(60)
    fees = D("2.5005") + D("4.999")
    assert d.account.available_balance(marks) == D(10000) - fees - 3 - 3000
    assert d.refusal("SELL LONG 0.101 BTCUSDT") is Refusal.NO_POSITION_TO_CLOSE
    assert d.refusal("BUY SHORT 0.201 BTCUSDT LIMIT 49000") is Refusal.NO_POSITION_TO_CLOSE
    d.place("BUY SHORT 0.2 BTCUSDT")
    assert (d.held(LONG), d.held(SHORT)) == (D("0.1"), 0)


def test_a_partial_close_releases_its_share_of_the_cost() -> None:
    d = rig(CALM, "53000 53000 53000 53000", "50000 50000 50000 50000")
    d.place("BUY LONG 0.001 BTCUSDT")  # 50010
    d.bars()
    d.place("BUY LONG 0.002 BTCUSDT")  # 53010.6; average 52010.4
    d.bars()
    d.place("SELL LONG 0.001 BTCUSDT")  # 49990
    assert d.account.trades[-1].realized_pnl == D("49.99") - D("52.0104")
    assert d.account.position("BTCUSDT", LONG).signed_cost == D("104.0208")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("BUY LONG 0.0015 BTCUSDT", Refusal.PRECISION),
        ("BUY LONG 0.1 BTCUSDT LIMIT 49999.95", Refusal.PRECISION),
        ("BUY LONG 0 BTCUSDT", Refusal.QUANTITY),
        ("BUY LONG 120.001 BTCUSDT", Refusal.QUANTITY),
        ("BUY LONG 0.1 BTCUSDT LIMIT", Refusal.PRICE_FILTER),
        ("SELL LONG 0.1 BTCUSDT STOP_MARKET 0", Refusal.PRICE_FILTER),
        ("BUY LONG 0.1 BTCUSDT LIMIT 52500.1", Refusal.PRICE_BAND),
        ("SELL SHORT 0.1 BTCUSDT LIMIT 47499.9", Refusal.PRICE_BAND),
        ("BUY LONG 0.1 XRPUSDT", Refusal.UNKNOWN_SYMBOL),
        ("BUY LONG 0.1 ETHUSDT", Refusal.UNKNOWN_SYMBOL),  # an instrument without bars
        ("SELL LONG 0.1 BTCUSDT", Refusal.NO_POSITION_TO_CLOSE),
    ],
)
def test_filters(text: str, reason: Refusal) -> None:
    assert rig(CALM).refusal(text) is reason


def test_an_opening_has_a_smallest_notional_and_a_closing_has_none() -> None:
    d = rig("50000 50000 50000 50000", "40000 40000 40000 40000")  # the smallest order is 50 USDT at the mark
    d.place("BUY LONG 0.001 BTCUSDT")
    d.bars()
    assert d.refusal("BUY LONG 0.001 BTCUSDT") is Refusal.MIN_NOTIONAL
    assert d.refusal("BUY LONG 0.001 BTCUSDT LIMIT 39000") is Refusal.MIN_NOTIONAL
    d.place("SELL LONG 0.001 BTCUSDT")


def test_leverage_is_bounded_by_the_tier_of_the_position() -> None:
    d = rig(CALM, balance="1000000", leverage=21)  # above 300 000 USDT the tier allows 20
    assert d.refusal("BUY LONG 6.001 BTCUSDT") is Refusal.LEVERAGE
    d.place("BUY LONG 6 BTCUSDT")
    assert d.refusal("BUY LONG 0.001 BTCUSDT") is Refusal.LEVERAGE
    with pytest.raises(Refused, match="allow leverage 100 at most, not 101"):
        d.engine.set_leverage(d.account, "BTCUSDT", 101)
    d.engine.set_leverage(d.account, "BTCUSDT", 20)
    d.place("BUY LONG 0.001 BTCUSDT")


def test_leverage_cannot_fall_below_what_the_equity_carries() -> None:
    d = rig(CALM, balance="1100")
    d.place("BUY LONG 0.1 BTCUSDT")
    with pytest.raises(Refused) as caught:
        d.engine.set_leverage(d.account, "BTCUSDT", 4)
    assert (caught.value.reason, d.account.leverage_of("BTCUSDT")) == (Refusal.MARGIN, 5)


def test_modes_and_client_ids() -> None:
    d = rig(CALM)
    stop = d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "same")
    assert d.refusal("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "same") is Refusal.DUPLICATE_CLIENT_ID
    with pytest.raises(Refused) as caught:
        d.engine.set_dual_side(d.account, False)
    assert caught.value.reason is Refusal.MODE_LOCKED
    assert d.engine.cancel(d.account, "same") is stop
    with pytest.raises(Refused) as caught:
        d.engine.cancel(d.account, "same")
    assert caught.value.reason is Refusal.NOT_FOUND
    again = d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 48000", "same")  # only open orders are unique, as at Binance
    assert d.account.find_conditional("same") is again
    d.engine.cancel(d.account, "same")
    d.engine.set_dual_side(d.account, False)
    assert d.refusal("BUY LONG 0.1 BTCUSDT") is Refusal.POSITION_SIDE


def test_accounts_are_opened_once() -> None:
    d = rig(CALM)
    assert d.engine.open_account("paper", D(1)) is d.account
    assert d.engine.account("paper") is d.account
    assert d.account.wallet_balance == D(10000)
    with pytest.raises(Refused, match="there is no account other"):
        d.engine.account("other")


# --- funding -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "rate", "amount"),
    [
        ("BUY LONG 0.1 BTCUSDT", "0.0001", "-0.501"),  # 0.1 × 50100 × 0.0001
        ("SELL SHORT 0.1 BTCUSDT", "0.0001", "0.501"),
        ("BUY LONG 0.1 BTCUSDT", "-0.0001", "0.501"),
        ("SELL SHORT 0.1 BTCUSDT", "-0.0001", "-0.501"),
    ],
)
def test_longs_pay_shorts_a_positive_rate(order: str, rate: str, amount: str) -> None:
    funding = FundingRate(symbol="BTCUSDT", time=NOON + BAR, rate=D(rate), mark_price=D(50100))
    d = Rig(feed(fundings=[funding], BTCUSDT=[CALM, CALM]))
    d.place(order)
    before = d.account.wallet_balance
    d.bars(2)
    assert d.income(IncomeKind.FUNDING_FEE) == [D(amount)]
    assert d.account.wallet_balance == before + D(amount)


def test_funding_follows_the_bar_that_ends_with_it_and_precedes_the_orders_of_its_instant() -> None:
    funding = FundingRate(symbol="BTCUSDT", time=NOON + BAR, rate=D("0.0001"), mark_price=D(50000))
    d = Rig(feed(fundings=[funding], BTCUSDT=["50000 50000 49400 49500", CALM]))
    d.place("BUY LONG 0.1 BTCUSDT")
    d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49500")  # stopped inside the bar: nothing is held at the funding
    d.bars()
    d.place("BUY LONG 0.1 BTCUSDT")
    d.bars()
    assert d.income(IncomeKind.FUNDING_FEE) == []


# --- liquidation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("balance", ["1010", "1234.5678", "1500", "4000"])
@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_single_position_is_liquidated_at_its_liquidation_price(side: PositionSide, balance: str) -> None:
    d = rig("50000 100000 1000 50000", balance=balance)
    d.place(f"{side.opening_side} {side} 0.1 BTCUSDT")
    bucket = d.account.position("BTCUSDT", side)
    expected = liquidation_price(
        [bucket],
        mark_price=D(50000),
        margin_balance=d.account.wallet_balance,
        other_maintenance=D(0),
        instrument=d.engine.instruments["BTCUSDT"],
    )
    assert expected is not None
    d.bars()
    trade = d.account.trades[-1]
    assert trade.price == expected
    assert trade.client_order_id == f"autoclose-{int((NOON + BAR).timestamp() * 1000) - 1}"
    assert trade.fee == D("0.1") * trade.price * D("0.0005")
    assert (d.account.buckets, d.income(IncomeKind.INSURANCE_CLEAR)) == ({}, [])
    assert d.account.wallet_balance == sum(income.amount for income in d.account.income) > 0


def test_the_liquidation_price_is_found_across_a_tier_boundary() -> None:
    d = rig("50000 50000 25000 50000", balance="210000")
    d.place("BUY LONG 10 BTCUSDT")  # opens in the tier above 300 000 USDT, is liquidated below it
    bucket = d.account.position("BTCUSDT", LONG)
    expected = liquidation_price(
        [bucket],
        mark_price=D(50000),
        margin_balance=d.account.wallet_balance,
        other_maintenance=D(0),
        instrument=d.engine.instruments["BTCUSDT"],
    )
    assert expected is not None
    assert 10 * expected < 300_000
    d.bars()
    assert d.account.trades[-1].price == expected


@pytest.mark.parametrize(("trigger", "liquidated"), [("39300", False), ("39100", True)])  # the liquidation price is 39191.77
def test_the_nearer_of_stop_and_liquidation_comes_first(trigger: str, liquidated: bool) -> None:
    d = rig("50000 50000 38000 50000", balance="1100")
    d.place("BUY LONG 0.1 BTCUSDT")
    stop = d.place(f"SELL LONG 0.1 BTCUSDT STOP_MARKET {trigger}")
    d.bars()
    assert d.account.trades[-1].price == (D("39191.7") if liquidated else D("39292.1"))
    assert d.account.trades[-1].client_order_id.startswith("autoclose-") is liquidated
    assert stop.status is (PaperStatus.EXPIRED if liquidated else PaperStatus.FINISHED)


def test_liquidation_goes_by_the_mark_not_by_the_last_price() -> None:
    d = rig("50000 50000 30000 50000", marks={"BTCUSDT": ["50000 50000 40000 50000"]}, balance="1100")
    d.place("BUY LONG 0.1 BTCUSDT")
    d.bars()
    assert d.held() == D("0.1")


@pytest.mark.parametrize(
    "orders", [["BUY LONG 0.1 BTCUSDT"], ["BUY LONG 1.7 ETHUSDT"], ["BUY LONG 0.1 BTCUSDT", "BUY LONG 1.7 ETHUSDT"]]
)
def test_all_symbols_fall_together_and_all_buckets_are_closed(orders: list[str]) -> None:
    """Either position alone loses 500 of 1000 USDT on the way to the low, both together more than there is."""
    d = rig("50000 50000 45000 50000", balance="1000", leverage=20, ETHUSDT=["3000 3000 2700 3000"])
    for order in orders:
        d.place(order)
    d.bars()
    assert len(d.account.buckets) == (1 if len(orders) == 1 else 0)
    if len(orders) == 2:
        btc, eth = d.account.trades[2:]
        assert btc.client_order_id == eth.client_order_id
        assert btc.client_order_id.startswith("autoclose-")
        assert abs((50000 - btc.price) / 5000 - (3000 - eth.price) / 300) < D("0.0001")  # both at the marks of one λ


def test_a_crash_of_44_percent_leaves_no_debt() -> None:
    d = rig(CALM, "28000 28500 27900 28000", balance="1100")
    d.place("BUY LONG 0.1 BTCUSDT")
    d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 48000")
    d.bars(2)
    assert d.account.trades[-1].price == D(28000)  # liquidated at the gapped open's mark, before the stop
    loss = D("0.1") * (D(28000) - 50010) - D("2.5005") - D("1.4")
    assert d.income(IncomeKind.INSURANCE_CLEAR) == [-(1100 + loss)]
    assert d.account.wallet_balance == 0
