"""What a competitor said: a decision, an answer that is none, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Action(StrEnum):
    """What to do with one symbol."""

    OPEN_LONG = "open_long"
    OPEN_SHORT = "open_short"
    REDUCE = "reduce"
    CLOSE = "close"
    HOLD = "hold"


class EntryType(StrEnum):
    """How an opening enters: at once at the market's price, or by a post-only limit order that ends with the next cycle."""

    MARKET = "market"
    LIMIT = "limit"


OPENING = frozenset({Action.OPEN_LONG, Action.OPEN_SHORT})


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolDecision:
    """One symbol's part of a decision.

    Attributes:
        size_percent: For opening, the share of equity to commit as margin; for reducing, the share of the position to
            close; 1 to 100, ignored otherwise.
        leverage: Whole multiple for opening, ≥ 1, ignored otherwise.
        entry_type: Of an opening; MARKET otherwise.
        limit_price: USDT, of an opening by a limit order; None otherwise.
        stop_price, target_price: USDT; an opening needs a stop.
        confidence: The model's own, 0 to 100.
        invalidation: What would prove the idea wrong.
        reason: Why, in a sentence.
    """

    symbol: str
    action: Action
    size_percent: int
    leverage: int
    stop_price: Decimal | None
    target_price: Decimal | None
    confidence: int
    invalidation: str
    reason: str
    entry_type: EntryType = EntryType.MARKET
    limit_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A valid answer: at most one entry a symbol; a symbol that is not named is held."""

    symbols: tuple[SymbolDecision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidDecision:
    """An answer arrived but states no decision in the schema; nothing is guessed from it."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """No answer arrived; `kind` is a `ModelFault` kind, `defect`, `hourly_limit`, `out_of_budget` or `liquidated`."""

    kind: str
    error: str


Answer = Decision | InvalidDecision | NoAnswer
