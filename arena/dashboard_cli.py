"""The `arena dashboard` command."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from arena.dashboard.watch import Source
    from arena.settings import Settings

FILE_SECONDS = 1.0  # between two looks at a file
SUPABASE_SECONDS = 5.0  # at a database that others pay for


def dashboard(
    season: Annotated[str, typer.Option("--season", help="The season's name; SEASON of .env where left out.")] = "",
    judge: Annotated[bool, typer.Option(help="Have the season judged now and then, in a process of the lowest priority.")] = True,
) -> None:
    """Serve the season as a page and an API on API_HOST and API_PORT, until Ctrl-C. Changes nothing, but has it judged."""
    from dataclasses import replace

    from structlog.contextvars import bind_contextvars

    from arena.configuration import load_settings
    from arena.dashboard.app import serve
    from arena.dashboard.judging import by_command
    from arena.logs import configure_logging

    settings = load_settings()
    configure_logging(settings)
    bind_contextvars(season=season or settings.season)
    source = source_of(settings, season)
    if judge:
        command = [sys.executable, "-m", "arena.cli", "verdict", "--season", source.season_id, "--quiet"]
        source = replace(source, judge=by_command(command))
    serve(source, settings.api_host, settings.api_port, settings.api_token.get_secret_value())


def source_of(settings: Settings, season: str = "") -> Source:
    """Return where a season is looked at: SEASON's store, or another season's of the same machine. Nobody judges it."""
    from arena.application.store import Following
    from arena.connections import open_for_looking
    from arena.dashboard.judging import JudgementFile
    from arena.dashboard.watch import Source
    from arena.domain.competitor import SeasonId
    from arena.market import PublicCandles, contracts_here
    from arena.standings import halted_here

    watched = settings.model_copy(update={"season": season}) if season else settings

    def open_(closing: AsyncExitStack) -> Following:
        return open_for_looking(watched, closing)

    return Source(
        season_id=SeasonId(watched.season),
        open=open_,
        halted=lambda: halted_here(watched),
        candles=PublicCandles(watched),
        contracts=lambda: contracts_here(watched),
        judgement=JudgementFile(watched.judgement_file),
        seconds=SUPABASE_SECONDS if watched.supabase_url else FILE_SECONDS,
    )
