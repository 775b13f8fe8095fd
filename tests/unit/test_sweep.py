"""Sweeps over the paper engine and a real SQLite file: what is booked, what is protected, when the season stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arena import steps
from arena.adapters.paper.account import PaperOrder
from arena.adapters.paper.market import PaperMarket
from arena.application import entries, lease, sending, venue
from arena.application.reconcile import discrepancies
from arena.application.record import AlertKind, SeasonState
from arena.bootstrap import Arena
from arena.domain.client_id import SHUTDOWN_PREFIX, client_order_id
from arena.domain.competitor import SHARED_ACCOUNT, CompetitorId, SeasonId
from arena.domain.market import FundingRate
from arena.domain.order import Cause, Leg, Order, OrderSide, OrderType, PositionSide
from arena.errors import AccountTaken, RecordsUnavailable
from arena.halting import EMERGENCY, halt, halted
from arena.trading_cycle import run_cycle
from tasks import protection
from tests.fakes.arena import Table, unclean
from tests.fakes.build import NOON
from tests.fakes.models import HOLD, ScriptedModel, answer, part
from tests.fakes.told import Told

A, B = CompetitorId("LLM-A"), CompetitorId("LLM-B")
LONG = part("SOLUSDT", "open_long", size_percent=40, leverage=5, stop_price=140, target_price=170)
SHORT = part("SOLUSDT", "open_short", stop_price=160, target_price=130)
SOL_LONG, SOL_SHORT = ("SOLUSDT", PositionSide.LONG), ("SOLUSDT", PositionSide.SHORT)
CALM = ["150 151 149 150"] * 30


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(venue, "PAUSES", (0.0,))
    monkeypatch.setattr(sending, "STOP_PAUSES", (0.0,))
    monkeypatch.setattr(lease, "RETRY_SECONDS", 0.01)


@pytest.fixture(autouse=True)
def verified(tmp_path: Path) -> Iterator[None]:
    """Whatever a test plays, the records it leaves can be booked again."""
    yield
    if (path := tmp_path / "arena.sqlite").exists():
        assert unclean(path) == []


def table(tmp_path: Path, bars: Sequence[str] = CALM, **models: ScriptedModel) -> Table:
    return Table(tmp_path / "arena.sqlite", models, {"SOLUSDT": bars})


async def looked(at: Table) -> list[str]:
    found = await protection.look(await at.arena())
    assert found is not None
    return [alert.text for alert in found.alerts]


async def state(at: Table) -> SeasonState:
    arena = await at.arena()
    return await arena.records.state(arena.season.season_id, at.engine.now)


async def agrees(at: Table) -> SeasonState:
    """The books are the venue's, to the last digit."""
    now, arena = await state(at), await at.arena()
    book = await arena.venue.accounts[SHARED_ACCOUNT].book()
    assert discrepancies(now.season, now.books, {SHARED_ACCOUNT: book}) == ()
    ledgers = now.ledgers.values()
    covered = sum(entry.amount for entry in at.account.income if entry.kind == "INSURANCE_CLEAR")
    assert sum(each.wallet_balance - each.insurance for each in ledgers) == book.wallet_balance - covered
    return now


async def rows(at: Table, name: str) -> list[Mapping[str, Any]]:
    arena = await at.arena()
    return [row async for row in arena.records.rows(name, arena.season.season_id)]


def resting(at: Table) -> dict[str, PaperOrder]:
    return {each.order.client_order_id: each for each in at.account.resting.values()}


def named(leg: Leg, letter: str = "A", cycle: int | None = 1, sweep: int | None = None) -> str:
    return client_order_id(SeasonId("test"), cycle, letter, "SOLUSDT", leg, sweep=sweep)


def trade(at: Table, text: str, client_id: str) -> None:
    """`SELL LONG 1`: somebody's market order on the account."""
    side, bucket, quantity = text.split()
    order = Order(
        client_order_id=client_id,
        symbol="SOLUSDT",
        side=OrderSide(side),
        position_side=PositionSide(bucket),
        order_type=OrderType.MARKET,
        quantity=Decimal(quantity),
    )
    at.engine.place(at.account, order)


class Died(BaseException):
    """Stands for a kill: nothing after it is executed."""


