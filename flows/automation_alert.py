"""What Prefect's automations have to say goes out where all alerts go."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from arena.application.record import Alert, AlertKind
from arena.configuration import load_alert_settings, load_venue_settings
from arena.connections import open_notifier
from arena.halting import halted


@flow(name="alert")
async def automation_alert(subject: str, text: str, while_halted: bool = False) -> State[None]:
    """Send a sentence to wherever alerts go.

    Args:
        subject: What it is about, in a few words.
        text: The sentence. It must hold no secret.
        while_halted: Send it even while the season is halted; else it is dropped then.
    """
    settings, alerts = load_venue_settings(), load_alert_settings()
    if not while_halted and (why := halted(settings)) is not None:
        return Completed(message=f"nobody was told, the season is halted ({why})")
    sentence = f"{settings.season}: {subject}. {text}"
    alert = Alert(kind=AlertKind.WATCH, llm_id=None, text=sentence, time=datetime.now(UTC))
    if await open_notifier(alerts).notify([alert]) == 1:
        return Completed(message="told")
    return (
        Failed(message="it could not be delivered")
        if alerts.telegram_notifications_enabled
        else Completed(message="no alerts are wanted")
    )
