"""Getting what waits in the spool to Supabase: in order, one process at a time, and not while Supabase is away."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from arena.adapters.storage.spool_file import SpoolFile, Write
from arena.domain.competitor import AccountId, SeasonId
from arena.errors import CycleConflict, RecordsError, RecordsUnavailable

if TYPE_CHECKING:
    from arena.adapters.storage.supabase import SupabaseRecords

PAUSE_SECONDS = 15.0  # after a failure, before Supabase is tried again: a cycle must not wait for each of its writes
TURN_SECONDS = 0.005

T = TypeVar("T")

log = logging.getLogger("arena.records")


class Delivery:
    """The way from the file to Supabase.

    Attributes:
        away: Something waits, or Supabase did not answer when it was asked last.
    """

    def __init__(self, remote: SupabaseRecords, file: SpoolFile, clock: Callable[[], float]) -> None:
        self._remote = remote
        self._file = file
        self._clock = clock
        self._quiet_until = 0.0
        self._lock = threading.Lock()  # among the tasks and threads of this process; the file's is among processes
        self.away = bool(file.waiting())

    @property
    def reachable(self) -> bool:
        """Whether Supabase may be asked; it is left alone for a while after a failure."""
        return self._clock() >= self._quiet_until

    def fails(self, error: BaseException) -> None:
        """Leave Supabase alone for a while."""
        if self.reachable:
            log.warning("%s; what is written is kept in %s until it is back", error or "Supabase is slow", self._file.path)
        self._quiet_until = self._clock() + PAUSE_SECONDS
        self.away = True

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One after the other, in this process and among processes."""
        await _until(partial(self._lock.acquire, blocking=False))
        try:
            await _until(self._file.take_turn)
            try:
                yield
            finally:
                self._file.end_turn()
        finally:
            self._lock.release()

    async def asked(self, call: Callable[[], Awaitable[T]]) -> tuple[T] | None:
        """Deliver what waits, then return what the call answers; None while Supabase is away."""
        if not self.reachable:
            return None
        try:
            await self._deliver(self._file.waiting())
            return (await call(),)
        except RecordsUnavailable as error:
            self.fails(error)
            return None

    async def delivered(self, own: Write) -> bool:
        """Deliver what waits up to the caller's own write; False while Supabase is away.

        Raises:
            RecordsError: Supabase refuses it.
        """
        if not self.reachable:
            return False
        try:
            await self._deliver([*self._file.waiting_before(own), own], own)
        except RecordsUnavailable as error:
            self.fails(error)
            return False
        return True

    async def _deliver(self, writes: Sequence[Write], own: Write | None = None) -> None:
        """Send writes in their order. What Supabase refuses is refused to its writer, or set aside where that one is gone."""
        for write in writes:
            try:
                await self._send(write)
            except RecordsUnavailable:
                raise
            except RecordsError as error:
                if write is own:
                    raise
                self._file.refused(write, str(error))
                log.error(  # noqa: TRY400  the sentence is enough
                    "Supabase would not take %s of %s: %s; it is kept in %s", write.name, write.season_id, error, self._file.path
                )
            else:
                self._file.delivered(write)
        if self.away:
            log.warning("Supabase is back, and has everything that waited")
        self.away = False

    async def _send(self, write: Write) -> None:
        season_id, arguments = SeasonId(write.season_id), write.arguments
        match write.name:
            case "book_rows":
                await self._remote.book_rows(**arguments)
            case "save_paper_book":
                account, version, text = AccountId(arguments["account"]), arguments["version"], arguments["text"]
                if not await self._remote.save_paper_book(season_id, account, version, text):
                    raise book_moved(account)
                self._file.keep_book(season_id, account, version + 1, text)
            case name:
                await getattr(self._remote, name)(season_id, **arguments)


def book_moved(account: str) -> CycleConflict:
    """Another text has followed."""
    return CycleConflict(f"the paper book of {account} has moved on")


async def _until(taken: Callable[[], bool]) -> None:
    """Try until it is taken: a thread that waits in a lock could not be cancelled."""
    while not taken():  # noqa: ASYNC110  another process ends it
        await asyncio.sleep(TURN_SECONDS)
