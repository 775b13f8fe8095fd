"""What a database is given before it is used: Supabase's roles, and the migrations, recorded as Supabase does."""

from __future__ import annotations

from pathlib import Path

from arena.adapters.storage.migrations import migrate
from arena.errors import ConfigurationError
from scripts.processes import NotReady
from scripts.supabase_local.postgres import DATABASE, OWNER, Postgres

BOOTSTRAP = Path(__file__).with_name("bootstrap.sql")


def prepare(postgres: Postgres, database: str, migrations: Path) -> tuple[str, ...]:
    """Bring a database up to date.

    Args:
        postgres: A running server.
        database: One of its databases.
        migrations: Folder of `VERSION_name.sql`.

    Returns:
        Names of the files that were applied now.

    Raises:
        NotReady: A migration has a name Supabase would pass over, or failed; those before it stay applied.
    """
    postgres.execute(BOOTSTRAP.read_text(), database)
    try:
        return migrate(postgres.dsn(OWNER, database), migrations)
    except ConfigurationError as error:
        raise NotReady(str(error)) from error


def create_database(postgres: Postgres, name: str, template: str) -> None:
    """Copy a database nobody is connected to."""
    postgres.execute(f'create database "{name}" template "{template}" owner {OWNER}', DATABASE)


def drop_database(postgres: Postgres, name: str) -> None:
    """Drop a database and whoever is connected to it."""
    postgres.execute(f'drop database if exists "{name}" with (force)', DATABASE)
