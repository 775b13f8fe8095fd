"""Supabase's migrations: applied in order, each once, and recorded as `supabase db push` does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from arena.errors import ConfigurationError

if TYPE_CHECKING:
    import psycopg

MIGRATIONS = Path(__file__).resolve().parents[3] / "supabase" / "migrations"
# `supabase db push` passes over a file of another name, without a fault.
NAME = re.compile(r"(?P<version>\d+)_(?P<name>.+)\.sql")
HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text primary key, statements text[], name text)
"""


def migrate(dsn: str, migrations: Path = MIGRATIONS) -> tuple[str, ...]:
    """Apply what is not on record yet, in the order of names, each in a transaction with its record.

    Returns:
        Names of the files that were applied now.

    Raises:
        ConfigurationError: The database cannot be reached, or a migration has a name Supabase would pass over, or failed; those
            before it stay applied.
    """
    import psycopg

    applied = []
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(HISTORY)
            known = {version for (version,) in connection.execute("select version from supabase_migrations.schema_migrations")}
            for file in sorted(migrations.glob("*.sql")):
                match = NAME.fullmatch(file.name)
                if match is None:
                    raise ConfigurationError(f"{file} is no migration to Supabase: its name must be <YYYYMMDDHHMMSS>_name.sql")
                if match["version"] not in known:
                    _apply(connection, file, match)
                    applied.append(file.name)
    except psycopg.OperationalError as error:
        raise ConfigurationError(f"the database cannot be reached: {str(error).strip()}") from error
    return tuple(applied)


def _apply(connection: psycopg.Connection, file: Path, match: re.Match[str]) -> None:
    import psycopg

    text = file.read_text(encoding="utf-8")
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
        raise ConfigurationError(f"the migration {file.name} failed: {error}") from error
