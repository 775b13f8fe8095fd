"""Asking the models: all at the same time, under one deadline, each with its own retries."""

from __future__ import annotations

import asyncio

from prefect.runtime import task_run

from arena.application.deciding import Asked, ask
from arena.application.ports import LanguageModel, Prompt
from arena.errors import ModelFault
from tasks.step import JITTER, step

PAUSES_SECONDS = (1.0, 3.0)
LONGEST_PAUSE_SECONDS = max(PAUSES_SECONDS) * (1 + JITTER)


def may_help(fault: object) -> bool:
    """Repeat only what the fault itself calls passing."""
    return isinstance(fault, ModelFault) and fault.transient


@step("decide", task_run_name="decide {llm_id}", pauses=PAUSES_SECONDS, worth=may_help)
async def decide(llm_id: str, model: LanguageModel, prompt: Prompt, symbols: tuple[str, ...], deadline: float) -> Asked:
    """Ask one model once; a retry gets what is left until the deadline, on the event loop's clock.

    Raises:
        ModelFault: No usable completion; the task is shown as failed, and the flow goes on without this competitor.
    """
    clock = asyncio.get_running_loop().time
    try:
        return await ask(model, prompt, symbols, deadline - clock(), int(task_run.run_count or 1))
    except ModelFault as fault:
        if clock() + LONGEST_PAUSE_SECONDS >= deadline:
            fault.transient = False  # no time for another attempt: what is recorded is this fault, not the deadline
        raise
