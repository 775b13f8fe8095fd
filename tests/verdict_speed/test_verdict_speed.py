"""The season that `make verdict-speed` makes is one: every row has its cycle, and it can be judged."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from arena.adapters.storage.sqlite import SqliteRecords
from arena.domain.competitor import SeasonId
from tests.fakes.judged import judged
from tests.verdict_speed.season import PLAYED, make


async def test_a_repeated_season_is_as_long_as_it_says(tmp_path: Path) -> None:
    await make(tmp_path / "arena.sqlite", 3 * PLAYED)
    records = SqliteRecords(tmp_path / "arena.sqlite")
    turns = await records.columns("turns", SeasonId("test"), ("cycle", "llm_id"))
    assert Counter(row["cycle"] for row in turns) == dict.fromkeys(range(1, 3 * PLAYED + 1), 3)
    found = (await judged(records, SeasonId("test"))).judgement
    assert (found.cycles, found.days, len(found.contestants)) == (3 * PLAYED, 3.0, 3)
    records.close()
