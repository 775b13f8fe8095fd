"""Limit entries through cycles and sweeps, over the paper engine and a real SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arena.application import entries, sending
from arena.application.record import Books
from arena.application.settlement import Settlement
from arena.domain.competitor import SHARED_ACCOUNT
from arena.domain.decision import EntryType
from arena.domain.order import Leg, Order, OrderOutcome, OrderStatus, OrderType
from arena.errors import ExchangeUnavailable
from arena.halting import EMERGENCY, halt, halted
from arena.trading_cycle import run_cycle
from tests.fakes.arena import Table, unclean
from tests.fakes.models import HOLD, ScriptedModel, answer, part
from tests.unit.test_plan import decision, plan
from tests.unit.test_sweep import SOL_LONG, A, B, agrees, killed, looked, named, quick, resting, rows, state, table

__all__ = ["quick"]  # the fixture

D = Decimal
ENTRY = part(
    "SOLUSDT",
    "open_long",
    size_percent=40,
    leverage=5,
    entry_type="limit",
    limit_price=148,
    stop_price=140,
    target_price=152,
)
MARKET = {**ENTRY, "entry_type": "market", "limit_price": None, "target_price": 170}
CALM, TOUCHED, THROUGH = "150 151 149 150", "150 150 147 147.5", "150 150 139 139"
Q = D("2.70")  # 40 % of 200 at leverage 5, over 148


def bars(*after: str) -> list[str]:
    """Eleven calm bars: the arena starts in the last of them; then those of the test, the last one for ever."""
    return [CALM] * 11 + list(after) + [after[-1]] * 20


@pytest.fixture(autouse=True)
def verified(tmp_path: Path) -> Iterator[None]:
    """Whatever a test plays, the records it leaves can be booked again."""
    yield
    if (path := tmp_path / "arena.sqlite").exists():
        assert unclean(path) == []


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TRIGGER_PAUSES", (0.0,))


def halve(at: Table) -> None:
    """Let the first bar that reaches an entry trade only a half of it."""
    for paper in at.account.resting.values():
        if paper.order.order_type is OrderType.LIMIT:
            paper.share = D("0.5")


def shown(at: Table) -> dict[str, Decimal]:
    """What rests, by the end of its id."""
    return {name[7:]: paper.order.quantity for name, paper in resting(at).items()}


async def held(at: Table, who: Any = A) -> Decimal:
    position = (await agrees(at)).ledgers[who].positions.get(SOL_LONG)
    return position.signed_quantity if position else D(0)


async def last_decisions(at: Table, who: Any = A) -> str:
    return (await state(at)).past[who][-1].summary


ENTERS, STOPS, TAKES = ("1-A-SOLUSDT-o", "1-A-SOLUSDT-s", "1-A-SOLUSDT-t")


async def test_an_entry_rests_with_its_stop_and_a_look_leaves_both_alone(tmp_path: Path) -> None:
    at = table(tmp_path, bars(CALM), A=ScriptedModel(answer(ENTRY), HOLD))
    record = await run_cycle(await at.arena())
    assert record is not None and shown(at) == {ENTERS: Q, STOPS: Q}, "the target waits: it would trigger without a position"
    assert {name[-1] for name in (await state(at)).intents} == {"o", "s", "t", "f"}
    for _ in range(3):
        at.engine.advance(at.engine.now + timedelta(seconds=40))
        assert await looked(at) == []
    assert shown(at) == {ENTERS: Q, STOPS: Q} and (await state(at)).booking == 1, "there is nothing to book"
    assert "limit 148: rests until the next round" in await last_decisions(at)


async def test_an_entry_that_is_not_filled_leaves_nothing_behind_when_the_next_cycle_begins(tmp_path: Path) -> None:
    model = ScriptedModel(answer(ENTRY), HOLD)
    at = table(tmp_path, bars(CALM), A=model)
    await run_cycle(await at.arena())
    at.pass_time()
    await run_cycle(await at.arena())
    assert resting(at) == {} and at.account.trades == []
    assert (await agrees(at)).intents == {}
    said = "open_long SOLUSDT 40 % at 5x, limit 148: not filled, expired"
    assert said in (await state(at)).past[A][0].summary and said in model.prompts[-1].account


async def test_a_filled_entry_is_found_and_gets_its_target(tmp_path: Path) -> None:
    at = table(tmp_path, bars(TOUCHED, "147.5 148 147 147.5"), A=ScriptedModel(answer(ENTRY), HOLD))
    await run_cycle(await at.arena())
    at.pass_time(2)
    told = await looked(at)
    assert [text for text in told if "opened long 2.7" in text] and not any("without a stop" in text for text in told)
    assert shown(at) == {STOPS: Q, TAKES: Q} and await held(at) == Q
    (trade_,) = await rows(at, "fills")
    assert (trade_["price"], trade_["cause"]) == ("148", "decision")
    assert D(trade_["fee"]) == Q * 148 * D("0.0002"), "the maker's"
    assert set((await state(at)).intents) == {named(Leg.STOP), named(Leg.TARGET)}
    assert await looked(at) == []
    await run_cycle(await at.arena())
    assert await held(at) == Q and "limit 148: filled 2.7 at 148" in (await state(at)).past[A][0].summary


async def test_an_entry_that_is_filled_and_stopped_out_between_two_looks_is_booked(tmp_path: Path) -> None:
    at = table(tmp_path, bars(THROUGH), A=ScriptedModel(answer(ENTRY), HOLD))
    await run_cycle(await at.arena())
    at.pass_time(2)
    told = await looked(at)
    assert any("was stopped out of long SOLUSDT" in text for text in told)
    assert shown(at) == {} and await held(at) == 0
    assert [row["cause"] for row in await rows(at, "fills")] == ["decision", "stop"]
    assert (await state(at)).intents == {}


async def test_a_fill_that_leaves_no_trace_in_the_positions_is_found(tmp_path: Path) -> None:
    """One is filled while another is stopped out of as much: the bucket holds what it held."""
    loser = {**MARKET, "size_percent": 20, "stop_price": 148.5, "target_price": None}
    at = table(tmp_path, bars(TOUCHED, "147.5 148 147 147.5"), A=ScriptedModel(answer(ENTRY)), B=ScriptedModel(answer(loser)))
    await run_cycle(await at.arena())
    lost = at.account.buckets[SOL_LONG].signed_quantity
    entry = next(paper for name, paper in resting(at).items() if name.endswith(ENTERS))
    at.engine.cancel(at.account, entry.order.client_order_id)
    at.engine.place(at.account, Order(**{**as_dict(entry.order), "quantity": lost}))
    at.pass_time(2)
    assert at.account.buckets[SOL_LONG].signed_quantity == lost
    await looked(at)
    assert (await held(at), await held(at, B)) == (lost, 0)


def as_dict(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in order.__slots__}


async def test_a_part_that_is_filled_keeps_the_stop_of_the_whole_while_the_rest_may_follow(tmp_path: Path) -> None:
    at = table(tmp_path, bars(TOUCHED, "149 150 148.5 149"), A=ScriptedModel(answer(ENTRY), HOLD))
    await run_cycle(await at.arena())
    halve(at)
    at.pass_time(2)
    assert not any("stop" in text for text in await looked(at))
    assert shown(at) == {ENTERS: Q, STOPS: Q, TAKES: D("1.35")} and await held(at) == D("1.35")
    assert await looked(at) == []
    assert "o" in {name[-1] for name in (await state(at)).intents}


async def test_when_the_next_cycle_begins_a_part_keeps_a_stop_of_exactly_what_was_filled(tmp_path: Path) -> None:
    at = table(tmp_path, bars(TOUCHED, "149 150 148.5 149"), A=ScriptedModel(answer(ENTRY), HOLD))
    await run_cycle(await at.arena())
    halve(at)
    at.pass_time(2)
    record = await run_cycle(await at.arena())
    assert record is not None and record.discrepancies == ()
    assert shown(at) == {STOPS: D("1.35"), TAKES: D("1.35")} and await held(at) == D("1.35")
    assert set((await state(at)).intents) == {named(Leg.STOP), named(Leg.TARGET)}
    assert not any(row["kind"] == "unprotected" for row in await rows(at, "alerts")), "it was never without one"
    assert "limit 148: filled 1.35 of 2.7 at 148, the rest expired" in (await state(at)).past[A][0].summary


async def test_the_rest_that_follows_is_booked_to_the_same_position(tmp_path: Path) -> None:
    at = table(tmp_path, bars(TOUCHED, "149 150 148.5 149", TOUCHED, "147.5 148 147 147.5"), A=ScriptedModel(answer(ENTRY), HOLD))
    await run_cycle(await at.arena())
    halve(at)
    at.pass_time(2)
    await looked(at)
    at.pass_time(2)
    await looked(at)
    assert shown(at) == {STOPS: Q, TAKES: Q} and await held(at) == Q
    assert [row["quantity"] for row in await rows(at, "fills")] == ["1.35", "1.35"]
    assert set((await state(at)).intents) == {named(Leg.STOP), named(Leg.TARGET)}


async def test_what_is_filled_while_the_entry_is_being_cancelled_is_held_and_protected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue says that the order is gone; what it has filled is asked for and booked before anything is decided."""
    at = table(tmp_path, bars(CALM, TOUCHED, "147.5 148 147 147.5"), A=ScriptedModel(answer(ENTRY), HOLD))
    await run_cycle(await at.arena())
    at.pass_time()
    arena = await at.arena()
    account = arena.venue.accounts[SHARED_ACCOUNT]
    cancel = account.cancel

    async def too_late(symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        if not conditional:
            at.pass_time(2)
        return await cancel(symbol, client_order_id, conditional=conditional)

    monkeypatch.setattr(account, "cancel", too_late)
    assert await run_cycle(arena) is not None
    assert shown(at) == {STOPS: Q, TAKES: Q} and await held(at) == Q


async def test_an_entry_that_cannot_be_cancelled_goes_on_and_nothing_else_is_done_in_its_symbol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = table(tmp_path, bars(CALM), A=ScriptedModel(answer(ENTRY), answer(MARKET), HOLD))
    await run_cycle(await at.arena())
    arena = await at.arena()

    async def unreachable(*_: object, **__: object) -> bool:
        raise ExchangeUnavailable("no answer")

    monkeypatch.setattr(arena.venue.accounts[SHARED_ACCOUNT], "cancel", unreachable)
    record = await run_cycle(arena)
    assert record is not None and record.turns[0].plan is not None
    assert [each.reason for each in record.turns[0].plan.rejections] == ["entry_pending"]
    assert shown(at) == {ENTERS: Q, STOPS: Q} and (await agrees(at)).intents
    await run_cycle(await at.arena())
    assert shown(at) == {} and (await agrees(at)).intents == {}


@pytest.mark.parametrize("leg", [Leg.OPEN, Leg.STOP])
async def test_after_a_kill_between_two_sends_the_entry_rests_with_its_stop_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leg: Leg
) -> None:
    at = table(tmp_path, bars(CALM), A=ScriptedModel(answer(ENTRY), HOLD))
    await killed(await at.arena(), monkeypatch, leg)
    told = await looked(at)
    if leg is Leg.STOP:
        assert shown(at) == {ENTERS: Q, STOPS: Q} and any("placed again" in text for text in told)
    else:
        assert shown(at) == {} and told == []
        monkeypatch.setattr(entries, "NEVER_LANDED", timedelta(0))
        at.engine.advance(at.engine.now + timedelta(seconds=31))
        await looked(at)
        assert (await agrees(at)).intents == {}
    assert await looked(at) == []


