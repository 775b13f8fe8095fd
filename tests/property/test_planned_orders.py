"""What risk accepts, the venue does not refuse: plans are placed at the paper engine, ledger and account in step."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.paper.account import IncomeKind
from arena.adapters.paper.engine import PaperEngine, Refused
from arena.domain.competitor import SeasonId
from arena.domain.decision import OPENING, Action, Decision, EntryType, SymbolDecision
from arena.domain.instrument import MarginTier
from arena.domain.ledger import Ledger, PositionKey, apply_fill
from arena.domain.market import MarketSnapshot, SymbolMarket
from arena.domain.money import ZERO
from arena.domain.order import Fill, Intent, Order
from arena.domain.plan import Desk, Entry, Exit, OrderPlan
from arena.domain.planning import plan_orders
from arena.domain.risk import Limits
from tests.fakes.bars import ListFeed, walk
from tests.fakes.build import BAR, NOON, candles, instruments, ledger

D = Decimal
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")


@dataclass(frozen=True)
class Idea:
    """A decision in relative terms; distances in 0.001 % of the price, so that some are less than a tick.

    Stop and target are that far from where it enters: the last price, or a limit on the better side of it.
    """

    action: Action
    size_percent: int
    leverage: int
    stop: int
    target: int | None
    limit: int | None = None


IDEAS = st.builds(
    Idea,
    action=st.sampled_from([Action.OPEN_LONG, Action.OPEN_SHORT, Action.OPEN_LONG, Action.OPEN_SHORT, *Action]),
    size_percent=st.integers(1, 100) | st.just(100),
    leverage=st.integers(1, 5) | st.just(5),
    stop=st.integers(1, 20_000) | st.integers(1, 10),
    target=st.none() | st.integers(1, 20_000) | st.integers(1, 10),
    limit=st.none() | st.none() | st.integers(0, 3_000) | st.integers(0, 10),
)
CYCLES = 3
TIERED = {  # large positions are allowed less than the season's leverage
    symbol: replace(
        instrument,
        tiers=(
            *instrument.tiers[:1],
            replace(instrument.tiers[1], notional_cap=D(1_000_000)),
            MarginTier(
                notional_floor=D(1_000_000),
                notional_cap=D(10_000_000),
                maintenance_rate=D("0.1"),
                maintenance_amount=D(93_200),
                max_leverage=3,
            ),
        ),
    )
    for symbol, instrument in instruments().items()
}
LIMITS = st.builds(
    Limits,
    max_leverage=st.just(5),
    max_open_positions=st.integers(1, 5) | st.just(5),
    max_margin_usage=st.sampled_from([D("0.3"), D("0.8"), D("1")]),
    stale_after=st.just(timedelta(minutes=11)),
)


class Competitor:
    """One competitor alone on an account, its ledger kept in step with the engine.

    With capital `elsewhere` (USDT) the account can bind less than the ledger has, as where others use it too; only the venue's
    available balance, told in every cycle, then keeps the orders within bounds.
    """

    def __init__(self, engine: PaperEngine, capital: Decimal, limits: Limits, elsewhere: Decimal = ZERO) -> None:
        self.engine, self.limits = engine, limits
        self.account = engine.open_account("paper", capital)
        self.ledger: Ledger = ledger(str(capital + elsewhere))
        self.elsewhere = elsewhere
        self.intents: dict[str, Intent] = {}
        self.booked = 0
        self.resting: dict[PositionKey, Entry] = {}
        engine.set_dual_side(self.account, True)
        for symbol in SYMBOLS:
            engine.set_leverage(self.account, symbol, limits.max_leverage)

    def cycle(self, number: int, ideas: dict[str, Idea]) -> OrderPlan:
        self.expire()
        self.book()
        decision = Decision(symbols=tuple(self.decide(symbol, idea) for symbol, idea in ideas.items()))
        desk = Desk(
            season_id=SeasonId("s"),
            cycle=number,
            as_of=self.engine.now,
            snapshot=self.snapshot(),
            instruments=self.engine.instruments,
            limits=self.limits,
        )
        available = self.account.available_balance(self.engine.marks())
        plan = plan_orders(decision, self.ledger, desk, venue_available=available if self.elsewhere or number % 2 else None)
        for leaving in plan.exits:
            self.leave(leaving)
        for entry in plan.entries:
            self.send(entry.opening)
            self.send(entry.stop)
            if entry.opening.order.price is not None:
                self.resting[entry.opening.order.symbol, entry.opening.order.position_side] = entry
                continue
            if entry.target is not None:
                self.send(entry.target)
            self.book()
            self.protect(entry.opening.order, entry.stop, entry.target)
        return plan

    def expire(self) -> None:
        """End the limit entries of the cycle before, with the stops of those that were not filled."""
        open_ids = {paper.order.client_order_id for paper in self.account.resting.values()}
        for entry in self.resting.values():
            if entry.opening.order.client_order_id in open_ids:
                for intent in (entry.opening, entry.stop):
                    self.engine.cancel(self.account, intent.order.client_order_id)
        self.book()
        self.resting.clear()

    def leave(self, leaving: Exit) -> None:
        for client_id in leaving.cancels:
            self.engine.cancel(self.account, client_id)
        self.send(leaving.closing)
        self.book()
        if leaving.remaining and leaving.stop is not None:
            try:
                self.send(leaving.stop)
                self.protect(leaving.closing.order, leaving.stop, None)
            except Refused:  # the price has passed the stop since: the application closes the position then
                self.protect(leaving.closing.order, None, None)

    def send(self, intent: Intent) -> None:
        self.intents[intent.order.client_order_id] = intent
        self.engine.place(self.account, intent.order, group=intent.order.client_order_id[:-2])

    def protect(self, order: Order, stop: Intent | None, target: Intent | None) -> None:
        key = (order.symbol, order.position_side)
        ids = [intent and intent.order.client_order_id for intent in (stop, target)]
        position = replace(self.ledger.positions[key], stop_order_id=ids[0], target_order_id=ids[1])
        self.ledger = replace(self.ledger, positions={**self.ledger.positions, key: position})

    def book(self) -> None:
        for trade in self.account.trades[self.booked :]:
            fill = Fill(
                trade_id=trade.trade_id,
                exchange_order_id=str(trade.order_id),
                client_order_id=trade.client_order_id,
                symbol=trade.symbol,
                side=trade.side,
                position_side=trade.position_side,
                quantity=trade.quantity,
                price=trade.price,
                fee=trade.fee,
                time=trade.time,
            )
            self.ledger = apply_fill(self.ledger, fill, self.intents.get(fill.client_order_id)).ledger
            entry = self.resting.get((fill.symbol, fill.position_side))
            if entry is not None and entry.opening.order.client_order_id == fill.client_order_id:
                assert trade.maker and trade.fee == trade.quantity * trade.price * D("0.0002")
                self.protect(entry.opening.order, entry.stop, None)
        self.booked = len(self.account.trades)
        for position in self.ledger.positions.values():  # what has traded or expired can no longer be cancelled
            open_ids = {paper.order.client_order_id for paper in self.account.resting.values()}
            kept = {
                name: i if (i := getattr(position, name)) in open_ids else None for name in ("stop_order_id", "target_order_id")
            }
            self.ledger = replace(
                self.ledger, positions={**self.ledger.positions, (position.symbol, position.side): replace(position, **kept)}
            )
        covered = sum((i.amount for i in self.account.income if i.kind is IncomeKind.INSURANCE_CLEAR), ZERO)
        assert self.ledger.wallet_balance == self.account.wallet_balance - covered + self.elsewhere
        assert {key: position.signed_quantity for key, position in self.ledger.positions.items()} == {
            key: bucket.signed_quantity for key, bucket in self.account.buckets.items()
        }

    def decide(self, symbol: str, idea: Idea) -> SymbolDecision:
        last = self.engine.last_price(symbol)
        sign = -1 if idea.action is Action.OPEN_SHORT else 1
        limit = None if idea.limit is None or idea.action not in OPENING else last * (1 - sign * idea.limit / D(100_000))
        enters = limit or last
        return SymbolDecision(
            symbol=symbol,
            action=idea.action,
            size_percent=idea.size_percent,
            leverage=idea.leverage,
            entry_type=EntryType.MARKET if limit is None else EntryType.LIMIT,
            limit_price=limit,
            stop_price=enters * (1 - sign * idea.stop / D(100_000)),
            target_price=None if idea.target is None else enters * (1 + sign * idea.target / D(100_000)),
            confidence=50,
            invalidation="",
            reason="",
        )

    def snapshot(self) -> MarketSnapshot:
        symbols = {
            symbol: SymbolMarket(
                symbol=symbol,
                candles=candles([self.engine.last_price(symbol)], self.engine.now),
                last_price=self.engine.last_price(symbol),
                mark_price=self.engine.mark_price(symbol),
                funding_rate=None,
                next_funding_time=None,
            )
            for symbol in SYMBOLS
        }
        return MarketSnapshot(as_of=self.engine.now, symbols=symbols)


def liquid_market(seed: int) -> ListFeed:
    """Without gaps and outages, which no plan can foresee; the mark is up to 6 % away from the last price."""
    chance = random.Random(seed)
    spread = chance.choice([0, 3, 60])
    return ListFeed({symbol: walk(chance, symbol, CYCLES, jump=30, swing=50, spread=spread, outages=False) for symbol in SYMBOLS})


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(
    st.integers(0, 2**32).map(liquid_market),
    st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(SYMBOLS, IDEAS)), min_size=CYCLES, max_size=CYCLES),
    st.sampled_from([D(200), D(1000), D(100_000), D(20_000_000)]) | st.integers(10, 5000).map(D),
    LIMITS,
)
def test_a_plan_that_risk_accepts_is_never_refused(
    bars: ListFeed, cycles: list[dict[str, Idea]], capital: Decimal, limits: Limits
) -> None:
    one = Competitor(PaperEngine(bars, TIERED, NOON), capital, limits)
    for number, ideas in enumerate(cycles, start=1):
        plan = one.cycle(number, ideas)  # a Refused of an exit or entry is the failure
        assert len(plan.entries) + len(plan.exits) + len(plan.rejections) <= len(ideas)
        one.engine.advance(one.engine.now + BAR)
    one.book()


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32).map(liquid_market),
    st.permutations(SYMBOLS),
    st.lists(st.sampled_from([Action.OPEN_LONG, Action.OPEN_SHORT]), min_size=4, max_size=4),
    st.sampled_from([D(0), D(100_000)]),
    st.integers(1, 2),
    st.integers(1, 4),
)
def test_a_plan_that_takes_all_the_room_there_is_is_not_refused(
    bars: ListFeed, order: list[str], actions: list[Action], elsewhere: Decimal, first: int, opened: int
) -> None:
    """Each opening takes what exits and the openings before it left, after their fees, slippage and distance to the mark."""
    limits = Limits(max_leverage=5, max_open_positions=5, max_margin_usage=D(1), stale_after=BAR)
    one = Competitor(PaperEngine(bars, TIERED, NOON), D(40_000), limits, elsewhere)
    openings = [Idea(action=action, size_percent=100, leverage=5, stop=15_000, target=None) for action in actions]
    assert one.cycle(first, dict(zip(order[:opened], openings, strict=False))).entries
    one.engine.advance(one.engine.now + BAR)
    closing = replace(openings[0], action=Action.CLOSE)
    held = {symbol for symbol, _ in one.account.buckets}
    one.cycle(first + 1, {s: closing if s in held else idea for s, idea in zip(order, openings, strict=True)})
