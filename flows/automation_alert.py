"""What Prefect's automations have to say goes out where all alerts go."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from arena.alerting import open_notifier
from arena.application.record import Alert, AlertKind
from arena.configuration import load_alert_settings, load_venue_settings
from arena.errors import ArenaError
from arena.settings import VenueSettings
from arena.standings import read_standing

LATE_SECONDS = 600.0  # what waited longer for a worker was told by the server: the worker was gone


@flow(name="alert")
async def automation_alert(subject: str, text: str, while_halted: bool = False) -> State[None]:
    """Send a sentence to wherever alerts go.

    Args:
        subject: What it is about, in a few words.
        text: The sentence. It must hold no secret.
        while_halted: Send it even while the season is halted; else it is dropped then.
    """
    settings, alerts, now = load_venue_settings(), load_alert_settings(), datetime.now(UTC)
    late = (now - (flow_run.scheduled_start_time or now)).total_seconds()
    if late > LATE_SECONDS:
        return Completed(message=f"nobody was told: it is {late:.0f} seconds old")
    if not while_halted and (why := await _why_halted(settings)) is not None:
        return Completed(message=f"nobody was told: {why}")
    sentence = f"{settings.season}: {subject}. {text}"
    alert = Alert(kind=AlertKind.WATCH, llm_id=None, text=sentence, time=now)
    receipt = await open_notifier(alerts, settings.outboxes).notify([alert])
    if receipt.failing:
        return Failed(message="it could not be delivered so far; it is kept, and the next run sends it")
    if receipt.waiting:
        return Completed(message="it waits its turn, and the next run sends it")
    return Completed(message="told" if receipt.sent else "nobody wants to be told")


async def _why_halted(settings: VenueSettings) -> str | None:
    """Return why the season does not run; None where it does, or where nobody knows, since people must then hear of it."""
    try:
        standing = await read_standing(settings)
    except ArenaError:
        return None
    return standing.why_halted() if standing else None
