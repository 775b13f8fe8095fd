"""The rows of accounts and positions, out of the journal: the store keeps the last state of both, and nothing else knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal

from arena.adapters.storage.booking_rows import KEPT_WHEN_CLOSED, closed_position_row, open_position_row
from arena.adapters.storage.rows import Row, account_row, flat
from arena.application.booking import points_of
from arena.application.venue import marks_of
from arena.audit.findings import name_of
from arena.audit.journal import Unit
from arena.audit.replay import UNREADABLE, Posted, Replay
from arena.domain.competitor import CompetitorId
from arena.domain.ledger import ClosedTrade, Ledger
from arena.domain.position import Position

PROTECTION = frozenset({"stop_order_id", "target_order_id"})  # what came of placing orders, which no other table tells
WORTH = frozenset({"mark_price", "unrealized_pnl", "equity"})  # of a sweep, whose points are not kept


class Projections:
    """What the bookings so far have made of the rows that they replace.

    Attributes:
        closed: Rows of the positions that are flat, by what people know them by.
    """

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._before: Mapping[CompetitorId, Ledger] = {}
        self._unit: Unit | None = None
        self.closed: dict[str, Row] = {}

    def follow(self, unit: Unit, posted: Posted) -> dict[str, list[Row]]:
        """Return the rows that a unit of work has written, after the replay has followed it."""
        gone = [self._closed(trade, unit) for trade in posted.closed]
        self.closed |= {name_of("positions", row): row for row in gone}
        self._before, self._unit = dict(self._replay.ledgers), unit
        accounts, held = self.rows(self._replay.marks)
        written = [{name: value for name, value in row.items() if name not in KEPT_WHEN_CLOSED} for row in gone]
        tables = {"llm_accounts": accounts, "positions": [*written, *held]}
        return {table: rows for table, rows in tables.items() if rows}

    def rows(self, marks: Mapping[str, Decimal] | None) -> tuple[list[Row], list[Row]]:
        """Return the rows of the accounts and of the open positions, valued at some marks where there are any."""
        assert self._unit is not None, "a season has an opening"
        ledgers, head = self._replay.ledgers, self._unit.head
        equity, points = points_of(ledgers, marks_of(ledgers.values(), marks or {}), self._replay.season.started_at)
        worth = {each.llm_id: each for each in equity} if marks is not None else {}
        valued = {(each.llm_id, each.symbol, each.position_side): each for each in points} if marks is not None else {}
        key: Row = {"season_id": self._replay.season.season_id, "booking": self._unit.number or None}
        accounts = [{**key, **account_row(ledger, worth.get(llm_id))} for llm_id, ledger in sorted(ledgers.items())]
        positions = [
            {**key, "cycle": head["cycle"], **open_position_row(each, valued.get((each.llm_id, each.symbol, each.side)))}
            for each in _held(ledgers)
        ]
        return accounts, positions

    def unknown(self) -> frozenset[str]:
        """Return the columns of the last unit's rows of which the journal says nothing."""
        return PROTECTION | (WORTH if self._unit is not None and self._unit.is_sweep else frozenset())

    def _closed(self, trade: ClosedTrade, unit: Unit) -> Row:
        """Return the row of a position that is flat; what closing leaves as it was is of the booking before."""
        before = self._before[trade.llm_id].positions.get((trade.symbol, trade.side)) if self._before else None
        same = before is not None and before.opened_at == trade.opened_at
        kept = flat(before) if before is not None and same else dict.fromkeys(KEPT_WHEN_CLOSED)
        key = {"season_id": self._replay.season.season_id, "cycle": unit.head["cycle"], "booking": unit.number}
        return {**key, **closed_position_row(trade), **{name: kept[name] for name in sorted(KEPT_WHEN_CLOSED)}}


def marks_shown(positions: Iterable[Row]) -> dict[str, Decimal]:
    """Return the marks of the open positions' rows; one that cannot be read is left out."""
    marks = dict[str, Decimal]()
    for row in positions:
        with suppress(*UNREADABLE):
            marks[row["symbol"]] = Decimal(row["mark_price"])
    return marks


def _held(ledgers: Mapping[CompetitorId, Ledger]) -> list[Position]:
    return [each for _, ledger in sorted(ledgers.items()) for _, each in sorted(ledger.positions.items())]
