"""Whatever is ordered and whatever the market does, the paper engine's books add up."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.paper.account import IncomeKind, PaperAccount, PaperOrder
from arena.adapters.paper.engine import PaperEngine, Refused
from arena.domain.market import FundingRate
from arena.domain.money import ZERO
from arena.domain.order import Order, OrderSide, OrderType, PositionSide
from tests.fakes.bars import PERMILLE, STARTS, ListFeed, on_tick, walk
from tests.fakes.build import BAR, NOON, instruments

D = Decimal
SYMBOLS = ("BTCUSDT", "DOGEUSDT")
BARS = 6


def wild_market(seed: int) -> ListFeed:
    """Crashes, gaps, outages, and fundings of both signs at any time."""
    chance = random.Random(seed)
    fundings = [
        FundingRate(
            symbol=chance.choice(SYMBOLS),
            time=NOON + chance.randint(1, BARS * 10) * BAR / 10,
            rate=chance.randint(-300, 300) / D(100_000),
            mark_price=D(chance.randint(20_000, 80_000)) / 10,
        )
        for _ in range(chance.randint(0, 4))
    ]
    bars = {symbol: walk(chance, symbol, BARS, jump=100, swing=450, spread=20, outages=True) for symbol in SYMBOLS}
    return ListFeed(bars, fundings)


MARKETS = st.integers(0, 2**32).map(wild_market)


# --- random orders -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """An order in relative terms: `size` in 1/8 of the account at leverage 5, `distance` of its price in ‰."""

    symbol: str
    side: OrderSide
    bucket: PositionSide
    order_type: OrderType
    size: int
    distance: int
    group: str | None


WISHES = st.builds(
    Wish,
    symbol=st.sampled_from(SYMBOLS),
    side=st.sampled_from(OrderSide),
    bucket=st.sampled_from(PositionSide),
    order_type=st.sampled_from(OrderType) | st.just(OrderType.MARKET),
    size=st.integers(1, 10),
    distance=st.integers(-40, 40),
    group=st.sampled_from([None, "a", "b"]),
)
Played = tuple[PaperEngine, PaperAccount, int]
DAYS = st.lists(st.lists(WISHES, max_size=4), min_size=BARS, max_size=BARS)


def play(bars: ListFeed, days: list[list[Wish]], *, leverage: int = 5, balance: int = 1000) -> Played:
    """Place each day's orders at the beginning of its bar; return the engine, its account and how many were refused."""
    engine = PaperEngine(bars, instruments(), NOON)
    account = engine.open_account("paper", D(balance))
    engine.set_dual_side(account, True)
    refused = 0
    for symbol in SYMBOLS:
        engine.set_leverage(account, symbol, leverage)
    for day, wishes in enumerate(days):
        for number, wish in enumerate(wishes):
            try:
                order = order_of(wish, engine.last_price(wish.symbol), f"{day}-{number}")
                engine.place(account, order, group=wish.group and f"{day}-{wish.group}")
            except Refused:
                refused += 1
        engine.advance(engine.now + BAR)
        assert account.buckets or account.wallet_balance >= 0
    return engine, account, refused


