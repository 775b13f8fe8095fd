"""The `arena notify` commands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from arena.alerting import Tried

notify = typer.Typer(no_args_is_help=True, help="See whether alerts arrive, and which ones wait.")


@notify.command()
def test() -> None:
    """Send a message to every destination now, a line for each. Ends with 1 unless there is one and all have taken it."""
    from arena.alerting import try_destinations
    from arena.configuration import load_alert_settings, load_venue_settings

    text = f"A test of {load_venue_settings().season}: alerts arrive."
    taken = [_shown(tried) for tried in try_destinations(load_alert_settings(), text)]
    if not taken:
        typer.echo("no alerts are wanted: set TELEGRAM_NOTIFICATIONS_ENABLED or NOTIFY_URLS")
    raise typer.Exit(0 if taken and all(taken) else 1)


def _shown(tried: Tried) -> bool:
    typer.echo(f"FAIL {tried.name}: {tried.fault}" if tried.fault else f"ok   {tried.name}")
    return tried.fault is None


@notify.command()
def pending() -> None:
    """Show what waits for each destination; nothing is sent."""
    from arena.alerting import read_pending
    from arena.configuration import load_alert_settings, load_venue_settings

    venue = load_venue_settings()
    for name, waiting in read_pending(load_alert_settings(), venue.outboxes):
        typer.echo(f"{name}: {len(waiting)} waiting")
        for each in waiting:
            tried = f", tried {each.tries} times" if each.tries else ""
            since = datetime.fromtimestamp(each.kept_at, UTC)
            typer.echo(f"  {since:%Y-%m-%d %H:%M} UTC  {each.level:<8}  {each.key[2]}{tried}")
