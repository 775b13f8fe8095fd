"""What is held now, with its worth at the last mark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from arena.adapters.storage.restore import ledger_of
from arena.application.store import Following
from arena.domain.competitor import SeasonId
from arena.domain.instrument import Instrument, TierNotFound
from arena.domain.money import plain
from arena.domain.protection import liquidated_at

Row = Mapping[str, Any]

PAGE = 1000
_SHOWN = ("llm_id", "symbol", "side", "quantity", "entry_price", "leverage", "opened_at", "fees", "funding", "realized_pnl")


class Holdings:
    """The open positions. Their rows change in place: those that are open are read again, those that are closed never."""

    def __init__(self) -> None:
        self._open: dict[int, Row] = {}  # by place
        self._last = 0
        self._marks: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._open)

    def mark(self, points: Iterable[Row]) -> None:
        """Note the newest marks; a booking between two cycles has none."""
        self._marks |= {row["symbol"]: row["mark_price"] for row in points}

    async def look(self, store: Following, season_id: SeasonId) -> None:
        """Read what is held now."""
        still: dict[int, Row] = {}
        for place in self._open:
            still |= dict(await store.page("positions", season_id, place - 1, 1))
        last = self._last
        while page := await store.page("positions", season_id, last, PAGE):
            still |= {place: row for place, row in page if row["status"] == "open"}
            last = page[-1][0]
        self._last = last
        self._open = {place: row for place, row in still.items() if row["status"] == "open"}

    def positions(self, accounts: Iterable[Row], contracts: Mapping[str, Instrument]) -> list[dict[str, Any]]:
        """Return the open positions by competitor and symbol, as the API shows them.

        Args:
            accounts: Of those who hold them.
            contracts: Of the symbols whose margin tiers are known.
        """
        rows = sorted(self._open.values(), key=lambda row: (row["llm_id"], row["symbol"], row["side"]))
        shown = []
        for account in sorted(accounts, key=lambda each: str(each["llm_id"])):
            own = [row for row in rows if row["llm_id"] == account["llm_id"]]
            prices = self._liquidations(account, own, contracts)
            shown += [{**self._position(row), "liquidation_price": prices.get(row["symbol"])} for row in own]
        return shown

    def _liquidations(self, account: Row, own: Sequence[Row], contracts: Mapping[str, Instrument]) -> dict[str, str]:
        """Return the prices at which a competitor is liquidated, by symbol; none where not all tiers and marks are known."""
        marks = {row["symbol"]: self._mark(row) for row in own}
        known = {symbol: Decimal(mark) for symbol, mark in marks.items() if mark is not None and symbol in contracts}
        if known.keys() != marks.keys():
            return {}
        ledger, found = ledger_of(account, own), {}
        for symbol in known:
            with suppress(TierNotFound):
                if (price := liquidated_at(ledger, symbol, known, contracts)) is not None:
                    found[symbol] = plain(price)
        return found

    def _mark(self, row: Row) -> str | None:
        mark: str | None = row["mark_price"] or self._marks.get(row["symbol"])
        return mark

    def _position(self, row: Row) -> dict[str, Any]:
        thesis = json.loads(row["thesis"] or "{}")
        mark = self._mark(row)
        worth = None if mark is None else Decimal(row["signed_quantity"]) * (Decimal(mark) - Decimal(row["entry_price"]))
        return {
            **{name: row[name] for name in _SHOWN},
            "mark_price": mark,
            "unrealized_pnl": None if worth is None else plain(worth),
            "stop_price": thesis.get("stop_price"),
            "target_price": thesis.get("target_price"),
            "invalidation": thesis.get("invalidation"),
            "protected": row["stop_order_id"] is not None,
        }
