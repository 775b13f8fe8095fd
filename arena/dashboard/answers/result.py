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
    baseline: bool
    capital: Usdt
    equity: Usdt
    roi_gross: Fraction
    roi: Fraction
    roi_after_model_cost: Fraction | None
    max_drawdown: Fraction
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
    verdict_as_of: Time | None
    judging: bool
    remark: str
    fairness: FairnessLine
    competitors: list[Ranked]


class AccountRow(Answer):
    """A competitor's wallet."""

    llm_id: str
    initial_balance: Usdt
    current_balance: Usdt
    unrealized_pnl: Usdt
    equity: Usdt
    total_pnl: Usdt
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
    drawdown: list[Percent]


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
    first: dict[str, int]
    violations: int
    shown: list[ViolationRow]
