"""Binance's limits: how long a call waits, on a clock that only moves while somebody waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from arena.adapters.binance import limits
from arena.adapters.binance.limits import FUNDINGS, ORDERS, Pace, RequestBudget


@dataclass
class Clock:
    """Its time passes by sleeping."""

    now: float = 6_000_000.0  # the start of a minute
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(limits.asyncio, "sleep", found.sleep)
    return found


def test_a_call_that_does_not_fit_into_the_minute_waits_for_the_next(clock: Clock) -> None:
    """The weight is what the venue says of this address, whoever has used it; a share is left to others."""
    budget = RequestBudget(now=clock)
    clock.now += 20

    async def call() -> None:
        await budget.admit("futures_income_history", {})  # weighs 30
        budget.note(int(2400 * limits.OUR_SHARE) - 30)
        await budget.admit("futures_income_history", {})
        assert clock.slept == []
        budget.note(int(2400 * limits.OUR_SHARE))
        await budget.admit("futures_time", {})

    asyncio.run(call())
    assert clock.slept == [40.0]
    assert budget.used_weight == 0 and budget.weight == 61 and budget.calls["futures_income_history"] == 2


def test_a_429_keeps_everybody_quiet_for_as_long_as_the_venue_says(clock: Clock) -> None:
    budget = RequestBudget(now=clock)
    budget.slow_down(7)
    budget.slow_down(3)  # of a call that was sent earlier
    asyncio.run(budget.admit("futures_time", {}))
    assert clock.slept == [7.0]


def test_orders_keep_to_three_hundred_in_ten_seconds_and_twelve_hundred_a_minute(clock: Clock) -> None:
    pace = Pace(ORDERS, clock)
    sent: list[float] = []

    async def burst() -> None:
        for _ in range(3000):
            await pace.admit()
            sent.append(clock.now)

    asyncio.run(burst())
    for span, limit in ((10, 300), (60, 1200)):
        assert all(later - earlier >= span for earlier, later in zip(sent, sent[limit:], strict=False))
    assert sent[299] == sent[0] and sent[-1] - sent[0] == 130, "and no slower than that"


def test_fundings_which_weigh_nothing_keep_to_a_limit_of_their_own(clock: Clock) -> None:
    budget = RequestBudget(now=clock)
    sent: list[float] = []

    async def burst() -> None:
        for _ in range(1000):
            await budget.admit("futures_funding_rate", {})
            sent.append(clock.now)

    asyncio.run(burst())
    ((span, limit),) = FUNDINGS
    assert all(later - earlier >= span.total_seconds() for earlier, later in zip(sent, sent[limit:], strict=False))
    assert budget.weight == 0 and sent[limit - 1] == sent[0] and limit < 500


def test_who_is_granted_less_of_a_minute_waits_sooner(clock: Clock) -> None:
    budget = RequestBudget(now=clock, share=0.5)
    budget.note(1199)
    asyncio.run(budget.admit("futures_time", {}))
    assert clock.slept == []
    budget.note(1200)
    asyncio.run(budget.admit("futures_time", {}))
    assert clock.slept == [60.0]


def test_market_data_is_told_from_what_each_account_asks() -> None:
    budget = RequestBudget()

    async def calls() -> None:
        for method in ("futures_klines", "futures_mark_price", "futures_account", "futures_create_order"):
            await budget.admit(method, {"limit": 499})

    asyncio.run(calls())
    assert budget.market_calls == 2 and budget.weight == 2 + 10 + 5 + 0
