"""What was bought and sold of each symbol lately, whoever's: a chart marks it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

KEPT = 500  # of a symbol, in memory
_SHOWN = ("booked_cycle", "llm_id", "time", "side", "position_side", "quantity", "price", "fee", "realized_pnl", "cause")


class Executions:
    """The newest fills by symbol."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, deque[Row]] = {}

    def add(self, row: Row) -> None:
        """Add the next fill."""
        fills = self._by_symbol.setdefault(row["symbol"], deque(maxlen=KEPT))
        fills.append({name: row[name] for name in _SHOWN})

    def of(self, symbol: str) -> Sequence[Row]:
        """Return a symbol's fills in booking order."""
        return tuple(self._by_symbol.get(symbol, ()))
