"""A sweep: book what happened since the last booking, and see that every position is protected.

It runs between the cycles on its own schedule, and as the first step of each cycle. What it finds it books before anything is
decided; what lacks a stop gets one or is closed; a competitor whose own margin is used up is closed out; orders that protect
nothing are cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from arena.application.booking import sent_by, sweep_booking
from arena.application.execution import Execution, cancel_all, execute
from arena.application.lease import Held
from arena.application.ports import Records
from arena.application.reconcile import in_words
from arena.application.record import Alert, Booking, SeasonState
from arena.application.venue import CaughtUp, Venue, catch_up, held_symbols
from arena.domain.client_id import parse_client_order_id
from arena.domain.competitor import AccountId, CompetitorId, SeasonId
from arena.domain.order import Cause, Intent, OrderStatus, RestingOrder
from arena.domain.plan import OrderPlan, UnitOfWork
from arena.domain.protection import Watch, protect, strays
from arena.errors import ExchangeError
from arena.together import together

NEVER_LANDED = timedelta(seconds=30)  # an unknown order is not accepted any more: recvWindow is 10 s

Resting = Mapping[AccountId, tuple[RestingOrder, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a sweep is meant.

    Attributes:
        deadline: How long a position may be without a stop.
        thorough: Look at the accounts even where nothing is held and nothing is open, and record what the books cannot explain.
        standing_back: Says whether somebody else is just emptying the account: then nothing is sent.
    """

    deadline: timedelta
    thorough: bool
    standing_back: Callable[[], bool]


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
        waiting: Client ids of earlier orders whose fate is not known yet.
        resolved: Whether the fate of some has become known without a trade.
    """

    caught: CaughtUp
    resting: Resting
    waiting: tuple[str, ...]
    resolved: bool


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
        state = await records.state(season_id, bookings[0].closed_at)
    seen = await _look(state, venue, terms)
    plans, unneeded = ({}, {}) if terms.standing_back() else _plan(state, seen, venue, terms)
    await _write_intents(state, plans, records)
    executions = await _carry_out(state, plans, unneeded, venue)
    caught = seen.caught
    if executions or _noteworthy(seen, terms):
        sent = sent_by(state, plans, executions)
        if executions or not caught.funded:
            caught = await catch_up(venue, state, sent)
        bookings.append(sweep_booking(state, caught, executions, sent, seen.waiting))
        await records.book(bookings[-1])
    return Swept(bookings=tuple(bookings), halt=_why_halt(bookings, caught, terms))


def _left_behind(state: SeasonState) -> bool:
    """Return whether a sweep of the next booking's number was killed: it has written orders down, and may have sent them."""
    keys = (parse_client_order_id(client_id) for client_id in state.intents)
    return any(key is not None and key.sweep == state.booking + 1 for key in keys)


async def _take_over(state: SeasonState, records: Records, venue: Venue) -> Booking:
    """Book what a killed sweep has done, so that the orders of this one get names of their own."""
    caught = await catch_up(venue, state)
    waiting, _ = await _fates(state, caught, venue)
    booking = sweep_booking(state, caught, {}, sent_by(state, {}, {}), waiting)
    await records.book(booking)
    return booking


async def _look(state: SeasonState, venue: Venue, terms: Terms) -> _Seen:
    caught = await catch_up(venue, state, funding=terms.thorough)
    resting = await _resting(state, caught, venue)
    waiting, resolved = await _fates(state, caught, venue)
    return _Seen(caught=caught, resting=resting, waiting=waiting, resolved=resolved)


async def _resting(state: SeasonState, caught: CaughtUp, venue: Venue) -> dict[AccountId, tuple[RestingOrder, ...]]:
    """Return the conditional orders in every symbol in which a position is held or an order of ours may rest."""

    async def of(account: AccountId, llm_ids: Collection[CompetitorId]) -> tuple[RestingOrder, ...]:
        symbols = {symbol for llm_id in llm_ids for symbol, _ in caught.settlement.ledgers[llm_id].positions}
        symbols |= {intent.order.symbol for intent in state.intents.values() if intent.llm_id in llm_ids}
        return await venue.accounts[account].resting(sorted(symbols)) if symbols else ()

    accounts = state.season.accounts()
    found = await together(*(of(account, llm_ids) for account, llm_ids in accounts.items()))
    return dict(zip(accounts, found, strict=True))


async def _fates(state: SeasonState, caught: CaughtUp, venue: Venue) -> tuple[tuple[str, ...], bool]:
    """Return the market orders whose fate is still unknown, and whether that of another has become known without a trade."""
    filled = caught.settlement.filled_ids()
    unsettled = [
        i for i in state.intents.values() if not i.order.order_type.conditional and i.order.client_order_id not in filled
    ]
    over = [await _never_traded(intent, state, caught, venue) for intent in unsettled]
    waiting = tuple(i.order.client_order_id for i, ended in zip(unsettled, over, strict=True) if not ended)
    return waiting, any(over)


async def _never_traded(intent: Intent, state: SeasonState, caught: CaughtUp, venue: Venue) -> bool:
    """Return whether it is certain that nothing comes of an order any more."""
    account = venue.accounts[state.season.account_of(intent.llm_id)]
    try:
        found = await account.find(intent.order.symbol, intent.order.client_order_id, conditional=False)
    except ExchangeError:
        return False
    if found is None:
        return caught.until - intent.created_at > NEVER_LANDED
    return found.status is OrderStatus.REFUSED


def _plan(
    state: SeasonState, seen: _Seen, venue: Venue, terms: Terms
) -> tuple[dict[CompetitorId, OrderPlan], dict[AccountId, tuple[tuple[str, str], ...]]]:
    """Return what to do for each competitor that needs something, and the orders that protect nothing by account."""
    season, caught = state.season, seen.caught
    unit = UnitOfWork(season_id=season.season_id, cycle=state.number, as_of=caught.until, sweep=state.booking + 1)
    watch = Watch(
        unit=unit, marks=caught.marks(), instruments=venue.instruments, deadline=terms.deadline, known=frozenset(state.intents)
    )
    plans: dict[CompetitorId, OrderPlan] = {}
    unneeded: dict[AccountId, tuple[tuple[str, str], ...]] = {}
    for account, llm_ids in season.accounts().items():
        ledgers = {llm_id: caught.settlement.ledgers[llm_id] for llm_id in llm_ids}
        by_id = {order.client_order_id: order for order in seen.resting[account]}
        for llm_id, ledger in ledgers.items():
            plan = protect(ledger, by_id, watch)
            if plan.exits or plan.guards:
                plans[llm_id] = plan
        unneeded[account] = tuple(strays(seen.resting[account], ledgers.values(), unit, seen.waiting))
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
) -> dict[CompetitorId, Execution]:
    """Cancel what protects nothing, then do what each plan says; return what changed something."""
    for account, orders in unneeded.items():
        await cancel_all(orders, venue.accounts[account])
    done = [await execute(plan, venue.accounts[state.season.account_of(llm_id)]) for llm_id, plan in plans.items()]
    return {each.llm_id: each for each in done if each.outcomes or each.gone or each.replaced}


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
