"""supervisord: what it is told, and how it is asked."""

from __future__ import annotations

import http.client
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from scripts.up.base import PROJECT, Base
from scripts.up.programs import Program

AWAY = (OSError, http.client.HTTPException)  # nobody listens on the socket, or what did has just ended
LOG_BYTES, OLD_LOGS = "10MB", 5
STOP_SECONDS = 20  # then it is killed
START_TRIES = 20  # with a second more between each: three minutes
STEADY_SECONDS = 3  # what lives that long has started; it is then restarted however often it ends

_SUPERVISOR = """\
; Written by `make up`, anew each time.
[unix_http_server]
file={directory}/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
directory={project}
logfile={logs}/supervisor.log
logfile_maxbytes={bytes}
logfile_backups={old}
pidfile={directory}/supervisor.pid
childlogdir={logs}
umask=077
"""
_PROGRAM = """
[program:{name}]
command={command}
autostart={at_once}
autorestart=true
startsecs={steady}
startretries={tries}
stopsignal={signal}
stopasgroup=true
killasgroup=true
stopwaitsecs={stop}
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes={bytes}
stdout_logfile_backups={old}
"""


def start_supervisor(base: Base, programs: Iterable[Program], environ: Mapping[str, str]) -> None:
    """Start supervisord, which lets go of this terminal and starts whatever needs no deployments.

    Raises:
        ValueError: It says why it does not start.
    """
    base.logs.mkdir(parents=True, exist_ok=True)
    file = base.directory / "supervisord.conf"
    file.write_text(configuration(base, programs))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)]
    done = subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"supervisord does not start: {(done.stderr or done.stdout).strip()}")
    deadline = time.monotonic() + STOP_SECONDS
    while Supervisor(base).pid() is None:
        if time.monotonic() > deadline:
            raise ValueError(f"supervisord does not answer; see {base.logs / 'supervisor.log'}")
        time.sleep(0.1)


def configuration(base: Base, programs: Iterable[Program]) -> str:
    """Return supervisord's configuration."""
    places = {"directory": _plain(base.directory), "logs": _plain(base.logs), "project": _plain(PROJECT)}
    limits = {"bytes": LOG_BYTES, "old": OLD_LOGS, "steady": STEADY_SECONDS, "tries": START_TRIES, "stop": STOP_SECONDS}
    sections = [_SUPERVISOR.format(**places, **limits)]
    for program in programs:
        own = {"name": program.name, "signal": program.stop_signal, "at_once": str(not program.deployed).lower()}
        sections += [_PROGRAM.format(command=_plain(shlex.join(program.command)), **own, **places, **limits)]
    return "".join(sections)


def _plain(text: object) -> str:
    """Return a text in which percent signs stand for themselves."""
    return str(text).replace("%", "%%")


class Supervisor:
    """The supervisor of a directory, as far as there is one."""

    def __init__(self, base: Base) -> None:
        self._url = f"unix://{base.socket}"

    def pid(self) -> int | None:
        """Return its process id; None where none answers."""
        try:
            return cast(int, self._ask("getPID"))
        except AWAY:
            return None

    def processes(self) -> list[dict[str, Any]]:
        """Return what it knows of each program: `name`, `statename`, `pid`, `start` and more; none where it does not answer."""
        try:
            return cast(list[dict[str, Any]], self._ask("getAllProcessInfo"))
        except AWAY:
            return []

    def start(self, name: str) -> bool:
        """Start a program that does not run, and return whether that was needed."""
        try:
            self._ask("startProcess", name, False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise
            return False
        return True

    def stop(self, name: str) -> None:
        """End a program, which is not started again; it may have ended already."""
        try:
            self._ask("stopProcess", name)
        except Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise

    def shutdown(self) -> None:
        """Tell it to end every program, and then itself."""
        self._ask("shutdown")

    def _ask(self, what: str, *arguments: Any) -> Any:
        with ServerProxy("http://supervisor", transport=SupervisorTransport(None, None, self._url)) as server:
            return getattr(server.supervisor, what)(*arguments)
