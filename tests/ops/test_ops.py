"""The judge of make ops-test bites; a season that is killed for real is in tests/e2e/test_up.py, where it takes a minute."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ops.__main__ import missed, slots, well
from tests.ops.season import VICTIMS, Season

NOON = datetime(2025, 1, 1, 12, 0, tzinfo=UTC)
WELL = {
    **{"kills": dict.fromkeys(VICTIMS, 2), "lost": 0, "doubled": 0, "orphan_stops": 0, "books_equal": True, "verified": True},
    **{"missed_max": 1, "crashed": 2, "alerts": 1},
}


@pytest.mark.parametrize(
    ("seconds", "most"),
    [((0, 30, 60), 0), ((2, 39, 61), 0), ((0, 60), 1), ((0, 30, 121), 2), ((5, 8, 31), 0)],
    ids=["each in its interval", "late ones", "one without", "two without", "two in one"],
)
def test_the_intervals_without_a_booked_cycle_are_counted(tmp_path: Path, seconds: tuple[int, ...], most: int) -> None:
    books = sqlite3.connect(tmp_path / "arena.sqlite")
    books.execute("CREATE TABLE cycles (number, status, scheduled_at)")
    rows = [(number, "booked", (NOON + timedelta(seconds=at)).isoformat()) for number, at in enumerate(seconds, 1)]
    books.executemany("INSERT INTO cycles VALUES (?, ?, ?)", [*rows, (99, "begun", (NOON + timedelta(hours=1)).isoformat())])
    books.commit()
    assert missed(slots(Season(tmp_path, 30))) == most


@pytest.mark.parametrize(
    "broken",
    [
        {"lost": 1},
        {"doubled": 1},
        {"books_equal": False},
        {"verified": False},
        {"missed_max": 2},
        {"orphan_stops": 1},
        {"alerts": 0},
        {"kills": {"worker": 2, "flow": 2}},
    ],
    ids=str,
)
def test_whatever_is_broken_is_not_well(broken: dict[str, object]) -> None:
    assert well(WELL, 2) and not well({**WELL, **broken}, 2)
