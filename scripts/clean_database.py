"""Reset the season of `.env` to a clean state: export it into a file, then remove it from the store.

    python -m scripts.clean_database [--yes]        (or: python scripts/clean_database.py)

Refuses while the season holds positions on mainnet. Asks once, unless --yes is given.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import typer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a file

from arena.configuration import load_venue_settings
from arena.database import check_may_clean, clean_season
from arena.errors import ArenaError

EXPORTS = Path("runs") / "exports"


def main(yes: bool = typer.Option(False, "--yes", help="Do not ask.")) -> None:
    """Ask, export, remove. Runs from anywhere: `.env` and the store are the project's."""
    os.chdir(os.environ.get("ARENA_HOME", ROOT))
    try:
        settings = load_venue_settings()
        asyncio.run(check_may_clean(settings))
        where = settings.supabase_url or settings.database()
        if not yes and not typer.confirm(f"Remove season {settings.season} from {where}? It is exported into {EXPORTS} first."):
            raise typer.Exit(1)
        cleaned = asyncio.run(clean_season(settings, EXPORTS))
    except ArenaError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    typer.echo(f"season {cleaned.season_id} is removed ({cleaned.rows} rows); {cleaned.archive} has all of it")


if __name__ == "__main__":
    typer.run(main)
