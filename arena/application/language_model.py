"""The models, as the use cases see them: what is asked, what comes back, and the port that asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from arena.application.repair import Repair
from arena.domain.competitor import CompetitorId

_CUT_OFF = frozenset({"length", "max_tokens", "model_context_window_exceeded"})  # OpenAI and DeepSeek; Anthropic's two


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is asked.

    Attributes:
        static: The season's rules; byte-identical in every cycle, first so that provider caches work.
        market: The cycle's market; byte-identical for all competitors.
        account: The competitor's own section.
        schema: JSON schema of the answer.
        repair: What is to be repaired; everything before it stays the same to the byte.
    """

    static: str
    market: str
    account: str
    schema: Mapping[str, Any]
    repair: Repair | None = None

    @property
    def user(self) -> str:
        """The part sent as the user's message."""
        return f"{self.market}\n{self.account}"

    @property
    def messages(self) -> tuple[dict[str, str], ...]:
        """What follows the rules, with `role` and `content` as all providers call them."""
        asked = {"role": "user", "content": self.user}
        if self.repair is None:
            return (asked,)
        return (asked, {"role": "assistant", "content": self.repair.text}, {"role": "user", "content": self.repair.request})


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's raw answer and what it took.

    Attributes:
        text: As received.
        model: The version that the provider says answered.
        input_tokens: All of them, cached ones included.  cached_tokens: Of these, read from the provider's cache.
        latency_ms: Of the call, as the adapter measured it.
        parameters: What was really sent (max tokens, temperature where it was), without keys.
        cost_usd: None where the price is unknown.
    """

    text: str
    model: str
    request_id: str | None
    stop_reason: str | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    latency_ms: int
    parameters: Mapping[str, Any]
    cost_usd: Decimal | None

    @property
    def cut_off(self) -> bool:
        """Whether the text ends where a limit was reached, not where the model was done."""
        return self.stop_reason in _CUT_OFF


class LanguageModel(Protocol):
    """One competitor's model."""

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        """Ask once, without retries.

        Raises:
            ModelFault: No usable completion; its `transient` says whether asking again may help.
        """
        ...


Models = Mapping[CompetitorId, LanguageModel]
