"""What a cycle's run shows in the Prefect UI beside its tasks; a run that cannot show it has still been a cycle."""

from __future__ import annotations

import asyncio
import logging
import re
from base64 import b64encode
from collections.abc import Awaitable
from uuid import UUID

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from arena.application.cycle_story import decisions_text, discrepancy_rows, leaderboard_rows
from arena.application.record import CycleRecord
from arena.bootstrap import Arena
from arena.domain.competitor import Season
from tasks.step import observed

HOUR_SECONDS = 3600
PATIENCE_SECONDS = 30.0

log = logging.getLogger("arena.cycle")


@observed("show")
async def show(arena: Arena, record: CycleRecord) -> None:
    """Make the cycle's artifacts, all at once: who stands where, the decisions, what books and venue differ in."""
    season = arena.season
    shown: list[Awaitable[UUID | None]] = [
        acreate_table_artifact(
            leaderboard_rows(season, record), key=key(season.season_id, "leaderboard"), description=f"After cycle {record.number}"
        ),
        acreate_markdown_artifact(decisions_text(record), key=key(season.season_id, "decisions")),
    ]
    if record.discrepancies:
        rows = discrepancy_rows(record.discrepancies)
        shown.append(acreate_table_artifact(rows, key=key(season.season_id, "discrepancy"), description=f"Cycle {record.number}"))
    if hourly(season, record.number):
        shown.append(_equity(arena))
    patient = (asyncio.wait_for(each, PATIENCE_SECONDS) for each in shown)  # a task's own limit would fail the cycle
    for fault in await asyncio.gather(*patient, return_exceptions=True):
        if isinstance(fault, Exception):
            log.warning("an artifact of cycle %s could not be made: %s", record.number, str(fault) or type(fault).__name__)


async def _equity(arena: Arena) -> UUID | None:
    """Draw the season's curves; the picture is part of the artifact, so that nothing else has to be served."""
    from arena.report.curves import season_picture  # loading it takes longer than the rest of this module's work

    drawn = await season_picture(arena.records, arena.season.season_id)
    if drawn is None:
        return None
    picture = f"![equity](data:image/png;base64,{b64encode(drawn).decode()})"
    return await acreate_markdown_artifact(picture, key=key(arena.season.season_id, "equity"))


def hourly(season: Season, number: int) -> bool:
    """Return whether a cycle is the first of about an hour: a picture for each would cost more than the cycle."""
    return (number - 1) % max(1, HOUR_SECONDS // season.interval_seconds) == 0


def key(season_id: str, what: str) -> str:
    """Return an artifact's key, under which Prefect lists its history: lower-case letters, digits and dashes alone."""
    return re.sub(r"[^a-z0-9]+", "-", f"{season_id}-{what}".lower()).strip("-")
