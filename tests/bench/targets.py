"""What the figures should be, and whether they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.bench.engine import (
    FIRST,
    MARGIN_FEW,
    MARGIN_HALF,
    MARGIN_LONG,
    MARGIN_MANY,
    MATCHED,
    RSI_LONG,
    RSI_ONE,
    RSI_SIX,
    Row,
    Work,
)

MOST_RSS_MB = 1000
MOST_TIMES = 2.2  # for twice the candles or competitors
NEGLIGIBLE_MB = 32.0  # threads, and what the allocator keeps


class Verdict(NamedTuple):
    """A target; `met` is None where it could not be measured."""

    target: str
    measured: str
    met: bool | None

    def __str__(self) -> str:
        """Return it in a line."""
        word = {True: "met", False: "MISSED", None: "not measured"}[self.met]
        return f"{word:<13} {self.target}: {self.measured}"


def verdicts(rows: Mapping[str, Row]) -> list[Verdict]:
    """Return what is to be said of the engine's rows, by work."""
    return [
        _ahead(rows, RSI_ONE, 10),
        _ahead(rows, RSI_SIX, 10),
        _ahead(rows, MARGIN_FEW, 20),
        _within(rows, MARGIN_MANY, 1.5),
        _small(rows, MARGIN_MANY),
        _within(rows, MATCHED, 20),
        _within(rows, FIRST, 3),
        _linear(rows, RSI_SIX, RSI_LONG),
        _linear(rows, MARGIN_FEW, MARGIN_LONG),
        _linear(rows, MARGIN_HALF, MARGIN_MANY),
        _lean(rows, MARGIN_FEW, MARGIN_LONG),
    ]


def _ahead(rows: Mapping[str, Row], work: Work, times: int) -> Verdict:
    ratio = rows[work.name].ratio
    said = "no peer" if ratio is None else f"{ratio:.1f} times as fast"
    return Verdict(f"{work.name}, at most 1/{times} of the peer's time", said, None if ratio is None else ratio >= times)


def _within(rows: Mapping[str, Row], work: Work, seconds: float) -> Verdict:
    took = rows[work.name].ours_s
    return Verdict(f"{work.name}, at most {seconds:g} s", f"{took:.2f} s", took <= seconds)


def _small(rows: Mapping[str, Row], work: Work) -> Verdict:
    memory = rows[work.name].ours_rss_mb
    met = None if memory is None else memory < MOST_RSS_MB
    return Verdict(f"{work.name}, under {MOST_RSS_MB} MiB", f"{memory} MiB", met)


def _linear(rows: Mapping[str, Row], work: Work, twice: Work) -> Verdict:
    times = rows[twice.name].ours_s / rows[work.name].ours_s
    return Verdict(
        f"{twice.name} for {work.name}, at most {MOST_TIMES} times the time", f"{times:.2f} times", times <= MOST_TIMES
    )


def _lean(rows: Mapping[str, Row], work: Work, twice: Work) -> Verdict:
    once, more = rows[work.name].beyond_mb, rows[twice.name].beyond_mb
    met = None if once is None or more is None else more - once <= NEGLIGIBLE_MB
    target = f"{twice.name}, no more memory beyond what goes in and comes out"
    return Verdict(target, f"{once} and {more} MiB", met)
