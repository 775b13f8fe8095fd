"""What all tasks of the arena share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from arena.repeated import Repeated
from arena.steps import JITTER

P = ParamSpec("P")
R = TypeVar("R")


def fault_of(state: State[Any]) -> object:
    """Return the exception of a failed attempt, from the state's data: asking for its result would raise it."""
    return getattr(state.data, "value", state.data)


def observed(name: str, **options: Any) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Make a step a task, whose arguments Prefect passes on without looking into them; it repeats what the step repeats.

    A snapshot holds thousands of candles; Prefect would visit each of them, in every task, in search of futures.
    Results stay in the process: what must survive is in the store, and what must not happen twice is guarded there.
    Outside a flow run it is the step itself.

    Args:
        name: As shown in the Prefect UI.
        options: Of `prefect.task`: task_run_name, timeout_seconds. No tags: for each tagged task Prefect asks its server
            for a concurrency slot, which costs a round trip and, on a busy SQLite server, tens of seconds of waiting.
    """

    def decorate(step: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        once: Callable[P, Awaitable[R]] = step.once if isinstance(step, Repeated) else step
        run: Any = task(name=name, cache_policy=NO_CACHE, persist_result=False, **_repetitions(step), **options)(once)

        @wraps(once)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if FlowRunContext.get() is None:
                return await step(*args, **kwargs)
            passed = [arg if isinstance(arg, str | int | float) else quote(arg) for arg in args]
            result: R = await run(*passed, **kwargs)
            return result

        return call

    return decorate


def _repetitions(step: object) -> dict[str, Any]:
    """Return the options by which Prefect repeats what the step repeats."""
    if not isinstance(step, Repeated):
        return {}
    worth = step.worth

    def may_repeat(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
        return worth(fault_of(state))

    return {
        "retries": len(step.pauses),
        "retry_delay_seconds": list(step.pauses),
        "retry_jitter_factor": JITTER,
        "retry_condition_fn": may_repeat,
    }
