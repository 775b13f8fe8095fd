"""Whether every cell is what was written: marks, payload hashes and the chain, for one unit of work after the other.

A row is held against the marks of its booking. One that has no mark of its own, and the mark that has no row, are kept until all
is read, since the cell that was changed may be the one that says where the row belongs; see `pairing`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from arena.adapters.storage.booking_rows import KEPT_WHEN_CLOSED
from arena.adapters.storage.marks import CELL, PROJECTED, chained, journal_hash, mark, marks
from arena.adapters.storage.rows import TABLES, Row, as_json
from arena.audit.findings import Finding, name_of
from arena.audit.journal import OPENING, Unit

_ADDED = ("marks", "payload_hash", "journal_hash")  # columns of a head that are made of the rest
Marks = Mapping[str, list[str]]


@dataclass(slots=True, kw_only=True)
class Unpaired:
    """Rows that no mark fits, and marks that no row fits, of one table; each with its booking where it has one."""

    rows: list[tuple[int | None, Row]] = field(default_factory=list)
    marks: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Integrity:
    """What has been read so far.

    Attributes:
        cells: How many were held against a mark.
        before: What the next booking may be chained to: the last hash, and where that one was changed what it should be.
        last: The hash of the last booking, as it is stored.
        projected: The marks of rows that later bookings replace, by table and booking.
    """

    findings: list[Finding] = field(default_factory=list)
    unpaired: dict[str, Unpaired] = field(default_factory=dict)
    projected: dict[str, dict[int, list[str]]] = field(default_factory=lambda: {table: {} for table in sorted(PROJECTED)})
    before: frozenset[str] = frozenset()
    last: str = ""
    numbers: list[int] = field(default_factory=list)
    cells: int = 0
    _left: set[str] = field(default_factory=set)

    def check(self, unit: Unit) -> None:
        """Hold a unit of work against its marks, its hash and the one before it."""
        if unit.number in self.numbers:
            self._note(unit, None, "is there more than once")
        self.numbers.append(unit.number)
        kept = _read_marks(unit.head["marks"])
        if kept is None:
            self._note(unit, "marks", "is no list of marks")
            self._check_chain(unit, explained=True)
            return
        rows, left = self._unfit(unit, kept)
        changed_marks = bool(rows or left) and _fits_with_other_marks(unit, kept)
        if changed_marks:
            self._note(unit, "marks", "is not what was booked: the rows are, and give others")
        else:
            for table, row in rows:
                self.unpaired.setdefault(table, Unpaired()).rows.append((unit.number, row))
            for table, own in left:
                self.unpaired.setdefault(table, Unpaired()).marks.append((unit.number, own))
        for table in PROJECTED:
            self.projected[table][unit.number] = kept.get(table, [])
        self._check_chain(unit, explained=bool(rows or left))

    def check_projected(self, table: str, rows: Iterable[Row]) -> None:
        """Hold the rows that are left of a table whose rows are replaced against the marks of their last booking."""
        for row in rows:
            number = OPENING if row["booking"] is None else row["booking"]
            self.cells += len(row)
            if mark(columns_of(table, row)) not in self.projected[table].get(number, []):
                home = number if number in self.projected[table] else None
                self.unpaired.setdefault(table, Unpaired()).rows.append((home, row))

    def check_written(self, unit: Unit, written: Mapping[str, list[Row]], unknown: frozenset[str]) -> None:
        """Hold the marks of rows that later bookings have replaced against the rows that the journal gives, up to a difference.

        Args:
            written: Of the unit, in the order of writing, by table.
            unknown: Columns of which the journal says nothing.
        """
        for table, rows in written.items():
            if table in self._left:
                continue
            kept = self.projected[table].get(unit.number, [])
            if len(kept) != len(rows) or any(differing(own, row) - unknown for own, row in zip(kept, rows, strict=True)):
                self._note(unit, "marks", f"is not what was booked: those of {table} do not fit the rows that the journal gives")
                self._left.add(table)

    def _unfit(self, unit: Unit, kept: Marks) -> tuple[list[tuple[str, Row]], list[tuple[str, str]]]:
        tables = {**unit.tables, unit.head_table: [bare(unit.head)]}
        rows: list[tuple[str, Row]] = []
        left: list[tuple[str, str]] = []
        for table in sorted((tables.keys() | kept.keys()) - PROJECTED):
            own = list(kept.get(table, []))
            for row in tables.get(table, []):
                self.cells += len(row)
                if (found := mark(row)) in own:
                    own.remove(found)
                else:
                    rows.append((table, row))
            left += [(table, each) for each in own]
        return rows, left

    def _check_chain(self, unit: Unit, *, explained: bool) -> None:
        """See that the rows give the stored hash, and the stored hash before the stored one.

        Args:
            explained: A cell, a row or a mark is known to be changed: the rows cannot give the hash.
        """
        own = _hash(unit, unit.head["marks"])
        stored = unit.head["journal_hash"]
        if unit.number == OPENING:
            if own != stored and not explained:
                self._note(unit, "journal_hash", "is not what the season's first rows give: it, or one of them, was changed")
            self.before, self.last = frozenset({stored, own}), stored
            return
        payload = unit.head["payload_hash"]
        follows = {chained(each, payload) for each in self.before}
        meant = {chained(each, own) for each in self.before}
        if own != payload and not explained:
            whole = (
                "is not what its rows give" if stored in meant else "is not what its rows give: it, they or their marks changed"
            )
            self._note(unit, "payload_hash", whole)
        if stored not in follows | meant and self.before:
            self._note(unit, "journal_hash", "does not follow from the hash of the booking before it")
        self.before, self.last = frozenset({stored, *follows, *meant}), stored

    def _note(self, unit: Unit, column: str | None, what: str) -> None:
        row = name_of(unit.head_table, unit.head)
        self.findings.append(Finding(table=unit.head_table, row=row, column=column, booking=unit.number, what=what))


def bare(head: Row) -> Row:
    """Return a head as its own mark was made."""
    return {name: value for name, value in head.items() if name not in _ADDED}


def columns_of(table: str, row: Row) -> Row:
    """Return the columns of a row that its booking wrote: closing a position leaves some as they were."""
    if table == "positions" and row["status"] == "closed":
        return {name: value for name, value in row.items() if name not in KEPT_WHEN_CLOSED}
    return row


def differing(own: str, row: Row) -> frozenset[str]:
    """Return the columns of a row that a mark does not fit; all where it is no mark of such a row."""
    if len(own) == CELL * len(row.keys() - KEPT_WHEN_CLOSED):
        row = {name: value for name, value in row.items() if name not in KEPT_WHEN_CLOSED}
    names, made = sorted(row), mark(row)
    if len(own) != len(made):
        return frozenset(names)
    return frozenset(name for i, name in enumerate(names) if own[CELL * i : CELL * (i + 1)] != made[CELL * i : CELL * (i + 1)])


def _hash(unit: Unit, kept: str) -> str:
    """Return what a unit's rows and these marks give."""
    return journal_hash({**unit.tables, unit.head_table: [{**bare(unit.head), "marks": kept}]})


def _fits_with_other_marks(unit: Unit, kept: Marks) -> bool:
    """Return whether the rows, with the marks that they give, are what was hashed: then the marks alone were changed."""
    made = marks({**unit.tables, unit.head_table: [bare(unit.head)]})
    right = as_json({**{table: own for table, own in kept.items() if table in PROJECTED}, **made})
    return _hash(unit, right) == unit.head.get("payload_hash", unit.head["journal_hash"])


def _read_marks(text: str) -> Marks | None:
    try:
        kept: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(kept, dict) or not all(isinstance(own, list) for own in kept.values()):
        return None
    known = {table: [str(each) for each in own] for table, own in kept.items() if table in TABLES}
    return known
