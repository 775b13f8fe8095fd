"""A season as far as it has been read: every row is read once, and what a page needs of it is added up or kept.

The store is read in slabs of bookings: the rows of what is not known as booked yet are left for the next time, so that
everything shown is of one instant. Memory does not grow with the season but for some bytes a row that say where it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from arena.application.calibration import Confidences
from arena.application.fairness import Fairness, FairnessCheck
from arena.application.leaderboard import Leaderboard, ranked
from arena.application.store import Following
from arena.application.tally import TALLIED, tallies_of
from arena.dashboard.curve import EquityCurve
from arena.dashboard.cycle_index import CYCLE_TABLES, CycleIndex
from arena.dashboard.executions import Executions
from arena.dashboard.feed import Feed
from arena.dashboard.holdings import Holdings
from arena.domain.competitor import SeasonId
from arena.domain.instrument import Instrument

Row = Mapping[str, Any]
Numbered = list[tuple[int, Row]]  # place in the store, row

SLAB = 200  # bookings
PAGE = 1000  # rows
PROMPTS = 8  # parts in memory
_DECISION = (
    *("cycle", "llm_id", "time", "decision_type", "symbol", "reasoning", "confidence", "size_percent", "leverage"),
    *("entry_type", "limit_price", "stop_price", "target_price", "invalidation", "outcome"),
)
_TRADE = (
    *("cycle", "llm_id", "symbol", "side", "entry_price", "exit_price", "quantity", "leverage", "pnl", "fees", "funding"),
    *("opened_at", "closed_at", "cause"),
)
_ALERT = ("cycle", "kind", "llm_id", "text", "time")
_OF_A_CYCLE = ("snapshots", "turns", "model_calls", "llm_decisions", "equity_points", "position_points")
_OF_A_BOOKING = ("fills", "closed_trades", "discrepancies", "alerts")


class SeasonView:
    """What has been read of a season.

    Args:
        store: Where it is.
        season, competitors, accounts: Their rows, once it has begun.
    """

    def __init__(self, store: Following, season: Row, competitors: Sequence[Row], accounts: Sequence[Row]) -> None:
        self.store = store
        self.season_id = SeasonId(season["season_id"])
        self.season, self.competitors, self.accounts = season, competitors, accounts
        self.curves = {row["llm_id"]: EquityCurve(row["initial_balance"]) for row in accounts}
        self.decisions, self.trades, self.alerts = (
            Feed("llm_decisions", _DECISION),
            Feed("closed_trades", _TRADE),
            Feed("alerts", _ALERT),
        )
        self.cycles = CycleIndex()
        self.holdings = Holdings()
        self.contracts: Mapping[str, Instrument] = {}
        self.executions = Executions()
        self.confidences = Confidences(timedelta(seconds=season["interval_seconds"]))
        self.discrepancies = 0
        self.bookings = 0  # number of the last one
        self.looked: int | None = None  # number of the last booking when accounts and positions were read
        self.booked_at: str | None = None  # when the last one was closed, by the venue's clock
        self._tallies = tallies_of(competitors, accounts)
        self._check = FairnessCheck(season, competitors)
        self._configurations: dict[str, str] = {}
        self._prompts: dict[tuple[str, str], str | None] = {}
        self._places: defaultdict[str, int] = defaultdict(int)
        self._cycle = 0  # number of the last one that is booked

    @classmethod
    async def begin(cls, store: Following, season_id: SeasonId) -> SeasonView | None:
        """Return the view of a season of which nothing is read yet; None where there is no such season."""
        seasons, competitors, accounts = [
            [row async for row in store.rows(table, season_id)] for table in ("seasons", "competitors", "llm_accounts")
        ]
        return cls(store, seasons[0], competitors, accounts) if seasons else None

    async def advance(self) -> bool:
        """Read the next slab of bookings; return whether there was one.

        Raises:
            RecordsError: The store cannot be read; what was read before stays.
        """
        bookings = await self.store.page("bookings", self.season_id, self._places["bookings"], SLAB)
        if not bookings:
            return False
        last = bookings[-1][1]
        cycle = max((row["cycle"] for _, row in bookings if row["kind"] == "cycle"), default=self._cycle)
        found = {table: await self._news(table, "cycle", cycle) for table in _OF_A_CYCLE}
        found |= {table: await self._news(table, "booking", last["number"]) for table in _OF_A_BOOKING}
        found |= {table: await self._news(table, None, 0) for table in ("configurations",)}
        booked = await self._booked(cycle)
        self._places |= {table: rows[-1][0] for table, rows in found.items() if rows} | {"bookings": bookings[-1][0]}
        self._take(found, booked)
        self._cycle, self.bookings, self.booked_at = cycle, last["number"], last["closed_at"]
        return True

    async def look(self, contracts: Mapping[str, Instrument] | None = None) -> None:
        """Read what is replaced and not added to: the accounts, what is held, and which cycle is the newest.

        Args:
            contracts: Of the symbols whose margin tiers are known.
        """
        self.contracts = contracts or {}
        self.accounts = [row async for row in self.store.rows("llm_accounts", self.season_id)]
        await self.holdings.look(self.store, self.season_id)
        if self.cycles.last is not None:
            await self.cycles.read(self.store, self.season_id, self.cycles.last["number"])
            await self.prompt("market", self.cycles.last["market_prompt_hash"])
        self.looked = self.bookings

    async def look_ahead(self) -> None:
        """Read which cycle has begun since the last one that was booked."""
        begun = await self.store.page("cycles", self.season_id, self._places["cycles"], PAGE)
        self.cycles.begun = next((row for _, row in reversed(begun) if row["status"] == "begun"), None)

    async def prompt(self, part: str, digest: str) -> str | None:
        """Return a part of a prompt that all share, by its hash; None where it has been let go of. The last few are in memory."""
        key = (part, digest)
        if key not in self._prompts:
            found = await self.store.prompt(self.season_id, part, digest)
            while len(self._prompts) >= PROMPTS:
                del self._prompts[next(iter(self._prompts))]
            self._prompts[key] = found
        return self._prompts[key]

    def leaderboard(self) -> Leaderboard:
        """Return the ranking as of the last booking."""
        cycles = self.cycles
        return ranked(self.season, self.accounts, self._tallies, len(cycles), cycles.ends, self.fairness())

    def fairness(self) -> Fairness:
        """Return what was found unequal so far."""
        return self._check.result(lost=self.cycles.lost, texts=self._configurations)

    async def _news(self, table: str, mark: str | None, limit: int) -> Numbered:
        """Return the rows that are new, up to those whose column `mark` is beyond `limit`."""
        found: Numbered = []
        after = self._places[table]
        while True:
            page = await self.store.page(table, self.season_id, after, PAGE)
            known = [(place, row) for place, row in page if mark is None or row[mark] <= limit]
            found += known
            if len(known) < PAGE:
                return found
            after = page[-1][0]

    async def _booked(self, cycle: int) -> Numbered:
        """Return the rows of the cycles that were booked since; those before them that are not are lost."""
        rows = await self._news("cycles", "number", cycle)
        booked = [(place, row) for place, row in rows if row["status"] == "booked"]
        if booked:
            self._places["cycles"] = booked[-1][0]
            self.cycles.lost += sum(place < booked[-1][0] for place, _ in rows) - len(booked) + 1
        return booked

    def _take(self, found: Mapping[str, Numbered], booked: Numbered) -> None:
        for table in TALLIED:
            for _, row in found[table]:
                self._tallies[row["llm_id"]].add(table, row)
        for _, row in found["equity_points"]:
            self.curves[row["llm_id"]].add(row["time"], row["equity"])
        for feed in (self.decisions, self.trades, self.alerts):
            for place, row in found[feed.table]:
                feed.add(place, row)
        for _, row in found["llm_decisions"]:
            self.confidences.decided(row)
        for _, row in found["closed_trades"]:
            self.confidences.closed(row)
        for _, row in found["fills"]:
            self.executions.add(row)
        self.holdings.mark(row for _, row in found["position_points"])
        self._configurations |= {row["hash"]: row["text"] for _, row in found["configurations"]}
        self.discrepancies += len(found["discrepancies"])
        for table, column in CYCLE_TABLES.items():
            for place, row in found[table]:
                self.cycles.note(table, row[column], place)
        rows = {table: _by_cycle(found[table]) for table in ("snapshots", "turns", "model_calls")}
        for place, cycle in booked:
            self.cycles.add(place, cycle)
            self._check.add(cycle, *(rows[table][cycle["number"]] for table in rows))


def _by_cycle(found: Numbered) -> defaultdict[int, list[Row]]:
    grouped: defaultdict[int, list[Row]] = defaultdict(list)
    for _, row in found:
        grouped[row["cycle"]].append(row)
    return grouped