async def test_an_entry_whose_answer_is_lost_is_found_with_its_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = table(tmp_path, bars(CALM), A=ScriptedModel(answer(ENTRY), HOLD))
    arena = await at.arena()
    account = arena.venue.accounts[SHARED_ACCOUNT]
    place = account.place

    async def losing(order: Order) -> OrderOutcome:
        outcome = await place(order)
        unknown = OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.UNKNOWN)
        return unknown if order.order_type is OrderType.LIMIT else outcome

    monkeypatch.setattr(account, "place", losing)
    await run_cycle(arena)
    assert shown(at) == {ENTERS: Q, STOPS: Q}
    assert await looked(at) == [] and shown(at) == {ENTERS: Q, STOPS: Q}
    await run_cycle(await at.arena())
    assert shown(at) == {} and (await agrees(at)).intents == {}


async def test_an_entry_that_the_venue_refuses_leaves_no_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The price falls to the limit while the models think: the order would take."""
    at = table(tmp_path, bars(CALM, "147 148 146 147"), A=ScriptedModel(answer(ENTRY), HOLD))
    arena = await at.arena()
    account = arena.venue.accounts[SHARED_ACCOUNT]
    place = account.place

    async def later(order: Order) -> OrderOutcome:
        if order.order_type is OrderType.LIMIT:
            at.pass_time(2)
        return await place(order)

    monkeypatch.setattr(account, "place", later)
    record = await run_cycle(arena)
    assert record is not None and record.turns[0].outcomes[0].status is OrderStatus.REFUSED
    assert shown(at) == {} and (await agrees(at)).intents == {}
    assert "refused by the venue: post_only" in await last_decisions(at)


async def refusing_stops(at: Table, monkeypatch: pytest.MonkeyPatch, fills: bool) -> Any:
    """Return an arena whose venue refuses every stop; the entry is filled in the meantime, or is not."""
    arena = await at.arena()
    account = arena.venue.accounts[SHARED_ACCOUNT]
    place = account.place

    async def refusing(order: Order) -> OrderOutcome:
        if order.order_type is OrderType.STOP_MARKET:
            at.pass_time(2 if fills else 0)
            return OrderOutcome(client_order_id=order.client_order_id, status=OrderStatus.REFUSED, message="no stops today")
        return await place(order)

    monkeypatch.setattr(account, "place", refusing)
    return arena


@pytest.mark.parametrize("fills", [False, True])
async def test_an_entry_whose_stop_is_refused_is_cancelled_and_what_it_has_filled_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fills: bool
) -> None:
    at = table(tmp_path, bars(TOUCHED, "147.5 148 147 147.5"), A=ScriptedModel(answer(ENTRY), HOLD))
    record = await run_cycle(await refusing_stops(at, monkeypatch, fills))
    assert record is not None and shown(at) == {} and at.account.buckets == {}
    what = "was closed again" if fills else "was not opened"
    assert [text for text in [alert.text for alert in record.alerts] if f"{what} because the venue refused its stop" in text]
    assert (await agrees(at)).intents == {}
    assert [row["cause"] for row in await rows(at, "fills")] == (["decision", "arena"] if fills else [])
    assert ("closed again" if fills else "cancelled") + " because the venue refused its stop" in await last_decisions(at)


@pytest.mark.parametrize("part_of_it", [False, True])
async def test_an_entry_that_has_lost_its_stop_and_can_have_none_is_cancelled_by_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_of_it: bool
) -> None:
    at = table(tmp_path, bars(TOUCHED, "149 150 148.5 149"), A=ScriptedModel(answer(ENTRY), HOLD))
    await run_cycle(await at.arena())
    if part_of_it:
        halve(at)
        at.pass_time(2)
        await looked(at)
    at.engine.cancel(at.account, named(Leg.STOP))
    arena = await refusing_stops(at, monkeypatch, fills=False)
    monkeypatch.setattr(at, "arena", lambda: asyncio.sleep(0, arena))
    told = await looked(at)
    said = "it was closed" if part_of_it else "its entry was cancelled"
    assert any(f"none could be placed: {said}" in text for text in told)
    assert shown(at) == {} and at.account.buckets == {}
    at.engine.advance(at.engine.now + timedelta(seconds=31))
    await looked(at)
    assert (await agrees(at)).intents == {}


async def test_a_halt_ends_what_rests_and_leaves_what_is_held_protected(tmp_path: Path) -> None:
    at = table(tmp_path, bars(TOUCHED, "149 150 148.5 149"), A=ScriptedModel(answer(ENTRY)), B=ScriptedModel(answer(ENTRY)))
    await run_cycle(await at.arena())
    first = next(paper for name, paper in resting(at).items() if name.endswith(ENTERS))
    first.share = D("0.5")
    second = next(paper for name, paper in resting(at).items() if name.endswith("1-B-SOLUSDT-o"))
    second.order = Order(**{**as_dict(second.order), "price": D(146)})
    at.pass_time(2)
    await looked(at)
    halt(at.settings, "by hand")
    await looked(at)
    assert shown(at) == {STOPS: D("1.35"), TAKES: D("1.35")}
    assert (await held(at), await held(at, B)) == (D("1.35"), 0)


async def test_a_look_cancels_nothing_while_the_emergency_exit_is_doing_so(tmp_path: Path) -> None:
    at = table(tmp_path, bars(CALM), A=ScriptedModel(answer(ENTRY)))
    await run_cycle(await at.arena())
    halt(at.settings, f"{EMERGENCY} (a test)")
    await looked(at)
    assert shown(at) == {ENTERS: Q, STOPS: Q}


async def test_an_entry_whose_next_cycle_does_not_come_is_cancelled(tmp_path: Path) -> None:
    at = table(tmp_path, bars(CALM), A=ScriptedModel(answer(ENTRY)))
    await run_cycle(await at.arena())
    at.pass_time(2)
    await looked(at)
    assert shown(at) == {ENTERS: Q, STOPS: Q}
    at.engine.advance(at.engine.now + timedelta(seconds=1))
    await looked(at)
    assert shown(at) == {} and (await agrees(at)).intents == {}


# --- a stop without its position ----------------------------------------------------------------------------------------------


async def test_a_stop_that_triggers_without_its_entry_costs_nobody_else_anything(tmp_path: Path) -> None:
    """The venue has taken the entry out, say against an order of the same account, and falls before anybody looks."""
    other = {**MARKET, "size_percent": 50, "stop_price": 100, "target_price": None}
    at = table(tmp_path, bars(THROUGH, "139 139.5 138.5 139"), A=ScriptedModel(answer(ENTRY)), B=ScriptedModel(answer(other)))
    await run_cycle(await at.arena())
    before = (await state(at)).ledgers[B]
    at.engine.cancel(at.account, named(Leg.OPEN))
    at.pass_time(2)
    assert at.account.buckets[SOL_LONG].signed_quantity == before.positions[SOL_LONG].signed_quantity - Q
    told = [*await looked(at), *await looked(at)]
    books = (await state(at)).books
    assert books.ledgers[A].positions == {} and books.ledgers[B] == before, "who was not there has not changed by a cent"
    marks = at.engine.marks()
    assert sum(each.equity(marks) for each in books.ledgers.values()) == at.account.equity(marks)
    assert at.account.buckets[SOL_LONG].signed_quantity == before.positions[SOL_LONG].signed_quantity
    assert shown(at) == {"1-B-SOLUSDT-s": before.positions[SOL_LONG].quantity}
    assert any("was taken by the arena out of long SOLUSDT" in text for text in told)


async def test_a_part_that_is_closed_again_ends_the_entry(tmp_path: Path) -> None:
    """Its target is reached while the rest still waits below: the stop is for more than can still be held."""
    at = table(tmp_path, bars(TOUCHED, "149 150 148.5 149", "151 153 151 153"), A=ScriptedModel(answer(ENTRY), HOLD))
    await run_cycle(await at.arena())
    halve(at)
    at.pass_time(2)
    await looked(at)
    at.pass_time(2)
    told = await looked(at)
    assert any("reached the target of long SOLUSDT" in text for text in told)
    assert shown(at) == {} and await held(at) == 0 and (await state(at)).intents == {}


async def test_who_is_liquidated_enters_nothing_any_more(tmp_path: Path) -> None:
    greedy = part("BTCUSDT", "open_long", size_percent=70, leverage=5, stop_price=5000)
    crash = {"SOLUSDT": bars(CALM), "BTCUSDT": ["60000 60100 59900 60000"] * 11 + ["42000 42100 41900 42000"] * 20}
    small = {**ENTRY, "size_percent": 5}
    others = {letter: ScriptedModel(HOLD) for letter in "BCD"}
    at = Table(tmp_path / "arena.sqlite", {"A": ScriptedModel(answer(greedy, small)), **others}, crash)
    await run_cycle(await at.arena())
    assert ENTERS in shown(at)
    at.pass_time()
    told = await looked(at)
    assert any("LLM-A was liquidated out of long BTCUSDT" in text for text in told)
    assert shown(at) == {} and at.account.buckets == {}
    assert halted(at.settings) is None


async def test_a_resting_entry_binds_the_room_of_its_cycle(tmp_path: Path) -> None:
    """80 % of the equity may be bound: what the limit order takes is not there for the next opening."""
    second = part("BTCUSDT", "open_long", size_percent=80, leverage=5, stop_price=50000)
    flat = {"SOLUSDT": bars(CALM), "BTCUSDT": ["60000 60100 59900 60000"] * 32}
    at = Table(tmp_path / "arena.sqlite", {"A": ScriptedModel(answer({**ENTRY, "size_percent": 60}, second))}, flat)
    record = await run_cycle(await at.arena())
    assert record is not None and record.turns[0].plan is not None
    sizes = {entry.opening.order.symbol: entry.opening.order.quantity for entry in record.turns[0].plan.entries}
    assert sizes["SOLUSDT"] == D("4.05") and sizes["BTCUSDT"] * 60000 / 5 < D("0.2") * 200


# --- whether more may come ----------------------------------------------------------------------------------------------------


def told(status: OrderStatus, filled: str = "0") -> OrderOutcome:
    return OrderOutcome(client_order_id=OPENING.order.client_order_id, status=status, filled_quantity=D(filled))


OPENING = plan(decision(entry_type=EntryType.LIMIT, limit_price=D(144))).entries[0].opening
FATES = {
    "rests": (told(OrderStatus.RESTING), "0", 3600, False),
    "rests, filled in part": (told(OrderStatus.RESTING, "0.3"), "0.3", 3600, False),
    "filled, and booked": (told(OrderStatus.FILLED, "0.69"), "0.69", 1, True),
    "filled, a trade is not visible yet": (told(OrderStatus.FILLED, "0.69"), "0.3", 60, False),
    "ended in part, and booked": (told(OrderStatus.FILLED, "0.3"), "0.3", 1, True),
    "ended in part, not booked": (told(OrderStatus.FILLED, "0.3"), "0", 60, False),
    "ended without a trade": (told(OrderStatus.REFUSED), "0", 1, True),
    "not known, and young": (None, "0", 29, False),
    "not known for so long that it never landed": (None, "0", 31, True),
    "not shown any more, though it has traded": (None, "0.3", 60, False),
    "forgotten": (None, "0.3", 3601, True),
    "booked whole, whatever is said": (told(OrderStatus.RESTING), "0.69", 1, True),
}


@pytest.mark.parametrize(("said", "booked", "age", "over"), FATES.values(), ids=FATES.keys())
def test_an_entry_is_over_when_all_that_it_has_executed_is_booked(
    said: OrderOutcome | None, booked: str, age: int, over: bool
) -> None:
    name = OPENING.order.client_order_id
    settlement = Settlement(books=Books(ledgers={}), executed={name: D(booked)} if booked != "0" else {})
    until = OPENING.created_at + timedelta(seconds=age)
    assert entries.is_over(OPENING, {name: said}, settlement, until) is over
    assert entries.is_over(OPENING, {}, settlement, until) is (booked == "0.69"), "who could not be asked is not over"
