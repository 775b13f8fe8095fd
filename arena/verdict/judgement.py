"""All that is said about a season, as the report, the page and `arena verdict` show it; every figure is computed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Literal

from arena.analysis.calibration import Group
from arena.domain.money import plain
from arena.verdict.contestants import Replicas
from arena.verdict.hours import Gap

DIGITS = 6  # after the point, of what is told of a double


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure and where it may lie, in its own unit; None where it cannot be told.

    Attributes:
        low, high: 90 % interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the comparison.

    Attributes:
        kind: A model, a rule that plays in a model's place, or what only serves as a measure.
        name: llm_id, or a baseline's name.
        label: The model, or how a baseline trades.
        equity: USDT at the end.
        roi: Fraction, after fees, funding and slippage.
        gross: Fraction, before these; None for baselines.
        after_model_cost: Fraction, 1 USD taken for 1 USDT; None where a price is not known.
        measures: By name; see `arena.analysis.performance`.
        trades: Positions opened by a baseline, closed by a competitor.
        refused: Openings that the venue's limits refused a baseline.
        drawn: USDT at the judgement's times, thinned for drawing.
    """

    kind: Literal["model", "rule", "baseline"]
    name: str
    label: str
    equity: float
    roi: Estimate
    gross: float | None
    after_model_cost: float | None
    measures: Mapping[str, Estimate]
    trades: int
    refused: int
    drawn: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """Two contestants by name; see `arena.analysis.inference.Pair`."""

    first: str
    second: str
    difference: float
    low: float | None
    high: float | None
    p: float
    adjusted: float
    days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """A competitor among those who make its trades at random instants.

    Attributes:
        percentile: How many of them it leaves behind, 0 to 100; None where that cannot be told.
        low, median, high: The 5th, 50th and 95th percentile of what they have, as a ROI, fraction.
        traders: How many.
        why: What keeps it from being told; empty where nothing does.
    """

    percentile: float | None
    low: float | None
    median: float | None
    high: float | None
    traders: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a symbol and side brought a competitor, USDT, positive is gained; see `arena.analysis.attribution.Share`."""

    symbol: str
    side: str
    price: Decimal
    fee: Decimal
    funding: Decimal
    slippage: Decimal
    insurance: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """What a competitor's stated confidences were worth; see `arena.analysis.calibration.Reliability`."""

    trades: int
    brier: float | None
    error: float | None
    expected: float | None
    most: float | None
    sentence: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is told of one competitor beside its line.

    Attributes:
        contestant: Name of the model that it plays for.
        pnl: Equity − capital, USDT; the parts add up to it.
        asked, valid_rate, repairs, late, hold_rate, rejected, calls, tokens, cost_usd: See `arena.verdict.conduct.Conduct`.
        cost_usd_a_day: By the days of the season; None where a price is not known or there is no day yet.
        liquidated: When, UTC.
    """

    llm_id: str
    model: str
    contestant: str
    pnl: Decimal
    parts: tuple[Part, ...]
    chance: Chance
    confidence: Confidence
    asked: int
    valid_rate: float | None
    repairs: int
    late: int
    hold_rate: float | None
    rejected: Mapping[str, int]
    calls: int
    tokens: int
    cost_usd: Decimal | None
    cost_usd_a_day: float | None
    liquidated: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A season, judged.

    Attributes:
        as_of: End of the last booked cycle's interval; None before the first.
        cycles: Booked ones.
        days: With data.
        headline: The verdict.
        details: What supports it, a sentence each.
        remarks: What a reader must know besides: gaps, liquidations, rules in models' places, what is missing and why.
        winner, leader: Names of contestants.
        contestants: Their names, by ROI.
        top: How likely each contestant is on top.
        kept: Contestants in the 90 % Model Confidence Set; None where there is too little data.
        luck: How often equals show such a gap between first and second.
        days_needed: In all, to settle the lead.
        times: Of the lines' `drawn`, UTC.
        lines: Competitors by ROI, then baselines.
    """

    season: str
    market: str
    as_of: datetime | None
    cycles: int
    days: float
    interval_seconds: int
    headline: str
    details: tuple[str, ...]
    remarks: tuple[str, ...]
    winner: str | None
    leader: str | None
    contestants: tuple[str, ...]
    top: Mapping[str, float] | None
    kept: tuple[str, ...] | None
    luck: float | None
    days_needed: float | None
    versus: tuple[Versus, ...]
    times: tuple[datetime, ...]
    lines: tuple[Line, ...]
    subjects: tuple[Subject, ...]
    replicas: tuple[Replicas, ...]
    gaps: tuple[Gap, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object of `verdict.json`: decimals and doubles as strings, times as ISO 8601 UTC."""
        found: dict[str, Any] = _told(self)
        return found


def _told(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _told(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: _told(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_told(each) for each in value]
    return _text(value)


def _text(value: Any) -> Any:
    match value:
        case float():
            return plain(Decimal(f"{value:.{DIGITS}f}")) if isfinite(value) else None
        case Decimal():
            return plain(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value
