"""What all tasks of the arena share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from arena.errors import ConfigurationError, CycleConflict, RateLimited

HOPELESS = (ConfigurationError, CycleConflict)


def fault_of(state: State[Any]) -> object:
    """Return the exception of a failed attempt, from the state's data: asking for its result would raise it."""
    return getattr(state.data, "value", state.data)


def worth_repeating(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Return whether another attempt can succeed; a banned address (418) must stay silent, or the ban grows."""
    fault = fault_of(state)
    return not isinstance(fault, HOPELESS) and not (isinstance(fault, RateLimited) and fault.banned)


P = ParamSpec("P")
R = TypeVar("R")


def step(name: str, **options: Any) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Make an async function a task whose arguments Prefect passes on without looking into them.

    A snapshot holds thousands of candles; Prefect would visit each of them, in every task, in search of futures.
    Results stay in the process: what must survive is in the store, and what must not happen twice is guarded there.

    Args:
        name: As shown in the Prefect UI.
        options: Of `prefect.task`: retries, task_run_name, timeout_seconds. No tags: for each tagged task Prefect asks its server
            for a concurrency slot, which costs a round trip and, on a busy SQLite server, tens of seconds of waiting.
    """

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        run: Any = task(name=name, cache_policy=NO_CACHE, persist_result=False, **options)(function)

        @wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            passed = [arg if isinstance(arg, str | int | float) else quote(arg) for arg in args]
            result: R = await run(*passed, **kwargs)
            return result

        return call

    return decorate
