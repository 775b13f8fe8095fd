"""A plausible judgement of the story's season, written by hand: three competitors, seven baselines, a winner nowhere near."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from math import sin
from pathlib import Path

from arena.analysis.calibration import Group
from arena.verdict.contestants import Replicas
from arena.verdict.judgement import Chance, Confidence, Estimate, Judgement, Line, Part, Subject, Versus
from tests.fakes.season import MODELS, START, STEP

HEADLINE = (
    "No winner yet. claude-sonnet-5-5 leads deepseek-v4-pro by 3.1 points; "
    "two equal models would show a gap this wide in 41 of 100 seasons."
)
BASELINES = (
    ("cash", "holds USDT and never trades", 0.0, 0.0, 0),
    ("BTC hold", "buys BTCUSDT with all of its capital at the first cycle and keeps it", 0.011, 0.09, 1),
    ("equal weight", "buys every symbol with an equal share of the capital at the first cycle and keeps them", 0.004, 0.1, 3),
    ("EMA cross", "in every symbol, with an equal share of the capital: long above the cross, short below it", -0.021, 0.06, 14),
    ("RSI", "in every symbol, with an equal share of the capital: buys below 30, sells above 70", 0.006, 0.05, 9),
    ("MACD", "in every symbol, with an equal share of the capital: long above its signal, short below it", -0.034, 0.07, 21),
    ("matched random, median", "makes the leader's trades at random instants", -0.022, 0.06, 20),
)
ROI = {"LLM-A": 0.064, "LLM-B": 0.033, "LLM-C": -0.027}
_PERCENTILE = {"LLM-A": 84.0, "LLM-B": 71.0, "LLM-C": 46.0}
POINTS = 40


def judgement(cycles: int = 12, season: str = "test", roi: Mapping[str, float] = ROI) -> Judgement:
    """Return what could be said of so many cycles of the story.

    Args:
        roi: Fractions, by llm_id.
    """
    times = tuple(START + STEP * cycles * (step + 1) / POINTS for step in range(POINTS))
    return Judgement(
        season=season,
        market="generated market, seed 7",
        as_of=START + STEP * (cycles + 1),
        cycles=cycles,
        days=12.4,
        interval_seconds=300,
        headline=HEADLINE,
        details=(
            "The season has 12 days of the 30 days that a winner needs.",
            "About 38 more days would settle a lead of this size.",
            "90 % Model Confidence Set: claude-sonnet-5-5, deepseek-v4-pro.",
            "Of 100 seasons put together from blocks of this one, these end on top: claude-sonnet-5-5 62, deepseek-v4-pro 38.",
        ),
        remarks=("LLM-C is a rule in a model's place: it is shown, and takes no part in the verdict.",),
        winner=None,
        leader="claude-sonnet-5-5",
        contestants=("claude-sonnet-5-5", "deepseek-v4-pro"),
        top={"claude-sonnet-5-5": 0.62, "deepseek-v4-pro": 0.38},
        kept=("claude-sonnet-5-5", "deepseek-v4-pro"),
        luck=0.41,
        days_needed=50.4,
        versus=(
            Versus(
                first="claude-sonnet-5-5",
                second="deepseek-v4-pro",
                difference=0.0025,
                low=-0.0041,
                high=0.0093,
                p=0.41,
                adjusted=0.41,
                days=50.4,
            ),
        ),
        times=times,
        lines=(
            *(_competitor(roi[llm_id], llm_id, model, rule) for llm_id, _, model, rule in MODELS),
            *(_baseline(*each) for each in BASELINES),
        ),
        subjects=tuple(_subject(llm_id, model) for llm_id, _, model, _ in MODELS),
        replicas=(Replicas(name="claude-sonnet-5-5", llm_ids=("LLM-A", "LLM-D"), within=0.028, between=0.031),),
        gaps=(),
    )


def write_judgement(path: Path, found: Judgement) -> None:
    """Write it as `arena verdict` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found.to_json()), encoding="utf-8")


