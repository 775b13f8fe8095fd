"""A small plausible season: scripted decisions through the real planning and booking functions, filled at the marks.

story = Story()
records = story.play(12)        # CycleRecords, in order; story.intents[n] were written ahead of cycle n
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.application.calls import ModelCall, Purpose
from arena.application.evidence import Asking, configuration
from arena.application.language_model import Completion
from arena.application.prompt_market import market_section
from arena.application.record import (
    Alert,
    AlertKind,
    BookedFill,
    Books,
    CycleRecord,
    Discrepancy,
    EquityPoint,
    PositionPoint,
    Turn,
)
from arena.application.study import Study
from arena.domain.client_id import cause_of
from arena.domain.competitor import SHARED_ACCOUNT, Competitor, CompetitorId, ModelSpec, Provider, Season, SeasonId
from arena.domain.costs import FundingPayment, funding_payment
from arena.domain.decision import Action, Answer, Decision, InvalidDecision, NoAnswer, SymbolDecision
from arena.domain.ledger import ClosedTrade, LedgerEntry, apply_fill, apply_funding, opened
from arena.domain.market import FundingRate, MarketSnapshot
from arena.domain.order import Fill, Intent, Leg, Order, OrderOutcome, OrderStatus, PositionSide
from arena.domain.plan import Desk, OrderPlan
from arena.domain.planning import plan_orders
from arena.domain.risk import Limits
from arena.strategies.registry import PLAYBOOKS
from tests.fakes import build

START = datetime(2025, 1, 1, 0, 0, tzinfo=UTC)
STEP = timedelta(minutes=5)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
LIMITS = Limits(max_leverage=5, max_open_positions=5, max_margin_usage=Decimal("0.8"), stale_after=timedelta(minutes=11))
TAKER = Decimal("0.0005")
DIFFERENCE = Discrepancy(
    account=SHARED_ACCOUNT,
    symbol="SOLUSDT",
    position_side=PositionSide.LONG,
    ledgers=Decimal("1.5"),
    foreign_quantity=Decimal(0),
    venue=Decimal("1.49"),
)
MODELS = (
    ("LLM-A", Provider.CLAUDE, "claude-sonnet-5-5", False),
    ("LLM-B", Provider.DEEPSEEK, "deepseek-v4-pro", False),
    ("LLM-C", Provider.OPENAI, "mean-reversion", True),
)


def competitor(llm_id: str, provider: Provider, model: str, baseline: bool = False, capital: str = "200") -> Competitor:
    spec = ModelSpec(
        provider=provider, model=model, max_tokens=2000, temperature=None, base_url="http://127.0.0.1:9", baseline=baseline
    )
    return Competitor(llm_id=CompetitorId(llm_id), model=spec, capital=Decimal(capital))


def season(season_id: str = "test", competitors: int = 3, capital: str = "200") -> Season:
    return Season(
        season_id=SeasonId(season_id),
        started_at=START,
        symbols=SYMBOLS,
        interval_seconds=300,
        competitors=tuple(competitor(*model, capital) for model in MODELS[:competitors]),
        market="generated market, seed 7",
        settings="max_tokens 2000 for all; no temperature for anybody",
    )


class Story:
    """Plays a season cycle by cycle; the same seed tells the same story."""

    def __init__(self, season_: Season | None = None, seed: int = 7, text: str = "RSI 27 below the band") -> None:
        self.season = season_ or season()
        self.chance = random.Random(seed)
        self.text = text
        self.prices = {"BTCUSDT": Decimal("93500.1"), "ETHUSDT": Decimal("3350.07"), "SOLUSDT": Decimal("189.42")}
        self.ledgers = {
            each.llm_id: opened(each.llm_id, each.capital, self.season.started_at).ledger for each in self.season.competitors
        }
        self.number = 0
        self.trade_ids = dict.fromkeys(SYMBOLS, 0)
        self.stops: dict[str, Intent] = {}
        self.intents: dict[int, tuple[Intent, ...]] = {}

    def play(self, cycles: int) -> list[CycleRecord]:
        return [self.cycle() for _ in range(cycles)]

    def cycle(self) -> CycleRecord:
        self.number += 1
        at = self.season.started_at + STEP * self.number
        self._move_prices()
        snapshot = build.snapshot(at, **{symbol: str(price) for symbol, price in self.prices.items()})
        book = _Book()
        self._stops_touched(at, book)
        if self.number % 3 == 0:
            self._funding(at, book)
        turns, written = [], []
        for each in self.season.competitors:
            turn = self._turn(each.llm_id, snapshot, at, book)
            turns.append(turn)
            written += turn.plan.intents() if turn.plan else ()
        self.intents[self.number] = tuple(written)
        return self._record(at, tuple(turns), book)

    def _move_prices(self) -> None:
        for symbol, price in self.prices.items():
            tick = build.instrument(symbol).tick_size
            move = Decimal(self.chance.randint(-120, 122)) / 10_000
            self.prices[symbol] = (price * (1 + move) / tick).to_integral_value() * tick

    def _stops_touched(self, at: datetime, book: _Book) -> None:
        for client_id, stop in list(self.stops.items()):
            ledger, order = self.ledgers[stop.llm_id], stop.order
            position = ledger.positions.get((order.symbol, order.position_side))
            if position is None or position.stop_order_id != client_id:
                book.closed_intents.append(client_id)
                del self.stops[client_id]
            elif (self.prices[order.symbol] - order.trigger_price) * order.position_side.sign <= 0:
                self._fill(stop, replace(order, quantity=position.quantity), at - timedelta(seconds=90), book)
                book.alerts.append(_alert(AlertKind.STOPPED, stop.llm_id, f"{order.symbol} stopped", at))
                book.closed_intents.append(client_id)
                del self.stops[client_id]

    def _funding(self, at: datetime, book: _Book) -> None:
        for llm_id, ledger in self.ledgers.items():
            for position in ledger.positions.values():
                rate = FundingRate(
                    symbol=position.symbol, time=at, rate=Decimal("0.00012345"), mark_price=self.prices[position.symbol]
                )
                payment = funding_payment(position.llm_id, position.side, position.signed_quantity, rate)
                posting = apply_funding(self.ledgers[llm_id], payment)
                self.ledgers[llm_id] = posting.ledger
                book.funding.append(payment)
                book.entries += posting.entries

    def _turn(self, llm_id: CompetitorId, snapshot: MarketSnapshot, at: datetime, book: _Book) -> Turn:
        answer = self._answer(llm_id)
        plan: OrderPlan | None = None
        outcomes: list[OrderOutcome] = []
        if isinstance(answer, Decision):
            desk = Desk(
                season_id=self.season.season_id,
                cycle=self.number,
                as_of=at,
                snapshot=snapshot,
                instruments=build.instruments(*SYMBOLS),
                limits=LIMITS,
            )
            plan = plan_orders(answer, self.ledgers[llm_id], desk)
            outcomes = self._execute(plan, at, book)
        asking = Asking(
            prompt_hash=hashlib.sha256(self._market_prompt().encode()).hexdigest(),
            asked_at=at,
            deadline_at=at + timedelta(seconds=90),
            answered_at=at + timedelta(milliseconds=800),
        )
        if isinstance(answer, NoAnswer):
            book.alerts.append(_alert(AlertKind.MODEL_FAILED, llm_id, "no answer", at))
        return Turn(
            llm_id=llm_id,
            account_prompt=f"equity {self.ledgers[llm_id].equity(self.prices)} of {llm_id}",
            answer=answer,
            calls=tuple(_calls(answer, at, self.number)),
            plan=plan,
            outcomes=tuple(outcomes),
            asking=asking,
            ordered_at=at + timedelta(seconds=1, milliseconds=10 * self._order().index(llm_id)) if outcomes else None,
        )

    def _order(self) -> tuple[CompetitorId, ...]:
        names = [each.llm_id for each in self.season.competitors]
        first = self.number % len(names)
        return (*names[first:], *names[:first])

    def _market_prompt(self) -> str:
        at = self.season.started_at + STEP * self.number
        snapshot = build.snapshot(at, **{symbol: str(price) for symbol, price in self.prices.items()})
        return market_section(snapshot, Study(), build.instruments(*SYMBOLS), PLAYBOOKS["free"])

    def _answer(self, llm_id: CompetitorId) -> Answer:
        if llm_id == "LLM-B" and self.number % 5 == 2:
            return InvalidDecision(error='the answer holds no JSON object with a list of "decisions"')
        if llm_id == "LLM-B" and self.number % 5 == 4:
            return NoAnswer(kind="timeout", error="no answer within 90 s")
        return Decision(symbols=tuple(self._wish(llm_id, symbol) for symbol in SYMBOLS))

    def _wish(self, llm_id: CompetitorId, symbol: str) -> SymbolDecision:
        held = next((p for p in self.ledgers[llm_id].positions.values() if p.symbol == symbol), None)
        if held is not None:
            action = self.chance.choice([Action.HOLD] * 3 + [Action.CLOSE, Action.REDUCE])
        else:
            action = self.chance.choice([Action.OPEN_LONG, Action.OPEN_SHORT, Action.HOLD, Action.HOLD])
        sign = -1 if action is Action.OPEN_LONG else 1
        opening = action in (Action.OPEN_LONG, Action.OPEN_SHORT)
        tick = build.instrument(symbol).tick_size
        distance = ((self.prices[symbol] / 100) / tick).to_integral_value() * tick
        return SymbolDecision(
            symbol=symbol,
            action=action,
            size_percent=50 if action is Action.REDUCE else self.chance.choice([10, 20, 25]),
            leverage=self.chance.choice([2, 3, 5, 5, 9]),
            stop_price=self.prices[symbol] + sign * distance if opening else None,
            target_price=self.prices[symbol] - 3 * sign * distance if opening else None,
            confidence=self.chance.randint(40, 90),
            invalidation="the hour closes beyond the stop",
            reason=self.text,
        )

    def _execute(self, plan: OrderPlan, at: datetime, book: _Book) -> list[OrderOutcome]:
        outcomes = []
        for leaving in plan.exits:
            outcomes.append(self._fill(leaving.closing, leaving.closing.order, at + timedelta(seconds=1), book))
            if leaving.remaining > 0 and leaving.stop is not None:
                outcomes.append(self._protect(leaving.stop))
        for entering in plan.entries:
            outcomes.append(self._fill(entering.opening, entering.opening.order, at + timedelta(seconds=1), book))
            outcomes.append(self._protect(entering.stop))
        sent = {outcome.client_order_id for outcome in outcomes}
        resting = {outcome.client_order_id for outcome in outcomes if outcome.status is OrderStatus.RESTING}
        book.closed_intents += [
            intent.order.client_order_id
            for intent in plan.intents()
            if intent.order.client_order_id not in sent or intent.order.client_order_id not in resting
        ]
        return outcomes

    def _fill(self, intent: Intent, order: Order, at: datetime, book: _Book) -> OrderOutcome:
        self.trade_ids[order.symbol] += 1
        number = self.trade_ids[order.symbol]
        price = self.prices[order.symbol]
        fill = Fill(
            trade_id=number,
            exchange_order_id=f"80{number}",
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            position_side=order.position_side,
            quantity=order.quantity,
            price=price,
            fee=order.quantity * price * TAKER,
            time=at,
        )
        posting = apply_fill(self.ledgers[intent.llm_id], fill, intent)
        self.ledgers[intent.llm_id] = posting.ledger
        book.entries += posting.entries
        book.fills.append(
            BookedFill(
                fill=fill,
                llm_id=intent.llm_id,
                cycle=self.number,
                realized_pnl=posting.realized_pnl,
                cause=cause_of(order.client_order_id),
            )
        )
        if posting.closed_trade is not None:
            book.closed_trades.append(posting.closed_trade)
        return OrderOutcome(
            client_order_id=order.client_order_id,
            status=OrderStatus.FILLED,
            exchange_order_id=f"80{number}",
            filled_quantity=order.quantity,
        )

    def _protect(self, stop: Intent) -> OrderOutcome:
        order = stop.order
        ledger = self.ledgers[stop.llm_id]
        key = (order.symbol, order.position_side)
        position = replace(ledger.positions[key], stop_order_id=order.client_order_id)
        self.ledgers[stop.llm_id] = replace(ledger, positions={**ledger.positions, key: position})
        assert stop.leg is Leg.STOP
        self.stops[order.client_order_id] = stop
        return OrderOutcome(
            client_order_id=order.client_order_id, status=OrderStatus.RESTING, exchange_order_id=f"9{len(self.stops)}"
        )

    def _record(self, at: datetime, turns: tuple[Turn, ...], book: _Book) -> CycleRecord:
        closed_at = at + timedelta(seconds=4)
        market_prompt = self._market_prompt()
        names = [each.llm_id for each in self.season.competitors]
        return CycleRecord(
            season_id=self.season.season_id,
            booking=self.number,
            cycle=self.number,
            scheduled_at=at,
            closed_at=closed_at,
            static_prompt="the season's rules",
            market_prompt=market_prompt,
            prompt_hash=hashlib.sha256(market_prompt.encode()).hexdigest(),
            snapshot_hash=hashlib.sha256(str(self.prices).encode()).hexdigest(),
            configuration=configuration(self.season, LIMITS, "the season's rules", interval_seconds=300, deadline_seconds=90),
            execution_order=self._order(),
            turns=turns,
            fills=tuple(book.fills),
            funding=tuple(book.funding),
            entries=tuple(book.entries),
            closed_trades=tuple(book.closed_trades),
            books=Books(ledgers=dict(self.ledgers), cursor={SHARED_ACCOUNT: dict(self.trade_ids)}),
            outcomes=tuple((turn.llm_id, outcome) for turn in turns for outcome in turn.outcomes),
            equity=tuple(self._equity_point(llm_id, closed_at) for llm_id in names),
            positions=tuple(point for llm_id in names for point in self._position_points(llm_id, closed_at)),
            discrepancies=((DIFFERENCE,) if self.number == 5 else ()),
            alerts=tuple(book.alerts),
            closed_intents=tuple(dict.fromkeys(book.closed_intents)),
        )

    def _equity_point(self, llm_id: CompetitorId, time: datetime) -> EquityPoint:
        ledger = self.ledgers[llm_id]
        return EquityPoint(
            llm_id=llm_id,
            wallet_balance=ledger.wallet_balance,
            unrealized_pnl=ledger.unrealized_pnl(self.prices),
            equity=ledger.equity(self.prices),
            time=time,
        )

    def _position_points(self, llm_id: CompetitorId, time: datetime) -> list[PositionPoint]:
        return [
            PositionPoint(
                llm_id=llm_id,
                symbol=position.symbol,
                position_side=position.side,
                signed_quantity=position.signed_quantity,
                entry_price=position.entry_price,
                mark_price=self.prices[position.symbol],
                unrealized_pnl=position.unrealized_pnl(self.prices[position.symbol]),
                time=time,
            )
            for position in self.ledgers[llm_id].positions.values()
        ]


class _Book:
    """What a cycle has booked so far."""

    def __init__(self) -> None:
        self.fills: list[BookedFill] = []
        self.funding: list[FundingPayment] = []
        self.entries: list[LedgerEntry] = []
        self.closed_trades: list[ClosedTrade] = []
        self.alerts: list[Alert] = []
        self.closed_intents: list[str] = []


def _alert(kind: AlertKind, llm_id: CompetitorId, text: str, time: datetime) -> Alert:
    return Alert(kind=kind, llm_id=llm_id, text=text, time=time)


def _calls(answer: Answer, at: datetime, number: int) -> Iterator[ModelCall]:
    """An answer at once; one that is invalid also after its repair round; none after a fault that did not pass in time."""

    def call(count: int, purpose: Purpose = Purpose.DECIDE, **came: Any) -> ModelCall:
        times = {"begun_at": at + timedelta(seconds=5 * count), "latency_ms": 4100}
        return ModelCall(number=count, purpose=purpose, **{**times, **came})

    match answer:
        case Decision():
            yield call(1, request_id=f"req_{number}", completion=_completion(_said(answer), number))
        case InvalidDecision(error=error):
            yield call(1, error="decisions[0].symbol: is missing", completion=_completion('{"decisions": [{}]}', number))
            yield call(2, Purpose.REPAIR, error=error, completion=_completion("I would rather hold.", number))
        case NoAnswer(kind=kind, error=error):
            yield call(1, fault="rate_limited", error="slow down", retry_after_ms=1500, request_id="req_429", latency_ms=80)
            yield call(2, fault=kind, error=error, latency_ms=90_000)


def _said(answer: Decision) -> str:
    """The answer as a model gives it; what it says reads back as the same decision."""
    return json.dumps({"decisions": [asdict(wanted) for wanted in answer.symbols]}, default=str)


def _completion(text: str, number: int) -> Completion:
    return Completion(
        text=text,
        model="model-2025",
        request_id=f"req_{number}",
        stop_reason="stop",
        input_tokens=4200,
        cached_tokens=3900,
        output_tokens=310,
        latency_ms=4100,
        parameters={"max_tokens": 2000},
        cost_usd=Decimal("0.0123456"),
    )
