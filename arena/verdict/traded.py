"""A competitor's trades, of the rows that a store has of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import mode

import numpy as np

from arena.domain.money import ZERO
from arena.domain.order import PositionSide
from arena.replay.matched import Trades
from arena.verdict.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """What somebody traded.

    Attributes:
        trades: One entry a trade, see `Trades`; its columns are those of the symbols that were named.
        worth: Of an opening, USDT, on average.
        leverage: The usual one.
    """

    trades: Trades
    worth: Decimal
    leverage: int


def read_traded(rows: Iterable[Row], symbols: Sequence[str], every: timedelta, until: datetime | None = None) -> Traded | None:
    """Return one competitor's trades; None where there are none.

    Args:
        rows: Of the tables closed_trades and positions; a position that is closed is among the closed trades, and not counted.
        symbols: That they are of.
        every: Length of a bar; a trade is held for the nearest whole number of them, at least one.
        until: When a position that is open is taken to end, UTC; without it there is none.
    """
    own = [row for row in rows if row.get("status") != "closed"]
    if not own:
        return None
    columns = np.array([symbols.index(row["symbol"]) for row in own])
    sides = np.array([1 if row["side"] == PositionSide.LONG else -1 for row in own])
    bars = np.array([max(1, round(_held(row, until) / every)) for row in own])
    worth = sum((_worth(row) for row in own), ZERO) / len(own)
    return Traded(trades=Trades(columns, sides, bars), worth=worth, leverage=mode(int(row["leverage"]) for row in own))


def _held(row: Row, until: datetime | None) -> timedelta:
    closed = row.get("closed_at")
    end = until if closed is None else datetime.fromisoformat(closed)
    assert end is not None  # an open position has an end where there may be one
    return end - datetime.fromisoformat(row["opened_at"])


def _worth(row: Row) -> Decimal:
    """Return what was opened, USDT; of an open position a part may be closed already."""
    opened = row.get("opened_notional")
    return Decimal(row["quantity"]) * Decimal(row["entry_price"]) if opened is None else Decimal(opened)
