"""One cycle, and one competitor: side by side, in full, and how all were treated."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from arena.dashboard.answers.result import Ranked
from arena.dashboard.answers.trading import Decided, Fill, Held, Trade
from arena.dashboard.answers.units import Answer, Fraction, Number, RunTime, Seconds, Time, Usd


class Call(Answer):
    """A call of a model."""

    number: int
    purpose: str
    latency_ms: int
    fault: str | None
    error: str | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cost_usd: Usd | None


class Filled(Fill):
    """An execution."""

    symbol: str


class TurnRow(Answer):
    """One competitor's part of a cycle."""

    llm_id: str
    answer: Literal["decision", "invalid", "no_answer"]
    failure: str | None
    error: str | None
    summary: str
    calls: list[Call]
    decisions: list[Decided]
    fills: list[Filled] = Field(description="Booked with the cycle, or by a sweep before the next one.")


class CycleStory(Answer):
    """A booked cycle, the competitors side by side."""

    number: int
    scheduled_at: Time
    closed_at: Time
    prompt_hash: str
    execution_order: list[str] = Field(description="In which orders were sent.")
    before: int | None = Field(description="The booked cycle before.")
    after: int | None
    turns: list[TurnRow]


class Competitor(Answer):
    """One competitor: what it is, where it stands, what it holds and why."""

    standing: Ranked
    base_url_host: str | None = Field(description="Of its own server, where it has one.")
    max_tokens: int
    temperature: Number | None
    thinking: bool | None
    reasoning_effort: str | None
    seed: int | None
    positions: list[Held]
    decisions: list[Decided]
    trades: list[Trade]


class CallInFull(Answer):
    """A call of a model, with what came back to the letter."""

    number: int
    purpose: Literal["decide", "repair"]
    begun_at: RunTime
    latency_ms: int
    fault: str | None
    error: str | None
    retry_after_ms: int | None
    request_id: str | None
    model: str | None = Field(description="As the provider names what has answered; null without an answer.")
    stop_reason: str | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cost_usd: Usd | None
    parameters: str | None
    text: str | None = Field(description="The answer to the letter: text, never markup; null without one.")


class TurnInFull(Answer):
    """What one competitor was sent in a cycle, and what came back."""

    number: int
    scheduled_at: Time
    llm_id: str
    before: int | None
    after: int | None
    prompt_hash: str | None = Field(description="SHA-256 of what it was sent of the shared prompt; null where it was not asked.")
    static_prompt: str | None
    market_prompt: str | None
    account_prompt: str
    answer: Literal["decision", "invalid", "no_answer"]
    failure: str | None
    error: str | None
    summary: str
    calls: list[CallInFull]


class Asked(Answer):
    """How one competitor was asked in a cycle."""

    llm_id: str
    prompt_hash: str | None = Field(description="SHA-256 of what it was sent of the shared prompt; null where it was not asked.")
    same_prompt: bool | None
    settings: str = Field(description="What it was sent beside the prompt, in words that are the same for every provider.")
    asked_at: RunTime | None
    answered_seconds: Seconds | None
    deadline_seconds: Seconds | None
    ordered_seconds: Seconds | None
    latency_ms: int = Field(description="Of all its calls together, milliseconds.")
    failure: str | None


class CycleFairness(Answer):
    """How one cycle treated all."""

    number: int
    scheduled_at: Time
    before: int | None
    after: int | None
    sentence: str
    broken: list[str]
    prompt_hash: str
    snapshot_hash: str
    configuration_hash: str
    execution_order: list[str]
    turns: list[Asked]


class BucketRow(Answer):
    """The closed trades that were opened with about the same confidence."""

    lowest: int
    highest: int
    trades: int = Field(description="Closed positions that were opened with it.")
    hits: int
    stated: Fraction | None
    hit_rate: Fraction | None
    enough: bool


class Calibrated(Answer):
    """Stated confidence against what came of the trade."""

    llm_id: str
    sentence: str
    trades: int = Field(description="Closed positions in the buckets.")
    unknown: int
    buckets: list[BucketRow]
