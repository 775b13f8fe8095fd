"""A table that only grows, newest first: the newest rows in memory, of the others only where they are in the store."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arena.application.store import Following
from arena.domain.competitor import SeasonId

Row = Mapping[str, Any]

KEPT = 1000  # rows in memory
WINDOW = 400  # rows that one page looks through at most


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Some rows, newest first; `before` asks for those that follow, None where there are none."""

    rows: Sequence[Row]
    before: int | None


class Feed:
    """A table's rows by their number, 1 is the first.

    Args:
        columns: What is kept of a row.
    """

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        self.table = table
        self._columns = columns
        self._places = array("q")
        self._newest: deque[Row] = deque(maxlen=KEPT)

    def __len__(self) -> int:
        return len(self._places)

    def add(self, place: int, row: Row) -> None:
        """Add the next row."""
        self._places.append(place)
        self._newest.append(self._part(row))

    async def page(
        self, store: Following, season_id: SeasonId, before: int | None, limit: int, wanted: Callable[[Row], bool] | None = None
    ) -> FeedPage:
        """Return up to `limit` rows with a lower number than `before`, newest first; the store is asked for old ones alone.

        Args:
            wanted: Leaves the others out. The page then may hold fewer rows than `limit` though more follow.
        """
        end = len(self) if before is None else max(0, min(before - 1, len(self)))
        start = max(0, end - (limit if wanted is None else WINDOW))
        rows = await self._between(store, season_id, start, end)
        found = [(start + index, row) for index, row in enumerate(rows) if wanted is None or wanted(row)]
        chosen = found[-limit:]
        reached = chosen[0][0] if len(found) > limit else start
        return FeedPage(rows=[row for _, row in reversed(chosen)], before=reached + 1 if reached else None)

    async def _between(self, store: Following, season_id: SeasonId, start: int, end: int) -> list[Row]:
        forgotten = len(self) - len(self._newest)
        if start >= end:
            return []
        if start >= forgotten:
            return [self._newest[index - forgotten] for index in range(start, end)]
        found = await store.page(self.table, season_id, self._places[start] - 1, end - start)
        return [self._part(row) for _, row in found]

    def _part(self, row: Row) -> Row:
        return {name: row[name] for name in self._columns}
