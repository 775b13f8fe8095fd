"""Gathers from the records what a season's report shows."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from arena.analysis.charts import equity_picture
from arena.analysis.report import CycleStory, Report, curves_of, render_report
from arena.application.leaderboard import read_leaderboard
from arena.application.ports import Records
from arena.domain.competitor import SeasonId
from arena.domain.money import plain

Row = Mapping[str, Any]

EVENTFUL_CYCLES = 5
CLOSED_TRADES = 20


async def season_report(records: Records, season_id: SeasonId) -> str:
    """Return a season's report as one HTML document.

    Raises:
        ConfigurationError: The records know no such season.
    """
    board = await read_leaderboard(records, season_id)
    equity = await _equity(records, season_id)
    newest: deque[Row] = deque(maxlen=CLOSED_TRADES)
    closed = 0
    async for row in records.rows("closed_trades", season_id):
        newest.appendleft({**row, "net_pnl": net_pnl(row)})
        closed += 1
    competitors = await _all(records, "competitors", season_id)
    held = [row async for row in records.rows("positions", season_id) if row["status"] == "open"]
    report = Report(
        season=(await _all(records, "seasons", season_id))[0],
        competitors=competitors,
        leaderboard=board.to_json(),
        equity=equity,
        positions=sorted(held, key=lambda row: (row["llm_id"], row["symbol"], row["side"])),
        stories=await _stories(records, season_id, [row["llm_id"] for row in competitors]),
        closed_trades=list(newest),
        closed=closed,
        discrepancies=len(await _all(records, "discrepancies", season_id)),
    )
    return render_report(report)


async def season_picture(records: Records, season_id: SeasonId) -> bytes | None:
    """Return the equity curves so far as a PNG; None before the first point."""
    equity = await _equity(records, season_id)
    if not equity:
        return None
    competitors = await _all(records, "competitors", season_id)
    return equity_picture(curves_of(competitors, equity), float(competitors[0]["capital"]))


async def _equity(records: Records, season_id: SeasonId) -> dict[str, list[tuple[str, str]]]:
    """Return every competitor's worth by time, as it is written down."""
    equity: dict[str, list[tuple[str, str]]] = defaultdict(list)
    async for row in records.rows("equity_points", season_id):
        equity[row["llm_id"]].append((row["time"], row["equity"]))
    return equity


async def _all(records: Records, table: str, season_id: SeasonId) -> list[Row]:
    return [row async for row in records.rows(table, season_id)]


def net_pnl(trade: Row) -> str:
    """Return what a closed trade has earned after fees and funding, USDT."""
    return plain(Decimal(trade["pnl"]) - Decimal(trade["fees"]) - Decimal(trade["funding"]))


async def _stories(records: Records, season_id: SeasonId, ids: Sequence[str]) -> list[CycleStory]:
    """Return the newest cycle's story, then the latest earlier ones in which something else than holding took place."""
    eventful: set[int] = set()
    async for row in records.rows("llm_decisions", season_id):
        if row["decision_type"] != "hold":
            eventful.add(row["cycle"])
    cycles = {row["number"]: row async for row in records.rows("cycles", season_id) if row["status"] == "booked"}
    newest = max(cycles, default=0)
    chosen = sorted((eventful | {newest}) & set(cycles), reverse=True)[: EVENTFUL_CYCLES + 1]
    turns, calls, decisions = [await _of(records, name, season_id, chosen) for name in ("turns", "model_calls", "llm_decisions")]
    return [
        CycleStory(
            cycle=cycles[number],
            turns=[(turns[number, each][0], calls[number, each]) for each in ids if turns[number, each]],
            decisions={each: decisions[number, each] for each in ids},
        )
        for number in chosen
    ]


async def _of(
    records: Records, table: str, season_id: SeasonId, chosen: Sequence[int]
) -> defaultdict[tuple[int, str], list[Row]]:
    found: defaultdict[tuple[int, str], list[Row]] = defaultdict(list)
    async for row in records.rows(table, season_id):
        if row["cycle"] in chosen:
            found[row["cycle"], row["llm_id"]].append(row)
    return found
