"""`make status`: what runs, how the season stands, and whether all is well."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psutil

from arena.configuration import load_settings
from arena.connections import open_records
from arena.domain.competitor import SeasonId
from arena.errors import ArenaError
from arena.progress import in_words
from arena.season_start import has_begun
from arena.settings import Settings
from arena.standings import read_standing
from deployments.server import prefect_server
from scripts.processes import last_line
from scripts.up.base import PROJECT, Base
from scripts.up.leftovers import started_from
from scripts.up.programs import dashboard_url
from scripts.up.schedule import DONE, Schedule, read_schedule
from scripts.up.supervision import Supervisor

START = timedelta(minutes=2)  # from the start of the worker to the end of its first cycle


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One program; `memory_mb` is what it and its children hold, `since` None while it does not run."""

    name: str
    state: str
    pid: int
    since: datetime | None
    memory_mb: int


@dataclass(slots=True, kw_only=True)
class Status:
    """What `make status` shows; `faults` has a sentence for everything that is not well."""

    processes: list[Running] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    ui_url: str = ""
    dashboard_url: str = ""
    season: str = ""
    halted: str | None = None
    cycle: int = 0
    booked_at: str | None = None
    schedule: Schedule | None = None

    @property
    def well(self) -> bool:
        """Whether all is well."""
        return not self.faults


def look(base: Base) -> Status:
    """Look at everything; nothing is changed."""
    supervisor, status = Supervisor(base), Status()
    pid = supervisor.pid()
    if pid is None:
        left = started_from(base)
        outlived = f" {len(left)} processes have outlived it: make down, or make up." if left else ""
        status.faults.append(f"Nothing is up in {base.directory}.{outlived}")
        return status
    for each in supervisor.processes():
        status.processes.append(_running(each))
        if each["statename"] != "RUNNING":
            last = last_line(base.logs / f"{each['name']}.log")
            status.faults.append(f"{each['name']} is {each['statename']}; it said last: {last}")
    ports = base.kept_ports()
    status.ui_url = ports.ui_url
    _ask(status, "the worker", ports.worker_health_url)
    _take_over_environment(pid)
    try:
        settings = load_settings()
        status.dashboard_url = dashboard_url(settings)
        _ask(status, "the dashboard", f"{status.dashboard_url}/health")
        _look_at_season(status, settings)
        _look_at_schedule(status, settings, ports.api_url)
    except ArenaError as error:
        status.faults.append(str(error))
    return status


def _running(each: dict[str, Any]) -> Running:
    pid, memory = int(each["pid"]), 0
    try:
        if pid:
            process = psutil.Process(pid)
            memory = sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
    except psutil.Error:  # it has just ended, or one of its children
        pass
    since = datetime.fromtimestamp(each["start"], UTC) if pid else None
    return Running(name=each["name"], state=each["statename"], pid=pid, since=since, memory_mb=round(memory / 2**20))


def _ask(status: Status, who: str, url: str) -> None:
    try:
        httpx.get(url, timeout=10, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        status.faults.append(f"{who} is not well ({url}: {type(error).__name__})")


def _take_over_environment(pid: int) -> None:
    """See the settings as what runs sees them, whatever this terminal has set."""
    os.environ.clear()
    os.environ.update(psutil.Process(pid).environ())
    os.chdir(PROJECT)


def _look_at_season(status: Status, settings: Settings) -> None:
    standing = asyncio.run(read_standing(settings))
    status.season, status.halted = settings.season, standing.why_halted() if standing else None
    if status.halted is not None:
        status.faults.append(f"{settings.season}: {status.halted} (`arena resume` lets a halted one go on)")
    last = asyncio.run(_last_cycle(settings))
    if last is not None:
        status.cycle, status.booked_at = last


async def _last_cycle(settings: Settings) -> tuple[int, str] | None:
    """Return number and time, by the venue's clock, of the last cycle that is booked."""
    if not await has_begun(settings):
        return None
    last = None
    async with AsyncExitStack() as closing:
        async for row in open_records(settings, closing).rows("cycles", SeasonId(settings.season)):
            if row["status"] == "booked":
                last = (int(row["number"]), str(row["closed_at"]))
    return last


def _look_at_schedule(status: Status, settings: Settings, api_url: str) -> None:
    try:
        with prefect_server(api_url) as server:
            schedule = status.schedule = read_schedule(server)
    except httpx.HTTPError as error:
        status.faults.append(f"the Prefect server is not well ({api_url}: {type(error).__name__})")
        return
    if schedule.paused:
        status.faults.append("the schedule of the trading cycle is paused: make deploy, or Resume in the Prefect UI")
    elif schedule.next_at is None:
        status.faults.append("no cycle is scheduled")
    allowed = timedelta(seconds=2 * settings.llm_decision_interval_seconds + settings.llm_deadline_seconds) + START
    alive = [each.since for each in status.processes if each.name == "worker" and each.since]
    since = max(filter(None, (schedule.completed_at, *alive)), default=None)
    if status.halted is None and (since is None or datetime.now(UTC) - since > allowed):
        why = f"; the last run ended as {schedule.last_state}: {schedule.last_message}" if schedule.last_state != DONE else ""
        status.faults.append(f"no cycle was completed for {in_words(allowed)}{why}")


def to_json(status: Status) -> str:
    """Return all of it as JSON; times in ISO 8601."""
    return json.dumps({"well": status.well, **asdict(status)}, indent=2, default=datetime.isoformat)


def lines(status: Status) -> list[str]:
    """Return what is printed."""
    told = [_line(each) for each in status.processes]
    if status.ui_url:
        told += [f"Dashboard {status.dashboard_url}   Prefect UI {status.ui_url}"]
    if status.season:
        told += [f"Season {status.season}: {_season(status)}"]
    return [*told, *(f"NOT WELL: {fault}" for fault in status.faults), *(["All is well."] if status.well else [])]


def _line(each: Running) -> str:
    since = f"since {each.since:%Y-%m-%d %H:%M:%S} UTC ({in_words(datetime.now(UTC) - each.since)})" if each.since else ""
    return f"{each.name:<15} {each.state:<8} pid {each.pid:<8} {each.memory_mb:>5} MB  {since}".rstrip()


def _season(status: Status) -> str:
    told = ["halted" if status.halted is not None else "not halted"]
    told += [f"cycle {status.cycle} booked at {status.booked_at[:19]} UTC" if status.booked_at else "no cycle is booked yet"]
    schedule = status.schedule
    if schedule and schedule.last_state:
        told += [f"the last run ended as {schedule.last_state}"]
    if schedule and schedule.next_at:
        told += [f"the next begins at {schedule.next_at:%Y-%m-%d %H:%M:%S} UTC"]
    return "; ".join(told)
