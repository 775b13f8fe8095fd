"""Pairs that all leave: their protection is cancelled at once, and nobody else's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from arena.application import sending
from arena.application.execution import execute
from arena.application.leaving import leave_together
from arena.application.ports import VenueBook
from arena.application.record import Books
from arena.application.sending import Execution
from arena.application.settlement import Settlement
from arena.application.venue import CaughtUp
from arena.domain.client_id import client_order_id
from arena.domain.competitor import SHARED_ACCOUNT, CompetitorId, SeasonId
from arena.domain.decision import Action
from arena.domain.ledger import Ledger
from arena.domain.order import Leg, OrderOutcome, OrderStatus, Thesis
from arena.domain.plan import OrderPlan
from arena.domain.position import Position
from tests.fakes.build import NOON, ledger, position
from tests.fakes.exchange import ScriptedExchange, refused
from tests.unit.test_plan import PRICES, decision, plan

SOL, ETH = "SOLUSDT", "ETHUSDT"
MARKS = {symbol: Decimal(price) for symbol, price in PRICES.items()}


def name(letter: str, symbol: str, leg: Leg) -> str:
    return client_order_id(SeasonId("s"), 6, letter, symbol, leg)


def held(letter: str, symbol: str, stop: str = "0.9") -> Position:
    price = Decimal(PRICES[symbol])
    thesis = Thesis(reason="r", invalidation="i", confidence=60, stop_price=price * Decimal(stop), target_price=price * 2)
    at = position(f"LONG 1 {symbol} @ {price}", CompetitorId(f"LLM-{letter}"))
    ids = {"stop_order_id": name(letter, symbol, Leg.STOP), "target_order_id": name(letter, symbol, Leg.TARGET)}
    return replace(at, thesis=thesis, **ids)  # type: ignore[arg-type]


def book(letter: str, *symbols: str, stop: str = "0.9") -> Ledger:
    return ledger("20000", *(held(letter, symbol, stop) for symbol in symbols), llm_id=CompetitorId(f"LLM-{letter}"))


def closing(of: Ledger, *symbols: str) -> OrderPlan:
    return plan(*(decision(symbol, Action.CLOSE) for symbol in symbols), book=of)


async def left(
    exchange: ScriptedExchange, books: Sequence[Ledger], plans: Sequence[OrderPlan], entered: Collection[str] = ()
) -> dict[CompetitorId, Execution]:
    done = {each.llm_id: Execution(llm_id=each.llm_id) for each in plans}
    ledgers = {each.llm_id: each for each in books}
    account = VenueBook(
        positions={}, wallet_balance=Decimal(0), available_balance=Decimal(0), marks=MARKS, unrealized_pnl=Decimal(0)
    )
    caught = CaughtUp(
        until=NOON,
        settlement=Settlement(books=Books(ledgers=ledgers, foreign={}, cursor={})),
        accounts={SHARED_ACCOUNT: account},
        funded=True,
        differences=(),
    )
    clock = iter(NOON + timedelta(seconds=second) for second in range(99))

    def now() -> datetime:
        return next(clock)

    await leave_together({each.llm_id: each for each in plans}, caught, entered, exchange, done, now)
    return done


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STOP_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(sending, "TRIGGER_PAUSES", (0.0, 0.0))


async def test_a_pair_that_all_leave_is_freed_at_once_and_closed_before_the_next() -> None:
    venue, books = ScriptedExchange(together=(SOL, ETH)), [book(letter, SOL, ETH) for letter in "AB"]
    done = await left(venue, books, [closing(each, SOL, ETH) for each in books])
    assert venue.journal == [
        *("cancel SOLUSDT together", "close SOLUSDT", "close SOLUSDT"),
        *("cancel ETHUSDT together", "close ETHUSDT", "close ETHUSDT"),
    ]
    assert sorted(venue.cancelled) == sorted(name(x, y, leg) for x in "AB" for y in (SOL, ETH) for leg in (Leg.STOP, Leg.TARGET))
    assert [set(each.left.values()) for each in done.values()] == [{True}, {True}]
    assert done[CompetitorId("LLM-A")].gone == {name("A", y, leg) for y in (SOL, ETH) for leg in (Leg.STOP, Leg.TARGET)}
    assert [each.began_at for each in done.values()] == [NOON, NOON + timedelta(seconds=1)]


async def test_what_was_left_together_is_not_left_again() -> None:
    venue, books = ScriptedExchange(together=(SOL,)), [book(letter, SOL) for letter in "AB"]
    plans = [closing(each, SOL) for each in books]
    done = await left(venue, books, plans)
    before = list(venue.journal)
    for each in plans:
        await execute(each, venue, done=done[each.llm_id])
    assert venue.journal == before


async def test_a_pair_in_which_somebody_stays_is_left_one_by_one() -> None:
    venue, books = ScriptedExchange(together=(SOL,)), [book(letter, SOL) for letter in "ABC"]
    await left(venue, books, [closing(books[0], SOL), closing(books[1], SOL), OrderPlan(llm_id=books[2].llm_id)])
    assert venue.journal == []


async def test_a_pair_with_an_entry_that_may_still_fill_is_left_one_by_one() -> None:
    venue, books = ScriptedExchange(together=(SOL,)), [book(letter, SOL) for letter in "AB"]
    await left(venue, books, [closing(each, SOL) for each in books], entered={SOL})
    assert venue.journal == []


async def test_near_its_trigger_an_order_is_cancelled_by_name() -> None:
    """What it has just filled must be known before anything is closed."""
    venue, books = ScriptedExchange(together=(SOL,)), [book("A", SOL), book("B", SOL, stop="0.996")]
    await left(venue, books, [closing(each, SOL) for each in books])
    assert venue.journal == []


async def test_nobody_begins_before_somebody_who_comes_earlier() -> None:
    """B and C leave ETH; A, who is first in this cycle, has an order to send in SOL."""
    venue, books = ScriptedExchange(together=(ETH,)), [book("A", SOL), book("B", ETH), book("C", ETH)]
    plans = [closing(books[0], SOL), closing(books[1], ETH), closing(books[2], ETH)]
    await left(venue, books, plans)
    assert venue.journal == []
    await left(venue, books, [*plans[1:], plans[0]])
    assert venue.journal == ["cancel ETHUSDT together", "close ETHUSDT", "close ETHUSDT"]


async def test_one_that_was_gone_is_asked_for_and_its_part_is_not_sold_again() -> None:
    stopped = OrderOutcome(client_order_id=name("A", SOL, Leg.STOP), status=OrderStatus.FILLED, filled_quantity=Decimal("0.40"))
    venue = ScriptedExchange(together=(SOL,), found={name("A", SOL, Leg.STOP): stopped})
    books = [book(letter, SOL) for letter in "AB"]
    await left(venue, books, [closing(each, SOL) for each in books])
    assert sorted(order.quantity for leg, order in venue.sent if leg is Leg.CLOSE) == [Decimal("0.60"), Decimal(1)]


async def test_whose_close_is_refused_is_protected_again() -> None:
    venue, books = ScriptedExchange(together=(SOL,), close=refused), [book(letter, SOL) for letter in "AB"]
    done = await left(venue, books, [closing(each, SOL) for each in books])
    assert [order.quantity for leg, order in venue.sent if leg is Leg.STOP] == [Decimal(1)] * 2
    assert [set(each.left.values()) for each in done.values()] == [{False}, {False}]
    assert all(set(each.replaced) == {(SOL, held("A", SOL).side)} for each in done.values())


async def test_reducing_together_protects_the_rest() -> None:
    venue, books = ScriptedExchange(together=(SOL,)), [book(letter, SOL) for letter in "AB"]
    await left(venue, books, [plan(decision(SOL, Action.REDUCE, size_percent=50), book=each) for each in books])
    assert venue.journal[0] == "cancel SOLUSDT together"
    assert sorted((leg, order.quantity) for leg, order in venue.sent) == [
        (leg, Decimal("0.50")) for leg in (Leg.CLOSE, Leg.STOP, Leg.TARGET) for _ in "AB"
    ]
