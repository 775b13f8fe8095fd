"""Where a booking says that the next one starts: the last trades it has seen, and what the accounts hold that is nobody's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from arena.adapters.storage.rows import Row, as_json
from arena.audit.findings import Finding, differences
from arena.audit.journal import OPENING, Unit
from arena.audit.replay import UNREADABLE
from arena.domain.competitor import CompetitorId, Season
from arena.domain.money import ZERO, plain
from arena.domain.order import OrderSide


class Ends:
    """The ends of the bookings so far; each is compared with what its trades make of the end before."""

    def __init__(self, season: Season) -> None:
        self._season = season
        self._cursor: dict[str, dict[str, int]] = {}
        self._foreign: dict[tuple[str, ...], Decimal] = {}

    def follow(self, unit: Unit) -> list[Finding]:
        """Compare a booking's end."""
        if unit.number == OPENING:
            return []
        try:
            self._move(unit)
            given = {"cursor": as_json(self._cursor), "foreign_holdings": as_json(self._holdings())}
            stored = {**unit.head, "cursor": as_json(_seen(json.loads(unit.head["cursor"])))}
            found = differences("bookings", [stored], [{"number": unit.head["number"], **given}], unit.number)
            self._cursor = _seen(json.loads(unit.head["cursor"]))
            held = json.loads(unit.head["foreign_holdings"])
            self._foreign = {tuple(bucket): Decimal(quantity) for *bucket, quantity in held}
        except UNREADABLE:
            what = "has an end, or trades, that cannot be read"
            return [Finding(table="bookings", row=str(unit.number), booking=unit.number, what=what)]
        return found

    def _move(self, unit: Unit) -> None:
        for row in unit.tables.get("fills", []):
            self._see(self._season.account_of(CompetitorId(row["llm_id"])), row)
        for row in unit.tables.get("foreign_fills", []):
            self._see(row["account"], row)
            bucket = (row["account"], row["symbol"], row["position_side"])
            moved = Decimal(row["quantity"]) * OrderSide(row["side"]).sign
            self._foreign[bucket] = self._foreign.get(bucket, ZERO) + moved

    def _see(self, account: str, row: Row) -> None:
        seen = self._cursor.setdefault(account, {})
        seen[row["symbol"]] = max(row["trade_id"], seen.get(row["symbol"], 0))

    def _holdings(self) -> list[list[str]]:
        return [[*bucket, plain(quantity)] for bucket, quantity in sorted(self._foreign.items()) if quantity]


def _seen(cursor: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return a cursor without the symbols of which no trade was seen."""
    kept = {account: {symbol: last for symbol, last in ids.items() if last} for account, ids in cursor.items()}
    return {account: ids for account, ids in kept.items() if ids}
