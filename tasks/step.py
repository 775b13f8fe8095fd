"""What all tasks of the arena share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from arena.errors import ConfigurationError, CycleConflict, RateLimited

HOPELESS = (ConfigurationError, CycleConflict)
JITTER = 0.5  # of a pause, at most, added to it; as often it is shortened

P = ParamSpec("P")
R = TypeVar("R")


def worth_repeating(fault: object) -> bool:
    """Return whether another attempt can succeed; a banned address (418) must stay silent, or the ban grows."""
    return not isinstance(fault, HOPELESS) and not (isinstance(fault, RateLimited) and fault.banned)


def fault_of(state: State[Any]) -> object:
    """Return the exception of a failed attempt, from the state's data: asking for its result would raise it."""
    return getattr(state.data, "value", state.data)


def step(
    name: str, *, pauses: Sequence[float] = (), worth: Callable[[object], bool] = worth_repeating, **options: Any
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Make an async function a task whose arguments Prefect passes on without looking into them.

    A snapshot holds thousands of candles; Prefect would visit each of them, in every task, in search of futures.
    Results stay in the process: what must survive is in the store, and what must not happen twice is guarded there.
    Outside a flow run (a rehearsal, a benchmark) it is the function itself, repeated by the same rule.

    Args:
        name: As shown in the Prefect UI.
        pauses: Seconds before each repetition of a failed attempt; as many repetitions as there are pauses.
        worth: Whether a fault is worth a repetition.
        options: Of `prefect.task`: task_run_name, timeout_seconds. No tags: for each tagged task Prefect asks its server
            for a concurrency slot, which costs a round trip and, on a busy SQLite server, tens of seconds of waiting.
    """

    def may_repeat(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
        return worth(fault_of(state))

    if pauses:
        options |= {"retries": len(pauses), "retry_delay_seconds": list(pauses), "retry_jitter_factor": JITTER}
        options["retry_condition_fn"] = may_repeat

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        run: Any = task(name=name, cache_policy=NO_CACHE, persist_result=False, **options)(function)

        @wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if FlowRunContext.get() is None:
                return await _plainly(function, pauses, worth)(*args, **kwargs)
            passed = [arg if isinstance(arg, str | int | float) else quote(arg) for arg in args]
            result: R = await run(*passed, **kwargs)
            return result

        return call

    return decorate


def _plainly(
    function: Callable[P, Awaitable[R]], pauses: Sequence[float], worth: Callable[[object], bool]
) -> Callable[P, Awaitable[R]]:
    """Return the function with its repetitions, without Prefect."""

    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for pause in pauses:
            try:
                return await function(*args, **kwargs)
            except Exception as fault:
                if not worth(fault):
                    raise
            await asyncio.sleep(pause)
        return await function(*args, **kwargs)

    return call
