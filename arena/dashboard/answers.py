"""What the API answers. Amounts are exact decimals as text, times are ISO 8601 in UTC, a fraction of 1 is no percentage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema


def _amount(unit: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "x-unit": unit})


def _time(clock: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "format": "date-time", "x-unit": f"ISO 8601, UTC, by {clock} clock"})


Usdt = Annotated[str, _amount("USDT")]
Usd = Annotated[str, _amount("US dollars")]
Price = Annotated[str, _amount("USDT for one of the base asset")]
Quantity = Annotated[str, _amount("base asset")]
Fraction = Annotated[str, _amount("fraction of 1")]
Percent = Annotated[str, _amount("percent")]
Hours = Annotated[str, _amount("hours")]
Number = Annotated[str, _amount("a number")]
Figure = Annotated[str, _amount("the unit of its label")]
Seconds = Annotated[str, _amount("seconds")]
Time = Annotated[str, _time("the venue's")]
MachineTime = Annotated[str, _time("this machine's")]
RunTime = Annotated[str, _time("the machine's that ran the cycle")]
Side = Literal["LONG", "SHORT"]


class Answer(BaseModel):
    """Base of all: what a row has besides is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Health(Answer):
    """Whether this process serves, and whether it has a season to show."""

    status: Literal["ok"] = "ok"
    ready: bool = Field(description="A season has been read.")
    store_away: bool
    looked_at: MachineTime | None


class CycleTimes(Answer):
    """When a cycle was due, and when it was booked."""

    number: int
    scheduled_at: Time
    closed_at: Time | None


class Status(Answer):
    """What happens now."""

    version: int = Field(description="Rises whenever something that is shown has changed.")
    season: str
    state: Literal["running", "halted", "ended"]
    reason: str = Field(description="Why it is halted or has ended.")
    since: Time
    market: str = Field(description="Where the prices come from.")
    market_kind: Literal["generated", "recorded", "paper", "testnet", "mainnet"]
    market_warning: str = Field(description="What is not real about it; empty with real money.")
    simulated_clock: bool = Field(description="The season's times are not the time of day.")
    account_mode: str
    strategy: str
    symbols: list[str]
    interval_seconds: int
    started_at: Time
    cycles: int = Field(description="Booked ones.")
    lost: int = Field(description="Begun and never booked.")
    last_cycle: CycleTimes | None
    under_way: CycleTimes | None = Field(description="The cycle that has begun and is not booked.")
    next_due_at: Time | None
    discrepancies: int = Field(description="How often books and venue differed.")
    store_away: bool = Field(description="The store cannot be reached; what is shown is of the last time it could.")


class Ranked(Answer):
    """A competitor in the ranking."""

    rank: int
    llm_id: str
    provider: str
    model: str
    baseline: bool = Field(description="A rule, not an LLM.")
    capital: Usdt
    equity: Usdt
    roi_gross: Fraction = Field(description="Of the capital, before fees and funding.")
    roi: Fraction = Field(description="Of the capital, after fees and funding.")
    roi_after_model_cost: Fraction | None = Field(description="A US dollar taken as a USDT; null where the cost is unknown.")
    max_drawdown: Fraction = Field(description="Largest fall from an earlier high.")
    wallet_balance: Usdt
    unrealized_pnl: Usdt
    fees: Usdt
    funding: Usdt = Field(description="Positive: paid.")
    trades: int
    win_rate: Fraction | None
    asked: int
    valid_answers: Fraction | None
    calls: int
    failed_calls: int
    repairs: int
    latency_seconds: Seconds | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    model_cost_usd: Usd | None


class FairnessLine(Answer):
    """Whether all were treated alike, in short."""

    fair: bool
    violations: int
    sentence: str


class Board(Answer):
    """The ranking, and what may be said about it."""

    season: str
    market: str
    cycles: int
    hours: Hours
    verdict: str
    remark: str = Field(description="How to read the ranking.")
    fairness: FairnessLine
    competitors: list[Ranked]


