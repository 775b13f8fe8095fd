"""Language models that say what the test wants, or fail the way it wants."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

from arena.application.language_model import Completion, Prompt
from arena.errors import ModelFault


def completion(text: str) -> Completion:
    return Completion(
        text=text,
        model="scripted-1",
        request_id="req",
        stop_reason="stop",
        input_tokens=100,
        cached_tokens=0,
        output_tokens=10,
        latency_ms=5,
        parameters={"max_tokens": 4000},
        cost_usd=Decimal(0),
    )


def part(symbol: str, action: str, **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "symbol": symbol,
        "action": action,
        "size_percent": 20,
        "leverage": 2,
        "entry_type": "market",
        "limit_price": None,
        "stop_price": None,
        "target_price": None,
        "confidence": 50,
        "invalidation": "the trend turns",
        "reason": "a test",
    }
    return {**usual, **changes}


def answer(*parts: dict[str, Any]) -> str:
    return json.dumps({"decisions": list(parts)})


HOLD = answer()


class ScriptedModel:
    """Gives its texts one after the other, the last one for ever; a fault in their place is raised.

    Attributes:
        prompts: What it was asked.
    """

    def __init__(self, *script: str | ModelFault, seconds: float = 0.0) -> None:
        self._script = list(script) or [HOLD]
        self._seconds = seconds
        self.prompts: list[Prompt] = []

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        self.prompts.append(prompt)
        said = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if self._seconds > timeout_seconds:
            await asyncio.sleep(timeout_seconds)
            raise ModelFault("no answer in time", kind="timeout", transient=True)
        await asyncio.sleep(self._seconds)
        if isinstance(said, ModelFault):
            raise ModelFault(str(said), kind=said.kind, transient=said.transient, retry_after=said.retry_after)
        return completion(said)
