"""The store, as the use cases see it: the system of record, leases, standings, the books of paper accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from arena.domain.competitor import AccountId, Season, SeasonId
from arena.domain.order import Intent

if TYPE_CHECKING:
    from arena.application.record import Booking, SeasonState
    from arena.application.standing import SeasonStanding


class Records(Protocol):
    """The system of record."""

    @property
    def away(self) -> bool:
        """Whether writes wait on this machine until the store is back; nothing may be opened meanwhile."""
        ...

    async def open_season(self, season: Season) -> Season:
        """Create the season with its ledgers, or return the one of that id as it was created.

        Raises:
            ConfigurationError: The season exists with other competitors, symbols or capital.
        """
        ...

    async def state(self, season_id: SeasonId, as_of: datetime) -> SeasonState:
        """Return where the next cycle starts."""
        ...

    async def begin_cycle(self, season_id: SeasonId, number: int, as_of: datetime) -> None:
        """Claim a cycle's number.

        Raises:
            CycleConflict: Another run has claimed it.
        """
        ...

    async def append_intents(self, season_id: SeasonId, intents: Sequence[Intent]) -> None:
        """Write down orders before they are sent; writing the same again changes nothing."""
        ...

    async def book(self, booking: Booking) -> None:
        """Keep a unit of work, a cycle's or a sweep's: all of it or nothing, once. Booking the same again changes nothing.

        Raises:
            CycleConflict: Something else is booked under this number, or the cycle is booked with other contents.
        """
        ...

    def rows(self, table: str, season_id: SeasonId) -> AsyncIterator[Mapping[str, Any]]:
        """Yield a table's rows of a season in booking order; decimals as exact strings, times ISO 8601 UTC with microseconds."""
        ...

    async def columns(
        self, table: str, season_id: SeasonId, names: Sequence[str], *, without: tuple[str, str] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """Return some columns of a table's rows of a season, otherwise as `rows` yields them.

        Args:
            table: Which.
            season_id: The season's name.
            names: Of the columns.
            without: A column, and the value of the rows that are left out.
        """
        ...

    async def counts(self, table: str, season_id: SeasonId, names: Sequence[str]) -> Mapping[tuple[Any, ...], int]:
        """Return how many of a table's rows of a season have these values, by the values of the columns."""
        ...

    async def of_cycles(self, table: str, season_id: SeasonId, cycles: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        """Return the rows of some cycles, otherwise as `rows` yields them; the table has a column `cycle`."""
        ...


class Following(Protocol):
    """The records of somebody who looks on: reads again and again, and only what is new."""

    def rows(self, table: str, season_id: SeasonId) -> AsyncIterator[Mapping[str, Any]]:
        """Yield a table's rows as `Records.rows` does."""
        ...

    async def page(self, table: str, season_id: SeasonId, after: int, size: int) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """Return a table's next rows in booking order, each with its place in the store.

        Args:
            after: Place of the last row that is known, 0 before the first. A row that is changed keeps its place.
            size: Rows at most, 1 to 1,000.
        """
        ...

    async def prompt(self, season_id: SeasonId, part: str, digest: str) -> str | None:
        """Return a part of a prompt that all competitors share.

        Args:
            part: `static` or `market`.
            digest: As the cycle's row names it.

        Returns:
            None where it was never kept, or has been let go of since.
        """
        ...

    async def standing(self, season_id: SeasonId) -> SeasonStanding | None:
        """Return where the season stands, as `Standings.standing` does."""
        ...


class Leases(Protocol):
    """Who may act on the season's accounts now."""

    async def take(self, season_id: SeasonId, holder: str, now: datetime, until: datetime) -> bool:
        """Take the lease, or hold it longer; False while somebody else's has not run out at `now`."""
        ...

    async def release(self, season_id: SeasonId, holder: str) -> None:
        """Give the lease back; nothing happens where `holder` has it no more."""
        ...


class Standings(Protocol):
    """Whether a season goes on."""

    async def standing(self, season_id: SeasonId) -> SeasonStanding | None:
        """Return where the season stands; None where nobody has halted, resumed or ended it so far, and it runs."""
        ...

    async def stand(self, season_id: SeasonId, standing: SeasonStanding) -> None:
        """Note where the season stands from now on.

        Raises:
            RecordsError: The season has not begun, or it has ended.
        """
        ...


class PaperBooks(Protocol):
    """Where paper accounts are kept between two calls, as texts that only the paper venue understands."""

    async def load_paper_book(self, season_id: SeasonId, account: AccountId) -> tuple[int, str] | None:
        """Return version and text of an account's book; None where none was ever saved."""
        ...

    async def save_paper_book(self, season_id: SeasonId, account: AccountId, version: int, text: str) -> bool:
        """Save the text that follows `version` (0: none is there yet), all of it or nothing.

        False where another text has followed it meanwhile; saving the same again changes nothing and is True.
        """
        ...


class Store(Records, Leases, Standings, PaperBooks, Protocol):
    """A season's store with all that is kept in it."""
