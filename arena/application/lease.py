"""One run at a time acts on a season's accounts: a cycle that sends its orders, or a sweep that protects positions.

The lease is in the store and runs out by the venue's clock, so that a run that was killed keeps nobody waiting for long. A run
that was held up for longer than its lease (a machine that slept) finds its exchanges closed before it can send anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from arena.application.ports import TradingAccount
from arena.application.store import Leases
from arena.application.venue import Venue
from arena.domain.competitor import SeasonId
from arena.domain.order import Order, OrderOutcome, RestingOrder
from arena.errors import AccountTaken, RecordsError

LEASE = timedelta(seconds=5)  # a third of PROTECTION_DEADLINE_SECONDS: after a kill, even two, somebody else must be in time
RENEWALS = 3  # within one lease
RETRY_SECONDS = 0.5


@dataclass(slots=True)
class Lease:
    """What a run holds until `good_until`, on the event loop's clock."""

    leases: Leases
    season_id: SeasonId
    holder: str
    taken_at: datetime
    loop_at: float
    good_until: float

    async def renew(self) -> bool:
        """Hold the lease longer; False where it was lost. The venue's clock goes on with this machine's."""
        loop_now = asyncio.get_running_loop().time()
        now = self.taken_at + timedelta(seconds=loop_now - self.loop_at)
        if not await self.leases.take(self.season_id, self.holder, now, now + LEASE):
            return False
        self.good_until = loop_now + LEASE.total_seconds()
        return True

    def check(self) -> None:
        """Make sure that this run may still act.

        Raises:
            AccountTaken: The lease has run out.
        """
        if asyncio.get_running_loop().time() >= self.good_until:
            raise AccountTaken("this run was held up for longer than its lease on the accounts: nothing more is sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The venue under a lease that was taken at `since`, by the venue's clock."""

    venue: Venue
    since: datetime


@asynccontextmanager
async def acting(leases: Leases, season_id: SeasonId, holder: str, venue: Venue, wait_seconds: float) -> AsyncIterator[Held]:
    """Take the lease and yield the venue, whose accounts take orders as long as the lease holds.

    Raises:
        AccountTaken: Somebody else had it all the time.
    """
    lease = await _taken(leases, season_id, holder, venue, wait_seconds)
    heart = asyncio.create_task(_beat(lease))
    try:
        fenced = {name: _Fenced(account, lease) for name, account in venue.accounts.items()}
        yield Held(venue=replace(venue, accounts=fenced), since=lease.taken_at)
    finally:
        heart.cancel()
        await asyncio.gather(heart, return_exceptions=True)
        await leases.release(season_id, holder)


async def _taken(leases: Leases, season_id: SeasonId, holder: str, venue: Venue, wait_seconds: float) -> Lease:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    while True:
        loop_at, now = loop.time(), await venue.market.time()
        if await leases.take(season_id, holder, now, now + LEASE):
            return Lease(leases, season_id, holder, now, loop_at, loop_at + LEASE.total_seconds())
        if loop.time() >= deadline:
            raise AccountTaken("another run acts on the season's accounts now")
        await asyncio.sleep(RETRY_SECONDS)


async def _beat(lease: Lease) -> None:
    """Renew the lease until it is lost or the run ends."""
    while True:
        await asyncio.sleep(LEASE.total_seconds() / RENEWALS)
        try:
            if not await lease.renew():
                return
        except RecordsError:
            continue  # the store may be back before the lease runs out


class _Fenced:
    """A trading account that sends nothing once the lease is lost."""

    def __init__(self, account: TradingAccount, lease: Lease) -> None:
        self._account = account
        self._lease = lease
        self.prepare, self.fills, self.book, self.income = account.prepare, account.fills, account.book, account.income

    async def place(self, order: Order) -> OrderOutcome:
        self._lease.check()
        return await self._account.place(order)

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        self._lease.check()
        return await self._account.cancel(symbol, client_order_id, conditional=conditional)

    async def cancel_together(
        self, symbol: str, client_order_ids: Sequence[str], *, conditional: bool
    ) -> Mapping[str, OrderOutcome]:
        self._lease.check()
        return await self._account.cancel_together(symbol, client_order_ids, conditional=conditional)

    async def find(self, symbol: str, client_order_id: str, *, conditional: bool) -> OrderOutcome | None:
        return await self._account.find(symbol, client_order_id, conditional=conditional)

    async def resting(self, symbols: Sequence[str]) -> tuple[RestingOrder, ...]:
        return await self._account.resting(symbols)
