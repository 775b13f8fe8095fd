"""The TradingAccount port over a paper account that lives on a live market and keeps its book in a store.

Every call takes the book out of the store, lives up to the venue's present, does its thing on the paper engine, and puts the book
back, all of it or nothing. Whoever finds that another run has put it back meanwhile begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from arena.adapters.paper.book import PaperBook, charged, opened
from arena.adapters.paper.book_text import read_book, write_book
from arena.adapters.paper.engine import PaperEngine
from arena.adapters.paper.exchange import PaperExchange
from arena.adapters.paper.live_feed import MINUTE, LiveFeed, fundings_from, start_of
from arena.application.ports import MarketData, VenueBook
from arena.application.store import PaperBooks
from arena.domain.competitor import AccountId, SeasonId
from arena.domain.instrument import Instrument
from arena.domain.market import Bar, FundingRate
from arena.domain.money import ZERO
from arena.domain.order import Fill, Order, OrderOutcome, RestingOrder
from arena.errors import ExchangeUnavailable, RecordsError
from arena.together import together

AT_ONCE, RECENT = timedelta(0), timedelta(seconds=1)  # how long ago a call may have been looked for the last time
BACKWARDS = timedelta(minutes=1)  # more is another clock, not the jitter of one
TRIES = 50  # of putting the book back while others do so too

T = TypeVar("T")
Act = Callable[[PaperExchange, PaperBook], Awaitable[T]]


class LiveMarket(MarketData, Protocol):
    """Market data that a paper account can live on."""

    async def minutes(self, symbol: str, since: datetime, until: datetime) -> tuple[Bar, ...]:
        """Return the bars of one minute that open within since to until, oldest first; the last one may still be forming.

        Raises:
            ExchangeError: They could not be read.
        """
        ...


class LivePaperAccount:
    """One paper account of a season.

    Args:
        books: Where it is kept.
        market: What it lives on; its clock is the account's.
        season_id, account: Whose it is.
        capital: That it is given where there is none yet, USDT.
    """

    def __init__(
        self, books: PaperBooks, market: LiveMarket, season_id: SeasonId, account: AccountId, capital: Decimal = ZERO
    ) -> None:
        self._books = books
        self._market = market
        self._season_id = season_id
        self._name = account
        self._capital = capital
        self._turn = asyncio.Lock()  # two calls of one process would only begin anew

    async def prepare(self, symbols: Sequence[str], leverage: int) -> None:
        """Set hedge mode and the symbols' leverage.

        Raises:
            ConfigurationError: Open orders or positions forbid it, or a symbol or its leverage is not offered.
        """
        await self.call(lambda exchange, _: exchange.prepare(symbols, leverage), symbols, RECENT)

    async def place(self, order: Order) -> OrderOutcome:
        """Send an order; a market order trades at the last price of this moment.

        Raises:
            ExchangeUnavailable, RateLimited: The market or the store failed; nothing was executed.
        """
        return await self.call(lambda exchange, _: exchange.place(order), [order.symbol])

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        """Cancel an open order; False when it is already gone."""
        return await self.call(lambda exchange, _: exchange.cancel(symbol, client_order_id, conditional=conditional))

    async def cancel_together(
        self, symbol: str, client_order_ids: Sequence[str], *, conditional: bool
    ) -> Mapping[str, OrderOutcome]:
        """Cancel open orders of one symbol, all in one writing of the book."""
        return await self.call(lambda exchange, _: exchange.cancel_together(symbol, client_order_ids, conditional=conditional))

    async def find(self, symbol: str, client_order_id: str, *, conditional: bool) -> OrderOutcome | None:
        """Return what has become of an order; None where there never was one, or it ended hours ago and its trades are booked."""
        return await self.call(
            lambda exchange, _: exchange.find(symbol, client_order_id, conditional=conditional), recent_enough=RECENT
        )

    async def resting(self, symbols: Sequence[str]) -> tuple[RestingOrder, ...]:
        """Return the open conditional orders of some symbols."""
        return await self.call(lambda exchange, _: exchange.resting(symbols), recent_enough=RECENT)

    async def fills(self, cursor: Mapping[str, int], since: datetime, until: datetime) -> tuple[Fill, ...]:
        """Return the account's trades after the cursor, up to `until`, in time order; those up to it may then be forgotten."""
        return await self.call(lambda exchange, _: exchange.fills(cursor, since, until), until=until, booked=cursor)

    async def book(self) -> VenueBook:
        """Return positions and balances of the account."""
        return await self.call(lambda exchange, _: exchange.book())

    async def income(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        """Return what has changed the wallet, USDT, by the venue's name of the reason: within the last day, or since the opening.

        Raises:
            ExchangeUnavailable: `since` lies between the two, where only sums are kept.
        """

        async def total(exchange: PaperExchange, book: PaperBook) -> Mapping[str, Decimal]:
            past, single = book.income_before(since, until), await exchange.income(since, until)
            return {kind: past.get(kind, ZERO) + single.get(kind, ZERO) for kind in {**past, **single}}

        return await self.call(total, recent_enough=RECENT)

    async def call(
        self,
        act: Act[T],
        symbols: Collection[str] = (),
        recent_enough: timedelta = AT_ONCE,
        *,
        until: datetime | None = None,
        booked: Mapping[str, int] | None = None,
    ) -> T:
        """Act on the account as it is now and keep what comes of it.

        Args:
            act: Begun anew on a fresh book where another run was faster.
            symbols: That must have a price, beside those in which something is held or open.
            recent_enough: How long ago the last look may have been; nothing is asked of the market then.
            until: Up to when it must have lived; the venue's present where left out.
            booked: Last trade id by symbol that is booked in the ledgers.

        Raises:
            ExchangeUnavailable, RateLimited: The market or the store failed, and nothing has changed.
        """
        now = until or await self._market.time()
        async with self._turn:
            for _ in range(TRIES):
                version, text, book = await self._taken(now)
                if until is None and book.lived_until > now + BACKWARDS:
                    raise ExchangeUnavailable(
                        f"the venue's clock says {now.isoformat()}, but the paper account {self._name} has lived until "
                        f"{book.lived_until.isoformat()}: is BINANCE_BASE_URL the season's?"
                    )
                engine = await self._at_present(book, now, symbols, recent_enough)
                result = await act(PaperExchange(engine, book.account), book)
                book.forget(booked or {})
                if await self._kept(version, text, write_book(book)):
                    return result
        raise ExchangeUnavailable(f"the paper account {self._name} is being changed by others all the time")

    async def _taken(self, now: datetime) -> tuple[int, str, PaperBook]:
        """Return version, text and book as they are stored; a new one has version 0, and is kept once something changes it."""
        try:
            stored = await self._books.load_paper_book(self._season_id, self._name)
        except RecordsError as error:
            raise ExchangeUnavailable(f"the paper account {self._name} cannot be read: {error}") from error
        if stored is None:
            fresh = opened(self._name, self._capital, now)
            return 0, write_book(fresh), fresh
        return *stored, read_book(stored[1])

    async def _kept(self, version: int, before: str, text: str) -> bool:
        try:
            return text == before or await self._books.save_paper_book(self._season_id, self._name, version, text)
        except RecordsError as error:
            raise ExchangeUnavailable(f"the paper account {self._name} cannot be kept: {error}") from error

    async def _at_present(
        self, book: PaperBook, now: datetime, symbols: Collection[str], recent_enough: timedelta
    ) -> PaperEngine:
        """Bring a book up to now, unless it is recent enough, and return an engine that stands there with its account."""
        held = book.symbols()
        instruments = await self._market.instruments(sorted(held.union(symbols)))
        if gone := held.difference(instruments):
            raise ExchangeUnavailable(f"{', '.join(sorted(gone))} is in the paper account, but the venue lists it no more")
        until = now if book.lived_until < now - recent_enough else book.lived_until
        feed = await self._look(book, until, instruments)
        engine = PaperEngine(feed, instruments, book.lived_until)
        engine.resume(book.account, book.numbers, {symbol: glimpse.minute for symbol, glimpse in book.seen.items()})
        engine.advance(until)
        book.lived_until, book.seen = until, feed.glimpses
        return engine

    async def _look(self, book: PaperBook, until: datetime, instruments: Mapping[str, Instrument]) -> LiveFeed:
        """Read what the market did since the book's instant; of symbols that were not seen then, only the present."""
        since = book.lived_until
        wanted = [symbol for symbol in instruments if until > since or symbol not in book.seen]
        starts = [start_of(MINUTE, since if symbol in book.seen else until) - MINUTE for symbol in wanted]
        fundings = await self._fundings(book, until)
        read = await together(*(self._market.minutes(s, at, until) for s, at in zip(wanted, starts, strict=True)))
        return LiveFeed(tuple(instruments), since, until, book.seen, dict(zip(wanted, read, strict=True)), fundings)

    async def _fundings(self, book: PaperBook, until: datetime) -> tuple[FundingRate, ...]:
        """Return the fundings of what is held, or was held lately, that were not charged yet."""
        start = fundings_from(book.lived_until, until)
        if start is None:
            return ()
        account = book.account
        symbols = {symbol for symbol, _ in account.buckets} | {trade.symbol for trade in account.trades if trade.time >= start}
        found = await self._market.fundings(sorted(symbols), start, until) if symbols else ()
        known = charged(account.income)
        return tuple(rate for rate in found if (rate.symbol, rate.time) not in known)
