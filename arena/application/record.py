"""What a season remembers: the state a unit of work starts from, and what it books.

There are two units of work: a cycle, and a sweep between cycles. Both book the same things, one after the other: bookings are
numbered without a gap, so that of two that started from the same state only one is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from arena.application.calls import ModelCall
from arena.application.evidence import Asking
from arena.domain.competitor import AccountId, CompetitorId, Season, SeasonId
from arena.domain.costs import FundingPayment
from arena.domain.decision import Answer
from arena.domain.ledger import ClosedTrade, Ledger, LedgerEntry, PositionKey
from arena.domain.order import Cause, Fill, Intent, OrderOutcome, PositionSide
from arena.domain.plan import OrderPlan

Bucket = tuple[AccountId, str, PositionSide]


class AlertKind(StrEnum):
    """What an alert is about."""

    OPENED = "opened"
    CLOSED = "closed"
    STOPPED = "stopped"
    LIQUIDATED = "liquidated"
    MODEL_FAILED = "model_failed"  # several times in a row
    OUT_OF_BUDGET = "out_of_budget"
    DISCREPANCY = "discrepancy"
    UNPROTECTED = "unprotected"
    HALTED = "halted"
    STORE = "store"  # this and what follows is told and not stored
    SHUTDOWN = "shutdown"
    MISSED = "missed"  # cycles that never began
    REPORT = "report"
    WATCH = "watch"  # what Prefect noticed: a run crashed, no cycle has completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One event worth telling a person; `text` is a sentence without secrets."""

    kind: AlertKind
    llm_id: CompetitorId | None
    text: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where every ledger stands, and what else the accounts hold.

    Attributes:
        ledgers: By competitor.
        foreign: Signed quantity by bucket that nobody's orders have brought about (trades by hand), base asset.
        cursor: Last trade id seen, by account and symbol.
    """

    ledgers: Mapping[CompetitorId, Ledger]
    foreign: Mapping[Bucket, Decimal] = field(default_factory=dict)
    cursor: Mapping[AccountId, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """A bucket that holds something else than the competitors' positions and the foreign trades together; base asset, signed."""

    account: AccountId
    symbol: str
    position_side: PositionSide
    ledgers: Decimal
    foreign_quantity: Decimal
    venue: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionPoint:
    """An open position at the time of an equity point."""

    llm_id: CompetitorId
    symbol: str
    position_side: PositionSide
    signed_quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """A competitor's worth at `time`, USDT; every event up to and including that instant is in it."""

    llm_id: CompetitorId
    wallet_balance: Decimal
    unrealized_pnl: Decimal
    equity: Decimal
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedFill:
    """A fill, or a part of one, with the competitor it belongs to and the profit it realised, USDT before fees.

    Attributes:
        cycle: That the order was formed in, or the last one before the venue or a sweep formed it.
    """

    fill: Fill
    llm_id: CompetitorId
    cycle: int
    realized_pnl: Decimal
    cause: Cause = Cause.DECISION


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFill:
    """A trade of an account, or the part of one, that belongs to no competitor."""

    account: AccountId
    fill: Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One competitor's part of a cycle: what it was asked, what it said, what came of it.

    Attributes:
        account_prompt: The competitor's own section; the rest of the prompt is the cycle's.
        calls: Of its model, in order; none where it was not asked.
        plan: None where there was no decision to plan.
        asking: How it was asked; None where it was not.
        ordered_at: When its first order was sent, by the clock of `asking`; None where none was.
    """

    llm_id: CompetitorId
    account_prompt: str
    answer: Answer
    calls: tuple[ModelCall, ...]
    plan: OrderPlan | None
    outcomes: tuple[OrderOutcome, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    asking: Asking | None = None
    ordered_at: datetime | None = None

    @property
    def said(self) -> str | None:
        """The last answer as it was received; None where none came."""
        texts = [call.completion.text for call in self.calls if call.completion]
        return texts[-1] if texts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Everything a unit of work changes in the books; kept whole or not at all, once. As it is, it is a sweep's.

    Attributes:
        booking: Counts the season's bookings from 1.
        cycle: Number of the cycle that books, or of the last one that was begun before a sweep.
        closed_at: Every event up to it is booked, fundings included.
        books: After it.
        entries: Ledger entries, in booking order.
        outcomes: Of the orders that were sent, by competitor.
        equity, positions: Worth at `closed_at`.
        closed_intents: Client ids of intents that nothing more can come of.
    """

    season_id: SeasonId
    booking: int
    cycle: int
    closed_at: datetime
    books: Books
    fills: tuple[BookedFill, ...] = ()
    foreign: tuple[ForeignFill, ...] = ()
    funding: tuple[FundingPayment, ...] = ()
    entries: tuple[LedgerEntry, ...] = ()
    closed_trades: tuple[ClosedTrade, ...] = ()
    outcomes: tuple[tuple[CompetitorId, OrderOutcome], ...] = ()
    equity: tuple[EquityPoint, ...] = ()
    positions: tuple[PositionPoint, ...] = ()
    discrepancies: tuple[Discrepancy, ...] = ()
    alerts: tuple[Alert, ...] = ()
    closed_intents: tuple[str, ...] = ()

    @property
    def ledgers(self) -> Mapping[CompetitorId, Ledger]:
        """The ledgers after it."""
        return self.books.ledgers


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRecord(Booking):
    """A cycle: what it books, what was asked and what was said.

    Attributes:
        scheduled_at: The instant of the snapshot, `as_of`.
        market_prompt: The section all competitors saw; with `static_prompt` and the accounts it is the prompt to the byte.
        snapshot_hash, prompt_hash: SHA-256 of the snapshot and of the shared prompt.
        configuration: What was the same for all, of `evidence.configuration`.
        execution_order: In which the competitors' orders were sent.
        requests, request_weight: What the cycle asked of the venue, and how heavily that counts against its limits.
    """

    scheduled_at: datetime
    static_prompt: str
    market_prompt: str
    prompt_hash: str
    snapshot_hash: str
    configuration: str
    execution_order: tuple[CompetitorId, ...]
    turns: tuple[Turn, ...]
    requests: int = 0
    request_weight: int = 0

    @property
    def number(self) -> int:
        """The cycle's number; counts the season's cycles from 1."""
        return self.cycle


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTurn:
    """A competitor's earlier decision with what came of it, as its next prompt tells it."""

    cycle: int
    time: datetime
    summary: str


