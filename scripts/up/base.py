"""The directory in which everything lives that `make up` starts, and the ports that it keeps."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.environment import KEPT, SERVER, without_prefect, without_settings
from scripts.processes import free_port

PROJECT = Path(__file__).resolve().parents[2]
MARK = "ARENA_UP"  # in the environment of all that was started from a directory: the directory
UI_PORT = 4200  # Prefect's own
DASHBOARD_PORT = 8000  # API_PORT of .env.example
LONGEST_SOCKET = 100  # bytes of a path; the system allows 108, or 104


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Of loopback."""

    prefect: int
    worker: int
    dashboard: int  # of a rehearsal; else it is API_PORT's

    @property
    def ui_url(self) -> str:
        """Where the Prefect UI is."""
        return f"http://127.0.0.1:{self.prefect}"

    @property
    def api_url(self) -> str:
        """PREFECT_API_URL."""
        return f"{self.ui_url}/api"

    @property
    def worker_health_url(self) -> str:
        """Answers 200 while the worker polls."""
        return f"http://127.0.0.1:{self.worker}/health"


@dataclass(frozen=True, slots=True)
class Base:
    """Paths below one directory; a rehearsal's season is named after it."""

    directory: Path

    @property
    def logs(self) -> Path:
        """A file for each program, and the supervisor's."""
        return self.directory / "logs"

    @property
    def socket(self) -> Path:
        """Where the supervisor listens, for this user alone."""
        return self.directory / "supervisor.sock"

    @property
    def ports_file(self) -> Path:
        """The ports, so that a restart keeps them."""
        return self.directory / "ports.json"

    def ports(self) -> Ports:
        """Return the ports of the last start, as far as nobody else has taken them since; new ones in their places."""
        kept = json.loads(self.ports_file.read_text()) if self.ports_file.exists() else {}
        worker = kept.get("worker", 0)
        ports = Ports(
            prefect=_free_from(kept.get("prefect", UI_PORT)),
            worker=worker if worker and _is_free(worker) else free_port(),
            dashboard=_free_from(kept.get("dashboard", DASHBOARD_PORT)),
        )
        self.ports_file.write_text(json.dumps(asdict(ports)) + "\n")
        return ports

    def kept_ports(self) -> Ports:
        """Return the ports of the last start.

        Raises:
            FileNotFoundError: There was none.
        """
        return Ports(**json.loads(self.ports_file.read_text()))

    def environment(self, environ: Mapping[str, str], env_file: Path, ports: Ports, *, rehearsal: bool) -> dict[str, str]:
        """Return the environment of everything that is started.

        Args:
            environ: Of the command. What it sets for the arena wins over the file, but in a rehearsal.
            env_file: The settings.
            ports: Of the server and the worker.
            rehearsal: Whether nothing that is set for real trading may have a say.
        """
        left = without_settings(environ) if rehearsal else without_prefect(environ)
        hosts = {name.upper(): left[name] for name in left if name.upper() == "NO_PROXY"}.get("NO_PROXY", "")
        return {
            **left,
            **SERVER,
            **KEPT,
            MARK: str(self.directory),
            "ARENA_ENV_FILE": str(env_file),
            "NO_PROXY": ",".join(filter(None, (hosts, "127.0.0.1", "localhost"))),
            "PREFECT_HOME": str(self.directory / "prefect"),
            "PREFECT_API_URL": ports.api_url,
            "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1",
            "PREFECT_WORKER_WEBSERVER_PORT": str(ports.worker),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT), environ.get("PYTHONPATH", "")))),
            "PYTHONUNBUFFERED": "1",
            **({"API_PORT": str(ports.dashboard)} if rehearsal else {}),
        }


def read_base() -> Base:
    """Return what UP_DIR names, `runs/up` where it is not set.

    Raises:
        ValueError: The path is too long for a socket.
    """
    base = Base(Path(os.environ.get("UP_DIR") or "runs/up").resolve())
    if len(os.fsencode(base.socket)) > LONGEST_SOCKET:
        raise ValueError(f"{base.directory} is too long a path for a socket: set UP_DIR to a shorter one")
    return base


def _free_from(port: int) -> int:
    """Return the port, or the next one that is free."""
    while not _is_free(port):
        port += 1
    return port


def _is_free(port: int) -> bool:
    """Return whether a program could listen on a port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
