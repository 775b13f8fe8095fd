"""Where the paper engine's prices come from: bars, one step at a time, and fundings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from arena.domain.market import Bar, BarStep, FundingRate


class BarFeed(Protocol):
    """A market's history, read forward. All symbols share the steps."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that has bars."""
        ...

    def steps(self, after: datetime, until: datetime) -> Iterator[BarStep]:
        """Yield the steps with after < close_time ≤ until, in time order; a symbol with a gap is missing from its step."""
        ...

    def current(self, symbol: str, at: datetime) -> Bar | None:
        """Return the bar that contains `at` (open_time ≤ at < close_time), or None in a gap or beyond the data."""
        ...

    def fundings(self, after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """Return the fundings with after < time ≤ until, oldest first; `mark_price` is the mark at that time, on its tick.

        A live market also returns those up to `after` that it has only learned of since.
        """
        ...
