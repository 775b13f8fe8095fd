"""What may be asked of Binance from this machine's address: request weight, waiting on 429, silence on 418.

One budget is shared by all clients of a process, since Binance counts by address. A ban is also written to a file, since the next
process would prolong it by its first request. What is counted apart from the weight, see `Pace`: orders by account, fundings.

Source: Binance USD-M "General Info" (limits) and the endpoints' pages (weights).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from arena.errors import RateLimited

WEIGHT_A_MINUTE = 2400
OUR_SHARE = 0.8  # of it: other programs and the owner's own browser use the same address
ORDERS = ((timedelta(seconds=10), 300), (timedelta(minutes=1), 1200))  # by account
FUNDINGS = ((timedelta(minutes=5), 400),)  # of 500, which they share with fundingInfo
LONGEST_WAIT_SECONDS = 20.0
DEFAULT_BAN = timedelta(minutes=2)  # the shortest one that Binance imposes
_MINUTE = 60.0

log = logging.getLogger(__name__)

Params = Mapping[str, Any]


def _klines(params: Params) -> int:
    return next((weight for rows, weight in ((100, 1), (500, 2), (1001, 5)) if int(params.get("limit", 500)) < rows), 10)


def _by_symbol(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if params.get("symbol") else every


WEIGHTS: Mapping[str, int | Callable[[Params], int]] = {  # by python-binance's name; 1 where it is not here
    "futures_klines": _klines,
    "futures_mark_price_klines": _klines,
    "futures_mark_price": _by_symbol(1, 10),
    "futures_symbol_ticker": _by_symbol(1, 2),
    "futures_account": 5,
    "futures_position_information": 5,
    "futures_account_trades": 5,
    "futures_symbol_config": 5,
    "futures_account_config": 5,
    "futures_get_open_orders": _by_symbol(1, 40),
    "futures_commission_rate": 20,
    "futures_income_history": 30,
    "futures_get_position_mode": 30,
    "futures_create_order": 0,  # counted as an order
    "futures_funding_rate": 0,  # has a limit of its own: FUNDINGS
}
MARKET_DATA = frozenset(
    {
        "futures_time",
        "futures_klines",
        "futures_mark_price_klines",
        "futures_mark_price",
        "futures_symbol_ticker",
        "futures_funding_rate",
        "futures_exchange_info",
    }
)


def weight_of(method: str, params: Params) -> int:
    """Return the request weight of a call."""
    weight = WEIGHTS.get(method, 1)
    return weight if isinstance(weight, int) else weight(params)


def busy_cycle_weight(symbols: int, accounts: int) -> int:
    """Return what a cycle weighs in which every symbol is held and traded, and two positions of each are left.

    Six looks at the clock; marks and candles once; the accounts three times; for each symbol what rests on each account, its
    trades, and two positions' stops or targets.
    """
    return 6 + min(symbols, 10) + 2 * symbols + 15 * accounts + symbols * (accounts + 5 + 2)


class RequestBudget:
    """What this process has asked, and whether it may ask more.

    Args:
        ban_file: Keeps until when the address is banned, for other processes; None for none.
        now: Seconds since 1970.
        share: Of the weight of a minute that this address is granted, how much may be used up before this process waits.

    Attributes:
        calls: How often each method was called.
        weight: Of all calls so far.
    """

    def __init__(self, ban_file: Path | None = None, now: Callable[[], float] = time.time, share: float = OUR_SHARE) -> None:
        self.calls: Counter[str] = Counter()
        self.weight = 0
        self._now = now
        self._share = share
        self._fundings = Pace(FUNDINGS, now)
        self._ban_file = ban_file
        self._banned_until = _read_ban(ban_file)
        self._quiet_until = 0.0
        self._minute, self._used = 0.0, 0

    @property
    def market_calls(self) -> int:
        """How many of the calls were for market data, which is the same for all competitors."""
        return sum(count for method, count in self.calls.items() if method in MARKET_DATA)

    @property
    def used_weight(self) -> int:
        """Weight of the running minute, of everything at this address, as of the last answer."""
        return self._used if self._minute == self._now() // _MINUTE else 0

    async def admit(self, method: str, params: Params) -> None:
        """Wait until the call fits into the limits, and count it.

        Raises:
            RateLimited: The address is banned: nothing may be sent.
        """
        self._check_ban()
        weight = weight_of(method, params)
        while self._now() < self._quiet_until:
            await asyncio.sleep(max(0.0, self._quiet_until - self._now()))
            self._check_ban()
        if self.used_weight + weight > WEIGHT_A_MINUTE * self._share:
            rest = _MINUTE - self._now() % _MINUTE
            log.warning("the weight of this minute is used up (%d): waiting %.0f s", self.used_weight, rest)
            await asyncio.sleep(rest)
        if method == "futures_funding_rate":
            await self._fundings.admit()
        self.calls[method] += 1
        self.weight += weight

    def note(self, used: int) -> None:
        """Remember the weight that an answer says is used."""
        self._minute, self._used = self._now() // _MINUTE, used

    def slow_down(self, seconds: float) -> None:
        """Let every client be quiet for a while (429)."""
        self._quiet_until = max(self._quiet_until, self._now() + seconds)

    def ban(self, pause: timedelta | None) -> None:
        """Send nothing until the ban (418) is over, in this process and in those that start meanwhile."""
        until = datetime.fromtimestamp(self._now(), UTC) + (pause or DEFAULT_BAN)
        if self._banned_until is None or self._banned_until < until - DEFAULT_BAN:  # others were on their way: one line for all
            log.error("Binance has banned this address until %s: nothing is sent", until.isoformat(timespec="seconds"))
        self._banned_until = until
        if self._ban_file is not None:
            self._ban_file.parent.mkdir(parents=True, exist_ok=True)
            self._ban_file.write_text(until.isoformat() + "\n", encoding="utf-8")

    def _check_ban(self) -> None:
        now = datetime.fromtimestamp(self._now(), UTC)
        if self._banned_until is not None and now < self._banned_until:
            raise RateLimited(
                f"Binance has banned this address until {self._banned_until.isoformat(timespec='seconds')}: every request would "
                "prolong it, nothing is sent",
                retry_after=self._banned_until - now,
                banned=True,
            )


class Pace:
    """Keeps calls of one kind within limits of their own.

    Args:
        limits: Spans, and how many calls fit into each.
        now: Seconds, of a clock that only goes forward.
    """

    def __init__(self, limits: Sequence[tuple[timedelta, int]], now: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._now = now
        self._sent: deque[float] = deque(maxlen=max(limit for _, limit in limits))

    async def admit(self) -> None:
        """Wait until one more call may be sent, and count it."""
        for span, limit in self._limits:
            if len(self._sent) >= limit:
                await asyncio.sleep(max(0.0, self._sent[-limit] + span.total_seconds() - self._now()))
        self._sent.append(self._now())


def _read_ban(path: Path | None) -> datetime | None:
    """Return until when the address is banned, as another process wrote it; None where it did not, or the file makes no sense."""
    if path is None or not path.exists():
        return None
    try:
        return datetime.fromisoformat(path.read_text(encoding="utf-8").strip())
    except (ValueError, OSError):
        return None
