"""What the season's judgement says: the verdict, the comparison, and what is told of each competitor."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from arena.dashboard.answers.units import Answer, Days, Fraction, Measured, Percent, Side, Time, Usd, Usdt


class Share(Answer):
    """A share, and where it may lie."""

    value: Fraction | None = Field(description="As it was; null where it cannot be told.")
    low: Fraction | None = Field(description="Lower end of its 90 % interval; null where it cannot be told.")
    high: Fraction | None = Field(description="Upper end of its 90 % interval; null where it cannot be told.")


class Estimate(Answer):
    """A figure, and where it may lie."""

    value: Measured | None = Field(description="As it was; null where it cannot be told.")
    low: Measured | None = Field(description="Lower end of its 90 % interval; null where it cannot be told.")
    high: Measured | None = Field(description="Upper end of its 90 % interval; null where it cannot be told.")


class Line(Answer):
    """One row of the comparison."""

    kind: Literal["model", "rule", "baseline"] = Field(
        description="A model, a rule that plays in a model's place, or what only serves as a measure."
    )
    name: str
    label: str = Field(description="The model, or how a baseline trades.")
    equity: Usdt | None = Field(description="At the end of the judgement's last cycle.")
    roi: Share = Field(description="Of the capital, after fees, funding and slippage.")
    gross: Fraction | None
    after_model_cost: Fraction | None
    measures: dict[str, Estimate]
    trades: int = Field(description="Positions opened by a baseline, closed by a competitor.")
    refused: int
    drawn: list[Usdt | None]


class Versus(Answer):
    """Two contestants, day by day."""

    first: str = Field(description="One contestant.", examples=["claude-sonnet-5-5"])
    second: str
    difference: Fraction | None
    low: Fraction | None = Field(description="Lower end of the difference's interval.")
    high: Fraction | None = Field(description="Upper end of the difference's interval.")
    p: Fraction | None
    adjusted: Fraction | None
    days: Days | None = Field(description="In all, until a difference of this size would be told from none; null: never.")


class Chance(Answer):
    """A competitor among those who make its trades at random instants."""

    percentile: Percent | None
    low: Fraction | None = Field(description="The ROI of the 5th percentile of them.")
    median: Fraction | None
    high: Fraction | None = Field(description="The ROI of the 95th percentile of them.")
    traders: int
    why: str


class Part(Answer):
    """What a symbol and side brought, positive where it was gained."""

    symbol: str = Field(description="The pair.")
    side: Side
    price: Usdt = Field(description="What the price moved, had every order traded where it was meant to.")
    fee: Usdt = Field(description="Negative: paid to the venue.")
    funding: Usdt = Field(description="Negative: paid; positive: received.")
    slippage: Usdt
    insurance: Usdt
    total: Usdt = Field(description="All of it; all parts together are the profit.", examples=["7.7785"])


class Group(Answer):
    """Trades with nearly the same stated confidence."""

    trades: int = Field(description="Closed positions in the group.")
    stated: Fraction
    hit_rate: Fraction
    lowest: Fraction = Field(description="From here the hit rate is one that a calibrated model shows.", examples=["0.35"])
    highest: Fraction = Field(description="Up to here the hit rate is one that a calibrated model shows.", examples=["0.85"])


class Confidence(Answer):
    """What stated confidences were worth."""

    trades: int = Field(description="Closed positions with a stated confidence.")
    brier: Fraction | None
    error: Fraction | None = Field(description="Mean distance of stated confidence and hit rate; null where it cannot be told.")
    expected: Fraction | None
    most: Fraction | None
    sentence: str
    groups: list[Group]


class Subject(Answer):
    """What is told of one competitor beside its line."""

    llm_id: str
    model: str
    contestant: str
    pnl: Usdt = Field(description="Equity less capital; the parts add up to it.")
    parts: list[Part]
    chance: Chance
    confidence: Confidence = Field(description="What its stated confidences were worth.")
    asked: int
    valid_rate: Fraction | None
    repairs: int
    late: int
    hold_rate: Fraction | None
    rejected: dict[str, int]
    calls: int
    tokens: int
    cost_usd: Usd | None = Field(description="What its calls have cost; null where one is unknown.")
    cost_usd_a_day: Usd | None
    liquidated: list[Time]


class Twins(Answer):
    """How far a model differs from itself."""

    name: str
    llm_ids: list[str]
    within: Fraction
    between: Fraction | None


class Silence(Answer):
    """A time without a booked cycle."""

    since: Time = Field(description="From here.")
    until: Time


class Judged(Answer):
    """A season, judged; the same as `runs/SEASON/verdict.json`."""

    season: str
    market: str
    as_of: Time = Field(description="End of the last cycle that was judged.")
    cycles: int = Field(description="Cycles that were judged.")
    days: Days = Field(description="With data.")
    interval_seconds: int
    headline: str
    details: list[str]
    remarks: list[str]
    winner: str | None
    leader: str | None
    contestants: list[str]
    top: dict[str, Fraction] | None
    kept: list[str] | None
    luck: Fraction | None
    days_needed: Days | None
    versus: list[Versus]
    times: list[Time] = Field(description="Of `drawn` of every line.")
    lines: list[Line]
    subjects: list[Subject]
    replicas: list[Twins]
    gaps: list[Silence]


class Verdict(Judged):
    """The newest judgement, and how old it is."""

    behind: int
