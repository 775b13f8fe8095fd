"""Book what the venue did, in the order it happened, to the competitor it belongs to.

Settlement runs twice a cycle: before the models are asked, so that they see the truth, and after their orders are done. The first
starts from the stored ledgers and cursor, so an event is booked once however often a cycle is begun anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from arena.application.record import BookedFill
from arena.domain.competitor import CompetitorId, SeasonId
from arena.domain.costs import FundingPayment, funding_payment
from arena.domain.ledger import ClosedTrade, Ledger, LedgerEntry, Posting, apply_fill, apply_funding
from arena.domain.market import FundingRate
from arena.domain.order import Fill, Intent, Leg, OrderKey, client_order_id, owner_of, parse_client_order_id
from arena.domain.position import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Ledgers with everything up to some instant booked, and what was booked.

    Attributes:
        foreign: Trades of the account that belong to no competitor of this season (by hand, a liquidation by the venue).
        orphans: (symbol, client id) of resting orders whose position is gone: they would close somebody else's quantity.
        cursor: Last trade id seen by symbol, foreign trades included.
    """

    ledgers: Mapping[CompetitorId, Ledger]
    fills: tuple[BookedFill, ...] = ()
    funding: tuple[FundingPayment, ...] = ()
    entries: tuple[LedgerEntry, ...] = ()
    closed_trades: tuple[ClosedTrade, ...] = ()
    foreign: tuple[Fill, ...] = ()
    orphans: tuple[tuple[str, str], ...] = ()
    cursor: Mapping[str, int]

    def filled_ids(self) -> frozenset[str]:
        """Return the client ids of all orders that filled."""
        return frozenset(booked.fill.client_order_id for booked in self.fills)


@dataclass(slots=True)
class _Books:
    """The working state of one settlement."""

    season_id: SeasonId
    ledgers: dict[CompetitorId, Ledger]
    intents: Mapping[str, Intent]
    gone: frozenset[str]
    cursor: dict[str, int]
    fills: list[BookedFill] = field(default_factory=list)
    funding: list[FundingPayment] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    closed: list[ClosedTrade] = field(default_factory=list)
    foreign: list[Fill] = field(default_factory=list)
    orphans: list[tuple[str, str]] = field(default_factory=list)

    def book_funding(self, rate: FundingRate) -> None:
        """Charge every position in the symbol, whosever it is."""
        for llm_id, ledger in self.ledgers.items():
            for position in [p for p in ledger.positions.values() if p.symbol == rate.symbol]:
                payment = funding_payment(position, rate)
                self._keep(llm_id, apply_funding(self.ledgers[llm_id], payment))
                self.funding.append(payment)

    def book_fill(self, fill: Fill) -> None:
        """Give a trade to its owner; an opened position learns its protection, a closed one leaves its other order behind."""
        self.cursor[fill.symbol] = max(fill.trade_id, self.cursor.get(fill.symbol, 0))
        owner = owner_of(fill.client_order_id, self.season_id)
        if owner not in self.ledgers:
            self.foreign.append(fill)
            return
        key = (fill.symbol, fill.position_side)
        before = self.ledgers[owner].positions.get(key)
        posting = apply_fill(self.ledgers[owner], fill, self.intents.get(fill.client_order_id))
        self._keep(owner, posting)
        order = parse_client_order_id(fill.client_order_id)
        assert order is not None  # owner_of has read it
        self.fills.append(BookedFill(fill=fill, llm_id=owner, cycle=order.cycle, realized_pnl=posting.realized_pnl))
        if before is None:
            self._protect(owner, self.ledgers[owner].positions[key], order)
        elif key not in self.ledgers[owner].positions:
            resting = {before.stop_order_id, before.target_order_id} - {fill.client_order_id, None} - self.gone
            self.orphans += [(fill.symbol, order_id) for order_id in sorted(str(order_id) for order_id in resting)]

    def _protect(self, owner: CompetitorId, position: Position, order: OrderKey) -> None:
        """Remember which conditional orders of the same cycle protect a position that has just been opened."""

        def resting(leg: Leg) -> str | None:
            order_id = client_order_id(self.season_id, order.cycle, order.letter, order.symbol, leg)
            return order_id if order_id in self.intents and order_id not in self.gone else None

        ledger = self.ledgers[owner]
        protected = replace(position, stop_order_id=resting(Leg.STOP), target_order_id=resting(Leg.TARGET))
        self.ledgers[owner] = replace(ledger, positions={**ledger.positions, (position.symbol, position.side): protected})

    def _keep(self, llm_id: CompetitorId, posting: Posting) -> None:
        self.ledgers[llm_id] = posting.ledger
        self.entries += posting.entries
        if posting.closed_trade is not None:
            self.closed.append(posting.closed_trade)


def settle(
    season_id: SeasonId,
    ledgers: Mapping[CompetitorId, Ledger],
    fills: Iterable[Fill],
    fundings: Iterable[FundingRate],
    intents: Mapping[str, Intent],
    cursor: Mapping[str, int],
    gone: frozenset[str] = frozenset(),
) -> Settlement:
    """Return the ledgers with these events booked in time order; a funding comes before a fill of the same instant.

    Args:
        season_id: Its tag in the client order id decides whose a fill is.
        ledgers: Before the events.
        fills: After `cursor`.
        fundings: Not booked yet.
        intents: By client id; an opening fill takes leverage, thesis and protection from them.
        cursor: Last trade id booked, by symbol.
        gone: Client ids of conditional orders that were cancelled or refused.
    """
    books = _Books(season_id=season_id, ledgers=dict(ledgers), intents=intents, gone=gone, cursor=dict(cursor))
    events: Sequence[tuple[datetime, int, FundingRate | Fill]] = sorted(
        [*((rate.time, 0, rate) for rate in fundings), *((fill.time, fill.trade_id, fill) for fill in fills)],
        key=lambda event: event[:2],
    )
    for _, _, event in events:
        if isinstance(event, FundingRate):
            books.book_funding(event)
        else:
            books.book_fill(event)
    return Settlement(
        ledgers=books.ledgers,
        fills=tuple(books.fills),
        funding=tuple(books.funding),
        entries=tuple(books.entries),
        closed_trades=tuple(books.closed),
        foreign=tuple(books.foreign),
        orphans=tuple(books.orphans),
        cursor=books.cursor,
    )


def protected_anew(ledger: Ledger, replaced: Mapping[tuple[str, str], tuple[str | None, str | None]]) -> Ledger:
    """Return the ledger with the stop and target ids of positions whose protection was placed again.

    Args:
        ledger: Before.
        replaced: (stop id, target id) by (symbol, position side).
    """
    positions = dict(ledger.positions)
    for key, position in ledger.positions.items():
        if key in replaced:
            stop_id, target_id = replaced[key]
            positions[key] = replace(position, stop_order_id=stop_id, target_order_id=target_id)
    return replace(ledger, positions=positions)
