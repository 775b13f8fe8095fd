"""What a cycle's run shows in the Prefect UI beside its tasks; a run that cannot show it has still been a cycle."""

from __future__ import annotations

import asyncio
import logging
import re

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from arena.application.cycle_story import decisions_text, discrepancy_rows, leaderboard_rows
from arena.application.record import CycleRecord
from arena.bootstrap import Arena
from tasks.step import step

log = logging.getLogger("arena.cycle")


@step("show", timeout_seconds=30)
async def show(arena: Arena, record: CycleRecord) -> None:
    """Make the cycle's artifacts, all at once: who stands where, the decisions, what books and venue differ in."""
    season = arena.season
    shown = [
        acreate_table_artifact(
            leaderboard_rows(season, record), key=key(season.season_id, "leaderboard"), description=f"After cycle {record.number}"
        ),
        acreate_markdown_artifact(decisions_text(record), key=key(season.season_id, "decisions")),
    ]
    if record.discrepancies:
        rows = discrepancy_rows(record.discrepancies)
        shown.append(acreate_table_artifact(rows, key=key(season.season_id, "discrepancy"), description=f"Cycle {record.number}"))
    for fault in await asyncio.gather(*shown, return_exceptions=True):
        if isinstance(fault, Exception):
            log.warning("an artifact of cycle %s could not be made: %s", record.number, fault)


def key(season_id: str, what: str) -> str:
    """Return an artifact's key, under which Prefect lists its history: lower-case letters, digits and dashes alone."""
    return re.sub(r"[^a-z0-9]+", "-", f"{season_id}-{what}".lower()).strip("-")
