"""The `arena db` commands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

db = typer.Typer(no_args_is_help=True, help="Look after the store: SQLite, or Supabase where SUPABASE_URL is set.")

Season = Annotated[str, typer.Option("--season", help="The season's name; SEASON of .env where left out.")]


@db.command()
def init(sql: Annotated[bool, typer.Option("--sql", help="Print Supabase's SQL instead, for its SQL editor.")] = False) -> None:
    """Make the tables: the SQLite file, or what Supabase's database lacks (SUPABASE_DB_URL)."""
    from arena.adapters.storage.migrations import MIGRATIONS
    from arena.configuration import load_venue_settings
    from arena.database import upkeep_of

    if sql:
        for file in sorted(MIGRATIONS.glob("*.sql")):
            typer.echo(file.read_text(encoding="utf-8"))
        return
    made = upkeep_of(load_venue_settings()).init()
    typer.echo(f"made {', '.join(made)}" if made else "nothing to make: the store is up to date")


@db.command()
def check(season: Season = "") -> None:
    """Say where the state is and what waits for it, compare the schema, audit the season; ends with 1 if all is not well."""
    from arena.configuration import load_venue_settings
    from arena.database import check_store

    checked = asyncio.run(check_store(load_venue_settings(), season))
    for line in checked.lines():
        typer.echo(line)
    raise typer.Exit(0 if checked.well else 1)


@db.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="The file to write, such as season-1.jsonl.gz.")], season: Season = ""
) -> None:
    """Write a whole season into one file, which `arena db import` takes into another store."""
    from arena.configuration import load_venue_settings
    from arena.database import export_season

    path, rows = asyncio.run(export_season(load_venue_settings(), season, out))
    typer.echo(f"{path}: {rows} rows")


@db.command("import")
def import_(source: Annotated[Path, typer.Argument(metavar="FILE", help="Of arena db export.")]) -> None:
    """Take a season from a file into the store, all of it or nothing; one that is there is left as it is."""
    from arena.configuration import load_venue_settings
    from arena.database import import_season

    season_id, rows = import_season(load_venue_settings(), source)
    typer.echo(f"season {season_id}: {rows} rows")


@db.command()
def prune(
    days: Annotated[int, typer.Option("--days", min=0, help="Keep those of so many days.")] = 30,
    season: Season = "",
) -> None:
    """Remove the market's part of old prompts, the largest thing that is kept. Nothing else is ever removed."""
    from arena.configuration import load_venue_settings
    from arena.database import prune_season

    typer.echo(f"{prune_season(load_venue_settings(), season, days)} prompts removed; the cycles keep their hashes")
