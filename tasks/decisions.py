"""Asking the models: all at the same time, under one deadline, each with its own retries."""

from __future__ import annotations

import asyncio
from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.tasks import Task

from arena.application.deciding import Asked, ask
from arena.application.ports import LanguageModel, Prompt
from arena.errors import ModelFault
from tasks.step import step


def _may_help(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Repeat only what can succeed: the fault is read from the state's data, since its result would raise."""
    fault = getattr(state.data, "value", state.data)
    return isinstance(fault, ModelFault) and fault.transient


@step(
    "decide",
    task_run_name="decide {llm_id}",
    retries=2,
    retry_delay_seconds=[1, 3],
    retry_jitter_factor=0.5,
    retry_condition_fn=_may_help,
)
async def decide(llm_id: str, model: LanguageModel, prompt: Prompt, symbols: tuple[str, ...], deadline: float) -> Asked:
    """Ask one model once; a retry gets what is left until the deadline, on the event loop's clock.

    Raises:
        ModelFault: No usable completion; the task is shown as failed, and the flow goes on without this competitor.
    """
    attempt = int(task_run.run_count or 1)
    return await ask(model, prompt, symbols, deadline - asyncio.get_running_loop().time(), attempt)
