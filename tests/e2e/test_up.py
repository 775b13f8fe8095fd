"""`make up` on a clone without keys: a season that runs by itself, survives kills of everything, and ends without a trace."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

import httpx
import psutil
import pytest

from deployments.recover import flow_processes
from scripts.up.leftovers import started_from
from tests.fakes.house import House

pytestmark = pytest.mark.long


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
    assert set(pids(first)) == {"prefect-server", "simulator", "worker", "dashboard"} and all(
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
    deadline = time.monotonic() + 20
    while True:
        code, said = house.arena("reconcile")
        if code == 0:
            return
        assert time.monotonic() < deadline, said
