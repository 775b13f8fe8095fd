"""The whole of it.

with running(durable=False) as stack:
    supabase.create_client(stack.url, stack.service_key)
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from arena.adapters.storage.migrations import MIGRATIONS
from scripts.processes import NotReady
from scripts.supabase_local import gateway, keys, postgres, postgrest
from scripts.supabase_local.gateway import Fault, Gateway, Trouble
from scripts.supabase_local.postgres import DATABASE, OWNER, Postgres
from scripts.supabase_local.postgrest import Postgrest
from scripts.supabase_local.schema import create_database, drop_database, prepare

TEMPLATE = "fresh_template"


@dataclass(slots=True, kw_only=True)
class Stack:
    """A data API on one database, all of it running."""

    postgres: Postgres
    rest: Postgrest
    gateway: Gateway
    database: str
    migrations: Path
    folder: Path
    applied: tuple[str, ...]  # the migrations this start has applied, by file name
    anon_key: str = keys.ANON_KEY
    service_key: str = keys.SERVICE_KEY
    _template_made: bool = False

    @property
    def url(self) -> str:
        """What SUPABASE_URL takes."""
        return self.gateway.url

    @property
    def dsn(self) -> str:
        """How PostgREST connects: as `authenticator`, who may `set role` to anon, authenticated and service_role."""
        return self.postgres.dsn("authenticator", self.database)

    @property
    def owner_dsn(self) -> str:
        """How migrations connect: as `postgres`, who owns the tables and is no superuser."""
        return self.postgres.dsn(OWNER, self.database)

    def sql(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        """Run SQL as the owner, commit, and return the last statement's rows. PostgREST sees new tables after `rest.restart()`.

        Args:
            text: Several statements, or one where there are values.
            values: For its `%s`.
        """
        with psycopg.connect(self.owner_dsn, autocommit=True) as connection:
            cursor = connection.execute(text.encode(), values or None)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def jwt(self, role: str, seconds: float = 60) -> str:
        """Return a token for `Authorization: Bearer`; for one that has expired, below −30 seconds."""
        return keys.token(role, seconds)

    def trouble(self, fault: Fault, path: str = "", times: int = 1) -> Trouble:
        """Make the next requests of a path (`orders`, `rpc/append`; empty: of any) fail; the answer tells how many it struck."""
        return self.gateway.trouble(fault, path, times)

    def recover(self) -> None:
        """Make it usable again after anything was stopped or killed; trouble that has not struck is forgotten."""
        self.gateway.calm()
        self.postgres.start()
        self.rest.restart()  # also where it lives: it waits up to 32 s before it tries a lost database again

    @contextlib.contextmanager
    def fresh_database(self) -> Iterator[Stack]:
        """Yield a data API on a new database of the same server, migrated and empty; it is dropped at the end."""
        name = f"fresh_{secrets.token_hex(4)}"
        self._make_template()
        create_database(self.postgres, name, TEMPLATE)
        try:
            with _serving(self.postgres, name, None, self.migrations, self.folder, ()) as stack:
                yield stack
        finally:
            if self.postgres.alive:
                drop_database(self.postgres, name)

    def _make_template(self) -> None:
        """Migrate a database once that nobody uses: one with connections cannot be copied."""
        if not self._template_made:
            drop_database(self.postgres, TEMPLATE)  # an earlier run's, with the migrations of that time
            create_database(self.postgres, TEMPLATE, "template0")
            prepare(self.postgres, TEMPLATE, self.migrations)
            self._template_made = True


@contextlib.contextmanager
def running(
    directory: Path | None = None, durable: bool = True, port: int | None = None, migrations: Path = MIGRATIONS
) -> Iterator[Stack]:
    """Run Postgres, PostgREST and the gateway until the block is left.

    Args:
        directory: Keeps database and logs; None: a temporary one. Root needs one that everybody may look into.
        durable: Commits are on the disk when they are acknowledged. Otherwise they outlive a kill, but no power failure.
        port: Of the data API; any free one if None.
        migrations: Those that are not on record are applied.

    Raises:
        NotReady: Something is missing, did not start, or a migration failed.
    """
    lacking = missing()
    if lacking is not None:
        raise NotReady(lacking)
    with contextlib.ExitStack() as exits:
        sockets = exits.enter_context(_temporary_folder())
        folder = sockets if directory is None else directory.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        server = Postgres(folder / "postgres", sockets, folder / "postgres.log", durable=durable)
        exits.callback(server.stop)
        server.start()
        applied = prepare(server, DATABASE, migrations)
        yield exits.enter_context(_serving(server, DATABASE, port, migrations, folder, applied))


def missing() -> str | None:
    """Return in a sentence why nothing can be run here, None where it can."""
    return postgrest.missing() or postgres.missing()


@contextlib.contextmanager
def _serving(
    server: Postgres, database: str, port: int | None, migrations: Path, folder: Path, applied: tuple[str, ...]
) -> Iterator[Stack]:
    dsn = server.dsn("authenticator", database)
    rest = Postgrest(dsn, folder / f"{database}.postgrest.conf", folder / "postgrest.log")
    with contextlib.ExitStack() as exits:
        exits.callback(rest.stop)
        rest.start()
        front = exits.enter_context(gateway.serving(lambda: f"http://127.0.0.1:{rest.port}", port))
        yield Stack(
            postgres=server, rest=rest, gateway=front, database=database, migrations=migrations, folder=folder, applied=applied
        )


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Yield a folder of a short name (a socket's may have 107 bytes) that belongs to whom Postgres runs as."""
    folder = Path(tempfile.mkdtemp(prefix="supabase-"))
    postgres.give_away(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