def order_of(wish: Wish, last: Decimal, client_id: str) -> Order:
    step = instruments()[wish.symbol].step_size
    price = on_tick(wish.symbol, last * (1 + wish.distance * PERMILLE))
    return Order(
        client_order_id=client_id,
        symbol=wish.symbol,
        side=wish.side,
        position_side=wish.bucket,
        order_type=wish.order_type,
        quantity=max(step, D(wish.size * 625 / STARTS[wish.symbol] // step * step)),
        price=price if wish.order_type is OrderType.LIMIT else None,
        trigger_price=price if wish.order_type.conditional else None,
    )


# --- the books add up ----------------------------------------------------------------------------------------------------


def total(account: PaperAccount, *kinds: IncomeKind) -> Decimal:
    return sum((income.amount for income in account.income if income.kind in kinds), ZERO)


@settings(max_examples=60, deadline=None)
@given(MARKETS, DAYS)
def test_the_wallet_is_the_sum_of_its_income(bars: ListFeed, days: list[list[Wish]]) -> None:
    _, account, _ = play(bars, days)
    assert account.wallet_balance == total(account, *IncomeKind)
    assert total(account, IncomeKind.TRANSFER) == 1000
    assert total(account, IncomeKind.COMMISSION) == -sum((trade.fee for trade in account.trades), ZERO)
    assert total(account, IncomeKind.REALIZED_PNL) == sum((trade.realized_pnl for trade in account.trades), ZERO)
    assert total(account, IncomeKind.INSURANCE_CLEAR) >= 0


@settings(max_examples=60, deadline=None)
@given(MARKETS, DAYS)
def test_an_independent_calculator_finds_the_same_wallet(bars: ListFeed, days: list[list[Wish]]) -> None:
    """From trades and funding rates alone, in exact fractions: average cost, fees and funding by what was held then."""
    engine, account, _ = play(bars, days)
    held: dict[tuple[str, PositionSide], Fraction] = defaultdict(Fraction)
    cost: dict[tuple[str, PositionSide], Fraction] = defaultdict(Fraction)
    wallet = Fraction(1000)
    events = [(trade.time, 1, trade) for trade in account.trades]
    events += [(rate.time, 0, rate) for rate in bars.fundings(NOON, engine.now)]
    for _, _, event in sorted(events, key=lambda event: event[:2]):
        if isinstance(event, FundingRate):
            net = sum(quantity for (symbol, _), quantity in held.items() if symbol == event.symbol)
            wallet -= net * Fraction(event.mark_price) * Fraction(event.rate)
            continue
        key = (event.symbol, event.position_side)
        moved = Fraction(event.quantity) * event.side.sign
        wallet -= Fraction(event.fee)
        if held[key] * moved < 0:
            released = cost[key] * -moved / held[key]
            wallet += -moved * Fraction(event.price) - released
            cost[key] -= released
        else:
            cost[key] += moved * Fraction(event.price)
        held[key] += moved
        assert held[key] * event.position_side.sign >= 0
    wallet += Fraction(total(account, IncomeKind.INSURANCE_CLEAR))
    assert abs(wallet - Fraction(account.wallet_balance)) < Fraction(1, 10**14)  # a released cost is quantised at 1e-18
    assert {key: quantity for key, quantity in held.items() if quantity} == {
        key: Fraction(bucket.signed_quantity) for key, bucket in account.buckets.items()
    }


@settings(max_examples=60, deadline=None)
@given(MARKETS, DAYS)
def test_equity_is_cash_flow_plus_what_is_held(bars: ListFeed, days: list[list[Wish]]) -> None:
    """To the last digit, and without any notion of an average cost."""
    engine, account, _ = play(bars, days)
    cash = sum((-trade.side.sign * trade.quantity * trade.price - trade.fee for trade in account.trades), D(1000))
    cash += total(account, IncomeKind.FUNDING_FEE, IncomeKind.INSURANCE_CLEAR)
    marks = engine.marks()
    worth = sum((trade.side.sign * trade.quantity * marks[trade.symbol] for trade in account.trades), ZERO)
    assert account.equity(marks) == cash + worth


@settings(max_examples=60, deadline=None)
@given(MARKETS, DAYS)
def test_orders_and_trades_agree(bars: ListFeed, days: list[list[Wish]]) -> None:
    _, account, _ = play(bars, days)
    times = [trade.time for trade in account.trades]
    assert times == sorted(times)
    for symbol in SYMBOLS:
        ids = [trade.trade_id for trade in account.trades if trade.symbol == symbol]
        assert ids == list(range(1, len(ids) + 1))
    by_order = {trade.order_id: trade for trade in account.trades}
    assert len(by_order) == len(account.trades)
    for paper in [*account.orders.values(), *account.conditionals.values()]:
        trade = by_order.get(paper.child_order_id or paper.order_id)
        assert paper.filled_quantity == (trade.quantity if trade else 0)
        assert (paper.order_id in account.resting) == (paper.status == "NEW")
        if trade is not None and paper.created_at < trade.time:
            assert_price_was_there(bars, paper, trade.price)


def assert_price_was_there(bars: ListFeed, paper: PaperOrder, price: Decimal) -> None:
    """A fill inside a bar lies in the bar's range, but for slippage and a tick."""
    bar = bars.current(paper.order.symbol, paper.updated_at)
    assert bar is not None
    slip, tick = price * D("0.0003"), instruments()[paper.order.symbol].tick_size
    assert bar.trade.volume > 0
    assert bar.trade.low - slip - tick <= price <= bar.trade.high + slip + tick


@settings(max_examples=40, deadline=None)
@given(MARKETS, DAYS)
def test_leverage_never_changes_the_profit_of_the_same_trades(bars: ListFeed, days: list[list[Wish]]) -> None:
    """With capital that makes no leverage too small."""
    _, low, refused_low = play(bars, days, leverage=1, balance=10_000_000)
    _, high, refused_high = play(bars, days, leverage=20, balance=10_000_000)
    assert refused_low == refused_high
    assert low.trades == high.trades
    assert low.wallet_balance == high.wallet_balance
