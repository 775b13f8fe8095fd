"""What runs: one table, from which the supervisor's configuration, the start and the status are made."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from arena.settings import Settings
from deployments.pools import POOL
from scripts.processes import python
from scripts.up import simulator
from scripts.up.base import Base, Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program of the table.

    Attributes:
        name: At the supervisor, of its log, and in the status.
        command: Program and arguments; the supervisor starts it again whenever it ends.
        ready_url: Answers 200 once it can be used.
        ready_seconds: How long that may take.
        deployed: It needs the deployments to be registered first.
        stop_signal: What ends it.
    """

    name: str
    command: Sequence[str]
    ready_url: str
    ready_seconds: float = 120
    deployed: bool = False
    stop_signal: str = "TERM"


def programs(base: Base, settings: Settings, ports: Ports) -> tuple[Program, ...]:
    """Return the programs of a season, in the order of their start.

    Raises:
        ValueError: One of them cannot be started like this.
    """
    table = [_server(ports), _worker(ports)]
    if simulator.wanted(settings):
        url = f"{settings.binance_testnet_base_url}/fapi/v1/ping"
        table.insert(0, Program(name="simulator", command=simulator.command(base, settings), ready_url=url))
    table.append(_dashboard(settings))
    return tuple(table)


def dashboard_url(settings: Settings) -> str:
    """Return where the dashboard is, seen from this machine."""
    host = "127.0.0.1" if settings.api_host in {"0.0.0.0", "::"} else settings.api_host  # noqa: S104  compared, not listened on
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.api_port}"


def _dashboard(settings: Settings) -> Program:
    return Program(
        name="dashboard",
        command=python("-m", "arena.cli", "dashboard"),
        ready_url=f"{dashboard_url(settings)}/health",
        ready_seconds=60,
    )


def _server(ports: Ports) -> Program:
    """Return the server; runs that ended while it was away are freed each time that it is back."""
    recover = shlex.join(python("-m", "deployments.recover", "--beside-worker"))
    serve = shlex.join(python("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(ports.prefect)))
    command = ["/bin/sh", "-c", f"{recover} & exec {serve}"]
    return Program(name="prefect-server", command=command, ready_url=f"{ports.api_url}/health")


def _worker(ports: Ports) -> Program:
    """Return the worker; what an earlier one has left is recovered each time before it starts.

    Told to end in any gentler way than by a kill, it would take the runs under way with it.
    """
    recover = shlex.join(python("-m", "deployments.recover"))
    work = shlex.join(python("-m", "prefect", "worker", "start", "--pool", POOL, "--name", "up", "--with-healthcheck"))
    command = ["/bin/sh", "-c", f"{recover} && exec {work}"]
    return Program(name="worker", command=command, ready_url=ports.worker_health_url, deployed=True, stop_signal="KILL")
