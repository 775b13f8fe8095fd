"""Do a competitor's confidences mean something? What it stated when it opened, against what came of the trade."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.application.tally import net_pnl
from arena.domain.money import quantized

Row = Mapping[str, Any]

FEWEST = 20  # trades; a share of fewer says nothing
WAITING = 500  # openings of a pair and a side that came to no trade so far; older ones are forgotten
SIDES = {"open_long": "LONG", "open_short": "SHORT"}
BOUNDS = ((0, 49), (50, 59), (60, 69), (70, 79), (80, 89), (90, 100))  # percent, both ends with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The closed trades that were opened with a confidence between two bounds.

    Attributes:
        lowest, highest: Percent, both with it.
        hits: Trades with a profit after fees and funding.
        stated: Mean of the stated confidences, fraction of 1; None without a trade.
        hit_rate: Fraction of the trades; None without a trade.
    """

    lowest: int
    highest: int
    trades: int
    hits: int
    stated: Decimal | None
    hit_rate: Decimal | None

    @property
    def enough(self) -> bool:
        """Whether there are enough trades for the rate to say something."""
        return self.trades >= FEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What one competitor's confidences have been worth so far.

    Attributes:
        unknown: Closed trades for which no opening with a confidence is on record.
    """

    buckets: tuple[Bucket, ...]
    unknown: int

    @property
    def trades(self) -> int:
        """How many trades are in the buckets."""
        return sum(bucket.trades for bucket in self.buckets)

    @property
    def sentence(self) -> str:
        """What may be said about it."""
        if not self.trades:
            return "No trade has been closed whose confidence is on record: nothing can be said yet."
        counted = f"{self.trades:,} closed {'trade' if self.trades == 1 else 'trades'}"
        enough = sum(bucket.enough for bucket in self.buckets)
        if not enough:
            return f"Too few to say anything: {counted}, and no group has the {FEWEST} that a share needs."
        told = "one group has" if enough == 1 else f"{enough} groups have"
        return f"{counted}; {told} at least {FEWEST}. A group with fewer says nothing."


class Confidences:
    """Adds up decisions and closed trades of all competitors, in booking order; a decision before the trade that it opened.

    Args:
        interval: Between two cycles; an entry rests until the next one at most, so that an older decision has opened nothing.
    """

    def __init__(self, interval: timedelta) -> None:
        self._longest = 2 * interval
        self._opened: defaultdict[tuple[str, str, str], deque[tuple[str, int]]] = defaultdict(lambda: deque(maxlen=WAITING))
        self._closed: defaultdict[str, Counter[tuple[int, bool]]] = defaultdict(Counter)  # trades by confidence and hit
        self._unknown: defaultdict[str, int] = defaultdict(int)

    def decided(self, row: Row) -> None:
        """Add a decision about one symbol."""
        side = SIDES.get(row["decision_type"])
        if side is not None and row["confidence"] is not None:
            self._opened[row["llm_id"], row["symbol"], side].append((row["time"], row["confidence"]))

    def closed(self, row: Row) -> None:
        """Add a closed trade: it belongs to the last opening of its pair and side that was decided before it began."""
        waiting = self._opened[row["llm_id"], row["symbol"], row["side"]]
        last: tuple[str, int] | None = None
        while waiting and waiting[0][0] <= row["opened_at"]:
            last = waiting.popleft()
        if last is None or datetime.fromisoformat(row["opened_at"]) - datetime.fromisoformat(last[0]) > self._longest:
            self._unknown[row["llm_id"]] += 1
            return
        self._closed[row["llm_id"]][last[1], Decimal(net_pnl(row)) > 0] += 1

    def of(self, llm_id: str) -> Calibration:
        """Return one competitor's."""
        closed = self._closed[llm_id]
        return Calibration(buckets=tuple(_bucket(*bounds, closed) for bounds in BOUNDS), unknown=self._unknown[llm_id])

    def pairs(self, llm_id: str) -> tuple[tuple[int, ...], tuple[bool, ...]]:
        """Return what one competitor stated, percent, and whether each came true; by confidence, not by time."""
        found = sorted(self._closed[llm_id].elements())
        return tuple(stated for stated, _ in found), tuple(hit for _, hit in found)


def _bucket(lowest: int, highest: int, closed: Mapping[tuple[int, bool], int]) -> Bucket:
    own = {key: count for key, count in closed.items() if lowest <= key[0] <= highest}
    trades, hits = sum(own.values()), sum(count for (_, hit), count in own.items() if hit)
    stated = sum(each * count for (each, _), count in own.items())
    return Bucket(
        lowest=lowest,
        highest=highest,
        trades=trades,
        hits=hits,
        stated=quantized(Decimal(stated) / (100 * trades)) if trades else None,
        hit_rate=quantized(Decimal(hits) / trades) if trades else None,
    )
