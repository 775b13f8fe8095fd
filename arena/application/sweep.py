"""A sweep: book what happened since the last booking, and see that every position is protected.

It runs between the cycles on its own schedule, and as the first step of each cycle. What it finds it books before anything is
decided; what lacks a stop gets one or is closed; a competitor whose own margin is used up is closed out; orders that protect
nothing are cancelled. Limit orders rest until the next cycle begins: its sweep cancels them first, so that its look books what
they have filled in the end and leaves their stops with exactly that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from arena.application.booking import sent_by, sweep_booking
from arena.application.entries import (
    Outstanding,
    Said,
    as_sent,
    ask_for,
    is_over,
    limit_entries,
    outstanding,
    resting_entries,
    withdraw,
)
from arena.application.execution import execute
from arena.application.lease import Held
from arena.application.reconcile import in_words
from arena.application.record import Alert, Booking, SeasonState
from arena.application.sending import Execution, cancel_all
from arena.application.store import Records
from arena.application.venue import CaughtUp, Venue, catch_up, held_symbols
from arena.domain.client_id import of_the_same_entry, parse_client_order_id
from arena.domain.competitor import AccountId, CompetitorId, SeasonId
from arena.domain.order import Cause, Intent, Leg, OrderType, RestingOrder
from arena.domain.plan import OrderPlan, UnitOfWork
from arena.domain.protection import Watch, in_the_way, protect, strays
from arena.together import together

MISSED_CYCLES = 2  # a limit order that has rested for so many intervals is not waiting for the next cycle any more

Resting = Mapping[AccountId, tuple[RestingOrder, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a sweep is meant.

    Attributes:
        deadline: How long a position may be without a stop.
        thorough: Look at the accounts even where nothing is held and nothing is open, and record what the books cannot explain.
        standing_back: Says whether somebody else is just emptying the account: then nothing is sent.
        halted: Says why nothing may be opened, if so: then no limit order goes on resting.
        tell: Keeps alerts for people, as soon as they are booked: whatever fails after that, the next sweep books them no more.
    """

    deadline: timedelta
    thorough: bool
    standing_back: Callable[[], bool]
    halted: Callable[[], Awaitable[str | None]]
    tell: Callable[[Sequence[Alert]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep came to.

    Attributes:
        bookings: Empty where there was nothing to book; two where a killed sweep was taken over.
        halt: Why the season must not go on before a person has looked; None where it may.
    """

    bookings: tuple[Booking, ...]
    halt: str | None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What is worth telling."""
        return tuple(alert for booking in self.bookings for alert in booking.alerts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a sweep found when it looked.

    Attributes:
        waiting: Client ids of earlier orders whose fate is not known yet, of limit orders that rest among them.
        resolved: Whether the fate of some has become known without a trade.
        pending: The limit orders among them.
    """

    caught: CaughtUp
    resting: Resting
    waiting: tuple[str, ...]
    resolved: bool
    pending: Outstanding


async def sweep(season_id: SeasonId, records: Records, held: Held, terms: Terms) -> Swept:
    """Sweep once, under a lease.

    Raises:
        ExchangeError: The venue cannot be looked at.
        CycleConflict: Somebody else has booked meanwhile.
    """
    venue, state = held.venue, await records.state(season_id, held.since)
    if not terms.thorough and not state.intents and not held_symbols(state.ledgers.values()):
        return Swept(bookings=(), halt=None)
    bookings = [await _take_over(state, records, venue)] if _left_behind(state) else []
    if bookings:
        terms.tell(bookings[0].alerts)
        state = await records.state(season_id, bookings[0].closed_at)
    ended: Said = {}
    if not terms.standing_back():
        ended = await withdraw(await _expired(state, held.since, terms), state, venue)
    seen = await _look(state, venue, terms, ended)
    if not terms.standing_back() and (impeding := _impeding(state, seen, venue, terms)):
        ended = {**ended, **await withdraw(impeding, state, venue)}
        seen = await _look(state, venue, terms, ended)
    plans, unneeded = ({}, {}) if terms.standing_back() else _plan(state, seen, venue, terms)
    await _write_intents(state, plans, records)
    executions, lingering = await _carry_out(state, plans, unneeded, venue)
    caught = seen.caught
    if executions or _noteworthy(seen, terms):
        sent = sent_by(state, plans, executions)
        if executions or not caught.funded:
            caught = await catch_up(venue, state, sent)
        bookings.append(sweep_booking(state, caught, executions, sent, seen.waiting, lingering))
        await records.book(bookings[-1])
        terms.tell(bookings[-1].alerts)
    return Swept(bookings=tuple(bookings), halt=_why_halt(bookings, caught, terms))


def _left_behind(state: SeasonState) -> bool:
    """Return whether a sweep of the next booking's number was killed: it has written orders down, and may have sent them."""
    keys = (parse_client_order_id(client_id) for client_id in state.intents)
    return any(key is not None and key.sweep == state.booking + 1 for key in keys)


async def _take_over(state: SeasonState, records: Records, venue: Venue) -> Booking:
    """Book what a killed sweep has done, so that the orders of this one get names of their own."""
    said = await ask_for(limit_entries(state), state, venue)
    caught = await catch_up(venue, state, as_sent(said, state))
    unsure, _ = await _unsure(state, caught, said, venue)
    names = [intent.order.client_order_id for intent in unsure]
    booking = sweep_booking(state, caught, {}, sent_by(state, {}, {}), names)
    await records.book(booking)
    return booking


async def _expired(state: SeasonState, now: datetime, terms: Terms) -> list[Intent]:
    """Return the limit orders whose time is over: a cycle begins, the season is halted, or the next cycle does not come."""
    resting = limit_entries(state)
    if not resting:
        return []
    longest = MISSED_CYCLES * timedelta(seconds=state.season.interval_seconds)
    over = terms.thorough or await terms.halted() is not None
    return [intent for intent in resting if over or now - intent.created_at > longest]


async def _look(state: SeasonState, venue: Venue, terms: Terms, ended: Said) -> _Seen:
    """Ask what has become of limit orders before the trades are read: what they have executed by then must be among them.

    Args:
        ended: How some of them have ended, as the venue has just said.
    """
    others = [intent for intent in limit_entries(state) if intent.order.client_order_id not in ended]
    said = {**await ask_for(others, state, venue), **ended}
    caught = await catch_up(venue, state, as_sent(said, state), funding=terms.thorough, asked=resting_entries(said))
    resting = await _resting(state, caught, venue)
    unsure, resolved = await _unsure(state, caught, said, venue)
    limits = [intent for intent in unsure if intent.order.order_type is OrderType.LIMIT]
    return _Seen(
        caught=caught,
        resting=resting,
        waiting=tuple(intent.order.client_order_id for intent in unsure),
        resolved=resolved,
        pending=outstanding(limits, caught.settlement.executed, said),
    )


async def _resting(state: SeasonState, caught: CaughtUp, venue: Venue) -> dict[AccountId, tuple[RestingOrder, ...]]:
    """Return the conditional orders in every symbol in which a position is held or an order of ours may rest."""

    async def of(account: AccountId, llm_ids: Collection[CompetitorId]) -> tuple[RestingOrder, ...]:
        symbols = {symbol for llm_id in llm_ids for symbol, _ in caught.settlement.ledgers[llm_id].positions}
        symbols |= {intent.order.symbol for intent in state.intents.values() if intent.llm_id in llm_ids}
        return await venue.accounts[account].resting(sorted(symbols)) if symbols else ()

    accounts = state.season.accounts()
    found = await together(*(of(account, llm_ids) for account, llm_ids in accounts.items()))
    return dict(zip(accounts, found, strict=True))


async def _unsure(state: SeasonState, caught: CaughtUp, said: Said, venue: Venue) -> tuple[list[Intent], bool]:
    """Return the normal orders of which more may come, and whether of another it has become known that nothing came.

    A market order that has traded is over; of the others the venue is asked, but for those that close what a limit order has
    filled: they are not sent before it has ended, and never where it has filled nothing.
    """
    settlement, until = caught.settlement, caught.until
    limits = limit_entries(state)
    unsure = [intent for intent in limits if not is_over(intent, said, settlement, until)]
    idle = {i.order.client_order_id for i in limits if i in unsure or i.order.client_order_id not in settlement.executed}
    unsent = {of_the_same_entry(name, Leg.FLATTEN) for name in idle}
    normal = [(name, i) for name, i in state.intents.items() if i not in limits and not i.order.order_type.conditional]
    others = [intent for name, intent in normal if name not in settlement.filled_ids() and name not in unsent]
    said = {**said, **await ask_for(others, state, venue)}
    unsure += [intent for intent in others if not is_over(intent, said, settlement, until)]
    silent = [i for i in (*limits, *others) if i not in unsure and i.order.client_order_id not in settlement.filled_ids()]
    return unsure, bool(silent)


def _watch(state: SeasonState, seen: _Seen, venue: Venue, terms: Terms) -> Watch:
    caught, season_id = seen.caught, state.season.season_id
    unit = UnitOfWork(season_id=season_id, cycle=state.number, as_of=caught.until, sweep=state.booking + 1)
    return Watch(
        unit=unit,
        marks=caught.marks(),
        instruments=venue.instruments,
        deadline=terms.deadline,
        known=state.intents,
        pending=seen.pending,
    )


def _impeding(state: SeasonState, seen: _Seen, venue: Venue, terms: Terms) -> list[Intent]:
    """Return the limit orders that must end before what is to be done can be done."""
    watch = _watch(state, seen, venue, terms)
    return [each.opening for ledger in seen.caught.settlement.ledgers.values() for each in in_the_way(ledger, watch)]


def _plan(
    state: SeasonState, seen: _Seen, venue: Venue, terms: Terms
) -> tuple[dict[CompetitorId, OrderPlan], dict[AccountId, tuple[tuple[str, str], ...]]]:
    """Return what to do for each competitor that needs something, and the orders that protect nothing by account."""
    season, caught, watch = state.season, seen.caught, _watch(state, seen, venue, terms)
    plans: dict[CompetitorId, OrderPlan] = {}
    unneeded: dict[AccountId, tuple[tuple[str, str], ...]] = {}
    for account, llm_ids in season.accounts().items():
        ledgers = {llm_id: caught.settlement.ledgers[llm_id] for llm_id in llm_ids}
        by_id = {order.client_order_id: order for order in seen.resting[account]}
        for llm_id, ledger in ledgers.items():
            plan = protect(ledger, by_id, watch)
            if plan.exits or plan.guards:
                plans[llm_id] = plan
        unneeded[account] = tuple(strays(seen.resting[account], ledgers.values(), watch.unit, seen.waiting))
    return plans, unneeded


async def _write_intents(state: SeasonState, plans: Mapping[CompetitorId, OrderPlan], records: Records) -> None:
    fresh = [i for plan in plans.values() for i in plan.intents() if i.order.client_order_id not in state.intents]
    if fresh:
        await records.append_intents(state.season.season_id, fresh)


async def _carry_out(
    state: SeasonState,
    plans: Mapping[CompetitorId, OrderPlan],
    unneeded: Mapping[AccountId, tuple[tuple[str, str], ...]],
    venue: Venue,
) -> tuple[dict[CompetitorId, Execution], tuple[str, ...]]:
    """Cancel what protects nothing, then do what each plan says; return what changed something, and what is still there."""
    lingering: list[str] = []
    for account, orders in unneeded.items():
        lingering += [order_id for _, order_id in await cancel_all(orders, venue.accounts[account])]
    done = [await execute(plan, venue.accounts[state.season.account_of(llm_id)]) for llm_id, plan in plans.items()]
    return {each.llm_id: each for each in done if each.outcomes or each.gone or each.replaced}, tuple(lingering)


def _noteworthy(seen: _Seen, terms: Terms) -> bool:
    """Return whether there is something to book without anything having been sent."""
    return not seen.caught.settlement.nothing_happened() or seen.resolved or (terms.thorough and bool(seen.caught.differences))


def _why_halt(bookings: Iterable[Booking], caught: CaughtUp, terms: Terms) -> str | None:
    """Return why the season must not go on: somebody else traded the competitors' positions, or the books cannot be explained.

    A quick sweep leaves unexplained books to the thorough one, which begins the next cycle.
    """
    for booked in (each for booking in bookings for each in booking.fills):
        if booked.cause is Cause.MANUAL:
            fill = booked.fill
            return f"an order of nobody's ({fill.client_order_id}) closed {fill.symbol} {fill.position_side} of the competitors"
    if terms.thorough and caught.differences:
        return "; ".join(in_words(difference) for difference in caught.differences)
    return None