LATELY = timedelta(minutes=5)  # a funding may become known that long after its time


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """What is booked of the last minutes before `settled_until`, for a funding of that time that becomes known only now.

    Attributes:
        fills: Of all competitors.
        funded: The positions that were charged, with the time of the funding.
    """

    fills: tuple[BookedFill, ...] = ()
    funded: frozenset[tuple[CompetitorId, PositionKey, datetime]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonState:
    """Where the next unit of work starts.

    Attributes:
        number: Of the last cycle that was begun, 0 before the first.
        booking: Number of the last booking, 0 before the first.
        intents: Orders that may still fill or that protect a position, by client id.
        settled_until: Every event up to it is booked, but for a funding that was not known yet.
        past: The newest turns, oldest first.
        news: Trades that were closed since the last cycle began, other than by a decision.
        decided_at: Times of the calls of the last hour, by competitor.
        executed: What is booked of the open intents so far, base asset, by client id; those without a trade are left out.
        spent_today: What the calls of the UTC day have cost so far, where their price is known, USD by competitor.
        begun_at: When the last cycle began, by the venue's clock; None before the first.
    """

    season: Season
    number: int
    booking: int
    books: Books
    intents: Mapping[str, Intent]
    settled_until: datetime
    past: Mapping[CompetitorId, tuple[PastTurn, ...]]
    news: Mapping[CompetitorId, tuple[ClosedTrade, ...]]
    decided_at: Mapping[CompetitorId, tuple[datetime, ...]]
    lately: Lately = Lately()
    executed: Mapping[str, Decimal] = field(default_factory=dict)
    spent_today: Mapping[CompetitorId, Decimal] = field(default_factory=dict)
    begun_at: datetime | None = None

    @property
    def ledgers(self) -> Mapping[CompetitorId, Ledger]:
        """The ledgers as they are booked."""
        return self.books.ledgers
