"""A season of the records, judged without candles and with few resamples: quick, and otherwise as `arena verdict` does it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from arena.application.leaderboard import COLUMNS
from arena.application.store import Records
from arena.domain.competitor import SeasonId
from arena.judging import Judged, judge_tables
from arena.report.html import to_html
from arena.verdict.frame import Unknown
from arena.verdict.judge import grid_of
from arena.verdict.rows import Tables, read_rows

NO_CANDLES = Unknown(reason="this test has no candles")


async def judged(
    records: Records, season_id: SeasonId, repetitions: int = 200, change: Callable[[Tables], Tables] = lambda tables: tables
) -> Judged:
    tables = change(await read_rows(records, season_id, COLUMNS))
    with ThreadPoolExecutor(1) as elsewhere:
        return await judge_tables(records, tables, grid_of(tables), NO_CANDLES, elsewhere, repetitions)


async def season_html(records: Records, season_id: SeasonId) -> str:
    return to_html((await judged(records, season_id)).report)
