"""Supabase as the system of record, and a file that carries the season on while Supabase is out of reach.

Every write goes into the file first, then to Supabase. What could not be delivered waits there and is delivered, in order, before
anything else is written or read; each write is idempotent, so that one whose answer was lost does no harm. Until then the state
is what was last read, carried on by what was written since, and `away` says that nothing may be opened; closes and stops go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

from arena.adapters.storage.carried import with_booking, with_claim, with_intents
from arena.adapters.storage.delivery import Delivery, book_moved
from arena.adapters.storage.row_store import Page, RowStore
from arena.adapters.storage.rows import Row, Tables, flat, iso, shown
from arena.adapters.storage.spool_file import SpoolFile, Write
from arena.application.standing import SeasonStanding
from arena.domain.competitor import AccountId, SeasonId
from arena.errors import CycleConflict, RecordsError, RecordsUnavailable

if TYPE_CHECKING:
    from arena.adapters.storage.supabase import SupabaseRecords

LEASE_SECONDS = 1.5  # for Supabase's word on a lease, which lasts for 5


class SpooledRecords(RowStore):
    """The Records port, and with it the Standings, the Leases and the PaperBooks port, over both."""

    def __init__(self, remote: SupabaseRecords, file: SpoolFile, clock: Callable[[], float] = time.monotonic) -> None:
        self._remote = remote
        self._file = file
        self._delivery = Delivery(remote, file, clock)

    def close(self) -> None:
        """Let go of file and connections."""
        self._file.close()
        self._remote.close()

    @property
    def away(self) -> bool:
        """Writes wait on this machine until Supabase is back; nothing may be opened meanwhile."""
        return self._delivery.away

    @property
    def backlog(self) -> int:
        """How many writes wait for Supabase."""
        return len(self._file.waiting())

    @property
    def set_aside(self) -> list[tuple[int, str, str]]:
        """Number, name and reason of the writes that Supabase would not take after it was back."""
        return self._file.set_aside()

    async def look(self) -> str:
        """Return in words where the state is kept, whether it answers, and what waits for it.

        Raises:
            RecordsError, ConfigurationError: It cannot be used.
        """
        waiting = f"{self.backlog} writes wait in {self._file.path} and are delivered with the next one"
        refused = f"{len(self.set_aside)} writes were refused when it was back and are kept in {self._file.path}"
        also = "".join(f"; {words}" for count, words in ((self.backlog, waiting), (len(self.set_aside), refused)) if count)
        try:
            version = await self._remote.schema_version()
        except RecordsUnavailable as error:
            raise RecordsUnavailable(f"{error}{also}") from error
        return f"Supabase at {self._remote.url} answers, schema {version}{also}"

    async def open_rows(self, season_id: SeasonId, tables: Tables) -> Tables:
        """Write a season's first rows where there are none, and return `seasons` and `competitors` as they are kept."""
        async with self._delivery.turn():
            match await self._delivery.asked(partial(self._remote.open_rows, season_id, tables)):
                case (found,):
                    return found
            kept = self._kept(season_id)
            return {name: kept[name] for name in ("seasons", "competitors")}

    async def state_rows(self, season_id: SeasonId, as_of: datetime) -> Tables:
        """Return what `state.state_of` reads, by table: as it is stored, or as it will be."""
        async with self._delivery.turn():
            match await self._delivery.asked(partial(self._remote.state_rows, season_id, as_of)):
                case (rows,):
                    self._file.keep_state(season_id, rows)
                    return rows
            return self._carried(season_id)

    async def claim(self, season_id: SeasonId, number: int, scheduled_at: str, claim: str) -> None:
        """Claim a cycle's number under a name of the claim."""
        await self._write(season_id, "claim", number=number, scheduled_at=scheduled_at, claim=claim)

    async def write_intents(self, season_id: SeasonId, rows: Sequence[Row]) -> None:
        """Write down intents, each once."""
        await self._write(season_id, "write_intents", rows=list(rows))

    async def book_rows(self, tables: Tables) -> None:
        """Write the rows of a booking, all or none, once."""
        await self._write(SeasonId(tables["bookings"][0]["season_id"]), "book_rows", tables=tables)

    async def rows(self, table: str, season_id: SeasonId) -> AsyncIterator[Mapping[str, Any]]:
        """Yield a table's rows of a season in booking order; while Supabase is away, the season's own row alone."""
        try:
            async for row in self._remote.rows(table, season_id):
                yield row
        except RecordsUnavailable as error:
            self._delivery.fails(error)
            kept = self._file.kept_state(season_id)
            if table != "seasons" or kept is None:
                raise
            for row in kept["seasons"]:
                yield shown(row)

    async def page(self, table: str, season_id: SeasonId, after: int, size: int) -> Page:
        """Return up to `size` of a table's rows that stand behind `after`: what is in Supabase, not what waits for it."""
        try:
            return await self._remote.page(table, season_id, after, size)
        except RecordsUnavailable as error:
            self._delivery.fails(error)
            raise

    async def prompt(self, season_id: SeasonId, part: str, digest: str) -> str | None:
        """Return a part of a prompt by its hash, where it is in Supabase."""
        try:
            return await self._remote.prompt(season_id, part, digest)
        except RecordsUnavailable as error:
            self._delivery.fails(error)
            raise

    async def take(self, season_id: SeasonId, holder: str, now: datetime, until: datetime) -> bool:
        """Take the lease among this machine's processes, then among machines where Supabase can be asked."""
        if not self._file.take(season_id, holder, iso(now), iso(until)):
            return False
        if not self._delivery.reachable:
            return True
        try:
            taken = await asyncio.wait_for(self._remote.take(season_id, holder, now, until), LEASE_SECONDS)
        except (RecordsUnavailable, TimeoutError) as error:
            self._delivery.fails(error)
            return True
        if not taken:
            self._file.release(season_id, holder)
        return taken

    async def release(self, season_id: SeasonId, holder: str) -> None:
        """Give the lease back; where Supabase does not hear of it, it runs out."""
        self._file.release(season_id, holder)
        if self._delivery.reachable:
            try:
                await asyncio.wait_for(self._remote.release(season_id, holder), LEASE_SECONDS)
            except (RecordsUnavailable, TimeoutError) as error:
                self._delivery.fails(error)

    async def standing(self, season_id: SeasonId) -> SeasonStanding | None:
        """Return where the season stands; None where nobody has halted, resumed or ended it so far.

        Raises:
            RecordsUnavailable: Supabase is away.
        """
        async with self._delivery.turn():
            match await self._delivery.asked(partial(self._remote.standing, season_id)):
                case (found,):
                    return found
        raise RecordsUnavailable(f"where season {season_id} stands was not read: Supabase is out of reach")

    async def stand(self, season_id: SeasonId, standing: SeasonStanding) -> None:
        """Note where the season stands from now on."""
        await self._write(season_id, "write_standing", row=flat(standing))

    async def load_paper_book(self, season_id: SeasonId, account: AccountId) -> tuple[int, str] | None:
        """Return version and text of an account's book; None where none was ever saved."""
        async with self._delivery.turn():
            match await self._delivery.asked(partial(self._remote.load_paper_book, season_id, account)):
                case (found,):
                    if found is not None:
                        self._file.keep_book(season_id, account, *found)
                    return found
            return self._file.kept_book(season_id, account)

    async def save_paper_book(self, season_id: SeasonId, account: AccountId, version: int, text: str) -> bool:
        """Save the text that follows a version; False where another one has followed it meanwhile."""
        try:
            await self._write(season_id, "save_paper_book", account=account, version=version, text=text)
        except CycleConflict:
            return False
        return True

    async def _write(self, season_id: SeasonId, name: str, **arguments: Any) -> None:
        """Write down, then deliver; what cannot be delivered stays, unless it does not follow what was written before."""
        async with self._delivery.turn():
            write = self._file.append(season_id, name, arguments)
            try:
                if not await self._delivery.delivered(write):
                    self._delivery.away = True
                    self._follow(season_id, name, arguments)
                    self._file.hold()
            except RecordsError:  # refused; what was cancelled, or met settings that do not fit any more, is delivered later
                self._file.drop(write)
                raise

    def _follow(self, season_id: SeasonId, name: str, arguments: Mapping[str, Any]) -> None:
        """Make sure that the last write follows what was written before.

        Raises:
            CycleConflict: It does not.
        """
        if name != "save_paper_book":
            self._carried(season_id)
            return
        account, version, text = (arguments[each] for each in ("account", "version", "text"))
        kept = self._file.kept_book(season_id, account) or (0, "")
        if kept[0] == version:
            self._file.keep_book(season_id, account, version + 1, text)
        elif kept != (version + 1, text):
            raise book_moved(account)

    def _carried(self, season_id: SeasonId) -> Tables:
        """Return the rows as they were last read, carried on by what was written since.

        Raises:
            CycleConflict: The last write does not follow them.
        """
        return reduce(_carry, self._file.since_state(season_id), self._kept(season_id))

    def _kept(self, season_id: SeasonId) -> Tables:
        kept = self._file.kept_state(season_id)
        if kept is None:
            raise RecordsUnavailable(f"season {season_id} is unknown: Supabase is out of reach, and was never read here")
        return kept


def _carry(rows: Tables, write: Write) -> Tables:
    match write.name:
        case "claim":
            return with_claim(rows, write.season_id, write.arguments["number"], write.arguments["scheduled_at"])
        case "write_intents":
            return with_intents(rows, write.arguments["rows"])
        case "book_rows":
            return with_booking(rows, write.arguments["tables"])
        case _:
            return rows
