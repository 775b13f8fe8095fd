"""What a cycle does, step by step, over a whole arena. Prefect's tasks wrap these (`tasks`); a replay takes them as they are.

Reading the market is repeated on faults, since it changes nothing; so is writing to the store, where every write is idempotent.
What sends orders is not: the client order ids decide what has happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from structlog.contextvars import bound_contextvars

from arena.application import cycle
from arena.application.booking import Dialogue
from arena.application.cycle import Opening
from arena.application.deciding import Conversation
from arena.application.execution import execute as carry_out
from arena.application.lease import Held
from arena.application.leaving import leave_together
from arena.application.ports import Exchange
from arena.application.record import Alert, CycleRecord
from arena.application.sending import Execution
from arena.application.study import Study, study
from arena.application.sweep import Swept, sweep
from arena.application.venue import CaughtUp, catch_up
from arena.bootstrap import Arena
from arena.domain.competitor import SHARED_ACCOUNT, AccountMode, CompetitorId
from arena.domain.decision import Answer, Decision, InvalidDecision
from arena.domain.market import MarketSnapshot
from arena.domain.order import Leg
from arena.domain.plan import Desk, OrderPlan
from arena.errors import ModelFault
from arena.market import CYCLE_PATIENCE
from arena.repeated import repeated

ASKING_PAUSES = (1.0, 3.0, 9.0)  # seconds, between two attempts at a model
JITTER = 0.5  # of a pause, at most, added to it; as often it is shortened

Answered = Decision | InvalidDecision


def may_help(fault: object) -> bool:
    """Ask a model again only where the fault itself is called passing."""
    return isinstance(fault, ModelFault) and fault.transient


@repeated(1, 2)
async def protect(arena: Arena) -> Swept:
    """Settle, reconcile and protect: the first step of a cycle. Safe to repeat, since its orders keep their ids."""
    async with arena.acting() as held:
        return await sweep(arena.season.season_id, arena.records, held, arena.terms(thorough=True))


async def begin(arena: Arena) -> Opening:
    """Claim the cycle's number and load the state it starts from."""
    await arena.prepare(CYCLE_PATIENCE)
    return await cycle.open_cycle(arena.season.season_id, arena.venue.market, arena.records)


@repeated(1, 2, 4)
async def snapshot(arena: Arena, as_of: datetime) -> MarketSnapshot:
    """Fetch candles, marks and funding once, for all competitors."""
    return await arena.venue.market.snapshot(arena.season.symbols, as_of)


async def indicators(arena: Arena, taken: MarketSnapshot) -> Study:
    """Compute once, for all competitors, what the playbook shows."""
    return study(taken, arena.playbook, arena.venue.instruments)


@repeated(*ASKING_PAUSES, worth=may_help)
async def decide(llm_id: CompetitorId, conversation: Conversation) -> Answered:
    """Ask one model once; a retry gets what is left until the deadline.

    Raises:
        ModelFault: No usable completion; the cycle goes on without this competitor.
    """
    return await _ask(conversation)


@repeated(*ASKING_PAUSES, worth=may_help)
async def repair(llm_id: CompetitorId, conversation: Conversation) -> Answered:
    """Ask one model once more, with its own answer and what is wrong with it.

    Raises:
        ModelFault: As in `decide`.
    """
    return await _ask(conversation)


async def _ask(conversation: Conversation) -> Answered:
    """Ask once, as soon as the provider wants to be asked; where no other attempt fits, this fault is the one recorded."""
    await asyncio.sleep(conversation.quiet_seconds())
    try:
        return await conversation.ask()
    except ModelFault as fault:
        failed = conversation.failures()
        if not 1 <= failed <= len(ASKING_PAUSES) or not conversation.fits(ASKING_PAUSES[failed - 1] * (1 + JITTER)):
            fault.transient = False
        raise


async def settle(arena: Arena, held: Held) -> CaughtUp:
    """Book, in memory, what the venue did while the models were thinking."""
    return await catch_up(held.venue, await arena.records.state(arena.season.season_id, held.since), now=held.since)


