"""A season in the terminal, live until Ctrl-C."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from rich.console import Console, RenderableType
from rich.live import Live

from arena.dashboard.glance import Glance, Glancing, look_once
from arena.dashboard.watch import NothingYet, Source, Watch
from arena.errors import RecordsError
from arena.screen import screen, waiting
from arena.terminal import WIDTH

CLOCK_SECONDS = 1.0


async def monitor(source: Source, console: Console) -> None:
    """Show a season, and what changes of it, until cancelled; once, where the output is no terminal.

    Raises:
        ConfigurationError: It is no terminal, and the season has not begun.
        RecordsError: It is no terminal, and the store cannot be read.
    """
    if not console.is_terminal:
        print_glance(await look_once(source), console)
        return
    watch = Watch(source)
    looking = asyncio.create_task(watch.run())
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            await _follow(watch, live)
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def print_glance(glance: Glance, console: Console) -> None:
    """Print how a season stands."""
    console.print(screen(glance, datetime.now(UTC)))


def console_of_stdout() -> Console:
    """Return the console; a pipe gets long lines."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


async def _follow(watch: Watch, live: Live) -> None:
    """Draw anew whenever something has changed, and every second for the clock."""
    glancing, last = Glancing(watch), None
    while True:
        version = watch.version
        try:
            last = await glancing.now()
            shown: RenderableType = screen(last, datetime.now(UTC), live.console.height)
        except NothingYet as why:
            shown = waiting(str(why))
        except RecordsError:  # the watch finds it out too, and says so from its next look on
            shown = screen(last, datetime.now(UTC), live.console.height) if last else waiting("the store is out of reach")
        live.update(shown, refresh=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(watch.changed(version), CLOCK_SECONDS)
