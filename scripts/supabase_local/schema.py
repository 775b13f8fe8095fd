"""What a database is given before it is used: Supabase's roles, and the migrations, recorded as Supabase does."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from scripts.processes import NotReady
from scripts.supabase_local.postgres import DATABASE, OWNER, Postgres

BOOTSTRAP = Path(__file__).with_name("bootstrap.sql")
# `supabase db push` passes over a file of another name, without a fault.
NAME = re.compile(r"(?P<version>\d+)_(?P<name>.+)\.sql")
HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text primary key, statements text[], name text)
"""


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
    return migrate(postgres.dsn(OWNER, database), migrations)


def migrate(dsn: str, migrations: Path) -> tuple[str, ...]:
    """Apply what is not on record yet, in the order of names, each in a transaction with its record."""
    applied = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(HISTORY)
        known = {version for (version,) in connection.execute("select version from supabase_migrations.schema_migrations")}
        for file in sorted(migrations.glob("*.sql")):
            match = NAME.fullmatch(file.name)
            if match is None:
                raise NotReady(f"{file} is no migration to Supabase: its name must be <YYYYMMDDHHMMSS>_name.sql")
            if match["version"] not in known:
                _apply(connection, file, match)
                applied.append(file.name)
    return tuple(applied)


def create_database(postgres: Postgres, name: str, template: str) -> None:
    """Copy a database nobody is connected to."""
    postgres.execute(f'create database "{name}" template "{template}" owner {OWNER}', DATABASE)


def drop_database(postgres: Postgres, name: str) -> None:
    """Drop a database and whoever is connected to it."""
    postgres.execute(f'drop database if exists "{name}" with (force)', DATABASE)


def _apply(connection: psycopg.Connection, file: Path, match: re.Match[str]) -> None:
    text = file.read_text()
    try:
        with connection.transaction():
            connection.execute("reset all")  # what another file has set, such as a search path, is not this one's
            connection.execute(text.encode())
            # Supabase's own client takes the file apart; nothing reads these, so it is one statement here.
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
                (match["version"], match["name"], [text]),
            )
    except psycopg.Error as error:
        raise NotReady(f"the migration {file.name} failed: {error}") from error
