"""`make up` on a clone without keys: a season that runs by itself, survives kills of everything, and ends without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deployments.recover import flow_processes
from scripts.environment import without_settings
from scripts.processes import free_port, python
from scripts.up.base import PROJECT, Base
from scripts.up.leftovers import end, started_from

INTERVAL_SECONDS = 20
PATIENCE_SECONDS = 150  # of a machine that is busy with other tests; a third of it on one that is not


class House:
    """What `make` does, in a directory of the test's own."""

    def __init__(self, directory: Path) -> None:
        self.base = Base(directory)
        directory.mkdir()
        self.base.ports_file.write_text(
            json.dumps({"prefect": free_port(), "worker": free_port()})
        )  # 4200 may be wanted by others
        own = {"UP_DIR": str(directory), "PYTHONPATH": str(PROJECT), "LLM_DECISION_INTERVAL_SECONDS": str(INTERVAL_SECONDS)}
        # none of this may reach what is started: there is no .env, so that it is a rehearsal
        foreign = {"BINANCE_API_KEY": "a-real-key", "ENVIRONMENT": "mainnet", "PREFECT_API_URL": "https://prefect.example/api"}
        self.environ = {**without_settings(os.environ), **foreign, **own}

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command of `make`, which ends with `code`."""
        command = python("-m", "scripts.up", *arguments)
        done = subprocess.run(
            command, env=self.environ, cwd=self.base.directory.parent, capture_output=True, text=True, check=False, timeout=400
        )
        assert done.returncode == code, f"{done.stdout}{done.stderr}{self.logs()}"
        return done.stdout

    def status(self) -> dict[str, Any]:
        command = python("-m", "scripts.up", "status", "--json")
        done = subprocess.run(
            command, env=self.environ, cwd=self.base.directory.parent, capture_output=True, text=True, check=False, timeout=60
        )
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["well"] is (done.returncode == 0)
        return found

    def until(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first status of which something is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.status()
            if what(found):
                return found
            time.sleep(1)
        raise AssertionError(f"not within {PATIENCE_SECONDS} s: {json.dumps(found, indent=1)}{self.logs()}")

    def logs(self) -> str:
        return "".join(f"\n== {log.name}\n{log.read_text()[-1500:]}" for log in sorted(self.base.logs.glob("*.log")))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path / f"up-{os.getpid()}")
    try:
        yield found
    finally:
        end(started_from(found.base))
        shutil.rmtree(PROJECT / "runs" / found.base.directory.name, ignore_errors=True)  # the worker runs where the project is


def pids(status: dict[str, Any]) -> dict[str, int]:
    return {each["name"]: each["pid"] for each in status["processes"]}


def listening(processes: list[psutil.Process]) -> set[int]:
    """Return the ports on which some processes listen, all of them on loopback."""
    found = [each.laddr for process in processes for each in process.net_connections("tcp") if each.status == "LISTEN"]
    assert {address.ip for address in found} <= {"127.0.0.1"}, found
    return {address.port for address in found}


def test_a_season_runs_by_itself(house: House) -> None:
    assert house.run("status", code=1).startswith("NOT WELL: Nothing is up")
    assert "this is a rehearsal" in house.run()
    first = house.until(lambda status: status["well"] and status["cycle"] >= 1)
    assert set(pids(first)) == {"prefect-server", "simulator", "worker"} and all(
        each["memory_mb"] > 50 for each in first["processes"]
    )
    assert "nothing was changed" in house.run()
    assert pids(house.status()) == pids(first)

    ours = {process.pid for process in started_from(house.base)}
    for number in (*pids(first).values(), *(process.pid for _, process in flow_processes() if process.pid in ours)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, 9)
    again = house.until(lambda status: status["well"] and status["cycle"] > first["cycle"])
    assert not set(pids(again).values()) & set(pids(first).values())
    assert pids(again).keys() == pids(first).keys()

    for process in started_from(house.base):  # the machine has crashed: a socket and files of processes that are gone
        process.kill()
    assert house.base.socket.exists()
    assert "Nothing is up" in house.run("status", code=1)
    house.run()
    after = house.until(lambda status: bool(status["well"]))
    assert after["ui_url"] == first["ui_url"], "its port is kept"
    reconciled(house)

    ports = listening(started_from(house.base))
    assert len(ports) >= 3, "server, worker's health, simulator, and what runs have opened"
    house.run("down")
    assert started_from(house.base) == []
    for port in ports:
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}", timeout=2)
    assert "Nothing runs" in house.run("down")


def reconciled(house: House) -> None:
    """After all the kills the books are the venue's; a cycle may be in the middle of its orders just now."""
    environ = {**house.environ, "ARENA_ENV_FILE": str(house.base.directory / "arena.env")}
    del environ["ENVIRONMENT"], environ["BINANCE_API_KEY"]
    deadline = time.monotonic() + 20
    while True:
        done = subprocess.run(
            python("-m", "arena.cli", "reconcile"), cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return
        assert time.monotonic() < deadline, done.stdout + done.stderr
