"""The TradingAccount port over a paper account that lives in a market's past and keeps its book in a store.

The engine stays from call to call. What an order changes is kept before anybody hears of it; what only time has changed is not:
whoever goes on with the book lives through the same bars again, and makes the same trades under the same numbers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from arena.adapters.paper.book import PaperBook, opened
from arena.adapters.paper.book_text import read_book, write_book
from arena.adapters.paper.engine import PaperEngine
from arena.adapters.paper.exchange import PaperExchange
from arena.application.ports import VenueBook
from arena.application.store import PaperBooks
from arena.domain.competitor import AccountId, SeasonId
from arena.domain.money import ZERO
from arena.domain.order import Fill, Order, OrderOutcome, RestingOrder
from arena.errors import ExchangeUnavailable

T = TypeVar("T")


def kept_as(account: AccountId) -> AccountId:
    """Return the name under which a replay's account is kept: on live prices nobody may go on with it."""
    return AccountId(f"replay-{account}")


class BookShelf:
    """Where one account's book of a replay is kept.

    Args:
        books: The store.
        season_id, account: Whose it is.
    """

    def __init__(self, books: PaperBooks, season_id: SeasonId, account: AccountId) -> None:
        self._books, self._season_id, self._name = books, season_id, kept_as(account)
        self._version = 0

    async def take(self, capital: Decimal, start: datetime) -> PaperBook:
        """Return the book as it was kept, or a new one that is given `capital` (USDT) at `start`."""
        stored = await self._books.load_paper_book(self._season_id, self._name)
        if stored is None:
            return opened(self._name, capital, start)
        self._version, text = stored
        return read_book(text)

    async def put(self, book: PaperBook) -> None:
        """Keep the book.

        Raises:
            ExchangeUnavailable: Another replay of the season has kept its own meanwhile.
        """
        if not await self._books.save_paper_book(self._season_id, self._name, self._version, write_book(book)):
            raise ExchangeUnavailable("another replay of this season is running: wait for it, or name a SEASON of its own")
        self._version += 1


class ReplayedAccount:
    """One account of a replayed season; whoever advances the engine moves its time.

    Args:
        engine: Stands at the book's instant, and knows no account yet.
        book: The account's.
        shelf: Keeps it.
    """

    def __init__(self, engine: PaperEngine, book: PaperBook, shelf: BookShelf) -> None:
        engine.resume(book.account, book.numbers, {})
        self._engine, self._book, self._shelf = engine, book, shelf
        self._exchange = PaperExchange(engine, book.account)

    def advance(self, until: datetime) -> None:
        """Live up to an instant."""
        self._engine.advance(until)

    async def prepare(self, symbols: Sequence[str], leverage: int) -> None:
        """Set hedge mode and the symbols' leverage.

        Raises:
            ConfigurationError: Open orders or positions forbid it, or a symbol or its leverage is not offered.
        """
        await self._kept(self._exchange.prepare(symbols, leverage))

    async def place(self, order: Order) -> OrderOutcome:
        """Send an order; a market order trades at the last price of this moment."""
        return await self._kept(self._exchange.place(order))

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        """Cancel an open order; False when it is already gone."""
        return await self._kept(self._exchange.cancel(symbol, client_order_id, conditional=conditional))

    async def cancel_together(
        self, symbol: str, client_order_ids: Sequence[str], *, conditional: bool
    ) -> Mapping[str, OrderOutcome]:
        """Cancel open orders of one symbol; return how those have ended that were open."""
        return await self._kept(self._exchange.cancel_together(symbol, client_order_ids, conditional=conditional))

    async def find(self, symbol: str, client_order_id: str, *, conditional: bool) -> OrderOutcome | None:
        """Return what has become of an order; None where there never was one, or it ended hours ago and its trades are booked."""
        return await self._exchange.find(symbol, client_order_id, conditional=conditional)

    async def resting(self, symbols: Sequence[str]) -> tuple[RestingOrder, ...]:
        """Return the open conditional orders of some symbols."""
        return await self._exchange.resting(symbols)

    async def fills(self, cursor: Mapping[str, int], since: datetime, until: datetime) -> tuple[Fill, ...]:
        """Return the account's trades after the cursor, up to `until`, in time order; those up to it may then be forgotten."""
        found = await self._exchange.fills(cursor, since, until)
        self._book.lived_until = self._engine.now
        self._book.forget(cursor)
        self._exchange = PaperExchange(self._engine, self._book.account)  # it has looked at trades that are forgotten
        return found

    async def book(self) -> VenueBook:
        """Return positions and balances of the account."""
        return await self._exchange.book()

    async def income(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        """Return what has changed the wallet, USDT, by the venue's name of the reason: within the last day, or since the opening.

        Raises:
            ExchangeUnavailable: `since` lies between the two, where only sums are kept.
        """
        past, single = self._book.income_before(since, until), await self._exchange.income(since, until)
        return {kind: past.get(kind, ZERO) + single.get(kind, ZERO) for kind in {**past, **single}}

    async def _kept(self, change: Awaitable[T]) -> T:
        result = await change
        self._book.lived_until = self._engine.now
        await self._shelf.put(self._book)
        return result
