"""What is wrong with a record, in one sentence that names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

LONGEST_SHOWN = 60  # characters of a cell; a whole prompt would drown the sentence
KEYS: Mapping[str, tuple[str, ...]] = {  # the columns by which people know a row
    "seasons": ("season_id",),
    "competitors": ("llm_id",),
    "cycles": ("number",),
    "bookings": ("number",),
    "llm_accounts": ("llm_id",),
    "prompts": ("part", "hash"),
    "configurations": ("hash",),
    "snapshots": ("cycle",),
    "turns": ("cycle", "llm_id"),
    "model_calls": ("cycle", "llm_id", "number"),
    "llm_decisions": ("cycle", "llm_id", "symbol"),
    "rejections": ("cycle", "llm_id", "symbol", "action"),
    "intents": ("client_order_id",),
    "orders": ("client_order_id", "booking"),
    "fills": ("llm_id", "symbol", "trade_id", "exchange_order_id"),
    "foreign_fills": ("account", "symbol", "trade_id", "exchange_order_id"),
    "funding": ("llm_id", "symbol", "position_side", "time"),
    "ledger_entries": ("llm_id", "kind", "symbol", "reference"),
    "equity_points": ("cycle", "llm_id"),
    "position_points": ("cycle", "llm_id", "symbol", "position_side"),
    "positions": ("llm_id", "symbol", "side", "opened_at"),
    "closed_trades": ("llm_id", "symbol", "side", "opened_at"),
    "discrepancies": ("booking", "account", "symbol", "position_side"),
    "alerts": ("kind", "llm_id", "time"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference between what is stored and what was booked.

    Attributes:
        row: The columns by which people know it; empty for a whole table.
        column: None where the row is missing, or there without having been booked.
        booking: Where it belongs, 0 for the season's beginning; None where the table's rows belong to none.
    """

    table: str
    row: str
    what: str
    column: str | None = None
    booking: int | None = None

    def __str__(self) -> str:
        place = " ".join(part for part in (self.table, self.row) if part)
        where = f" (booking {self.booking})" if self.booking and self.table != "bookings" else ""
        return f"{place}{where}: {f'{self.column} ' if self.column else ''}{self.what}"

    def to_json(self) -> dict[str, Any]:
        """Return it as an object."""
        names = ("table", "row", "column", "booking")
        return {**{name: getattr(self, name) for name in names}, "text": str(self)}


def name_of(table: str, row: Row) -> str:
    """Return what people call a row."""
    return " ".join(shown(row[name]) for name in KEYS[table] if row.get(name) not in (None, ""))


def shown(value: object) -> str:
    """Return a cell as a sentence shows it."""
    if value is None:
        return "empty"
    text = " ".join(str(value).split()) or '""'
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def differences(table: str, stored: Sequence[Row], given: Sequence[Row], booking: int) -> list[Finding]:
    """Compare rows cell by cell with those that the journal gives, which may lack columns of which it says nothing.

    Rows are paired by what people know them by; what is left on both sides by its place.
    """
    there = _by_name(table, stored)
    pairs, lacking = list[tuple[Row, Row]](), list[Row]()
    for row in given:
        same = there.get(name_of(table, row))
        pairs.append((same.pop(0), row)) if same else lacking.append(row)
    beyond = [row for rows in there.values() for row in rows]
    if len(beyond) == len(lacking):
        pairs, beyond, lacking = [*pairs, *zip(beyond, lacking, strict=True)], [], []
    found = [each for own, right in pairs for each in _cells(table, own, right, booking)]
    found += [_whole(table, row, booking, "is missing, and the journal gives it") for row in lacking]
    return found + [_whole(table, row, booking, "is there, and the journal does not give it") for row in beyond]


def _cells(table: str, stored: Row, given: Row, booking: int) -> Iterable[Finding]:
    for column, value in given.items():
        if stored[column] != value:
            what = f"is {shown(stored[column])}, the journal gives {shown(value)}"
            yield Finding(table=table, row=name_of(table, stored), column=column, booking=booking, what=what)


def _whole(table: str, row: Row, booking: int, what: str) -> Finding:
    return Finding(table=table, row=name_of(table, row), booking=booking, what=what)


def _by_name(table: str, rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(name_of(table, row), []).append(row)
    return found
