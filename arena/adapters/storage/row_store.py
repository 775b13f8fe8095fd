"""What every store has in common: the Records port in terms of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from arena.adapters.storage.booking_rows import booking_rows
from arena.adapters.storage.marks import marked, sealed, sealed_season
from arena.adapters.storage.refusals import check_terms
from arena.adapters.storage.restore import season_of
from arena.adapters.storage.rows import Row, Tables, intent_row, iso, season_rows
from arena.adapters.storage.state import state_of
from arena.application.record import Booking, SeasonState
from arena.domain.competitor import Season, SeasonId
from arena.domain.order import Intent

PAGE = 1000  # rows of a reply, whatever a server's own limit: a page is one value
Page = Sequence[tuple[int, Mapping[str, Any]]]  # rows as readers see them, each with its place


class RowStore(ABC):
    """The Records port over a store of rows."""

    @property
    def away(self) -> bool:
        """Whether writes wait on this machine until the store is back; here none ever does."""
        return False

    async def open_season(self, season: Season) -> Season:
        """Create the season with its ledgers, or return the one of that id as it was created."""
        found = await self.open_rows(season.season_id, sealed_season(season_rows(season)))
        known = season_of(found["seasons"][0], found["competitors"])
        check_terms(known, season)
        return known

    async def state(self, season_id: SeasonId, as_of: datetime) -> SeasonState:
        """Return where the next cycle starts."""
        return state_of(await self.state_rows(season_id, as_of), as_of)

    async def begin_cycle(self, season_id: SeasonId, number: int, as_of: datetime) -> None:
        """Claim a cycle's number."""
        await self.claim(season_id, number, iso(as_of), uuid4().hex)

    async def append_intents(self, season_id: SeasonId, intents: Sequence[Intent]) -> None:
        """Write down orders before they are sent; writing the same again changes nothing."""
        await self.write_intents(season_id, [marked(intent_row(season_id, intent)) for intent in intents])

    async def book(self, booking: Booking) -> None:
        """Keep a unit of work: all of it or nothing, once."""
        await self.book_rows(sealed(booking_rows(booking)))

    async def rows(self, table: str, season_id: SeasonId) -> AsyncIterator[Mapping[str, Any]]:
        """Yield a table's rows of a season in booking order, without the store's own ids and times."""
        after = 0
        while True:
            page = await self.page(table, season_id, after, PAGE)
            for _, row in page:
                yield row
            if len(page) < PAGE:
                return
            after = page[-1][0]

    async def columns(
        self, table: str, season_id: SeasonId, names: Sequence[str], *, without: tuple[str, str] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """Return some columns of a table's rows of a season, in booking order."""
        column, value = without or (None, None)
        found = [row async for row in self.rows(table, season_id) if column is None or row[column] != value]
        return [{name: row[name] for name in names} for row in found]

    async def counts(self, table: str, season_id: SeasonId, names: Sequence[str]) -> Mapping[tuple[Any, ...], int]:
        """Return how many of a table's rows of a season have these values."""
        return Counter([tuple(row[name] for name in names) async for row in self.rows(table, season_id)])

    async def of_cycles(self, table: str, season_id: SeasonId, cycles: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        """Return the rows of some cycles, in booking order."""
        return [row async for row in self.rows(table, season_id) if row["cycle"] in cycles]

    @abstractmethod
    async def page(self, table: str, season_id: SeasonId, after: int, size: int) -> Page:
        """Return up to `size` of a table's rows of a season that stand behind `after`, in booking order, with their places."""

    @abstractmethod
    async def prompt(self, season_id: SeasonId, part: str, digest: str) -> str | None:
        """Return a part of a prompt by its hash; None where it is not kept."""

    @abstractmethod
    async def open_rows(self, season_id: SeasonId, tables: Tables) -> Tables:
        """Write a season's first rows where there are none, and return `seasons` and `competitors` as they are kept."""

    @abstractmethod
    async def state_rows(self, season_id: SeasonId, as_of: datetime) -> Tables:
        """Return what `state.state_of` reads, by table.

        Raises:
            ConfigurationError: There is no such season.
        """

    @abstractmethod
    async def claim(self, season_id: SeasonId, number: int, scheduled_at: str, claim: str) -> None:
        """Claim a cycle's number under a name of the claim.

        Raises:
            CycleConflict: Another claim has it.
        """

    @abstractmethod
    async def write_intents(self, season_id: SeasonId, rows: Sequence[Row]) -> None:
        """Write down intents, each once.

        Raises:
            CycleConflict: An id is taken by another.
        """

    @abstractmethod
    async def book_rows(self, tables: Tables) -> None:
        """Write the rows of a booking, all or none, once.

        Raises:
            CycleConflict: It does not follow what is booked, or its cycle is booked otherwise.
        """
