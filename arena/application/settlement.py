"""Book what the venue did, in the order it happened, to the competitor it belongs to: pure.

A settlement starts from the stored books and everything the venue did since, so an event is booked once, however often a unit of
work is begun anew. A trade of an order that is nobody's and closes a part of a bucket (the venue's liquidation or ADL, the
emergency exit, a person) is taken from whoever holds the bucket; one that opens is foreign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import product

from arena.application.record import BookedFill, Books, Bucket, ForeignFill, SeasonState
from arena.domain.allocation import divided, in_proportion
from arena.domain.client_id import OrderKey, cause_of, client_order_id, owner_of, parse_client_order_id
from arena.domain.competitor import AccountId, CompetitorId
from arena.domain.costs import FundingPayment, funding_payment
from arena.domain.ledger import ClosedTrade, Ledger, LedgerEntry, PositionKey, Posting, apply_fill, apply_funding, covered
from arena.domain.market import FundingRate
from arena.domain.money import ZERO
from arena.domain.order import Fill, Intent, Leg, PositionSide
from arena.domain.position import Position

Fills = Mapping[AccountId, Sequence[Fill]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What has become of the orders that protect positions, as far as this unit of work has changed it.

    Attributes:
        gone: Client ids of conditional orders that are known not to rest: cancelled or refused.
        replaced: New (stop id, target id) by competitor and position.
    """

    gone: frozenset[str] = frozenset()
    replaced: Mapping[tuple[CompetitorId, PositionKey], tuple[str | None, str | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The books with everything up to some instant in them, and what was booked.

    Attributes:
        foreign: Trades of the accounts that belong to no competitor of this season.
        executed: What is booked of each order, earlier bookings of open intents included, base asset, by client id.
    """

    books: Books
    fills: tuple[BookedFill, ...] = ()
    foreign: tuple[ForeignFill, ...] = ()
    funding: tuple[FundingPayment, ...] = ()
    entries: tuple[LedgerEntry, ...] = ()
    closed_trades: tuple[ClosedTrade, ...] = ()
    executed: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def ledgers(self) -> Mapping[CompetitorId, Ledger]:
        """The ledgers after it."""
        return self.books.ledgers

    def filled_ids(self) -> frozenset[str]:
        """Return the client ids of all orders that filled."""
        return frozenset(booked.fill.client_order_id for booked in self.fills)

    def nothing_happened(self) -> bool:
        """Return whether there is nothing to book."""
        return not (self.fills or self.foreign or self.funding)


def settle(
    state: SeasonState,
    fills: Fills,
    fundings: Iterable[FundingRate],
    intents: Mapping[str, Intent] | None = None,
    protection: Protection | None = None,
) -> Settlement:
    """Return the books with these events in time order; a funding comes before a fill of the same instant.

    Args:
        state: Before the events.
        fills: After its cursor, by account; in a symbol they are in the order of their ids.
        fundings: Since `LATELY` before the cursor; what of them is booked already is left out.
        intents: By client id, beside those of the state; an opening fill takes leverage, thesis and protection from them.
        protection: What this unit of work did to protective orders.
    """
    known, protection = {**state.intents, **(intents or {})}, protection or Protection()
    posted = _Posted(state=state, intents=known, gone=protection.gone)
    events: list[tuple[datetime, int, AccountId, FundingRate | Fill]] = [(r.time, 0, AccountId(""), r) for r in fundings]
    events += [(fill.time, fill.trade_id, account, fill) for account, found in fills.items() for fill in found]
    for _, _, account, event in sorted(events, key=lambda event: event[:3]):
        if isinstance(event, FundingRate):
            posted.book_funding(event)
        else:
            posted.book_fill(account, event)
    for (llm_id, key), ids in protection.replaced.items():
        posted.protect_anew(llm_id, key, ids)
    return posted.settlement()


@dataclass(slots=True, kw_only=True)
class _Posted:
    """The working state of one settlement."""

    state: SeasonState
    intents: Mapping[str, Intent]
    gone: frozenset[str]
    ledgers: dict[CompetitorId, Ledger] = field(init=False)
    holdings: dict[Bucket, Decimal] = field(init=False)
    cursor: dict[AccountId, dict[str, int]] = field(init=False)
    executed: dict[str, Decimal] = field(init=False)
    traders: Mapping[AccountId, tuple[CompetitorId, ...]] = field(init=False)
    fills: list[BookedFill] = field(default_factory=list)
    foreign: list[ForeignFill] = field(default_factory=list)
    funding: list[FundingPayment] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    closed: list[ClosedTrade] = field(default_factory=list)

    def __post_init__(self) -> None:
        books = self.state.books
        self.ledgers, self.holdings = dict(books.ledgers), dict(books.foreign)
        self.cursor = {account: dict(ids) for account, ids in books.cursor.items()}
        self.executed = dict(self.state.executed)
        self.traders = self.state.season.accounts()

    def book_funding(self, rate: FundingRate) -> None:
        """Charge every position in the symbol, whosever it is, on what was held at the funding's time."""
        for llm_id, side in product(tuple(self.ledgers), PositionSide):
            quantity = self._held_at(llm_id, (rate.symbol, side), rate.time)
            if quantity and (llm_id, (rate.symbol, side), rate.time) not in self.state.lately.funded:
                payment = funding_payment(llm_id, side, quantity, rate)
                self._keep(llm_id, apply_funding(self.ledgers[llm_id], payment))
                self.funding.append(payment)

    def _held_at(self, llm_id: CompetitorId, key: PositionKey, time: datetime) -> Decimal:
        """Return the signed quantity before everything that is booked of this time and later; time may lie before the state."""
        position = self.ledgers[llm_id].positions.get(key)
        later = (
            booked.fill.signed_quantity
            for booked in self.state.lately.fills
            if booked.llm_id == llm_id and (booked.fill.symbol, booked.fill.position_side) == key and booked.fill.time >= time
        )
        return (position.signed_quantity if position else ZERO) - sum(later, ZERO)

    def book_fill(self, account: AccountId, fill: Fill) -> None:
        """Give a trade to its owner, to those who hold the bucket it closes, or to nobody."""
        seen = self.cursor.setdefault(account, {})
        seen[fill.symbol] = max(fill.trade_id, seen.get(fill.symbol, 0))
        owner = owner_of(fill.client_order_id, self.state.season.season_id)
        if owner in self.traders[account]:
            self._book(owner, fill)
        elif fill.side is fill.position_side.closing_side:
            self._take(account, fill)
        else:
            self._leave_foreign(account, fill)

    def protect_anew(self, llm_id: CompetitorId, key: PositionKey, ids: tuple[str | None, str | None]) -> None:
        """Note the new protection of a position that is still held."""
        ledger = self.ledgers[llm_id]
        if key in ledger.positions:
            position = replace(ledger.positions[key], stop_order_id=ids[0], target_order_id=ids[1])
            self.ledgers[llm_id] = replace(ledger, positions={**ledger.positions, key: position})

    def settlement(self) -> Settlement:
        """Return what came of it."""
        holdings = {bucket: quantity for bucket, quantity in self.holdings.items() if quantity}
        return Settlement(
            books=Books(ledgers=self.ledgers, foreign=holdings, cursor=self.cursor),
            fills=tuple(self.fills),
            foreign=tuple(self.foreign),
            funding=tuple(self.funding),
            entries=tuple(self.entries),
            closed_trades=tuple(self.closed),
            executed=self.executed,
        )

    def _book(self, owner: CompetitorId, fill: Fill) -> None:
        key = (fill.symbol, fill.position_side)
        before = self.ledgers[owner].positions.get(key)
        intent = self.intents.get(fill.client_order_id)
        posting = apply_fill(self.ledgers[owner], fill, intent)
        self._keep(owner, posting)
        self._keep(owner, covered(self.ledgers[owner], fill))
        self.executed[fill.client_order_id] = self.executed.get(fill.client_order_id, ZERO) + fill.quantity
        order = parse_client_order_id(fill.client_order_id)
        cycle = intent.cycle if intent else (order.cycle if order else None) or self.state.number
        cause = cause_of(fill.client_order_id)
        self.fills.append(BookedFill(fill=fill, llm_id=owner, cycle=cycle, realized_pnl=posting.realized_pnl, cause=cause))
        if before is None and order is not None:
            self._protect(owner, self.ledgers[owner].positions[key], order)

    def _take(self, account: AccountId, fill: Fill) -> None:
        """Take a closing trade of nobody's order from what is foreign first, then from the holders in proportion."""
        bucket = (account, fill.symbol, fill.position_side)
        from_foreign = min(fill.quantity, max(ZERO, self.holdings.get(bucket, ZERO) * fill.position_side.sign))
        parts = in_proportion(fill.quantity - from_foreign, self._holders(account, fill))
        for llm_id, part in divided(fill, parts).items() if parts else ():
            self._book(llm_id, part)
        rest = fill.quantity - sum(parts.values(), ZERO)
        if rest:
            self._leave_foreign(account, replace(fill, quantity=rest))

    def _holders(self, account: AccountId, fill: Fill) -> dict[CompetitorId, Decimal]:
        found = {
            llm_id: self.ledgers[llm_id].positions.get((fill.symbol, fill.position_side)) for llm_id in self.traders[account]
        }
        return {llm_id: position.quantity for llm_id, position in found.items() if position and not position.overclosed}

    def _leave_foreign(self, account: AccountId, fill: Fill) -> None:
        bucket = (account, fill.symbol, fill.position_side)
        self.holdings[bucket] = self.holdings.get(bucket, ZERO) + fill.signed_quantity
        self.foreign.append(ForeignFill(account=account, fill=fill))

    def _protect(self, owner: CompetitorId, position: Position, order: OrderKey) -> None:
        """Remember which conditional orders of the same cycle protect a position that has just been opened."""

        def resting(leg: Leg) -> str | None:
            season_id = self.state.season.season_id
            order_id = client_order_id(season_id, order.cycle, order.letter, order.symbol, leg, sweep=order.sweep)
            may_rest = order_id in self.intents and order_id not in self.gone and order_id not in self.executed
            return order_id if may_rest else None

        self.protect_anew(owner, (position.symbol, position.side), (resting(Leg.STOP), resting(Leg.TARGET)))

    def _keep(self, llm_id: CompetitorId, posting: Posting | None) -> None:
        if posting is None:
            return
        self.ledgers[llm_id] = posting.ledger
        self.entries += posting.entries
        if posting.closed_trade is not None:
            self.closed.append(posting.closed_trade)
