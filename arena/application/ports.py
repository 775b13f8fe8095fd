"""The outside, as the use cases see it. Adapters translate foreign names, units and exceptions into these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from arena.domain.competitor import AccountId
from arena.domain.instrument import Instrument
from arena.domain.market import FundingRate, MarketSnapshot
from arena.domain.order import Fill, Order, OrderOutcome, PositionSide, RestingOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBook:
    """The venue's view of the whole account.

    Attributes:
        positions: Signed quantity by symbol and side, base asset; zeros are left out.
        wallet_balance, available_balance: USDT.
        marks: At which the venue values what is held, USDT by symbol.
        unrealized_pnl: Of what is held, at those marks, USDT.
    """

    positions: Mapping[tuple[str, PositionSide], Decimal]
    wallet_balance: Decimal
    available_balance: Decimal
    marks: Mapping[str, Decimal]
    unrealized_pnl: Decimal


class MarketData(Protocol):
    """Prices, the same for all competitors."""

    async def time(self) -> datetime:
        """Return the venue's clock, UTC."""
        ...

    async def label(self) -> str:
        """Return where the prices come from, in words for report and prompt-free displays."""
        ...

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Return the contracts with filters, tiers and fees; an unknown symbol is left out."""
        ...

    async def snapshot(self, symbols: Sequence[str], as_of: datetime) -> MarketSnapshot:
        """Return the market at `as_of`; a symbol that cannot be read is in `missing`.

        Raises:
            MarketDataError: Nothing could be read at all.
        """
        ...

    async def fundings(self, symbols: Sequence[str], after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """Return the fundings with after < time ≤ until, oldest first."""
        ...


class Exchange(Protocol):
    """Where one account's orders go."""

    async def place(self, order: Order) -> OrderOutcome:
        """Send an order once; after an unknown result look its client id up before anything else.

        A limit order is post-only: one that would trade at once is refused.

        Raises:
            ExchangeUnavailable, RateLimited: Nothing was executed.
        """
        ...

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        """Cancel a resting order; False when it is already gone (filled, triggered, cancelled, never there).

        What it has filled until then is `find`'s to say.

        Raises:
            ExchangeUnavailable, RateLimited: It may still be there.
        """
        ...

    async def cancel_together(
        self, symbol: str, client_order_ids: Sequence[str], *, conditional: bool
    ) -> Mapping[str, OrderOutcome]:
        """Cancel several resting orders of one symbol in fewer requests than one for each, and no order besides.

        Returns how those have ended of which that is certain, as `find` says it. The others, maybe all, may rest or not: they are
        for `cancel`. Only a conditional order that has triggered in this very moment may be taken for cancelled.

        Raises:
            ExchangeUnavailable, RateLimited: Nothing is certain.
        """
        ...

    async def find(self, symbol: str, client_order_id: str, *, conditional: bool) -> OrderOutcome | None:
        """Return what has become of an order, by its client id; None where the venue does not know it.

        RESTING while it is open, with what it has filled so far; FILLED where it ended and something was executed, REFUSED where
        it ended without, UNKNOWN while it is between the two (a conditional order that is just triggering).

        Raises:
            ExchangeUnavailable, RateLimited: It could not be asked for.
        """
        ...

    async def resting(self, symbols: Sequence[str]) -> tuple[RestingOrder, ...]:
        """Return the open conditional orders of some symbols, whoever sent them.

        Raises:
            ExchangeUnavailable, RateLimited
        """
        ...


class Account(Protocol):
    """One account at the venue."""

    async def prepare(self, symbols: Sequence[str], leverage: int) -> None:
        """Set hedge mode, cross margin and the symbols' leverage.

        Raises:
            ConfigurationError: The account is in a state that must be changed by hand; the sentence says which.
        """
        ...

    async def fills(self, cursor: Mapping[str, int], since: datetime, until: datetime) -> tuple[Fill, ...]:
        """Return the account's trades after the cursor, up to `until`, in time order.

        Args:
            cursor: Last known trade id by symbol, 0 for a symbol without one; its symbols are those that are asked for.
            since: Where to begin for a symbol without a known trade.
            until: Later trades are left for the next settlement.
        """
        ...

    async def book(self) -> VenueBook:
        """Return positions and balances of the account."""
        ...

    async def income(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        """Return what has changed the wallet with since ≤ time ≤ until, USDT, by the venue's name of the reason."""
        ...


class TradingAccount(Exchange, Account, Protocol):
    """An account and where its orders go."""


Accounts = Mapping[AccountId, TradingAccount]
