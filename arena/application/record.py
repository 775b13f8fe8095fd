"""What a season remembers: the state a cycle starts from and the unit of work it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from arena.application.ports import Completion
from arena.domain.competitor import CompetitorId, Season, SeasonId
from arena.domain.costs import FundingPayment
from arena.domain.decision import Answer
from arena.domain.ledger import ClosedTrade, Ledger, LedgerEntry
from arena.domain.order import Fill, Intent, OrderOutcome, PositionSide
from arena.domain.plan import OrderPlan


class AlertKind(StrEnum):
    """What an alert is about."""

    OPENED = "opened"
    CLOSED = "closed"
    STOPPED = "stopped"
    LIQUIDATED = "liquidated"
    MODEL_FAILED = "model_failed"
    DISCREPANCY = "discrepancy"
    UNPROTECTED = "unprotected"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One event worth telling a person; `text` is a sentence without secrets."""

    kind: AlertKind
    llm_id: CompetitorId | None
    text: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """The sum of the competitors' positions differs from the venue's; base asset, signed."""

    symbol: str
    position_side: PositionSide
    ledgers: Decimal
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
    """A fill with the competitor it belongs to and the profit it realised, USDT before fees."""

    fill: Fill
    llm_id: CompetitorId
    cycle: int
    realized_pnl: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One competitor's part of a cycle: what it was asked, what it said, what came of it.

    Attributes:
        account_prompt: The competitor's own section; the rest of the prompt is the cycle's.
        attempts: How often the model was asked, ≥ 0.
        plan: None where there was no decision to plan.
    """

    llm_id: CompetitorId
    account_prompt: str
    answer: Answer
    completion: Completion | None
    attempts: int
    plan: OrderPlan | None
    outcomes: tuple[OrderOutcome, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRecord:
    """Everything a cycle changes; booked whole or not at all, once.

    Attributes:
        number: Counts the season's cycles from 1.
        scheduled_at: The instant of the snapshot, `as_of`.
        closed_at: Every event up to it is booked.
        market_prompt: The section all competitors saw; with `static_prompt` and the accounts it is the prompt to the byte.
        snapshot_hash, prompt_hash: SHA-256 of the snapshot and of the shared prompt.
        execution_order: In which the competitors' orders were sent.
        entries: Ledger entries, in booking order.
        ledgers: After the cycle.
        closed_intents: Client ids of intents that nothing more can come of.
        orphans: (symbol, client id) of resting orders whose position is gone; the next cycle cancels them first.
        cursor: Last booked trade id by symbol, for the next settlement.
        funding_since: Fundings up to and including this instant are booked.
    """

    season_id: SeasonId
    number: int
    scheduled_at: datetime
    closed_at: datetime
    static_prompt: str
    market_prompt: str
    prompt_hash: str
    snapshot_hash: str
    execution_order: tuple[CompetitorId, ...]
    turns: tuple[Turn, ...]
    fills: tuple[BookedFill, ...]
    funding: tuple[FundingPayment, ...]
    entries: tuple[LedgerEntry, ...]
    closed_trades: tuple[ClosedTrade, ...]
    ledgers: Mapping[CompetitorId, Ledger]
    equity: tuple[EquityPoint, ...]
    positions: tuple[PositionPoint, ...]
    discrepancies: tuple[Discrepancy, ...]
    alerts: tuple[Alert, ...]
    closed_intents: tuple[str, ...]
    orphans: tuple[tuple[str, str], ...]
    cursor: Mapping[str, int]
    funding_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTurn:
    """A competitor's earlier decision with what came of it, as its next prompt tells it."""

    cycle: int
    time: datetime
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonState:
    """Where the next cycle starts.

    Attributes:
        number: Of the last cycle that was begun, 0 before the first.
        intents: Orders that may still fill, by client id.
        decided_at: Times of the calls of the last hour, by competitor.
    """

    season: Season
    number: int
    ledgers: Mapping[CompetitorId, Ledger]
    intents: Mapping[str, Intent]
    orphans: tuple[tuple[str, str], ...]
    cursor: Mapping[str, int]
    funding_since: datetime
    past: Mapping[CompetitorId, tuple[PastTurn, ...]]
    decided_at: Mapping[CompetitorId, tuple[datetime, ...]]
