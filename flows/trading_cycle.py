"""One trading cycle: protect, see the market, ask all models at once, check, execute, book, tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Completed
from structlog.contextvars import bind_contextvars, bound_contextvars

from arena.application.alerts import store_alerts
from arena.application.booking import dialogue_of
from arena.application.cycle import Opening, liquidated_turns
from arena.application.deciding import Asked, Clock, Conversation, spent_budgets, spent_hours, unanswered, unrepaired
from arena.application.evidence import Asking
from arena.application.language_model import Prompt
from arena.application.lateness import left_out
from arena.application.prompt import prompt_hash
from arena.application.record import CycleRecord
from arena.bootstrap import Arena, open_arena
from arena.configuration import load_settings
from arena.domain.competitor import CompetitorId
from arena.domain.decision import Answer, InvalidDecision, NoAnswer
from arena.domain.plan import Desk
from arena.errors import CycleConflict, ModelFault
from arena.halting import halted
from tasks import artifacts, decisions, market, notifications, orders, protection, records
from tasks.logs import begin_logging, log_alerts

BOOKING_TRIES = 3

log = logging.getLogger("arena.cycle")


def run_name() -> str:
    """Return a run's name in the Prefect UI: when it was to start."""
    return f"{flow_run.scheduled_start_time or datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


@flow(name="trading-cycle", flow_run_name=run_name, validate_parameters=False)
async def trading_cycle() -> CycleRecord | State[None]:
    """Run one cycle of the season that `.env` configures, and return what was booked.

    It ends as "Halted" while the season does not run, and as "Skipped" where it comes too late and another has done its cycle.
    """
    settings = load_settings()
    begin_logging(settings)
    if why := halted(settings):
        return Completed(name="Halted", message=f"{settings.halt_file}: {why}")
    async with open_arena(settings) as arena:
        if why := await arena.standing_still():
            return Completed(name="Halted", message=why)
        if why := await too_late(arena):
            return Completed(name="Skipped", message=why)
        record = await run_cycle(arena)
        if record is None:
            return Completed(name="Halted", message=await arena.standing_still())
        await artifacts.show(arena, record)
    _tell(record)
    return Completed(message=in_words(record), data=record)


