"""What an answer cost: by the user's own prices or by the list that genai-prices carries; nothing is looked up online."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from arena.domain.competitor import ModelSpec, Provider

MILLION = 1_000_000
WRITING = Decimal("1.25")  # times the input price, of tokens that are written into the cache: at Anthropic and OpenAI
WRITING_1H = Decimal(2)  # for an hour, at Anthropic
_NAME_IN_LIST = {Provider.CLAUDE: "anthropic", Provider.DEEPSEEK: "deepseek", Provider.OPENAI: "openai"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a call took, tokens.

    Attributes:
        input: All of the prompt.  cached: Of these, read from the provider's cache.  written: Of these, written into it.
        written_1h: Of the written ones, those kept for an hour, which cost more.
    """

    input: int
    output: int
    cached: int = 0
    written: int = 0
    written_1h: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPrices:
    """A competitor's prices where the list lacks its model, USD for a million tokens."""

    input: Decimal
    cached: Decimal
    output: Decimal

    def cost_usd(self, tokens: Tokens) -> Decimal | None:
        """Return the price of one call; None where the counts contradict each other."""
        plain = tokens.input - tokens.cached - tokens.written
        if plain < 0 or tokens.written_1h > tokens.written:
            return None
        weighed = plain + (tokens.written - tokens.written_1h) * WRITING + tokens.written_1h * WRITING_1H
        return (weighed * self.input + tokens.cached * self.cached + tokens.output * self.output) / MILLION


def load_prices() -> None:
    """Load the list, which takes a while: ahead of the calls, since it would count as the latency of whoever waits meanwhile."""
    from genai_prices import data_snapshot

    data_snapshot.get_snapshot()


def cost_usd(
    spec: ModelSpec, answered_by: str, tokens: Tokens, own: OwnPrices | None = None, asked_at: datetime | None = None
) -> Decimal | None:
    """Return the price of one call, USD.

    Args:
        spec: Whom it was asked of; a baseline costs nothing.
        answered_by: The version that the provider says answered; the configured name is tried where the list lacks it.
        tokens: What the call took.
        own: Used instead of the list where given.
        asked_at: For providers with peak hours; None for now.

    Returns:
        None where the list lacks the model or the server at `base_url`, or the counts contradict each other.
    """
    if spec.baseline:
        return Decimal(0)
    if own is not None:
        return own.cost_usd(tokens)
    from genai_prices import Usage, calc_price

    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cached,
        cache_write_tokens=tokens.written,
        cache_write_1h_tokens=tokens.written_1h,
    )
    for model in dict.fromkeys((answered_by, spec.model)):
        try:
            if spec.base_url is None:
                name = _NAME_IN_LIST[spec.provider]
                return calc_price(usage, model, provider_id=name, genai_request_timestamp=asked_at).total_price
            return calc_price(usage, model, provider_api_url=spec.base_url, genai_request_timestamp=asked_at).total_price
        except (LookupError, ValueError):
            continue
    return None


def is_priced(spec: ModelSpec, own: OwnPrices | None = None) -> bool:
    """Return whether the calls of a model will have a price."""
    return cost_usd(spec, spec.model, Tokens(input=1, output=1), own) is not None