class AccountRow(Answer):
    """A competitor's wallet."""

    llm_id: str
    initial_balance: Usdt
    current_balance: Usdt = Field(description="The wallet: capital, realised profit, fees and funding.")
    unrealized_pnl: Usdt
    equity: Usdt
    total_pnl: Usdt = Field(description="What trading has changed of the wallet.")
    realized_pnl: Usdt
    fees: Usdt
    funding: Usdt
    insurance: Usdt
    total_trades: int
    winning_trades: int
    losing_trades: int


class Held(Answer):
    """An open position."""

    llm_id: str
    symbol: str
    side: Side
    quantity: Quantity
    leverage: int
    entry_price: Price
    mark_price: Price | None
    stop_price: Price | None
    target_price: Price | None
    unrealized_pnl: Usdt | None
    realized_pnl: Usdt
    fees: Usdt
    funding: Usdt
    opened_at: Time
    invalidation: str | None
    protected: bool = Field(description="Its stop rests at the venue.")


class Decided(Answer):
    """What a competitor decided about one symbol, and what came of it."""

    cycle: int
    llm_id: str
    time: Time
    decision_type: str
    symbol: str | None
    reasoning: str
    confidence: int | None
    size_percent: int | None
    leverage: int | None
    entry_type: str | None
    limit_price: Price | None
    stop_price: Price | None
    target_price: Price | None
    invalidation: str | None
    outcome: str


class Trade(Answer):
    """A position that was closed."""

    cycle: int
    llm_id: str
    symbol: str
    side: Side
    entry_price: Price
    exit_price: Price
    quantity: Quantity
    leverage: int
    pnl: Usdt = Field(description="Before fees and funding.")
    fees: Usdt
    funding: Usdt
    net_pnl: Usdt
    opened_at: Time
    closed_at: Time
    cause: str


class AlertRow(Answer):
    """What somebody was told."""

    cycle: int
    kind: str
    llm_id: str | None
    text: str
    time: Time


class Page(Answer):
    """Newest first."""

    before: int | None = Field(description="Ask for what follows with this; null where nothing does.")
    total: int = Field(description="Of the season, whoever's.")


class Decisions(Page):
    """Decisions, newest first."""

    decisions: list[Decided]


class Trades(Page):
    """Closed positions, newest first."""

    trades: list[Trade]


class Alerts(Page):
    """Alerts, newest first."""

    alerts: list[AlertRow]


class Curve(Answer):
    """A competitor's equity, thinned; each stretch's high and low are kept."""

    llm_id: str
    times: list[Time]
    equity: list[Usdt]
    drawdown: list[Percent] = Field(description="Below the highest point so far, ≤ 0.")


class Equity(Answer):
    """All curves."""

    capital: Usdt
    curves: list[Curve]


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


class Filled(Answer):
    """An execution."""

    symbol: str
    side: Literal["BUY", "SELL"]
    position_side: Side
    quantity: Quantity
    price: Price
    fee: Usdt
    realized_pnl: Usdt
    cause: str
    time: Time


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


class Cost(Answer):
    """What a competitor has cost so far."""

    llm_id: str
    model: str
    fees: Usdt
    funding: Usdt
    calls: int
    failed_calls: int
    repairs: int
    latency_seconds: Seconds | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    model_cost_usd: Usd | None
    model_cost_per_cycle_usd: Usd | None


class Costs(Answer):
    """What the season has cost so far."""

    cycles: int
    model_cost_usd: Usd | None = Field(description="Of all; null where one is unknown.")
    competitors: list[Cost]


class ViolationRow(Answer):
    """A rule that was broken."""

    cycle: int | None
    text: str


class FairnessFound(Answer):
    """Whether all were treated alike, and what was not."""

    season: str
    fair: bool
    sentence: str
    settings: str
    cycles: int
    lost: int
    asked: int
    first: dict[str, int] = Field(description="How often each was first in the order of sending.")
    violations: int
    shown: list[ViolationRow] = Field(description="The first of them.")


class Fault(Answer):
    """One wrong parameter."""

    field: str
    message: str


class Problem(Answer):
    """RFC 9457, application/problem+json."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None
