"""Reading the venue until the books agree with it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from arena.application.ports import Accounts, MarketData, VenueBook
from arena.application.reconcile import discrepancies
from arena.application.record import LATELY, Discrepancy, SeasonState
from arena.application.settlement import Fills, Protection, Settlement, settle
from arena.domain.competitor import AccountId
from arena.domain.instrument import Instrument
from arena.domain.ledger import Ledger
from arena.domain.market import FundingRate
from arena.domain.money import ZERO
from arena.domain.order import Fill, Intent
from arena.together import together

PAUSES = (0.1, 0.3, 0.6, 1.0, 2.0)  # seconds; trades may become visible a little after their order
LOOK_BACK = timedelta(hours=1)  # before the last booking, for the first trade of a symbol

Symbols = Mapping[AccountId, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """The market, the accounts that are traded on, and the contracts."""

    market: MarketData
    accounts: Accounts
    instruments: Mapping[str, Instrument]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a unit of work has sent so far, as far as the settlement must know it.

    Attributes:
        symbols: Traded in, by account: their trades are asked for even where positions look as they did.
        filled: Executed quantity by client id, as the venue's answers said, base asset.
        intents: By client id.
    """

    symbols: Symbols
    filled: Mapping[str, Decimal]
    intents: Mapping[str, Intent]
    protection: Protection


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """The books with everything up to `until` in them.

    Attributes:
        accounts: As the venue showed them then.
        funded: Whether fundings are among what was settled.
        differences: What even the last look could not explain.
    """

    until: datetime
    settlement: Settlement
    accounts: Mapping[AccountId, VenueBook]
    funded: bool
    differences: tuple[Discrepancy, ...]

    def shown_marks(self) -> dict[str, Decimal]:
        """Return the marks at which the accounts are valued, USDT by symbol."""
        return {symbol: mark for book in self.accounts.values() for symbol, mark in book.marks.items()}

    def marks(self) -> dict[str, Decimal]:
        """Return the mark of every held symbol, USDT, as the accounts are valued at."""
        return marks_of(self.settlement.ledgers.values(), self.shown_marks())


async def catch_up(
    venue: Venue,
    state: SeasonState,
    sent: Sent | None = None,
    *,
    funding: bool = True,
    asked: Collection[str] = (),
    now: datetime | None = None,
) -> CaughtUp:
    """Settle what the venue did since the state was booked, looking again until the positions agree.

    Args:
        venue: Where.
        state: As booked; nothing of it is changed.
        sent: By this unit of work.
        funding: Ask for fundings even where nothing was traded.
        asked: Client ids of orders of which `sent` says what they have executed: they are no reason of their own to read trades.
        now: The venue's time, where it was just asked for.
    """
    hinted = _merged(open_symbols(state, asked), sent.symbols if sent else {})
    for pause in (*PAUSES, None):
        until, now = now or await venue.market.time(), None
        accounts = await _books(venue)
        fills = await _fills(venue, state, accounts, hinted, until)
        funded = funding or any(fills.values())
        fundings = await _fundings(venue, state, fills, until) if funded else ()
        settlement = settle(state, fills, fundings, sent.intents if sent else None, sent.protection if sent else None)
        differences = discrepancies(state.season, settlement.books, accounts)
        if pause is None or (not differences and _in_full(settlement, sent)):
            break
        await asyncio.sleep(pause)
    return CaughtUp(until=until, settlement=settlement, accounts=accounts, funded=funded, differences=differences)


def open_symbols(state: SeasonState, asked: Collection[str] = ()) -> dict[AccountId, frozenset[str]]:
    """Return the symbols, by account, in which an order of unknown fate may have traded without a trace in the positions."""
    found: dict[AccountId, frozenset[str]] = {}
    for name, intent in state.intents.items():
        if not intent.order.order_type.conditional and name not in asked:
            account = state.season.account_of(intent.llm_id)
            found[account] = found.get(account, frozenset()) | {intent.order.symbol}
    return found


def held_symbols(ledgers: Iterable[Ledger]) -> tuple[str, ...]:
    """Return the symbols in which a position is held."""
    return tuple(sorted({symbol for ledger in ledgers for symbol, _ in ledger.positions}))


def marks_of(ledgers: Iterable[Ledger], known: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return `known` marks, and the entry price for a held symbol whose mark could not be read."""
    entries = {symbol: p.entry_price for ledger in ledgers for (symbol, _), p in ledger.positions.items()}
    return {**entries, **known}


async def _books(venue: Venue) -> dict[AccountId, VenueBook]:
    found = await together(*(account.book() for account in venue.accounts.values()))
    return dict(zip(venue.accounts, found, strict=True))


async def _fills(
    venue: Venue, state: SeasonState, accounts: Mapping[AccountId, VenueBook], hinted: Symbols, until: datetime
) -> Fills:
    """Return the new trades of the symbols whose positions have changed, and of those where something may have happened."""
    moved = discrepancies(state.season, state.books, accounts)
    since = max(state.season.started_at, state.settled_until - LOOK_BACK)

    async def of(account: AccountId) -> Sequence[Fill]:
        symbols = hinted.get(account, frozenset()) | {each.symbol for each in moved if each.account == account}
        seen = state.books.cursor.get(account, {})
        cursor = {symbol: seen.get(symbol, 0) for symbol in sorted(symbols)}
        return await venue.accounts[account].fills(cursor, since, until) if cursor else ()

    return dict(zip(venue.accounts, await together(*(of(account) for account in venue.accounts)), strict=True))


async def _fundings(venue: Venue, state: SeasonState, fills: Fills, until: datetime) -> tuple[FundingRate, ...]:
    """Return the fundings since a while before the last booking: they become known some time after they took place."""
    traded = {fill.symbol for found in fills.values() for fill in found} | {each.fill.symbol for each in state.lately.fills}
    symbols = sorted(traded.union(held_symbols(state.ledgers.values())))
    since = max(state.season.started_at, state.settled_until - LATELY)
    return await venue.market.fundings(symbols, since, until) if symbols else ()


def _in_full(settlement: Settlement, sent: Sent | None) -> bool:
    """Return whether every order that the venue called filled is among the trades in full."""
    return sent is None or not missing_fills(settlement, sent.filled)


def missing_fills(settlement: Settlement, filled: Mapping[str, Decimal]) -> frozenset[str]:
    """Return the client ids of orders that filled, as the venue said, and whose trades are not all booked yet."""
    return frozenset(name for name, quantity in filled.items() if settlement.executed.get(name, ZERO) < quantity)


def _merged(one: Symbols, other: Symbols) -> dict[AccountId, frozenset[str]]:
    return {account: one.get(account, frozenset()) | other.get(account, frozenset()) for account in {**one, **other}}
