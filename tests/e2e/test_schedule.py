"""The deployments as they are registered fire on their schedules: with the wrong SQLAlchemy it silently never does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from deployments.apply import rendered
from flows.protection_sweep import OVERLAP_SECONDS
from scripts import prefect_database
from scripts.environment import SERVER
from scripts.processes import free_port, python, running
from tasks.protection import LOOK_SECONDS
from tests.fakes.prefect import PREFECT

ROOT = Path(__file__).resolve().parents[2]
INTERVAL_SECONDS = 10
INTERVALS = {"trading-cycle": 60, "protection-sweep": 20}


def test_the_intervals_of_the_settings_reach_the_schedules() -> None:
    definition = rendered(yaml.safe_load((ROOT / "prefect.yaml").read_text()), INTERVALS, "/elsewhere")
    deployments = {each["name"]: each for each in definition["deployments"]}
    scheduled = {name: [s["interval"] for s in each["schedules"]] for name, each in deployments.items() if name in INTERVALS}
    assert scheduled == {"trading-cycle": [60], "protection-sweep": [20]}
    assert definition["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "/elsewhere"}}]
    assert deployments["trading-cycle"]["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert deployments["protection-sweep"]["concurrency_limit"]["limit"] == 2, "a run looks on until the next one has started"


def test_the_looks_of_a_run_reach_into_the_next_one() -> None:
    """A worker needs some seconds to start a process; nobody would look meanwhile."""
    assert OVERLAP_SECONDS >= 10 > LOOK_SECONDS


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    simulator, prefect = free_port(), free_port()
    lines = [f"SEASON=scheduled\nDATABASE_PATH={tmp_path / 'arena.sqlite'}\nENVIRONMENT=demo\nTOTAL_LLMS=1"]
    lines += [
        f"BINANCE_TESTNET_BASE_URL=http://127.0.0.1:{simulator}\nBINANCE_TESTNET_API_KEY=simulator\nBINANCE_TESTNET_SECRET_KEY=simulator"
    ]
    lines += [f"OPENAI_API_KEY=demo\nLLM_A_PROVIDER=openai\nLLM_A_MODEL=random\nLLM_A_BASE_URL=http://127.0.0.1:{simulator}/v1"]
    lines += [f"LLM_DECISION_INTERVAL_SECONDS={INTERVAL_SECONDS}\nLLM_DEADLINE_SECONDS=5\nLLM_MAX_DECISIONS_PER_HOUR=1000"]
    lines += ["PROTECTION_SWEEP_SECONDS=10"]
    (tmp_path / "arena.env").write_text("\n".join(lines) + "\n")
    prefect_database.begin(tmp_path / "prefect")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "LLM_", "BINANCE_"))}
    yield {
        **kept,
        **SERVER,
        "ARENA_ENV_FILE": str(tmp_path / "arena.env"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{prefect}/api",
        "SIMULATOR_PORT": str(simulator),
        "PREFECT_PORT": str(prefect),
    }
    shutil.rmtree(ROOT / "runs" / "scheduled", ignore_errors=True)  # the worker runs where the project is


def test_the_schedules_fire_and_a_worker_runs_cycle_and_sweep(environ: dict[str, str], tmp_path: Path) -> None:
    api, simulator = environ["PREFECT_API_URL"], f"http://127.0.0.1:{environ['SIMULATOR_PORT']}"
    serve = python("-m", "arena.cli", "simulator", "--port", environ["SIMULATOR_PORT"])
    server = python("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", environ["PREFECT_PORT"])
    worker_port = free_port()
    worker_environ = {**environ, "PREFECT_WORKER_WEBSERVER_PORT": str(worker_port), "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1"}
    worker = python("-m", "prefect", "worker", "start", "--pool", "arena", "--with-healthcheck")
    with (
        running("simulator", serve, tmp_path / "simulator.log", environ, f"{simulator}/fapi/v1/ping", 60),
        running("server", server, tmp_path / "server.log", environ, f"{api}/health", 120),
    ):
        subprocess.run([sys.executable, "-m", "deployments.apply"], cwd=ROOT, env=environ, check=True, capture_output=True)
        with running("worker", worker, tmp_path / "worker.log", worker_environ, f"http://127.0.0.1:{worker_port}/health", 60):
            ended = wait_for_scheduled_runs(api, 150)
            reported, refused = by_hand(environ, "season=scheduled"), by_hand(environ, "season=../elsewhere")
    assert set(ended) == {"trading-cycle", "protection-sweep"}, f"only {ended} ended in time"
    assert set(ended.values()) == {"Completed"}, (tmp_path / "worker.log").read_text()[-2000:]
    assert reported.returncode == 0, reported.stdout + reported.stderr
    (page,) = (ROOT / "runs" / "scheduled" / "reports").glob("*.html")
    assert "<svg" in page.read_text()
    assert refused.returncode != 0 and "'../elsewhere' does not match" in refused.stdout + refused.stderr


def by_hand(environ: dict[str, str], parameter: str) -> subprocess.CompletedProcess[str]:
    """Run the report as a person does, and wait for its end."""
    command = python("-m", "prefect", "deployment", "run", "daily-report/daily-report", "--param", parameter, "--watch")
    return subprocess.run(command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True, timeout=120)


def wait_for_scheduled_runs(api: str, seconds: float) -> dict[str, str]:
    """Return how the first scheduled run of each flow ended."""
    ended: dict[str, str] = {}
    deadline = time.monotonic() + seconds
    flows = {flow["id"]: flow["name"] for flow in PREFECT.post(f"{api}/flows/filter", json={}).json()}
    body = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}, "sort": "END_TIME_DESC"}
    while time.monotonic() < deadline and len(ended) < 2:
        for run in PREFECT.post(f"{api}/flow_runs/filter", json=body).json():
            if run["auto_scheduled"]:  # and not what an automation runs
                ended.setdefault(flows[run["flow_id"]], run["state_name"])
        time.sleep(1)
    return ended
