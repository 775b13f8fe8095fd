"""The deployment as it is registered fires on its schedule: with the wrong SQLAlchemy it silently never does."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from deployments.apply import rendered
from scripts.demo import SERVER
from scripts.processes import free_port, python, running

ROOT = Path(__file__).resolve().parents[2]
INTERVAL_SECONDS = 10


def test_the_interval_of_the_settings_reaches_the_schedule() -> None:
    definition = rendered(yaml.safe_load((ROOT / "prefect.yaml").read_text()), 60)
    deployment = next(each for each in definition["deployments"] if each["name"] == "trading-cycle")
    assert [schedule["interval"] for schedule in deployment["schedules"]] == [60]
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    simulator, prefect = free_port(), free_port()
    lines = [f"SEASON=scheduled\nDATABASE_PATH={tmp_path / 'arena.sqlite'}\nENVIRONMENT=demo\nTOTAL_LLMS=1"]
    lines += [
        f"BINANCE_TESTNET_BASE_URL=http://127.0.0.1:{simulator}\nBINANCE_TESTNET_API_KEY=simulator\nBINANCE_TESTNET_SECRET_KEY=simulator"
    ]
    lines += [f"OPENAI_API_KEY=demo\nLLM_A_PROVIDER=openai\nLLM_A_MODEL=random\nLLM_A_BASE_URL=http://127.0.0.1:{simulator}/v1"]
    lines += [f"LLM_DECISION_INTERVAL_SECONDS={INTERVAL_SECONDS}\nLLM_DEADLINE_SECONDS=5\nLLM_MAX_DECISIONS_PER_HOUR=1000"]
    (tmp_path / "arena.env").write_text("\n".join(lines) + "\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "LLM_", "BINANCE_"))}
    return {
        **kept,
        **SERVER,
        "ARENA_ENV_FILE": str(tmp_path / "arena.env"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{prefect}/api",
        "SIMULATOR_PORT": str(simulator),
        "PREFECT_PORT": str(prefect),
    }


def test_a_schedule_fires_and_a_worker_runs_the_cycle(environ: dict[str, str], tmp_path: Path) -> None:
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
        import subprocess

        subprocess.run([sys.executable, "-m", "deployments.apply"], cwd=ROOT, env=environ, check=True, capture_output=True)
        with running("worker", worker, tmp_path / "worker.log", worker_environ, f"http://127.0.0.1:{worker_port}/health", 60):
            completed = wait_for_scheduled_run(api, 120)
    assert completed["auto_scheduled"] is True
    assert completed["state_name"] == "Completed", (tmp_path / "worker.log").read_text()[-2000:]


def wait_for_scheduled_run(api: str, seconds: float) -> dict[str, object]:
    body = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = httpx.post(f"{api}/flow_runs/filter", json=body).json()
        if found:
            return dict(found[0])
        time.sleep(1)
    raise AssertionError("no scheduled run ended in time")
