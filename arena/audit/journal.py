"""A season's rows, unit of work by unit of work, at the cost of one in memory, also where somebody has mixed them up."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from arena.adapters.storage.rows import BOOKED, OF_A_CYCLE, Row
from arena.application.store import Records
from arena.domain.competitor import SeasonId

AHEAD = 200  # rows of a table that are looked at beyond a unit of work: the next ones', and those that were moved
OPENING = 0  # number of the unit that the season began with
NOWHERE = -1  # number of a row that belongs to no booking
STREAMED = ("seasons", "competitors", "cycles", "bookings", *sorted((BOOKED | OF_A_CYCLE) - {"positions"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What was written at once.

    Attributes:
        number: Of the booking, or `OPENING`.
        head: Its row of bookings; that of seasons at the opening.
        tables: Its other rows in the order of their writing, without those that later bookings replace.
    """

    number: int
    head: Row
    tables: Mapping[str, list[Row]]

    @property
    def head_table(self) -> str:
        """Where the head is from."""
        return "seasons" if self.number == OPENING else "bookings"

    @property
    def is_sweep(self) -> bool:
        """Whether it is a sweep's, whose points are not kept."""
        return self.number != OPENING and self.head["kind"] == "sweep"


@dataclass(slots=True, kw_only=True)
class Journal:
    """One reading of a season.

    Attributes:
        cycles: The booking of each cycle.
        strays: Rows, with their table, that belong to no booking that is there; complete after the last unit.
        begun: Cycles that were never booked; complete after the last unit.
    """

    records: Records
    season_id: SeasonId
    cycles: dict[int, int] = field(default_factory=dict)
    strays: list[tuple[str, Row]] = field(default_factory=list)
    begun: list[Row] = field(default_factory=list)

    async def units(self) -> AsyncIterator[Unit]:
        """Yield the opening and every booking by number; a number that several rows bear once for each."""
        numbers = await self._read_numbers()
        streams = {table: _Stream(self.rows(table), self._numbered(table)) for table in STREAMED}
        for number in sorted({OPENING, *numbers}):
            found = {table: rows for table, stream in streams.items() if (rows := await stream.take(number))}
            heads = found.pop("bookings" if number else "seasons", [])
            for count, head in enumerate(heads):
                yield Unit(number=number, head=head, tables={} if count else found)
        for table, stream in streams.items():
            for row in await stream.rest():
                never = table == "cycles" and row["booking"] is None and row["status"] == "begun"
                self.begun.append(row) if never else self.strays.append((table, row))

    async def rows(self, table: str) -> AsyncIterator[Row]:
        """Yield a table's rows as they were booked."""
        async for row in self.records.rows(table, self.season_id):
            yield {name: int(value) if isinstance(value, bool) else value for name, value in row.items()}

    async def _read_numbers(self) -> set[int]:
        """Return the numbers of all bookings, and learn which is which cycle's, where the two tables that say so differ too."""
        heads = [(row["number"], row["cycle"], row["kind"]) async for row in self.records.rows("bookings", self.season_id)]
        count = Counter(number for number, _, _ in heads)
        booked = {number: cycle for number, cycle, kind in heads if kind == "cycle" and count[number] == 1}
        own = {cycle: number for number, cycle in reversed(booked.items())}
        async for row in self.records.rows("cycles", self.season_id):
            number, said = row["number"], NOWHERE if row["booking"] is None else row["booking"]
            self.cycles[number] = said if booked.get(said) == number else own.get(number, said)
        self.cycles = {**own, **self.cycles}  # also one whose own row is gone
        return set(count)

    def _numbered(self, table: str) -> Callable[[Row], int]:
        """Return what tells the number of the unit that wrote a row of a table."""
        if table == "bookings":
            return lambda row: int(row["number"])
        if table in ("seasons", "competitors"):
            return lambda _: OPENING
        if table in OF_A_CYCLE:
            return lambda row: self.cycles.get(row["cycle"], NOWHERE)
        unbooked = OPENING if table == "ledger_entries" else NOWHERE
        return lambda row: unbooked if row["booking"] is None else int(row["booking"])


class _Stream:
    """A table's rows by the number of their unit, `AHEAD` rows ahead of the reader."""

    def __init__(self, rows: AsyncIterator[Row], number_of: Callable[[Row], int]) -> None:
        self._rows, self._number_of = rows, number_of
        self._ahead: dict[int, list[Row]] = {}
        self._held = 0
        self._late: list[Row] = []
        self._done = False

    async def take(self, number: int) -> list[Row]:
        """Return the rows of a unit; numbers must ascend."""
        taken: list[Row] = []
        while True:
            self._drop_below(number)
            await self._fill(number)
            found = self._ahead.pop(number, [])
            if not found:
                return taken
            self._held -= len(found)
            taken += found

    async def rest(self) -> list[Row]:
        """Return the rows that nobody took."""
        self._late += [row for rows in self._ahead.values() for row in rows]
        return self._late + [row async for row in self._rows]

    async def _fill(self, number: int) -> None:
        while self._held < AHEAD and not self._done:
            row: Any = await anext(self._rows, None)
            if row is None:
                self._done = True
            elif (own := self._number_of(row)) < number:
                self._late.append(row)
            else:
                self._ahead.setdefault(own, []).append(row)
                self._held += 1

    def _drop_below(self, number: int) -> None:
        """Keep what nobody can take any more out of the way."""
        while self._ahead and (first := next(iter(self._ahead))) < number:
            rows = self._ahead.pop(first)
            self._held -= len(rows)
            self._late += rows
