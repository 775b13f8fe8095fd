"""The ranking of a season, and what may be said about it: a ranking is not yet a winner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.application.fairness import COLUMNS as OF_FAIRNESS
from arena.application.fairness import Fairness, fairness, merged, read_columns
from arena.application.store import Records
from arena.application.tally import TALLIED, Standing, Tally, tallies_of
from arena.domain.competitor import SeasonId
from arena.domain.money import ZERO, plain

Row = Mapping[str, Any]

_OWN: dict[str, tuple[str, ...]] = {  # what the ranking needs; a long season's prompts and answers stay in the store
    "seasons": ("season_id", "market", "interval_seconds"),
    "competitors": ("llm_id", "provider", "model", "baseline"),
    "llm_accounts": (
        "llm_id",
        "initial_balance",
        "current_balance",
        "unrealized_pnl",
        "fees",
        "funding",
        "total_trades",
        "winning_trades",
    ),
    "cycles": ("status", "scheduled_at"),
    "equity_points": ("llm_id", "equity"),
    "turns": ("llm_id", "answer", "calls"),
    "model_calls": (
        "llm_id",
        "purpose",
        "fault",
        "latency_ms",
        "input_tokens",
        "cached_tokens",
        "output_tokens",
        "cost_usd",
    ),
}
TOO_SHORT = Decimal(48)  # hours; a season of fewer is not judged
COLUMNS = merged(_OWN, OF_FAIRNESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """A season's competitors, best first.

    Attributes:
        market: Where the prices come from, in words.
        cycles: Booked ones.
        hours: From the first cycle to the end of the last one's interval.
        verdict: What the data can say, in a sentence.
        fairness: Whether all were treated alike, and what all were sent.
    """

    season: SeasonId
    market: str
    cycles: int
    hours: Decimal
    verdict: str
    fairness: Fairness
    competitors: tuple[Standing, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object of `leaderboard.json`: `season`, and `competitors` as a list, best first; decimals are strings."""
        shown = {name: _shown(getattr(self, name)) for name in ("season", "market", "cycles", "hours", "verdict")}
        shown["fairness"] = {
            "fair": self.fairness.fair,
            "violations": len(self.fairness.violations),
            "sentence": self.fairness.sentence,
        }
        return {**shown, "competitors": [{"rank": rank, **_object(each)} for rank, each in enumerate(self.competitors, 1)]}


async def read_leaderboard(records: Records, season_id: SeasonId) -> Leaderboard:
    """Return a season's leaderboard as the records have it now.

    Raises:
        ConfigurationError: The records know no such season.
    """
    tables = await read_columns(records, season_id, COLUMNS)  # once: a long season takes seconds
    return leaderboard(tables, fairness(tables))


def leaderboard(tables: Mapping[str, Sequence[Row]], found: Fairness) -> Leaderboard:
    """Return the leaderboard of one season's rows.

    Args:
        tables: Rows in booking order by table, with the columns of `COLUMNS` at least.
        found: How fair the same season was.
    """
    tallies = tallies_of(tables["competitors"], tables["llm_accounts"])
    for table in TALLIED:
        for row in tables[table]:
            tallies[row["llm_id"]].add(table, row)
    booked = [row["scheduled_at"] for row in tables["cycles"] if row["status"] == "booked"]
    ends = (booked[0], booked[-1]) if booked else None
    return ranked(tables["seasons"][0], tables["llm_accounts"], tallies, len(booked), ends, found)


def ranked(
    season: Row,
    accounts: Sequence[Row],
    tallies: Mapping[str, Tally],
    cycles: int,
    ends: tuple[str, str] | None,
    found: Fairness,
) -> Leaderboard:
    """Return the leaderboard of what has been added up.

    Args:
        season: Its row.  accounts: The competitors' rows as they are now.
        cycles: Booked ones.
        ends: When the first and the last of them were due; None before the first.
    """
    hours = _hours(ends, season["interval_seconds"])
    standings = [tallies[row["llm_id"]].standing(row) for row in accounts]
    return Leaderboard(
        season=SeasonId(season["season_id"]),
        market=season["market"],
        cycles=cycles,
        hours=hours,
        verdict=_verdict(cycles, hours),
        fairness=found,
        competitors=tuple(sorted(standings, key=lambda each: (-each.roi, each.llm_id))),
    )


def _hours(ends: tuple[str, str] | None, interval_seconds: int) -> Decimal:
    if ends is None:
        return ZERO
    first, last = map(datetime.fromisoformat, ends)
    seconds = (last - first) // timedelta(seconds=1) + interval_seconds
    return (Decimal(seconds) / 3600).quantize(Decimal("0.1"))


def _verdict(cycles: int, hours: Decimal) -> str:
    """Return what may be said without statistics: little, and after some days nothing."""
    if not cycles:
        return "No winner yet: no cycle has been booked."
    counted = f"{cycles:,} {'cycle' if cycles == 1 else 'cycles'} over {plain(hours)} {'hour' if hours == 1 else 'hours'}"
    if hours < TOO_SHORT:
        return f"No winner yet: {counted} cannot tell these models apart."
    return f"A ranking is not yet a winner: `arena verdict` says what {counted} can tell."


def _object(standing: Standing) -> dict[str, Any]:
    return {each.name: _shown(getattr(standing, each.name)) for each in fields(standing)}


def _shown(value: object) -> object:
    return plain(value) if isinstance(value, Decimal) else value
