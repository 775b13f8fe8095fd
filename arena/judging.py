"""Judges a season of the store: its rows, its candles, and the file that keeps the newest judgement for who looks on."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from arena.analysis.inference import contest
from arena.analysis.performance import measured
from arena.analysis.resampling import load_statistics
from arena.analysis.trading import traded
from arena.application.fairness import fairness
from arena.application.leaderboard import COLUMNS, leaderboard
from arena.application.store import Records
from arena.domain.competitor import Environment, SeasonId
from arena.report.contents import Report, read_report
from arena.season_candles import season_candles
from arena.settings import VenueSettings
from arena.verdict.frame import Unknown
from arena.verdict.hours import Hours
from arena.verdict.judge import REPETITIONS, comparison, frame_of, grid_of, ground_of, judge, measurement
from arena.verdict.judgement import Judgement
from arena.verdict.lines import Figures
from arena.verdict.market import Market, market_of
from arena.verdict.rows import Tables, read_rows
from arena.verdict.trading import trades_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A season's judgement, and what a report of the same instant is made of."""

    judgement: Judgement
    report: Report


async def judge_season(settings: VenueSettings, records: Records, season: SeasonId, data: Path | None = None) -> Judged:
    """Return the judgement of a season as it stands now, and keep it in runs/SEASON/verdict.json.

    Args:
        settings: Of the machine; another season than theirs may be named.
        records: Where the season is.
        season: Its name.
        data: Folder of its candles; its own are found where left out.

    Raises:
        ConfigurationError: The records know no such season, or the folder cannot be used.
    """
    own = settings.model_copy(update={"season": season})
    with _nothing_collected(), _statistician() as elsewhere:
        tables = await read_rows(records, season, COLUMNS)
        grid = grid_of(tables)
        market = await _market(own, tables, grid, data) if grid.times else Unknown(reason="no cycle has been booked")
        judged = await judge_tables(records, tables, grid, market, elsewhere)
    _keep(own.judgement_file, judged.report.verdict)
    return judged


async def judge_tables(
    records: Records, tables: Tables, grid: Hours, market: Market | Unknown, elsewhere: Executor, repetitions: int = REPETITIONS
) -> Judged:
    """Return the judgement of what has been read of a season.

    Args:
        records: Where it is.
        tables: Its rows.
        grid: Its equity by the hour.
        market: Its market, or why it is not known.
        elsewhere: Where statistics are computed, while what they do not need goes on here.
        repetitions: Of the block bootstrap.
    """
    season = SeasonId(tables["seasons"][0]["season_id"])
    if not grid.times:
        board, ground = leaderboard(tables, fairness(tables)), ground_of(tables, grid, market)
        judgement = judge(tables, grid, ground, None, Figures())
        return Judged(judgement=judgement, report=await read_report(records, season, tables, board, judgement))
    comparing = elsewhere.submit(contest, **comparison(tables, grid, repetitions))
    measuring = [elsewhere.submit(measured, **measurement(tables, grid, grid.equity, repetitions))]
    trading = [elsewhere.submit(traded, **each) for each in trades_of(tables, grid)]
    ground = ground_of(tables, grid, market)
    measuring.append(elsewhere.submit(measured, **measurement(tables, grid, ground.beside, repetitions)))
    board = leaderboard(tables, fairness(tables))
    figures = Figures(
        measures=[each for waiting in measuring for each in waiting.result()], trading=[each.result() for each in trading]
    )
    judgement = judge(tables, grid, ground, comparing.result(), figures)
    return Judged(judgement=judgement, report=await read_report(records, season, tables, board, judgement))


@contextmanager
def _statistician() -> Iterator[Executor]:
    """Open a process that loads the libraries of statistics, which takes seconds, while the season is still being read."""
    elsewhere = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), initializer=load_statistics)
    elsewhere.submit(int)  # begins the process
    try:
        yield elsewhere
    finally:
        elsewhere.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """A long season is a million rows that all stay: to look through them for garbage takes longer than to read them."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


async def _market(settings: VenueSettings, tables: Tables, grid: Hours, data: Path | None) -> Market | Unknown:
    row, frame = tables["seasons"][0], frame_of(tables, grid)
    found = await season_candles(settings, frame, row["market"], Environment(row["environment"]), data=data)
    if isinstance(found, Unknown):
        return found
    market = market_of(frame, found.archive, found.contracts)
    if isinstance(market, Unknown) and found.note:
        return Unknown(reason=f"{market.reason} ({found.note})")
    return market


def _keep(path: Path, told: Mapping[str, Any]) -> None:
    """Write a file whole: who looks on reads the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    beside.replace(path)
