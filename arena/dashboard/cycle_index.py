"""The booked cycles: when they were, and where in the store their rows are."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arena.application.store import Following
from arena.domain.competitor import SeasonId

Row = Mapping[str, Any]

CYCLE_TABLES = {"turns": "cycle", "model_calls": "cycle", "llm_decisions": "cycle", "fills": "booked_cycle"}  # and the number
KEPT = 32  # cycles in memory


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRows:
    """A booked cycle's rows by table, in booking order."""

    cycle: Row
    tables: Mapping[str, list[Row]]


class CycleIndex:
    """Where each booked cycle is.

    Attributes:
        begun: The row of the one that has begun and is not booked; None where none is under way.
        lost: How many were begun and never booked.
        last: The row of the last booked one.
        ends: When the first and the last booked one were due.
    """

    def __init__(self) -> None:
        self.begun: Row | None = None
        self.lost = 0
        self.last: Row | None = None
        self.ends: tuple[str, str] | None = None
        self._cycles = _Places()
        self._tables = {table: _Places() for table in CYCLE_TABLES}
        self._read: dict[int, CycleRows] = {}

    def __len__(self) -> int:
        return len(self._cycles.numbers)

    def add(self, place: int, cycle: Row) -> None:
        """Add the next booked cycle."""
        self._cycles.note(cycle["number"], place)
        self.last = cycle
        self.ends = (self.ends[0] if self.ends else cycle["scheduled_at"], cycle["scheduled_at"])

    def note(self, table: str, number: int, place: int) -> None:
        """Note where the next row of a cycle is."""
        self._tables[table].note(number, place)
        self._read.pop(number, None)

    def neighbours(self, number: int) -> tuple[int | None, int | None]:
        """Return the numbers of the booked cycles before and after one."""
        numbers = self._cycles.numbers
        before, after = bisect_left(numbers, number), bisect_right(numbers, number)
        return numbers[before - 1] if before else None, numbers[after] if after < len(numbers) else None

    async def read(self, store: Following, season_id: SeasonId, number: int) -> CycleRows | None:
        """Return a booked cycle's rows, those read lately from memory; None where there is no such cycle."""
        if number in self._read:
            return self._read[number]
        cycles = await self._cycles.read(store, season_id, "cycles", number)
        if not cycles:
            return None
        tables = {table: await places.read(store, season_id, table, number) for table, places in self._tables.items()}
        found = CycleRows(cycle=cycles[0], tables=tables)
        while len(self._read) >= KEPT:
            del self._read[min(self._read)]  # the newest is what everybody looks at
        self._read[number] = found
        return found


class _Places:
    """Where a table's rows of each cycle begin in the store, and how many there are: a season's rows of a cycle are together."""

    def __init__(self) -> None:
        self.numbers, self._places, self._counts = array("q"), array("q"), array("q")

    def note(self, number: int, place: int) -> None:
        if self.numbers and self.numbers[-1] == number:
            self._counts[-1] += 1
            return
        self.numbers.append(number)
        self._places.append(place)
        self._counts.append(1)

    async def read(self, store: Following, season_id: SeasonId, table: str, number: int) -> list[Row]:
        at = bisect_left(self.numbers, number)
        if at == len(self.numbers) or self.numbers[at] != number:
            return []
        return [row for _, row in await store.page(table, season_id, self._places[at] - 1, self._counts[at])]
