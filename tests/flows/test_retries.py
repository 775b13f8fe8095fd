"""What Prefect repeats, and what it must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from arena.domain.market import MarketSnapshot
from arena.errors import CycleConflict, ExchangeUnavailable, MarketDataError, RateLimited
from tasks import market, records
from tests.fakes.arena import Table
from tests.fakes.models import ScriptedModel

pytestmark = pytest.mark.usefixtures("prefect_server")


class FailingMarket:
    """Fails as often as it is told, then hands over to the real one."""

    def __init__(self, inner: Any, *faults: Exception) -> None:
        self._inner, self._faults, self.calls = inner, list(faults), 0

    async def snapshot(self, *arguments: Any) -> MarketSnapshot:
        self.calls += 1
        if self._faults:
            raise self._faults.pop(0)
        taken: MarketSnapshot = await self._inner.snapshot(*arguments)
        return taken


async def snapshot_through(tmp_path: Path, *faults: Exception) -> FailingMarket:
    at = Table(tmp_path / "arena.sqlite", {"A": ScriptedModel()})
    arena = await at.arena()
    failing = FailingMarket(arena.venue.market, *faults)
    object.__setattr__(arena.venue, "market", failing)

    @flow
    async def run() -> None:
        await market.snapshot(arena, at.engine.now)

    try:
        await run()
    except Exception:
        failing.calls = -failing.calls
    return failing


async def test_a_market_that_fails_once_is_read_again(tmp_path: Path) -> None:
    assert (await snapshot_through(tmp_path, MarketDataError("the marks could not be read"))).calls == 2
    assert (await snapshot_through(tmp_path / "more", ExchangeUnavailable("busy"))).calls == 2


async def test_a_banned_address_stays_silent(tmp_path: Path) -> None:
    assert (await snapshot_through(tmp_path, RateLimited("banned", banned=True))).calls == -1


async def test_a_cycle_that_another_run_has_booked_is_not_forced(tmp_path: Path) -> None:
    arena = await Table(tmp_path / "arena.sqlite", {"A": ScriptedModel()}).arena()
    tries = []

    class Booked:
        async def book(self, _record: object) -> None:
            tries.append(1)
            raise CycleConflict("cycle 1 is booked with other contents")

    object.__setattr__(arena, "records", Booked())

    @flow
    async def run() -> None:
        await records.append(arena, None)  # type: ignore[arg-type]

    with pytest.raises(CycleConflict):
        await run()
    assert len(tries) == 1
