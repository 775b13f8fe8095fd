"""One trading cycle, composed of its steps: protect, see the market, ask all models at once, check, execute, book, tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from structlog.contextvars import bind_contextvars, bound_contextvars

from arena.application.alerts import store_alerts
from arena.application.booking import dialogue_of
from arena.application.cycle import Opening, liquidated_turns
from arena.application.deciding import Asked, Clock, Conversation, spent_budgets, spent_hours, unanswered, unrepaired
from arena.application.evidence import Asking
from arena.application.language_model import Prompt
from arena.application.prompt import prompt_hash
from arena.application.record import CycleRecord
from arena.bootstrap import Arena
from arena.domain.competitor import CompetitorId
from arena.domain.decision import Answer, InvalidDecision
from arena.domain.plan import Desk
from arena.errors import CycleConflict, ModelFault
from arena.logs import log_alerts
from arena.steps import PLAIN, Steps

BOOKING_TRIES = 3

log = logging.getLogger("arena.cycle")


async def run_cycle(arena: Arena, steps: Steps = PLAIN) -> CycleRecord | None:
    """Do the steps of a cycle; data flows from top to bottom, and nothing is sent before all have decided.

    None where the books cannot be explained: the season is then halted, and nobody is asked.
    """
    swept = await steps.protect(arena)
    log_alerts(log, swept.alerts)  # kept, and sent at the end: no cycle waits for those who read
    if swept.halt is not None:
        await arena.halt(swept.halt)
        await steps.notify(arena, ())
        return None
    opening = await steps.begin(arena)
    bind_contextvars(cycle=opening.number)
    missed = await arena.missed(opening)
    log_alerts(log, missed)
    arena.notifier.keep(missed)
    snapshot = await steps.snapshot(arena, opening.as_of)
    studied = await steps.indicators(arena, snapshot)
    prompts = arena.prompts(opening, snapshot, studied)
    asked = await ask_all(arena, steps, opening, prompts)
    record = await act(arena, steps, opening, arena.desk(opening.number, snapshot, studied), prompts, asked)
    await steps.notify(arena, store_alerts(arena.store_was_away, arena.records.away, record.closed_at))
    return record


async def act(
    arena: Arena,
    steps: Steps,
    opening: Opening,
    desk: Desk,
    prompts: Mapping[CompetitorId, Prompt],
    asked: Mapping[CompetitorId, Asked],
) -> CycleRecord:
    """Do what was decided, and book it; this run alone acts on the accounts meanwhile."""
    async with arena.acting() as held:
        caught = await steps.settle(arena, held)
        plans = await steps.plan(opening, caught, {llm_id: each.answer for llm_id, each in asked.items()}, desk)
        await steps.write_intents(arena, plans)
        executions = await steps.execute(arena, held, opening, caught, plans)
        configuration = arena.configuration(next(iter(prompts.values())).static)
        dialogue = dialogue_of(prompts, asked, plans, executions, configuration)
        for last in (*(False for _ in range(BOOKING_TRIES - 1)), True):
            record = await steps.close(arena, held, opening, desk.snapshot, dialogue, plans, executions)
            try:
                await steps.append(arena, record)
                arena.notifier.keep(record.alerts)
                break
            except CycleConflict:  # a sweep has booked after this run was held up: the venue's trades tell what is left to book
                if last:
                    raise
    return record


async def ask_all(
    arena: Arena, steps: Steps, opening: Opening, prompts: Mapping[CompetitorId, Prompt]
) -> dict[CompetitorId, Asked]:
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
    told = await asyncio.gather(
        *(ask_one(steps, llm_id, each, prompts[llm_id], clock, deadline_at) for llm_id, each in waiting.items())
    )
    return {**asked, **dict(zip(waiting, told, strict=True))}


async def ask_one(
    steps: Steps, llm_id: CompetitorId, conversation: Conversation, prompt: Prompt, clock: Clock, deadline_at: datetime
) -> Asked:
    """Ask one model, and note how it was asked; a failure is what is recorded of it."""
    asked_at = clock.now()
    with bound_contextvars(competitor=llm_id):
        try:
            answer: Answer = await converse(steps, llm_id, conversation)
        except (Exception, asyncio.CancelledError) as fault:  # cancelling the flow ends it all the same
            answer = unanswered(fault)
            log.warning("no answer: %s", answer.error)
    asking = Asking(prompt_hash=prompt_hash(prompt), asked_at=asked_at, deadline_at=deadline_at, answered_at=clock.now())
    return Asked(answer=answer, calls=tuple(conversation.calls), asking=asking)


async def converse(steps: Steps, llm_id: CompetitorId, conversation: Conversation) -> Answer:
    """Ask a model; an answer that states no decision goes back to it, once.

    Raises:
        ModelFault: It gave no answer at all.
    """
    answer = await steps.decide(llm_id, conversation)
    if not isinstance(answer, InvalidDecision):
        return answer
    try:
        return await steps.repair(llm_id, conversation)
    except ModelFault as fault:
        return unrepaired(answer, fault)
