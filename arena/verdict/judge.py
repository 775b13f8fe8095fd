"""Judges a season: rows in, judgement out. Nothing here asks the time, the venue or the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zlib import crc32

import numpy as np

from arena.analysis.attribution import Attribution, attributions
from arena.analysis.inference import Contest
from arena.analysis.resampling import Floats
from arena.verdict.contestants import Contestant, contestants, gains_of, replicas
from arena.verdict.frame import Frame, Unknown
from arena.verdict.hours import Hours, hours
from arena.verdict.judgement import Judgement, Versus
from arena.verdict.lines import Figures, lines, sampled
from arena.verdict.market import Market
from arena.verdict.others import Others, no_others, others
from arena.verdict.rows import Tables
from arena.verdict.subjects import subjects
from arena.verdict.words import details, headline, remarks

REPETITIONS = 10_000  # of the block bootstrap


def grid_of(tables: Tables) -> Hours:
    """Return a season's equity by the hour."""
    every = timedelta(seconds=tables["seasons"][0]["interval_seconds"])
    return hours(tables["cycles"], tables["equity_points"], tables["competitors"], every)


def frame_of(tables: Tables, grid: Hours) -> Frame:
    """Return what everybody in a season that has begun has in common."""
    season = tables["seasons"][0]
    return Frame(
        symbols=tuple(json.loads(season["symbols"])),
        start=grid.times[0],
        end=grid.times[-1],
        every=timedelta(seconds=season["interval_seconds"]),
        capital=float(grid.capital[0]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a judgement stands on before the statistics are in.

    Attributes:
        playing: The contestants.
        sources: Of the competitors' profits, by llm_id.
        others: The baselines, and chance.
        beside: Equity of the baselines at the grid's times, USDT, shape (T + 1, B).
    """

    playing: tuple[Contestant, ...]
    sources: Mapping[str, Attribution]
    others: Others
    beside: Floats


def ground_of(tables: Tables, grid: Hours, market: Market | Unknown) -> Ground:
    """Return what a judgement stands on.

    Args:
        tables: Rows of the season, see `rows.read_rows`.
        grid: Of `grid_of`.
        market: Of the season, or why it is not known.
    """
    sources = attributions(tables)
    if grid.times:
        measure = others(tables, grid, frame_of(tables, grid), market, sources, _seed(tables))
    else:
        measure = no_others(tables, "no cycle has been booked")
    columns = [sampled(grid, each) for each in measure.baselines]
    return Ground(
        playing=contestants(tables["competitors"]),
        sources=sources,
        others=measure,
        beside=np.column_stack(columns) if columns else grid.equity[:, :0],
    )


def comparison(tables: Tables, grid: Hours, repetitions: int = REPETITIONS) -> dict[str, Any]:
    """Return what `inference.contest` is asked about a season that has begun."""
    gains = gains_of(contestants(tables["competitors"]), grid.gains)
    common = {"steps_a_day": grid.steps_a_day, "seed": _seed(tables), "repetitions": repetitions}
    return {"gains": gains, "days": grid.days, **common}


def measurement(tables: Tables, grid: Hours, equity: Floats, repetitions: int = REPETITIONS) -> dict[str, Any]:
    """Return what `performance.measured` is asked about some columns of equity of a season that has begun."""
    gains = np.diff(equity, axis=0) / equity[0]
    return {"gains": gains, "steps_a_day": grid.steps_a_day, "seed": _seed(tables), "repetitions": repetitions}


def judge(tables: Tables, grid: Hours, ground: Ground, found: Contest | None, figures: Figures) -> Judgement:
    """Return what can be said about a season.

    Args:
        tables: Rows of the season.
        grid: Of `grid_of`.
        ground: Of `ground_of`.
        found: What `comparison` came to; None before the first cycle.
        figures: Of everybody; none before the first cycle.
    """
    season, others_ = tables["seasons"][0], ground.others
    told = subjects(tables, ground.playing, ground.sources, others_.chances, grid.days)
    times, rows = lines(tables, grid, told, others_.baselines, ground.beside, figures)
    return Judgement(
        season=season["season_id"],
        market=season["market"],
        as_of=grid.times[-1] if grid.times else None,
        cycles=_booked(tables),
        days=grid.days,
        interval_seconds=season["interval_seconds"],
        remarks=remarks(told, grid.gaps, others_.why, rules=all(row["baseline"] for row in tables["competitors"])),
        times=times,
        lines=rows,
        subjects=told,
        gaps=grid.gaps,
        **_verdict(tables, grid, ground.playing, found),
    )


def _verdict(tables: Tables, grid: Hours, playing: Sequence[Contestant], found: Contest | None) -> dict[str, Any]:
    """Return what is said about who is better, by the judgement's fields."""
    names, roi = [each.name for each in playing], _roi(grid)
    means = [float(roi[list(each.columns)].mean()) for each in playing]
    return {
        "headline": headline(found, names, means, cycles=_booked(tables), traded=bool(tables["fills"])),
        "details": details(found, names),
        "contestants": tuple(name for _, name in sorted(zip(means, names, strict=True), key=lambda each: -each[0])),
        "replicas": replicas(playing, roi),
        **_said(found, names),
    }


def _said(found: Contest | None, names: Sequence[str]) -> dict[str, Any]:
    """Return what the comparison came to, contestants by name."""
    if found is None:
        return dict.fromkeys(("winner", "leader", "top", "kept", "luck", "days_needed")) | {"versus": ()}
    return {
        "winner": None if found.winner is None else names[found.winner],
        "leader": None if found.leader is None else names[found.leader],
        "top": None if found.top is None else dict(zip(names, found.top, strict=True)),
        "kept": None if found.kept is None else tuple(name for name, inside in zip(names, found.kept, strict=True) if inside),
        "luck": found.luck,
        "days_needed": found.days_needed,
        "versus": tuple(
            Versus(
                first=names[pair.first],
                second=names[pair.second],
                difference=pair.difference,
                low=pair.low,
                high=pair.high,
                p=pair.p,
                adjusted=pair.adjusted,
                days=pair.days,
            )
            for pair in found.pairs
        ),
    }


def _roi(grid: Hours) -> Floats:
    found: Floats = (grid.equity[-1] - grid.capital) / grid.capital
    return found


def _seed(tables: Tables) -> int:
    """Return the seed of all chance in a judgement: the same season is always judged the same."""
    return crc32(str(tables["seasons"][0]["season_id"]).encode())


def _booked(tables: Tables) -> int:
    return sum(row["status"] == "booked" for row in tables["cycles"])
