"""Whether a store's schema is still what this version makes: somebody may have changed it by hand."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from arena.adapters.storage.migrations import MIGRATIONS, NAME

if TYPE_CHECKING:
    import psycopg

_OBJECTS = "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"
_FUNCTION = re.compile(r"create or replace function public\.(\w+)\(.*?\bas \$\$(.*?)\$\$", re.DOTALL)


def sqlite_drift(db: sqlite3.Connection) -> Iterator[str]:
    """Yield what is missing, changed or added in a file, in words."""
    schema = files("arena.adapters.storage").joinpath("schema.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(schema)
        meant = dict(fresh.execute(_OBJECTS).fetchall())
    yield from _differences(meant, dict(db.execute(_OBJECTS).fetchall()))


def postgres_drift(db: psycopg.Connection, migrations: Path = MIGRATIONS) -> Iterator[str]:
    """Yield what is missing, changed or switched off in a Supabase database, in words."""
    known = {version for (version,) in db.execute("select version from supabase_migrations.schema_migrations")}
    meant: dict[str, str] = {}
    for file in sorted(migrations.glob("*.sql")):
        found = NAME.fullmatch(file.name)
        if found is not None and found["version"] not in known:
            yield f"migration {file.name} is not applied"
        meant |= {f"function {name}": body for name, body in _FUNCTION.findall(file.read_text(encoding="utf-8"))}
    bodies = db.execute("select 'function ' || proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace")
    there: dict[str, str] = dict(bodies.fetchall())
    yield from _differences(meant, {name: there[name] for name in there if name in meant})
    for (table,) in db.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity"
    ):
        yield f"table {table} has no row level security"
    for table, trigger in db.execute(
        "select tgrelid::regclass::text, tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid "
        "where not tgisinternal and tgenabled = 'D' and c.relnamespace = 'public'::regnamespace"
    ):
        yield f"trigger {trigger} of {table} is switched off"


def _differences(meant: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(meant.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in meant:
            yield f"{name} is none of this version's"
        elif meant[name].split() != found[name].split():
            yield f"{name} was changed"