async def killed(arena: Arena, monkeypatch: pytest.MonkeyPatch, leg: Leg) -> None:
    """Run a cycle that dies right before it sends its first order of a leg."""
    account = arena.venue.accounts[SHARED_ACCOUNT]
    place = account.place

    async def dying(order: Order) -> Any:
        if order.client_order_id.endswith(f"-{leg}"):
            raise Died
        return await place(order)

    monkeypatch.setattr(account, "place", dying)
    with pytest.raises(Died):
        await run_cycle(arena)
    await arena.records.release(arena.season.season_id, arena.holder)


async def test_what_is_booked_is_told_whatever_fails_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next sweep would not: it books it no more."""
    at = table(tmp_path, ["150 151 149 150"] * 11 + ["150 151 139 141"] + ["141 142 140 141"] * 18, A=ScriptedModel(answer(LONG)))
    await run_cycle(await at.arena())
    at.pass_time(2)
    told = Told()
    arena = replace(await at.arena(), notifier=told)

    async def away(*_: object) -> None:
        raise RecordsUnavailable("the lease was not given back")

    monkeypatch.setattr(arena.records, "release", away)
    with pytest.raises(RecordsUnavailable):
        await protection.look(arena)
    (text,) = told.texts(AlertKind.STOPPED)
    assert text.startswith("LLM-A was stopped out of long SOLUSDT at ")


# --- protection ------------------------------------------------------------------------------------------


async def test_a_position_whose_cycle_was_killed_before_the_stop_gets_it_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG), HOLD))
    await killed(await at.arena(), monkeypatch, Leg.STOP)
    assert at.account.buckets and not resting(at)
    told = await looked(at)
    assert set(resting(at)) == {named(Leg.STOP), named(Leg.TARGET)}
    assert any("opened long" in text for text in told) and any("placed again" in text for text in told)
    held = (await agrees(at)).ledgers[A].positions[SOL_LONG]
    assert (held.leverage, held.stop_order_id, held.target_order_id) == (5, named(Leg.STOP), named(Leg.TARGET))
    assert held.thesis is not None
    assert await looked(at) == [], "the next look has nothing to do"


async def test_after_a_kill_the_target_of_a_position_that_was_stopped_out_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fate of a fallback that was never sent is unknown for a while; that of the opening, which filled, is not."""
    at = table(tmp_path, ["150 151 149 150"] * 11 + ["150 150 139 141"] * 9, A=ScriptedModel(answer(LONG)))
    await killed(await at.arena(), monkeypatch, Leg.STOP)
    await looked(at)
    assert set((await state(at)).intents) == {named(leg) for leg in (Leg.STOP, Leg.TARGET, Leg.FLATTEN)}
    at.pass_time(2)
    assert "was stopped out" in (await looked(at))[0]
    assert resting(at) == {}
    assert (await agrees(at)).intents == {}


async def test_a_stop_that_somebody_cancelled_is_placed_again(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG)))
    await run_cycle(await at.arena())
    at.engine.cancel(at.account, named(Leg.STOP))
    assert "placed again" in (await looked(at))[0]
    assert resting(at)[named(Leg.STOP)].order.quantity == (await agrees(at)).ledgers[A].positions[SOL_LONG].quantity


async def test_a_position_for_which_no_stop_can_be_had_is_closed_and_said(tmp_path: Path) -> None:
    """The price has passed the stop while it was missing: it would trigger at once, so the venue takes it no more."""
    at = table(tmp_path, ["150 151 149 150"] * 11 + ["139 139.5 138.5 139"] * 9, A=ScriptedModel(answer(LONG)))
    await run_cycle(await at.arena())
    at.engine.cancel(at.account, named(Leg.STOP))
    at.pass_time()
    told = await looked(at)
    assert any("without a stop, and none could be placed: it was closed" in text for text in told)
    assert at.account.buckets == {} and resting(at) == {}
    assert (await agrees(at)).ledgers[A].positions == {}
    assert [row["cause"] for row in await rows(at, "closed_trades")] == ["arena"]


async def test_an_order_whose_position_is_gone_is_cancelled(tmp_path: Path) -> None:
    at = table(tmp_path, ["150 151 149 150"] * 11 + ["150 150 139 141"] * 9, A=ScriptedModel(answer(LONG)))
    await run_cycle(await at.arena())
    at.pass_time(2)
    assert set(resting(at)) == {named(Leg.TARGET)}
    assert "was stopped out" in (await looked(at))[0]
    assert resting(at) == {}
    assert (await agrees(at)).intents == {}


