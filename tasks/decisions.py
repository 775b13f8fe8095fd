"""Asking the models: all at the same time, under one deadline, each with its own retries."""

from __future__ import annotations

import asyncio

from arena.application.deciding import Conversation
from arena.domain.decision import Decision, InvalidDecision
from arena.errors import ModelFault
from tasks.step import JITTER, step

PAUSES_SECONDS = (1.0, 3.0, 9.0)


def may_help(fault: object) -> bool:
    """Repeat only what the fault itself calls passing."""
    return isinstance(fault, ModelFault) and fault.transient


@step("decide", task_run_name="decide {llm_id}", pauses=PAUSES_SECONDS, worth=may_help)
async def decide(llm_id: str, conversation: Conversation) -> Decision | InvalidDecision:
    """Ask one model once; a retry gets what is left until the deadline.

    Raises:
        ModelFault: No usable completion; the task is shown as failed, and the flow goes on without this competitor.
    """
    return await _ask(conversation)


@step("repair", task_run_name="repair {llm_id}", pauses=PAUSES_SECONDS, worth=may_help)
async def repair(llm_id: str, conversation: Conversation) -> Decision | InvalidDecision:
    """Ask one model once more, with its own answer and what is wrong with it.

    Raises:
        ModelFault: As in `decide`.
    """
    return await _ask(conversation)


async def _ask(conversation: Conversation) -> Decision | InvalidDecision:
    """Ask once, as soon as the provider wants to be asked; where no other attempt fits, this fault is the one recorded."""
    await asyncio.sleep(conversation.quiet_seconds())
    try:
        return await conversation.ask()
    except ModelFault as fault:
        failed = conversation.failures()
        if not 1 <= failed <= len(PAUSES_SECONDS) or not conversation.fits(PAUSES_SECONDS[failed - 1] * (1 + JITTER)):
            fault.transient = False
        raise
