"""A Prefect server that answers 503: its database is SQLite, locked for the moment, and it means "ask again"."""

from __future__ import annotations

from typing import Any

import httpx
from tenacity import RetryCallState, retry_if_result, stop_after_delay, wait_random


def while_busy(seconds: float) -> dict[str, Any]:
    """Return how tenacity's `Retrying` and `AsyncRetrying` ask again, for so long; then the last answer is the answer."""
    return {
        "retry": retry_if_result(lambda answer: answer.status_code == httpx.codes.SERVICE_UNAVAILABLE),
        "wait": wait_random(0.1, 0.5),
        "stop": stop_after_delay(seconds),
        "retry_error_callback": _last_answer,
    }


def _last_answer(asked: RetryCallState) -> httpx.Response:
    assert asked.outcome is not None
    answer: httpx.Response = asked.outcome.result()
    return answer