async def test_a_funding_that_the_venue_publishes_late_is_in_the_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It took place at 13:00; by the time it is known the position is closed, by a cycle that could not know."""
    rate = FundingRate(symbol="SOLUSDT", time=NOON + timedelta(hours=1), rate=Decimal("0.001"), mark_price=Decimal(150))
    at = table(tmp_path, A=ScriptedModel(answer(LONG), answer(part("SOLUSDT", "close")), HOLD))
    at.engine.feed._fundings = (rate,)  # type: ignore[attr-defined]
    await run_cycle(await at.arena())
    quantity = (await state(at)).ledgers[A].positions[SOL_LONG].quantity
    at.pass_time(2)  # the venue has taken it
    with monkeypatch.context() as unpublished:
        unpublished.setattr(PaperMarket, "fundings", nothing_yet)
        await run_cycle(await at.arena())
        await looked(at)
        assert (await state(at)).ledgers[A].funding == 0
    at.engine.advance(at.engine.now + timedelta(seconds=30))
    await run_cycle(await at.arena())
    assert (await agrees(at)).ledgers[A].funding == quantity * Decimal("0.15")
    await run_cycle(await at.arena())
    assert [row["signed_quantity"] for row in await rows(at, "funding")] == [str(quantity)], "once"
    await agrees(at)


async def nothing_yet(*_: Any) -> tuple[FundingRate, ...]:
    return ()


async def test_a_stop_has_the_quantity_of_its_position(tmp_path: Path) -> None:
    """The venue takes a part of the bucket (ADL): each holder's stop shrinks with what is left."""
    at = table(tmp_path, A=ScriptedModel(answer(LONG)), B=ScriptedModel(answer({**LONG, "size_percent": 20})))
    await run_cycle(await at.arena())
    before = {each: (await state(at)).ledgers[each].positions[SOL_LONG].quantity for each in (A, B)}
    trade(at, "SELL LONG 1.5", "adl_autoclose")
    told = await looked(at)
    ledgers = (await agrees(at)).ledgers
    after = {each: ledgers[each].positions[SOL_LONG].quantity for each in (A, B)}
    assert sum(before.values()) - sum(after.values()) == Decimal("1.5") and all(after[each] < before[each] for each in (A, B))
    stops = {
        e.order.client_order_id[-11]: e.order.quantity
        for e in resting(at).values()
        if e.order.order_type is OrderType.STOP_MARKET
    }
    assert stops == {"A": after[A], "B": after[B]}
    assert halted((await at.arena()).settings) is None and len(told) == 2


async def test_one_is_stopped_out_and_the_others_keep_what_they_have(tmp_path: Path) -> None:
    bars = ["150 151 149 150"] * 11 + ["150 150 139 141"] * 9
    models = {
        "A": ScriptedModel(answer(LONG)),
        "B": ScriptedModel(answer({**LONG, "stop_price": 100, "target_price": None})),
        "C": ScriptedModel(answer(SHORT)),
    }
    at = table(tmp_path, bars, **models)
    await run_cycle(await at.arena())
    before = (await state(at)).ledgers
    at.pass_time(2)
    await looked(at)
    after = (await agrees(at)).ledgers
    assert after[A].positions == {} and after[A].wallet_balance < before[A].wallet_balance
    for each, key in ((B, SOL_LONG), (CompetitorId("LLM-C"), SOL_SHORT)):
        assert after[each].positions[key] == before[each].positions[key]
        assert after[each].wallet_balance == before[each].wallet_balance
    assert {name[-11] for name in resting(at)} == {"B", "C"}


async def test_a_competitor_whose_margin_is_used_up_is_closed_out_and_ends_at_zero_not_below(tmp_path: Path) -> None:
    bars = ["150 151 149 150"] * 11 + ["105 106 104 105"] * 9
    greedy = {**LONG, "size_percent": 70, "stop_price": 10, "target_price": None}
    at = table(
        tmp_path, bars, A=ScriptedModel(answer(greedy)), B=ScriptedModel(HOLD), C=ScriptedModel(HOLD), D=ScriptedModel(HOLD)
    )
    await run_cycle(await at.arena())
    at.pass_time()
    assert any("LLM-A was liquidated out of long SOLUSDT" in text for text in await looked(at))
    ruined = (await agrees(at)).ledgers[A]
    assert (ruined.positions, ruined.wallet_balance) == ({}, Decimal(0)) and ruined.insurance > 0
    assert [row["cause"] for row in await rows(at, "closed_trades")] == ["liquidation"]
    record = await run_cycle(await at.arena())
    assert record is not None and record.turns[0].calls == (), "who has lost everything is not asked any more"


