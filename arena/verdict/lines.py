"""The comparison's rows: every competitor and every baseline, each figure with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from arena.analysis.charts import thinned
from arena.analysis.performance import Measure, Measures, Performance
from arena.analysis.resampling import Floats
from arena.verdict.baselines import Baseline
from arena.verdict.hours import Hours
from arena.verdict.judgement import Estimate, Line, Subject
from arena.verdict.rows import Tables

POINTS = 400  # of a curve that is drawn
ANNUALISED = ("volatility", "sharpe", "sortino", "calmar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What statistics have found.

    Attributes:
        measures: Of the competitors in the season's order, then of the baselines.
        trading: Of the competitors, by name of the figure.
    """

    measures: Sequence[Measures] = ()
    trading: Sequence[Mapping[str, Measure]] = ()


def lines(
    tables: Tables,
    grid: Hours,
    subjects: Sequence[Subject],
    baselines: Sequence[Baseline],
    beside: Floats,
    figures: Figures,
) -> tuple[tuple[datetime, ...], tuple[Line, ...]]:
    """Return when the curves are drawn, and the rows: competitors by ROI, then baselines.

    Args:
        tables: Rows of the season.
        grid: Its equity; before the first cycle there are no rows.
        subjects: Of its competitors, in its order.
        baselines: Of the season.
        beside: Equity of the baselines at the grid's times, USDT, shape (T + 1, B).
        figures: Of all of them.
    """
    if not grid.times:
        return (), ()
    equity = np.column_stack([grid.equity, beside])
    drawn = _drawn(equity)
    own, shared = figures.trading, figures.measures
    found = [
        _competitor(tables, grid, subject, shared[column], own[column], equity[drawn, column])
        for column, subject in enumerate(subjects)
    ]
    rest = [
        _baseline(each, shared[column], equity[:, column], drawn) for column, each in enumerate(baselines, start=len(subjects))
    ]
    ranked = sorted(found, key=lambda line: (-(line.roi.value or 0), line.name))
    return tuple(grid.times[at] for at in drawn), (*ranked, *rest)


def sampled(grid: Hours, baseline: Baseline) -> Floats:
    """Return a baseline's equity at the grid's times: the newest that is known."""
    known = [time.timestamp() for time in baseline.times]
    newest = np.searchsorted(known, [time.timestamp() for time in grid.times], side="right") - 1
    return np.asarray(baseline.equity[np.maximum(newest, 0)])


def _drawn(equity: Floats) -> list[int]:
    """Return the rows that are drawn: of every curve its highs and lows, as far as there is room."""
    each = max(4, POINTS // equity.shape[1])
    return sorted({int(row) for column in equity.T for row in thinned(column, each)})


def _competitor(
    tables: Tables, grid: Hours, subject: Subject, figures: Measures, own: Mapping[str, Measure], drawn: Floats
) -> Line:
    column = grid.llm_ids.index(subject.llm_id)
    capital, row = grid.capital[column], tables["competitors"][column]
    roi = float(subject.pnl) / capital
    return Line(
        kind="rule" if row["baseline"] else "model",
        name=subject.llm_id,
        label=subject.model,
        equity=float(capital) + float(subject.pnl),
        roi=Estimate(value=roi, low=_estimate(figures.roi).low, high=_estimate(figures.roi).high),
        gross=float(sum(part.price for part in subject.parts)) / capital,
        after_model_cost=None if subject.cost_usd is None else roi - float(subject.cost_usd) / capital,
        measures=_measures(figures) | {name: _estimate(each) for name, each in own.items()},
        trades=sum(each["llm_id"] == subject.llm_id for each in tables["closed_trades"]),
        refused=0,
        drawn=tuple(drawn.tolist()),
    )


def _baseline(baseline: Baseline, figures: Measures, equity: Floats, drawn: Sequence[int]) -> Line:
    return Line(
        kind="baseline",
        name=baseline.name,
        label=baseline.words,
        equity=float(equity[-1]),
        roi=_estimate(figures.roi),
        gross=None,
        after_model_cost=None,
        measures=_measures(figures),
        trades=baseline.trades,
        refused=baseline.refused,
        drawn=tuple(equity[list(drawn)].tolist()),
    )


def _measures(figures: Measures) -> dict[str, Estimate]:
    """Return volatility, sharpe, sortino, calmar, drawdown, and how likely the capital is halved, by name.

    What is annualised is not told of a season that is too short for an interval: two hours are no year.
    """
    names = [name for name in Performance._fields if name != "roi"]
    found = {name: _estimate(getattr(figures, name)) for name in names} | {"halved": Estimate(value=figures.halved)}
    return found if figures.halved is not None else found | dict.fromkeys(ANNUALISED, Estimate(value=None))


def _estimate(measure: Measure) -> Estimate:
    between = measure.interval
    return Estimate(value=measure.value) if between is None else Estimate(value=measure.value, low=between.low, high=between.high)