def _wave(roi: float, width: float) -> tuple[float, ...]:
    """Return a path of equity that ends at a ROI."""
    shares = [step / (POINTS - 1) for step in range(POINTS)]
    return tuple(200 * (1 + roi * share + width * sin(9 * share + 40 * width) * share * (1 - share)) for share in shares)


def _competitor(roi: float, llm_id: str, model: str, rule: bool) -> Line:
    return Line(
        kind="rule" if rule else "model",
        name=llm_id,
        label=model,
        equity=200 * (1 + roi),
        roi=Estimate(value=roi, low=roi - 0.09, high=roi + 0.11),
        gross=roi + 0.015,
        after_model_cost=None if rule else roi - 0.012,
        measures={
            "sharpe": Estimate(value=1.42, low=-0.9, high=3.6),
            "sortino": Estimate(value=2.05, low=-1.2, high=5.4),
            "calmar": Estimate(value=4.1, low=-2.2, high=14.0),
            "volatility": Estimate(value=0.48, low=0.39, high=0.6),
            "max_drawdown": Estimate(value=0.072, low=0.05, high=0.18),
            "win_rate": Estimate(value=0.54, low=0.43, high=0.65),
            "profit_factor": Estimate(value=1.31, low=0.8, high=2.2),
            "turnover": Estimate(value=3.2, low=2.6, high=3.9),
            "exposure": Estimate(value=0.85, low=0.7, high=1.1),
            "below_half": Estimate(value=0.004),
        },
        trades=20,
        refused=0,
        drawn=_wave(roi, 0.05),
    )


def _baseline(name: str, label: str, roi: float, width: float, trades: int) -> Line:
    still = Estimate(value=0.0)
    return Line(
        kind="baseline",
        name=name,
        label=label,
        equity=200 * (1 + roi),
        roi=Estimate(value=roi, low=roi - width, high=roi + width) if width else still,
        gross=None,
        after_model_cost=None,
        measures={"max_drawdown": Estimate(value=width, low=width / 2, high=2 * width) if width else still},
        trades=trades,
        refused=0,
        drawn=_wave(roi, width),
    )


def _subject(llm_id: str, model: str) -> Subject:
    groups = ((8, 0.55, 0.5), (7, 0.65, 0.57), (5, 0.78, 0.6))
    confidence = Confidence(
        trades=20,
        brier=0.2487,
        error=0.112,
        expected=0.21,
        most=0.34,
        sentence="Its error of 0.112 over 20 trades is one that a perfectly calibrated model shows as well.",
        groups=tuple(
            Group(trades=trades, stated=stated, hit_rate=rate, lowest=stated - 0.3, highest=stated + 0.2)
            for trades, stated, rate in groups
        ),
    )
    parts = (
        _part("BTCUSDT", "LONG", "9.4107", "-1.21", "-0.0312", "-0.3911"),
        _part("ETHUSDT", "SHORT", "-2.104", "-0.88", "0.0121", "-0.2052"),
        _part("SOLUSDT", "LONG", "8.9", "-0.92", "-0.014", "-0.32"),
    )
    return Subject(
        llm_id=llm_id,
        model=model,
        contestant=model,
        pnl=sum((each.total for each in parts), Decimal(0)),
        parts=parts,
        chance=Chance(percentile=_PERCENTILE[llm_id], low=-0.118, median=-0.022, high=0.093, traders=1000, why=""),
        confidence=confidence,
        asked=60,
        valid_rate=0.98,
        repairs=3,
        late=1,
        hold_rate=0.71,
        rejected={"margin": 2},
        calls=84,
        tokens=371_000,
        cost_usd=Decimal("2.94"),
        cost_usd_a_day=0.2371,
        liquidated=(),
    )


def _part(symbol: str, side: str, price: str, fee: str, funding: str, slippage: str) -> Part:
    amounts = [Decimal(each) for each in (price, fee, funding, slippage)]
    return Part(
        symbol=symbol,
        side=side,
        price=amounts[0],
        fee=amounts[1],
        funding=amounts[2],
        slippage=amounts[3],
        insurance=Decimal(0),
        total=sum(amounts, Decimal(0)),
    )