async def test_orders_of_a_killed_sweep_are_taken_over_under_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = table(tmp_path, ["150 151 149 150"] * 11 + ["139 139.5 138.5 139"] * 9, A=ScriptedModel(answer(LONG)))
    await run_cycle(await at.arena())
    at.engine.cancel(at.account, named(Leg.STOP))
    at.pass_time()
    arena = await at.arena()

    async def die(_: object) -> None:
        raise Died

    monkeypatch.setattr(arena.records, "book", die)
    with pytest.raises(Died):
        await protection.look(arena)
    assert at.account.buckets == {}, "it had closed the position and was killed before it could book that"
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert (await state(at)).booking == 1
    await looked(at)
    assert (await agrees(at)).booking == 2
    assert [row["client_order_id"] for row in await rows(at, "fills")][-1] == named(Leg.FLATTEN, cycle=None, sweep=2)


async def test_the_stop_of_an_opening_that_never_landed_is_left_until_that_is_certain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue's answer was lost; the stop was placed as if the position were there, and would close somebody else's."""
    at = table(tmp_path, A=ScriptedModel(answer(LONG)))
    arena = await at.arena()
    account = arena.venue.accounts[SHARED_ACCOUNT]
    place = account.place

    async def losing(order: Order) -> Any:
        outcome = (
            await place(replace(order, quantity=Decimal("99999"))) if order.client_order_id.endswith("-o") else await place(order)
        )
        return replace(outcome, status="unknown") if order.client_order_id.endswith("-o") else outcome

    monkeypatch.setattr(account, "place", losing)
    await run_cycle(arena)
    assert set(resting(at)) == {named(Leg.STOP), named(Leg.TARGET)} and at.account.buckets == {}
    await looked(at)
    assert len(resting(at)) == 2, "it may still land"
    monkeypatch.setattr(entries, "NEVER_LANDED", timedelta(0))
    at.engine.advance(at.engine.now + timedelta(seconds=31))
    await looked(at)
    await looked(at)
    assert resting(at) == {} and (await agrees(at)).intents == {}


# --- reconciliation ------------------------------------------------------------------------------------------


async def test_a_trade_by_hand_beside_the_competitors_is_kept_apart_and_the_season_goes_on(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG), HOLD))
    await run_cycle(await at.arena())
    trade(at, "SELL SHORT 1", "web_abc")
    record = await run_cycle(await at.arena())
    assert record is not None and record.discrepancies == ()
    found = await state(at)
    assert found.books.foreign == {(SHARED_ACCOUNT, "SOLUSDT", PositionSide.SHORT): Decimal(-1)}
    assert any("belongs to no competitor" in row["text"] for row in await rows(at, "alerts"))
    trade(at, "BUY SHORT 1", "web_abd")
    await run_cycle(await at.arena())
    assert (await state(at)).books.foreign == {}


async def test_a_trade_by_hand_that_closes_the_competitors_is_booked_to_them_and_halts_the_season(tmp_path: Path) -> None:
    model = ScriptedModel(answer(LONG), HOLD)
    at = table(tmp_path, A=model)
    await run_cycle(await at.arena())
    trade(at, "SELL LONG 1", "android_abc")
    assert await run_cycle(await at.arena()) is None
    assert len(model.prompts) == 1, "nobody is asked"
    assert "android_abc" in (halted((await at.arena()).settings) or "")
    ledger = (await agrees(at)).ledgers[A]
    assert [row["cause"] for row in await rows(at, "fills")] == ["decision", "manual"]
    stop = next(e.order for e in resting(at).values() if e.order.order_type is OrderType.STOP_MARKET)
    assert stop.quantity == ledger.positions[SOL_LONG].quantity, "what is left is protected while the season stands still"


async def test_books_that_nobody_can_explain_halt_the_season_before_anybody_is_asked(tmp_path: Path) -> None:
    model = ScriptedModel(answer(LONG), HOLD)
    at = table(tmp_path, A=model)
    await run_cycle(await at.arena())
    bucket = at.account.buckets[SOL_LONG]
    at.account.buckets[SOL_LONG] = replace(bucket, signed_quantity=bucket.signed_quantity - 1)
    assert await run_cycle(await at.arena()) is None
    assert len(model.prompts) == 1
    assert "the books differ in SOLUSDT LONG" in (halted((await at.arena()).settings) or "")
    (difference,) = await rows(at, "discrepancies")
    assert Decimal(difference["ledgers"]) - Decimal(difference["venue"]) == 1
    assert any(row["kind"] == "discrepancy" for row in await rows(at, "alerts"))


async def test_what_the_emergency_exit_closed_is_booked_to_its_holders(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG), HOLD), B=ScriptedModel(answer({**LONG, "size_percent": 10}), HOLD))
    await run_cycle(await at.arena())
    for order_id in list(resting(at)):
        at.engine.cancel(at.account, order_id)
    trade(at, f"SELL LONG {at.account.buckets[SOL_LONG].signed_quantity}", f"{SHUTDOWN_PREFIX}1")
    record = await run_cycle(await at.arena())
    assert record is not None and all(ledger.positions == {} for ledger in (await agrees(at)).ledgers.values())
    assert {row["cause"] for row in await rows(at, "closed_trades")} == {"shutdown"}


async def test_a_sweep_does_not_protect_what_the_emergency_exit_is_just_closing(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG)))
    await run_cycle(await at.arena())
    for order_id in list(resting(at)):
        at.engine.cancel(at.account, order_id)
    halt(at.settings, f"{EMERGENCY} (a test)")
    await looked(at)
    assert resting(at) == {}
    halt(at.settings, "by hand")
    await looked(at)
    assert len(resting(at)) == 2, "a season that only stands still stays protected"


# --- one at a time ------------------------------------------------------------------------------------------


async def test_while_one_acts_nobody_else_does(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(HOLD))
    one, other = await at.arena(), await at.arena()
    async with one.acting():
        with pytest.raises(AccountTaken):
            async with other.acting(wait_seconds=0.02):
                pass
        assert await protection.look(other) is None
    async with other.acting(wait_seconds=0):
        pass


async def test_a_killed_holder_keeps_nobody_waiting_for_longer_than_its_lease(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(HOLD))
    arena, other = await at.arena(), await at.arena()
    assert await arena.records.take(arena.season.season_id, "killed", at.engine.now, at.engine.now + lease.LEASE)
    assert await protection.look(other) is None
    at.engine.advance(at.engine.now + lease.LEASE)
    assert await protection.look(other) is not None
    settings = other.settings
    latest = lease.LEASE.total_seconds() + protection.LOOK_SECONDS
    assert latest < settings.protection_deadline_seconds, "somebody else must look while the deadline still runs"


async def test_a_run_that_was_held_up_sends_nothing_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that slept wakes up in the middle of its orders; another has taken over."""
    at = table(tmp_path, A=ScriptedModel(answer(LONG)))
    arena, other = await at.arena(), await at.arena()
    carry_out = steps.carry_out

    async def slept(*arguments: Any) -> Any:
        at.engine.advance(at.engine.now + timedelta(seconds=20))
        assert await other.records.take(other.season.season_id, "other", at.engine.now, at.engine.now + lease.LEASE)
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda then=loop.time: then() + 20)
        return await carry_out(*arguments)

    monkeypatch.setattr(steps, "carry_out", slept)
    record = await run_cycle(arena)
    assert at.account.orders == {} and record is not None
    assert "held up for longer than its lease" in record.turns[0].outcomes[0].message


async def test_a_quick_look_at_a_season_without_positions_asks_the_venue_for_the_time_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = table(tmp_path, A=ScriptedModel(HOLD))
    await run_cycle(await at.arena())
    arena = await at.arena()

    async def asked(*_: object, **__: object) -> None:
        raise AssertionError("the account was asked")

    for name in ("book", "fills", "resting"):
        monkeypatch.setattr(arena.venue.accounts[SHARED_ACCOUNT], name, asked)
    found = await protection.look(arena)
    assert found is not None and found.bookings == ()


def test_the_cause_of_a_fill_is_told_by_its_client_id() -> None:
    from arena.domain.client_id import cause_of

    assert cause_of(named(Leg.LIQUIDATE, cycle=None, sweep=3)) is Cause.LIQUIDATION
    assert [cause_of(named(leg)) for leg in Leg] == [
        Cause.DECISION,
        Cause.DECISION,
        Cause.STOP,
        Cause.TARGET,
        Cause.ARENA,
        Cause.LIQUIDATION,
    ]