async def plan(
    opening: Opening, caught: CaughtUp, answers: Mapping[CompetitorId, Answer], desk: Desk
) -> dict[CompetitorId, OrderPlan]:
    """Size and check every decision; what is not accepted becomes a rejection with its reason."""
    return cycle.plan_turns(opening, caught, answers, desk)


@repeated(1, 2, 4, 8, 16)
async def write_intents(arena: Arena, plans: Mapping[CompetitorId, OrderPlan]) -> None:
    """Write every order down before any is sent."""
    intents = [intent for plan in plans.values() for intent in plan.intents()]
    await arena.records.append_intents(arena.season.season_id, intents)


async def execute(
    arena: Arena, held: Held, opening: Opening, caught: CaughtUp, plans: Mapping[CompetitorId, OrderPlan]
) -> dict[CompetitorId, Execution]:
    """Send the orders, competitor by competitor in the cycle's order, after all have decided; a halt leaves only the exits."""

    def account_of(llm_id: CompetitorId) -> Exchange:
        return held.venue.accounts[arena.season.account_of(llm_id)]

    done = {llm_id: Execution(llm_id=llm_id) for llm_id in plans}
    if arena.season.account_mode is AccountMode.SHARED:
        entered = {intent.order.symbol for intent in opening.state.intents.values() if intent.leg is Leg.OPEN}
        await leave_together(plans, caught, entered, held.venue.accounts[SHARED_ACCOUNT], done, arena.clock)
    for llm_id, plan in plans.items():
        with bound_contextvars(competitor=llm_id):
            done[llm_id].begin(arena.clock)
            await carry_out(plan, account_of(llm_id), arena.why_halted, done[llm_id])
    return done


async def close(
    arena: Arena,
    held: Held,
    opening: Opening,
    seen: MarketSnapshot,
    dialogue: Dialogue,
    plans: Mapping[CompetitorId, OrderPlan],
    executions: Mapping[CompetitorId, Execution],
) -> CycleRecord:
    """Put together what is booked of the cycle, from the venue's own trades."""
    state = await arena.records.state(arena.season.season_id, held.since)
    record = await cycle.close_cycle(opening, state, held.venue, seen, dialogue, plans, executions)
    return replace(record, requests=arena.budget.calls.total(), request_weight=arena.budget.weight)


@repeated(1, 2, 4, 8, 16)
async def append(arena: Arena, record: CycleRecord) -> None:
    """Keep the whole cycle or nothing of it, once."""
    await arena.records.book(record)


async def notify(arena: Arena, alerts: Sequence[Alert]) -> None:
    """Keep alerts and deliver all that wait; a destination that fails or hangs neither fails a cycle nor holds it up."""
    await arena.notifier.notify(alerts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """How the steps of a cycle are done: as they are, where nothing else is said."""

    protect: Callable[[Arena], Awaitable[Swept]] = protect
    begin: Callable[[Arena], Awaitable[Opening]] = begin
    snapshot: Callable[[Arena, datetime], Awaitable[MarketSnapshot]] = snapshot
    indicators: Callable[[Arena, MarketSnapshot], Awaitable[Study]] = indicators
    decide: Callable[[CompetitorId, Conversation], Awaitable[Answered]] = decide
    repair: Callable[[CompetitorId, Conversation], Awaitable[Answered]] = repair
    settle: Callable[[Arena, Held], Awaitable[CaughtUp]] = settle
    plan: Callable[[Opening, CaughtUp, Mapping[CompetitorId, Answer], Desk], Awaitable[dict[CompetitorId, OrderPlan]]] = plan
    write_intents: Callable[[Arena, Mapping[CompetitorId, OrderPlan]], Awaitable[None]] = write_intents
    execute: Callable[
        [Arena, Held, Opening, CaughtUp, Mapping[CompetitorId, OrderPlan]], Awaitable[dict[CompetitorId, Execution]]
    ] = execute
    close: Callable[
        [Arena, Held, Opening, MarketSnapshot, Dialogue, Mapping[CompetitorId, OrderPlan], Mapping[CompetitorId, Execution]],
        Awaitable[CycleRecord],
    ] = close
    append: Callable[[Arena, CycleRecord], Awaitable[None]] = append
    notify: Callable[[Arena, Sequence[Alert]], Awaitable[None]] = notify


PLAIN = Steps()
