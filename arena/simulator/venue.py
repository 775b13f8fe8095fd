"""What the simulator holds in memory: the market, the engine, the accounts' keys, and what the wire knows beyond the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.paper.account import PaperAccount, PaperOrder
from arena.adapters.recorded import CandleArchive
from arena.domain.money import ONE, plain
from arena.domain.order import PositionSide
from arena.errors import ConfigurationError
from arena.past import engine_at, first_instant
from arena.simulator.clock import SimulatedClock
from arena.simulator.conditions import Conditions
from arena.simulator.faults import Faults
from arena.simulator.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """Opens one account.

    Attributes:
        withdrawals: Whether it may take money out, as no key that a program holds should.
    """

    secret: str = field(repr=False)
    account: str
    created_at: datetime
    withdrawals: bool = False


class Venue:
    """A simulated exchange.

    Args:
        archive: Its market.
        start: First instant; as early as prompts are full where left out.
        speed: Simulated seconds in a second.

    Attributes:
        engine: Matches and keeps the accounts; at `now()` whenever a request is served.
        keys: Accounts' keys by API key.
        time_in_force: Of normal orders by order id, where it is not GTC.
        sent_klines: By symbol, interval and whether of the mark: the rows last sent of closed candles, and until when they go.
        closing: Algo ids of the conditional orders that were placed with closePosition.
        fee_burn, multi_assets: Names of the accounts that pay fees in BNB, or count other coins as margin. Only the switches are
            simulated: fees are USDT, and so is the margin.
        limits: What has been asked for, and how much more is taken.
        faults: What is to go wrong.
        conditions: What of that is going on.
        note: Told of whatever changes accounts, prices or clock, before it is answered: what, the engine's now, and the details.

    Raises:
        ConfigurationError: The start lies outside the candles.
    """

    def __init__(self, archive: CandleArchive, *, start: datetime | None = None, speed: float = 1.0) -> None:
        earliest, start = archive.start, start or first_instant(archive)
        if not earliest <= start < archive.end:
            raise ConfigurationError(
                f"the start {start.isoformat()} lies outside the candles, which go from {earliest.isoformat()} to "
                f"{archive.end.isoformat()}"
            )
        self.archive = archive
        self.clock = SimulatedClock(start, speed)
        self.engine = engine_at(archive, start)
        self.keys: dict[str, ApiKey] = {}
        self.time_in_force: dict[int, str] = {}
        self.closing: set[int] = set()
        self.fee_burn: set[str] = set()
        self.multi_assets: set[str] = set()
        self.sent_klines: dict[tuple[str, timedelta, bool], tuple[datetime, list[list[Any]]]] = {}
        self.limits = Limits()
        self.faults = Faults()
        self.conditions = Conditions()
        self.note: Callable[..., None] = lambda what, at, **details: None

    def open_account(self, key: str, secret: str, balance: Decimal, *, withdrawals: bool = False) -> PaperAccount:
        """Open an account with `balance` USDT for an API key; a known key keeps its account, the rest is as given now."""
        name = self.keys[key].account if key in self.keys else f"account-{len(self.keys) + 1}"
        self.keys[key] = ApiKey(secret=secret, account=name, created_at=self.engine.now, withdrawals=withdrawals)
        self.note("account", self.engine.now, key=key, secret=secret, balance=plain(balance), withdrawals=withdrawals)
        return self.engine.open_account(name, balance)

    def jump(self, symbol: str, percent: Decimal) -> datetime:
        """Scale a symbol's prices by 1 + percent / 100 from its next bar on, and return when that opens.

        Raises:
            ValueError: There is no such symbol, or no next bar.
        """
        if symbol not in self.archive.symbols:
            raise ValueError(f"there is no symbol {symbol}; there are {', '.join(self.archive.symbols)}")
        opens = self.archive.jump(symbol, self.engine.now, ONE + percent / 100)
        self.note("jump", self.engine.now, symbol=symbol, percent=plain(percent))
        return opens

    def deleverage(self, account: PaperAccount, symbol: str, side: PositionSide, quantity: Decimal) -> PaperOrder:
        """Close `quantity` of a bucket against its owner's will, base asset.

        Raises:
            Refused: It holds less.
        """
        paper = self.engine.deleverage(account, symbol, side, quantity)
        self.note("deleveraging", self.engine.now, account=account.name, symbol=symbol, side=str(side), quantity=plain(quantity))
        return paper

    def move_clock(self, to: datetime) -> None:
        """Move the clock forward; the engine follows with the next request.

        Raises:
            ValueError: It is in the past.
        """
        self.clock.move_to(to)
        self.note("clock", self.engine.now, to=to.isoformat())

    def catch_up(self) -> None:
        """Bring the engine to the clock's now."""
        self.engine.advance(max(self.clock.now(), self.engine.now))
