"""What everybody is measured against: the baselines, and chance with each competitor's own trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from arena.analysis.attribution import Attribution
from arena.domain.money import BPS, ZERO
from arena.verdict.baselines import Baseline, baselines, cash
from arena.verdict.frame import Frame, Unknown
from arena.verdict.hours import Hours
from arena.verdict.judgement import Chance
from arena.verdict.luck import Luck, luck, median_row
from arena.verdict.market import Market
from arena.verdict.rows import Row, Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What the season's market has made of others.

    Attributes:
        baselines: Rows that are always there; cash alone where the market is not known.
        chances: Of every competitor, by llm_id.
        why: What is missing of it, without a full stop; empty where nothing is.
    """

    baselines: tuple[Baseline, ...]
    chances: Mapping[str, Chance]
    why: str


def no_others(tables: Tables, why: str, baselines: tuple[Baseline, ...] = ()) -> Others:
    """Return that nothing is known, and why."""
    unknown = Chance(percentile=None, low=None, median=None, high=None, traders=0, why=why)
    return Others(baselines=baselines, chances={row["llm_id"]: unknown for row in tables["competitors"]}, why=why)


def others(
    tables: Tables, grid: Hours, frame: Frame, market: Market | Unknown, sources: Mapping[str, Attribution], seed: int
) -> Others:
    """Return everything that a season is measured against.

    Args:
        tables: Rows of the season.
        grid: Its equity; it has begun.
        frame: What everybody has in common.
        market: Of the season, or why it is not known.
        sources: Of the competitors' profits, by llm_id.
        seed: Of chance.
    """
    if isinstance(market, Unknown):
        return no_others(tables, market.reason, (cash(frame),))
    found = {
        name: luck(market, _trades(tables, name), worth, slippage_bps=_slippage(tables, sources[name]), seed=seed)
        for name, worth in zip(grid.llm_ids, grid.equity[-1].tolist(), strict=True)
    }
    capital = dict(zip(grid.llm_ids, grid.capital.tolist(), strict=True))
    middle = median_row(market, {_short(tables, name): each for name, each in found.items() if isinstance(each, Luck)})
    return Others(
        baselines=(*baselines(market), *(() if isinstance(middle, Unknown) else (middle,))),
        chances={name: _chance(each, capital[name]) for name, each in found.items()},
        why="",
    )


def _chance(found: Luck | Unknown, capital: float) -> Chance:
    if isinstance(found, Unknown):
        return Chance(percentile=None, low=None, median=None, high=None, traders=0, why=found.reason)
    low, median, high = (worth / capital - 1 for worth in (found.low, found.median, found.high))
    return Chance(percentile=found.percentile, low=low, median=median, high=high, traders=len(found.outcomes), why="")


def _trades(tables: Tables, llm_id: str) -> list[Row]:
    return [row for name in ("closed_trades", "positions") for row in tables[name] if row["llm_id"] == llm_id]


def _slippage(tables: Tables, source: Attribution) -> float:
    """Return by how much a competitor's orders traded worse than what they aimed at on average, basis points, ≥ 0."""
    fills = [row for row in tables["fills"] if row["llm_id"] == source.llm_id]
    worth = sum((Decimal(row["quantity"]) * Decimal(row["price"]) for row in fills), ZERO)
    return max(0.0, float(-source.of("slippage") / worth / BPS)) if worth else 0.0


def _short(tables: Tables, llm_id: str) -> str:
    """Return a competitor's model, or where others have the same one, the competitor."""
    models = {row["llm_id"]: str(row["model"]) for row in tables["competitors"]}
    return models[llm_id] if list(models.values()).count(models[llm_id]) == 1 else llm_id