async def too_late(arena: Arena) -> str | None:
    """Return why a run of the schedule does no cycle; one that a person has started, or repeats, always does one."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or not run.auto_scheduled or run.run_count > 1 or run.expected_start_time is None:
        return None
    interval = timedelta(seconds=arena.season.interval_seconds)
    return left_out(run.expected_start_time, datetime.now(UTC), interval, await arena.age())


def _tell(record: CycleRecord) -> None:
    log.info("cycle %d booked: %s", record.number, in_words(record))
    log_alerts(log, record.alerts)


async def run_cycle(arena: Arena) -> CycleRecord | None:
    """Compose the tasks of a cycle; data flows from top to bottom, and nothing is sent before all have decided.

    None where the books cannot be explained: the season is then halted, and nobody is asked.
    """
    swept = await protection.protect(arena)
    log_alerts(log, swept.alerts)  # kept, and sent at the end: no cycle waits for those who read
    if swept.halt is not None:
        await arena.halt(swept.halt)
        await notifications.notify(arena, ())
        return None
    opening = await records.begin(arena)
    bind_contextvars(cycle=opening.number)
    missed = await arena.missed(opening)
    log_alerts(log, missed)
    arena.notifier.keep(missed)
    snapshot = await market.snapshot(arena, opening.as_of)
    studied = await market.indicators(arena, snapshot)
    prompts = arena.prompts(opening, snapshot, studied)
    asked = await ask_all(arena, opening, prompts)
    record = await act(arena, opening, arena.desk(opening.number, snapshot, studied), prompts, asked)
    await notifications.notify(arena, store_alerts(arena.store_was_away, arena.records.away, record.closed_at))
    return record


async def act(
    arena: Arena, opening: Opening, desk: Desk, prompts: Mapping[CompetitorId, Prompt], asked: Mapping[CompetitorId, Asked]
) -> CycleRecord:
    """Do what was decided, and book it; this run alone acts on the accounts meanwhile."""
    async with arena.acting() as held:
        caught = await orders.settle(arena, held)
        plans = await orders.plan(opening, caught, {llm_id: each.answer for llm_id, each in asked.items()}, desk)
        await records.write_intents(arena, plans)
        executions = await orders.execute(arena, held, opening, caught, plans)
        configuration = arena.configuration(next(iter(prompts.values())).static)
        dialogue = dialogue_of(prompts, asked, plans, executions, configuration)
        for last in (*(False for _ in range(BOOKING_TRIES - 1)), True):
            record = await orders.close(arena, held, opening, desk.snapshot, dialogue, plans, executions)
            try:
                await records.append(arena, record)
                arena.notifier.keep(record.alerts)
                break
            except CycleConflict:  # a sweep has booked after this run was held up: the venue's trades tell what is left to book
                if last:
                    raise
    return record


async def ask_all(arena: Arena, opening: Opening, prompts: Mapping[CompetitorId, Prompt]) -> dict[CompetitorId, Asked]:
    """Ask all models at the same time under one deadline; a model that fails costs nobody else anything."""
    asked = {
        **spent_hours(opening.state, opening.as_of, arena.settings.llm_max_decisions_per_hour),
        **spent_budgets(opening.state, arena.settings.llm_daily_budget_usd),
        **liquidated_turns(opening),
    }
    seconds = arena.settings.llm_deadline_seconds
    clock = Clock(seconds=asyncio.get_running_loop().time, now=arena.clock)
    deadline, deadline_at = clock.seconds() + seconds, clock.now() + timedelta(seconds=seconds)
    waiting = {
        llm_id: Conversation(arena.models[llm_id], prompt, arena.season.symbols, deadline, clock)
        for llm_id, prompt in prompts.items()
        if llm_id not in asked
    }
    told = await asyncio.gather(*(ask_one(llm_id, each, prompts[llm_id], clock, deadline_at) for llm_id, each in waiting.items()))
    return {**asked, **dict(zip(waiting, told, strict=True))}


async def ask_one(llm_id: CompetitorId, conversation: Conversation, prompt: Prompt, clock: Clock, deadline_at: datetime) -> Asked:
    """Ask one model, and note how it was asked; a failure is what is recorded of it."""
    asked_at = clock.now()
    with bound_contextvars(competitor=llm_id):
        try:
            answer: Answer = await converse(llm_id, conversation)
        except (Exception, asyncio.CancelledError) as fault:  # cancelling the flow ends it all the same
            answer = unanswered(fault)
            log.warning("no answer: %s", answer.error)
    asking = Asking(prompt_hash=prompt_hash(prompt), asked_at=asked_at, deadline_at=deadline_at, answered_at=clock.now())
    return Asked(answer=answer, calls=tuple(conversation.calls), asking=asking)


async def converse(llm_id: CompetitorId, conversation: Conversation) -> Answer:
    """Ask a model; an answer that states no decision goes back to it, once.

    Raises:
        ModelFault: It gave no answer at all.
    """
    answer = await decisions.decide(llm_id, conversation)
    if not isinstance(answer, InvalidDecision):
        return answer
    try:
        return await decisions.repair(llm_id, conversation)
    except ModelFault as fault:
        return unrepaired(answer, fault)


def in_words(record: CycleRecord) -> str:
    """Return a cycle in a line, by which a day's history can be read at a glance."""
    worth = ", ".join(f"{point.llm_id} {point.equity:.2f}" for point in record.equity)
    silent = [turn.llm_id for turn in record.turns if isinstance(turn.answer, NoAnswer)]
    sent = sum(len(turn.outcomes) for turn in record.turns)
    failed = f"; no answer from {', '.join(silent)}" if silent else ""
    return f"{worth} USDT; {sent} orders{failed}; {record.requests} requests, weight {record.request_weight}"
