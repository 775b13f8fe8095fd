"""What `make up` does, in a directory of a test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.environment import without_settings
from scripts.processes import free_port, python
from scripts.up.base import PROJECT, Base, Ports
from scripts.up.leftovers import end, started_from

INTERVAL_SECONDS = 20
PATIENCE_SECONDS = 150  # of a machine that is busy with other tests; a third of it on one that is not


class House:
    """What `make` does, in a directory of the test's own."""

    def __init__(self, directory: Path, interval_seconds: int = INTERVAL_SECONDS) -> None:
        self.base = Base(directory)
        self.interval_seconds = interval_seconds
        directory.mkdir(parents=True, exist_ok=True)
        ports = Ports(prefect=free_port(), worker=free_port(), dashboard=free_port())  # the usual ones may be wanted by others
        self.base.ports_file.write_text(json.dumps(asdict(ports)))
        own = {"UP_DIR": str(directory), "PYTHONPATH": str(PROJECT), "LLM_DECISION_INTERVAL_SECONDS": str(interval_seconds)}
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
        """Return the end of each log."""
        return "".join(
            f"\n== {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in sorted(self.base.logs.glob("*.log"))
        )

    def arena(self, *arguments: str) -> tuple[int, str]:
        """Run an `arena` command on the season; return its code, and what it said."""
        environ = {**without_settings(self.environ), "ARENA_ENV_FILE": str(self.base.directory / "arena.env")}
        command = python("-m", "arena.cli", *arguments)
        done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def simulator(self, path: str) -> Any:
        """Ask the simulator."""
        lines = (self.base.directory / "arena.env").read_text().splitlines()
        url = next(line.partition("=")[2] for line in lines if line.startswith("BINANCE_TESTNET_BASE_URL="))
        return httpx.get(f"{url}{path}", timeout=60, trust_env=False).raise_for_status().json()

    def clear(self) -> None:
        """End whatever is left of it."""
        end(started_from(self.base))
        shutil.rmtree(PROJECT / "runs" / self.base.directory.name, ignore_errors=True)  # the worker runs where the project is


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path / f"up-{os.getpid()}")
    try:
        yield found
    finally:
        found.clear()
