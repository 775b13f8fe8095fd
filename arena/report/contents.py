"""What a report is made of, gathered from the records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arena.application.leaderboard import Leaderboard
from arena.application.store import Records
from arena.application.tally import net_pnl
from arena.domain.competitor import SeasonId
from arena.report.curves import Points, points_of
from arena.verdict.judgement import Judgement

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

EVENTFUL_CYCLES = 5
CLOSED_TRADES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleStory:
    """A cycle's decisions side by side.

    Attributes:
        cycle: Its row.  turns: The competitors' rows, in the season's order, each with its model calls' rows.
        decisions: Rows by llm_id.
    """

    cycle: Row
    turns: Sequence[tuple[Row, Sequence[Row]]]
    decisions: Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report is made of; rows as the records yield them.

    Attributes:
        season: Its row.  competitors: In the season's order.
        leaderboard: The object of `leaderboard.json`.
        verdict: The object of `verdict.json`.
        equity: (time, equity) by llm_id, in time order.
        positions: The open ones.
        stories: The newest cycle, then earlier ones in which something happened.
        closed_trades: The newest ones, newest first; `closed` counts all.
        discrepancies: How often the ledgers and the venue differed.
    """

    season: Row
    competitors: Sequence[Row]
    leaderboard: Row
    verdict: Row
    equity: Points
    positions: Sequence[Row]
    stories: Sequence[CycleStory]
    closed_trades: Sequence[Row]
    closed: int
    discrepancies: int

    @property
    def generated(self) -> bool:
        """Whether its prices never existed."""
        return "generated" in self.season["market"].lower()


async def read_report(records: Records, season_id: SeasonId, tables: Tables, board: Leaderboard, judgement: Judgement) -> Report:
    """Return what a season's report is made of.

    Args:
        records: Where the season is.
        season_id: Its name.
        tables: Its rows, with the columns that a judgement and a leaderboard need.
        board, judgement: Of these rows.

    Raises:
        ConfigurationError: The records know no such season.
    """
    competitors, closed = await _all(records, "competitors", season_id), tables["closed_trades"]
    held = [row async for row in records.rows("positions", season_id) if row["status"] == "open"]
    return Report(
        season=(await _all(records, "seasons", season_id))[0],
        competitors=competitors,
        leaderboard=board.to_json(),
        verdict=judgement.to_json(),
        equity=points_of(tables["equity_points"]),
        positions=sorted(held, key=lambda row: (row["llm_id"], row["symbol"], row["side"])),
        stories=await _stories(records, season_id, tables),
        closed_trades=[{**row, "net_pnl": net_pnl(row)} for row in reversed(closed[-CLOSED_TRADES:])],
        closed=len(closed),
        discrepancies=len(await _all(records, "discrepancies", season_id)),
    )


async def _all(records: Records, table: str, season_id: SeasonId) -> list[Row]:
    return [row async for row in records.rows(table, season_id)]


async def _stories(records: Records, season_id: SeasonId, tables: Tables) -> list[CycleStory]:
    """Return the newest cycle's story, then the latest earlier ones in which something else than holding took place."""
    ids = [row["llm_id"] for row in tables["competitors"]]
    eventful = {row["cycle"] for row in tables["llm_decisions"] if row["decision_type"] != "hold"}
    cycles = {row["number"]: row for row in tables["cycles"] if row["status"] == "booked"}
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
    for row in await records.of_cycles(table, season_id, chosen):
        found[row["cycle"], row["llm_id"]].append(row)
    return found
