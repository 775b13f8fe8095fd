"""The `arena data` commands."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

data = typer.Typer(no_args_is_help=True, help="Candles of the past, for simulator, demo and replay.")


@data.callback()
def _group() -> None:
    """Keep `download` a command of its own while it is the only one."""


@data.command()
def download(
    pairs: Annotated[str, typer.Option(metavar="A,B,C", help="Those of AVAILABLE_PAIRS where left out.")] = "",
    since: Annotated[
        datetime | None, typer.Option("--from", help="First instant, UTC; 30 days before the end where left out.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", help="First instant after it, UTC; now where left out."),
    ] = None,
    interval: Annotated[str, typer.Option(help="Of the candles, such as 1m, 5m or 1h.")] = "5m",
    out: Annotated[Path, typer.Option(help="Folder of the market: 5m, mark-1h and funding go into it.")] = Path("candles"),
) -> None:
    """Download candles, mark price and fundings; what is there is not asked again. Ends with 1 if there are gaps."""
    from arena.configuration import load_venue_settings
    from arena.download import download as run
    from arena.download import read_wanted

    found = asyncio.run(run(load_venue_settings(), read_wanted(pairs, since, until, interval, out), typer.echo))
    for sentence in found.sentences():
        typer.echo(sentence)
    raise typer.Exit(1 if found.gaps else 0)
