"""Halting a season, letting it go on and ending it: by the file, which this machine obeys, and in the store, which all do."""

from __future__ import annotations

import contextlib
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from arena.alerting import open_notifier
from arena.application.alerts import halt_alert
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.configuration import load_alert_settings
from arena.connections import open_records
from arena.domain.competitor import SeasonId
from arena.errors import ArenaError, ConfigurationError
from arena.halting import halt, halted, resume
from arena.season_start import has_begun
from arena.settings import VenueSettings


async def read_standing(settings: VenueSettings) -> SeasonStanding | None:
    """Return where the season stands, the file before the store; None before it has begun."""
    here = halted_here(settings)
    if here is not None:
        return here
    if not await has_begun(settings):
        return None
    async with AsyncExitStack() as closing:
        known = await open_records(settings, closing).standing(SeasonId(settings.season))
    return known or SeasonStanding(status=SeasonStatus.RUNNING, reason="", time=datetime.now(UTC))


def halted_here(settings: VenueSettings) -> SeasonStanding | None:
    """Return why and since when this machine has halted the season, or None."""
    why = halted(settings)
    if why is None:
        return None
    try:
        written = settings.halt_file.stat().st_mtime
    except OSError:  # removed just now, or in a folder that cannot be read
        written = time.time()
    return SeasonStanding(status=SeasonStatus.HALTED, reason=why, time=datetime.fromtimestamp(written, UTC))


async def halt_season(settings: VenueSettings, reason: str) -> str | None:
    """Halt, by the file first; return why the store could not be told, or None. People are told by the next sweep."""
    halt(settings, reason)
    with contextlib.suppress(ArenaError):  # wrong settings of alerts, or a file that cannot be had
        notifier = open_notifier(load_alert_settings(), settings.outboxes)
        notifier.keep([halt_alert(SeasonId(settings.season), reason, datetime.now(UTC))])
    try:
        await _stand(settings, SeasonStatus.HALTED, reason)
    except ArenaError as error:
        return f"other machines do not know of it: {error}"
    return None


async def lift_halt(settings: VenueSettings, reason: str) -> bool:
    """Let a halted season go on, whatever its books say; return whether it was halted.

    Raises:
        RecordsError: It has ended, or the store cannot be told; the season is halted as before.
    """
    standing = await read_standing(settings)
    if standing is None or standing.status is SeasonStatus.RUNNING:
        return False
    await _stand(settings, SeasonStatus.RUNNING, reason)
    resume(settings)
    return True


async def end_season(settings: VenueSettings, reason: str) -> None:
    """End the season for good: no cycle begins in it any more.

    Raises:
        ConfigurationError: It has not begun, or positions are held.
        RecordsError: The store cannot be told.
    """
    season_id = SeasonId(settings.season)
    if not await has_begun(settings):
        raise ConfigurationError(f"the season {season_id} has not begun: there is nothing to end")
    async with AsyncExitStack() as closing:
        records = open_records(settings, closing)
        positions = [row async for row in records.rows("positions", season_id) if row["status"] == "open"]
        if positions:
            held = ", ".join(f"{row['llm_id']} {row['symbol']}" for row in positions)
            raise ConfigurationError(
                f"the season {season_id} still holds {held}: `arena shutdown` closes everything, the next sweep books it"
            )
        await records.stand(season_id, SeasonStanding(status=SeasonStatus.ENDED, reason=reason, time=datetime.now(UTC)))


async def _stand(settings: VenueSettings, status: SeasonStatus, reason: str) -> None:
    """Note in the store where the season stands; one that has not begun stands nowhere yet."""
    if not await has_begun(settings):
        return
    async with AsyncExitStack() as closing:
        standing = SeasonStanding(status=status, reason=reason, time=datetime.now(UTC))
        await open_records(settings, closing).stand(SeasonId(settings.season), standing)
