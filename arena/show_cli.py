"""The commands that show a season, all of them from its records alone: they read, and change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from arena.application.store import Records
    from arena.audit.verification import Verification
    from arena.dashboard.watch import Source
    from arena.domain.competitor import SeasonId

show = typer.Typer()

Season = Annotated[str, typer.Option("--season", help="The season's name; SEASON of .env where left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
T = TypeVar("T")


@show.command()
def status(season: Season = "", as_json: AsJson = False) -> None:
    """Show how the season stands: running or not, its cycles, who leads, what is held, the store, the newest alerts."""
    from arena.dashboard.glance import look_once

    glance = asyncio.run(look_once(_source(season)))
    if as_json:
        typer.echo(glance.model_dump_json(indent=2, exclude={"status": {"version"}}))
    else:
        from arena.monitor import console_of_stdout, print_glance

        print_glance(glance, console_of_stdout())


@show.command()
def monitor(season: Season = "") -> None:
    """Show the season live, until Ctrl-C; in a pipe once. Reads, and changes nothing."""
    from arena.monitor import console_of_stdout
    from arena.monitor import monitor as follow

    with suppress(KeyboardInterrupt):
        asyncio.run(follow(_source(season), console_of_stdout()))


@show.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="Directory for the CSV files.")],
    season: Season = "",
) -> None:
    """Write a season's fills, funding, equity, positions, decisions and accounts as CSV."""
    from arena.adapters.storage.csv_files import write_export

    for path in _from_records(season, lambda records, name: write_export(records, name, out)):
        typer.echo(str(path))


@show.command()
def leaderboard(season: Season = "", as_json: AsJson = False) -> None:
    """Show who leads."""
    from arena.application.leaderboard import read_leaderboard
    from arena.terminal import print_leaderboard, tell

    tell(_from_records(season, read_leaderboard), print_leaderboard, as_json=as_json)


@show.command()
def seasons(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="All that lie in runs/ where left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show who was how good over several seasons; replays that a model may know the end of are apart, and marked."""
    from arena.seasons import read_seasons
    from arena.terminal import print_seasons, tell

    tell(asyncio.run(read_seasons(names or ())), print_seasons, as_json=as_json)


@show.command()
def fairness(season: Season = "", as_json: AsJson = False) -> None:
    """Check that every cycle treated all competitors alike; each violation in a line. Ends with 1 if there is one."""
    from arena.application.fairness import read_fairness
    from arena.terminal import print_fairness, tell

    found = tell(_from_records(season, read_fairness), print_fairness, as_json=as_json)
    raise typer.Exit(0 if found.fair else 1)


@show.command()
def verify(season: Season = "", as_json: AsJson = False) -> None:
    """Book a season again from its journal and compare every cell; each difference in a line. Ends with 1 if there is one."""
    from arena.audit.verify import read_verification
    from arena.terminal import tell

    def lines(found: Verification) -> None:
        typer.echo("\n".join((found.sentence, *map(str, found.findings))))

    found = tell(_from_records(season, read_verification), lines, as_json=as_json)
    raise typer.Exit(0 if found.verified else 1)


def _from_records(season: str, read: Callable[[Records, SeasonId], Awaitable[T]]) -> T:
    """Return what `read` finds in the records of a season; SEASON's where the name is empty."""
    from arena.configuration import load_settings
    from arena.connections import open_book
    from arena.domain.competitor import SeasonId

    async def run() -> T:
        settings = load_settings()
        async with AsyncExitStack() as closing:
            return await read(open_book(settings, closing, season), SeasonId(season or settings.season))

    return asyncio.run(run())


def _source(season: str) -> Source:
    """Return where a season is looked at, as the dashboard does it."""
    from arena.configuration import load_settings
    from arena.dashboard_cli import source_of

    return source_of(load_settings(), season)
