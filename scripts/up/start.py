"""`make up`: what runs is left alone, what does not is started, and the first cycle with it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from arena.configuration import load_settings
from arena.settings import Settings
from deployments.recover import flow_processes
from deployments.server import prefect_server
from scripts.processes import NotReady, last_line, python
from scripts.up import rehearsal
from scripts.up.base import PROJECT, Base, Ports
from scripts.up.leftovers import end, started_from
from scripts.up.programs import Program, dashboard_url, programs
from scripts.up.schedule import begin_cycle, read_schedule
from scripts.up.status import look
from scripts.up.stop import take_down
from scripts.up.supervision import Supervisor, start_supervisor

Say = Callable[[str], None]
NO_CHILD = frozenset({"FATAL", "STOPPED", "EXITED"})


def up(base: Base, say: Say) -> int:
    """Start what does not run; return 0 when all of it does.

    Raises:
        ValueError, ConfigurationError: It cannot be started like this; nothing runs then.
        NotReady, httpx.HTTPError: A program does not come up; nothing runs then.
    """
    supervisor = Supervisor(base)
    if supervisor.pid() is not None:
        return _already_up(base, supervisor, say)
    base.directory.mkdir(parents=True, exist_ok=True)
    own = _own_settings()
    env_file = own or rehearsal.env_file(base)
    runs = {process.pid for _, process in flow_processes()}
    end(process for process in started_from(base) if process.pid not in runs)  # runs that outlived a crash end by themselves
    ports = base.ports()
    environ = base.environment(os.environ, env_file, ports, rehearsal=own is None)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(PROJECT)  # where the worker runs: what the settings name is found from there
    settings = load_settings()
    settings.competitors()
    for words in rehearsal.WORDS if own is None else (f"The settings are those of {own}, season {settings.season}.",):
        say(words)
    try:
        _start(base, settings, ports, environ, say)
    except BaseException:
        take_down(base, say)
        raise
    return 0


def _own_settings() -> Path | None:
    """Return the user's settings; None where there are none, neither in a file nor in the environment.

    Raises:
        ValueError: ARENA_ENV_FILE names a file that is not there.
    """
    named, usual = os.environ.get("ARENA_ENV_FILE"), Path(".env").resolve()
    if named and not Path(named).exists():
        raise ValueError(f"ARENA_ENV_FILE names {named}, which is not there")
    set_here = any(re.fullmatch(r"LLM_[A-Za-z]_PROVIDER", name) for name in os.environ)
    return Path(named).resolve() if named else usual if usual.exists() or set_here else None


def _already_up(base: Base, supervisor: Supervisor, say: Say) -> int:
    """Start again what the supervisor has given up, and nothing else."""
    idle = [each["name"] for each in supervisor.processes() if each["statename"] in NO_CHILD]
    for name in idle:
        supervisor.start(name)
    if idle:
        say(f"Started again, since it had ended: {', '.join(idle)}.")
        return 0
    say("All of it is up already; nothing was changed. After a change of the settings: make down, then make up.")
    found = look(base)
    for fault in found.faults:
        say(f"NOT WELL: {fault}")
    return 0 if found.well else 1


def _start(base: Base, settings: Settings, ports: Ports, environ: Mapping[str, str], say: Say) -> None:
    began = time.monotonic()
    table = programs(base, settings, ports)
    start_supervisor(base, table, environ)
    supervisor = Supervisor(base)
    for program in table:
        if not program.deployed:
            wait(base, supervisor, program)
    say(f"{' and '.join(each.name for each in table if not each.deployed)}: up after {time.monotonic() - began:.0f} s.")
    _register(base, environ)
    for program in table:
        if program.deployed:
            supervisor.start(program.name)
            wait(base, supervisor, program)
    begun = first_cycle(ports, settings)
    say(f"The worker polls after {time.monotonic() - began:.0f} s; {begun}.")
    say(f"Dashboard: {dashboard_url(settings)}")
    say(f"Prefect UI: {ports.ui_url}   Logs: {base.logs}   What runs: make status   The end: make down")
    say("In a terminal of yours, for `arena leaderboard`, `arena halt`, `prefect deployment run` and the like (in .venv/bin):")
    say(f"  export ARENA_ENV_FILE={environ['ARENA_ENV_FILE']} PREFECT_API_URL={ports.api_url}")


def wait(base: Base, supervisor: Supervisor, program: Program) -> None:
    """Wait until a program can be used.

    Raises:
        NotReady: The supervisor has given it up, or it takes too long.
    """
    log = base.logs / f"{program.name}.log"
    deadline = time.monotonic() + program.ready_seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(program.ready_url, timeout=2, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        states = {each["name"]: each["statename"] for each in supervisor.processes()}
        if states.get(program.name, "FATAL") in {"BACKOFF", "FATAL"}:
            raise NotReady(f"{program.name} ends as soon as it starts: {last_line(log)} (all of it in {log})")
        time.sleep(0.2)
    raise NotReady(f"{program.name} did not answer within {program.ready_seconds:.0f} s; see {log}")


def _register(base: Base, environ: Mapping[str, str]) -> None:
    log = base.logs / "deployments.log"
    with log.open("wb") as output:
        command: Sequence[str] = python("-m", "deployments.apply")
        done = subprocess.run(command, cwd=PROJECT, env=dict(environ), stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        raise NotReady(f"the deployments could not be registered: {last_line(log)} (all of it in {log})")


def first_cycle(ports: Ports, settings: Settings) -> str:
    """Start a cycle now, unless one was completed within the interval; return what was done."""
    every = f"a cycle every {settings.llm_decision_interval_seconds} s"
    with prefect_server(ports.api_url) as server:
        completed = read_schedule(server).completed_at
        if completed and (datetime.now(UTC) - completed).total_seconds() < settings.llm_decision_interval_seconds:
            return f"{every} goes on; the last one was completed at {completed:%H:%M:%S} UTC"
        begin_cycle(server)
    return f"a first cycle begins now, then {every}"
