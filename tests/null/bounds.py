"""What is played, and what must come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.null.seasons import Game

EQUALS = Game(skills=(0.5, 0.5, 0.5), days=30)
PLANTED = Game(skills=(0.55, 0.5, 0.5), days=90, alike=0.75)
MOST_FALSE, LEAST_FOUND = 0.05, 0.65  # of the seasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was declared, by the names of the last line, and the bounds that were missed, in words."""

    counts: Mapping[str, int]
    bounds: tuple[str, ...]


def planted(alike: float) -> Game:
    """Return the seasons with a better trader at another share of common dice."""
    return replace(PLANTED, alike=alike)


def missed(equals: Counter[int | None], better: Counter[int | None]) -> Outcome:
    """Hold what a judge declared against the bounds; the planted trader is column 0."""
    seasons, tried = equals.total(), better.total()
    false, found = seasons - equals[None], better[0]
    bounds = []
    if false > MOST_FALSE * seasons:
        bounds.append(f"{false} of {seasons} seasons of equals have a winner")
    if found < LEAST_FOUND * tried:
        bounds.append(f"the better one is found in {found} of {tried} seasons")
    counts = {"seasons": seasons, "false_winners": false, "planted_seasons": tried, "planted_found": found}
    return Outcome(counts={**counts, "planted_wrong": tried - better[None] - found}, bounds=tuple(bounds))
