"""Who leads, what it is worth, what it has cost, and whether all were treated alike."""

from __future__ import annotations

from pydantic import Field

from arena.dashboard.answers.units import Answer, Fraction, Hours, Percent, Seconds, Time, Usd, Usdt


class Spent(Answer):
    """What a competitor has cost so far."""

    llm_id: str
    model: str
    fees: Usdt
    funding: Usdt = Field(description="Positive: paid.")
    calls: int
    failed_calls: int
    repairs: int
    latency_seconds: Seconds | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    model_cost_usd: Usd | None


class Ranked(Spent):
    """A competitor in the ranking."""

    rank: int
    provider: str
    baseline: bool = Field(description="A rule, not an LLM.")
    capital: Usdt
    equity: Usdt
    roi_gross: Fraction = Field(description="Of the capital, before fees and funding.")
    roi: Fraction = Field(description="Of the capital, after fees and funding.")
    roi_after_model_cost: Fraction | None = Field(description="A US dollar taken as a USDT; null where the cost is unknown.")
    max_drawdown: Fraction = Field(description="Largest fall from an earlier high.")
    wallet_balance: Usdt
    unrealized_pnl: Usdt
    trades: int
    win_rate: Fraction | None
    asked: int
    valid_answers: Fraction | None


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


class Cost(Spent):
    """What a competitor has cost so far, and a cycle of it."""

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
