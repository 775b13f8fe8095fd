"""One competitor's book: append-only entries, and the wallet and positions they add up to.

    wallet_balance = capital + realised PnL − fees − funding + insurance        equity = wallet_balance + unrealised PnL

Every operation returns a `Posting`: the ledger after it, and the entries that explain the change of the wallet to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from arena.domain.client_id import cause_of
from arena.domain.competitor import CompetitorId
from arena.domain.costs import FundingPayment
from arena.domain.money import ZERO
from arena.domain.order import Cause, Fill, Intent, PositionSide
from arena.domain.position import Position, after_fill

PositionKey = tuple[str, PositionSide]


class EntryKind(StrEnum):
    """Why a wallet changed."""

    CAPITAL = "capital"
    REALIZED_PNL = "realized_pnl"
    FEE = "fee"
    FUNDING = "funding"
    INSURANCE = "insurance"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One change of a wallet.

    Attributes:
        amount: USDT, added to the wallet: a fee paid is negative.
        balance: The wallet after it, USDT.
        reference: The event it stands for (trade id, funding time); with kind, symbol and llm_id unique in a season.
    """

    llm_id: CompetitorId
    kind: EntryKind
    symbol: str
    amount: Decimal
    balance: Decimal
    reference: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """A position from its first fill to flat.

    Attributes:
        entry_price, exit_price: Averages, USDT.  quantity: base asset, all that was closed.
        pnl: USDT, before fees and funding.  fees, funding: USDT, positive is paid.
        cause: Why its last fill took place.
    """

    llm_id: CompetitorId
    symbol: str
    side: PositionSide
    entry_price: Decimal
    exit_price: Decimal
    quantity: Decimal
    leverage: int
    pnl: Decimal
    fees: Decimal
    funding: Decimal
    opened_at: datetime
    closed_at: datetime
    cause: Cause = Cause.DECISION

    @property
    def net_pnl(self) -> Decimal:
        """USDT after fees and funding."""
        return self.pnl - self.fees - self.funding


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The state that the entries add up to; amounts in USDT.

    Attributes:
        insurance: What was given to a flat wallet to lift it to zero: nobody can lose more than an account of its own could.
    """

    llm_id: CompetitorId
    capital: Decimal
    wallet_balance: Decimal
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    insurance: Decimal = ZERO
    total_trades: int = 0
    winning_trades: int = 0
    losing_trades: int = 0
    positions: Mapping[PositionKey, Position] = field(default_factory=dict)

    def unrealized_pnl(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return the open positions' profit at `marks`, USDT."""
        return sum((p.unrealized_pnl(marks[p.symbol]) for p in self.positions.values()), ZERO)

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return wallet balance plus unrealised PnL, USDT."""
        return self.wallet_balance + self.unrealized_pnl(marks)

    def used_margin(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return the initial margin that the open positions bind, USDT."""
        return sum((p.initial_margin(marks[p.symbol]) for p in self.positions.values()), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What booking one event did."""

    ledger: Ledger
    entries: tuple[LedgerEntry, ...]
    realized_pnl: Decimal = ZERO
    closed_trade: ClosedTrade | None = None


def opened(llm_id: CompetitorId, capital: Decimal, at: datetime) -> Posting:
    """Return a new ledger holding its capital, and the entry that says so."""
    entry = LedgerEntry(
        llm_id=llm_id, kind=EntryKind.CAPITAL, symbol="", amount=capital, balance=capital, reference="capital", time=at
    )
    return Posting(ledger=Ledger(llm_id=llm_id, capital=capital, wallet_balance=capital), entries=(entry,))


def apply_fill(ledger: Ledger, fill: Fill, intent: Intent | None = None) -> Posting:
    """Return the ledger after one of its competitor's fills.

    Args:
        ledger: Before the fill.
        fill: A trade of this competitor's own order.
        intent: What the order was meant for; a position it opens takes leverage and thesis from it, leverage 1 without one.
    """
    key = (fill.symbol, fill.position_side)
    before = ledger.positions.get(key)
    after: Position | None
    if before is None:
        after, profit = _opened_position(ledger.llm_id, fill, intent), ZERO
    else:
        after, profit = _stepped(before, fill, intent)
    closed = _closed_trade(before, fill, profit) if before is not None and after is None else None
    positions = {k: p for k, p in ledger.positions.items() if k != key}
    if after is not None:
        positions[key] = after
    balance = ledger.wallet_balance + profit
    entries = []
    reference = _reference(fill)
    if profit:
        entries.append(_entry(ledger.llm_id, EntryKind.REALIZED_PNL, fill.symbol, profit, balance, reference, fill.time))
    balance -= fill.fee
    entries.append(_entry(ledger.llm_id, EntryKind.FEE, fill.symbol, -fill.fee, balance, reference, fill.time))
    booked = replace(
        ledger,
        wallet_balance=balance,
        realized_pnl=ledger.realized_pnl + profit,
        fees=ledger.fees + fill.fee,
        total_trades=ledger.total_trades + (closed is not None),
        winning_trades=ledger.winning_trades + (closed is not None and closed.net_pnl > 0),
        losing_trades=ledger.losing_trades + (closed is not None and closed.net_pnl < 0),
        positions=positions,
    )
    return Posting(ledger=booked, entries=tuple(entries), realized_pnl=profit, closed_trade=closed)


def apply_funding(ledger: Ledger, payment: FundingPayment) -> Posting:
    """Return the ledger after a funding of one of its positions."""
    balance = ledger.wallet_balance - payment.payment
    reference = f"funding:{payment.time.isoformat()}:{payment.position_side}"
    entry = _entry(ledger.llm_id, EntryKind.FUNDING, payment.symbol, -payment.payment, balance, reference, payment.time)
    positions = dict(ledger.positions)
    key = (payment.symbol, payment.position_side)
    if key in positions:
        positions[key] = replace(positions[key], funding=positions[key].funding + payment.payment)
    booked = replace(ledger, wallet_balance=balance, funding=ledger.funding + payment.payment, positions=positions)
    return Posting(ledger=booked, entries=(entry,))


def covered(ledger: Ledger, fill: Fill) -> Posting | None:
    """Return the ledger lifted to zero where the fill has left it flat and below; None where nothing is to cover.

    As the venue's insurance fund does for an account of its own. On a shared account the season bears it: the ledgers then hold
    together more than the account, by exactly their insurance.
    """
    lacking = -ledger.wallet_balance
    if ledger.positions or lacking <= 0:
        return None
    entry = _entry(ledger.llm_id, EntryKind.INSURANCE, fill.symbol, lacking, ZERO, _reference(fill), fill.time)
    lifted = replace(ledger, wallet_balance=ZERO, insurance=ledger.insurance + lacking)
    return Posting(ledger=lifted, entries=(entry,))


def _reference(fill: Fill) -> str:
    """Return what names a trade within its symbol: two orders that trade with each other share the trade's id."""
    return f"trade:{fill.trade_id}:{fill.exchange_order_id}"


def _entry(
    llm_id: CompetitorId, kind: EntryKind, symbol: str, amount: Decimal, balance: Decimal, reference: str, time: datetime
) -> LedgerEntry:
    return LedgerEntry(llm_id=llm_id, kind=kind, symbol=symbol, amount=amount, balance=balance, reference=reference, time=time)


def _opened_position(llm_id: CompetitorId, fill: Fill, intent: Intent | None) -> Position:
    return Position(
        llm_id=llm_id,
        symbol=fill.symbol,
        side=fill.position_side,
        signed_quantity=fill.signed_quantity,
        signed_cost=fill.signed_quantity * fill.price,
        leverage=intent.leverage if intent else 1,
        opened_at=fill.time,
        thesis=intent.thesis if intent else None,
        opened_quantity=fill.quantity,
        opened_notional=fill.notional,
        fees=fill.fee,
    )


def _stepped(before: Position, fill: Fill, intent: Intent | None) -> tuple[Position | None, Decimal]:
    after, profit = after_fill(before, fill)
    enlarges = after is not None and after.quantity > before.quantity
    if after is not None and enlarges and intent is not None and intent.thesis is not None:
        after = replace(after, leverage=intent.leverage, thesis=intent.thesis)
    return after, profit


def _closed_trade(before: Position, fill: Fill, profit: Decimal) -> ClosedTrade:
    closed_quantity = before.closed_quantity + before.quantity
    closed_notional = before.closed_notional + before.quantity * fill.price
    return ClosedTrade(
        llm_id=before.llm_id,
        symbol=before.symbol,
        side=before.side,
        entry_price=before.opened_notional / before.opened_quantity,
        exit_price=closed_notional / closed_quantity,
        quantity=closed_quantity,
        leverage=before.leverage,
        pnl=before.realized_pnl + profit,
        fees=before.fees + fill.fee,
        funding=before.funding,
        opened_at=before.opened_at,
        closed_at=fill.time,
        cause=cause_of(fill.client_order_id),
    )
