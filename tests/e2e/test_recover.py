"""What a crash leaves at a real Prefect server is freed, and what is old is let go of."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.pools import POOL
from deployments.recover import BY_SCHEDULE, CRASHED, FLOW_RUN, MOST, SETTLED_SECONDS
from deployments.server import PrefectServer
from scripts import prefect_database
from scripts.environment import KEPT, SERVER, without_settings
from scripts.processes import free_port, python, running
from tests.fakes.prefect import client

ROOT = Path(__file__).resolve().parents[2]
QUICK = {
    **KEPT,
    "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "2",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "PT3601S",
}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    place, port = tmp_path_factory.mktemp("server"), free_port()
    prefect_database.begin(place / "home")
    own = {"PREFECT_HOME": str(place / "home"), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api", "PYTHONPATH": str(ROOT)}
    environ = {**without_settings(os.environ), **SERVER, **QUICK, **own}
    command = python("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with running("server", command, place / "server.log", environ, f"{own['PREFECT_API_URL']}/health", 120):
        yield environ


@pytest.fixture
def http(environ: dict[str, str]) -> Iterator[httpx.Client]:
    with client(environ["PREFECT_API_URL"]) as found:
        yield found


def created(http: httpx.Client, path: str, **body: Any) -> Any:
    return PrefectServer(http).post(path, **body)


def begun(http: httpx.Client, deployment_id: str, state: str = "RUNNING") -> str:
    """Return the id of a new run in a state; the server may have another opinion of it."""
    run = created(http, f"/deployments/{deployment_id}/create_flow_run", state={"type": "SCHEDULED"})
    moved = created(http, f"/flow_runs/{run['id']}/set_state", state={"type": "PENDING"})
    if state != "PENDING" and moved["status"] == "ACCEPT":
        created(http, f"/flow_runs/{run['id']}/set_state", state={"type": state})
    return str(run["id"])


def state_of(http: httpx.Client, run_id: str) -> tuple[str, str]:
    state = PrefectServer(http).get(f"/flow_runs/{run_id}")["state"]
    return state["name"], state["message"] or ""


def test_runs_whose_process_is_gone_are_crashed_and_their_slots_free(http: httpx.Client, environ: dict[str, str]) -> None:
    flow = created(http, "/flows/", name="cycle")["id"]
    for pool in (POOL, "other"):
        created(http, "/work_pools/", name=pool, type="process")
    options = {"collision_strategy": "CANCEL_NEW"}
    one = {"flow_id": flow, "concurrency_limit": 1, "concurrency_options": options}
    alone = created(http, "/deployments/", name="alone", work_pool_name=POOL, **one)["id"]
    pending = created(http, "/deployments/", name="pending", work_pool_name=POOL, **one)["id"]
    living = created(http, "/deployments/", name="living", work_pool_name=POOL, **one)["id"]
    elsewhere = created(http, "/deployments/", name="elsewhere", work_pool_name="other", flow_id=flow)["id"]
    gone, waiting, alive, foreign = (
        begun(http, alone),
        begun(http, pending, "PENDING"),
        begun(http, living),
        begun(http, elsewhere),
    )
    assert state_of(http, begun(http, alone))[0] == "Cancelled", "the slot is taken"

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={**environ, FLOW_RUN: alive}) as process:
        done = subprocess.run(
            [sys.executable, "-m", "deployments.recover"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
        )
        assert process.poll() is None
        process.communicate(b"\n")
    assert [state_of(http, run) for run in (gone, waiting)] == [("Crashed", CRASHED["message"])] * 2
    assert [state_of(http, run)[0] for run in (alive, foreign)] == ["Running", "Running"]
    assert done.stdout.count("Crashed") == 1 and len(done.stdout.split(",")) == 3
    assert state_of(http, begun(http, alone))[0] == "Running", "its slot is free"
    assert state_of(http, begun(http, pending))[0] == "Running", "its slot is free"


def test_beside_a_worker_a_run_that_it_has_just_taken_stays(http: httpx.Client, environ: dict[str, str]) -> None:
    flow = created(http, "/flows/", name="beside")["id"]
    deployment = created(http, "/deployments/", name="beside", work_pool_name=POOL, flow_id=flow)["id"]
    gone = begun(http, deployment)
    late = created(http, f"/deployments/{deployment}/create_flow_run", tags=[BY_SCHEDULE])["id"]
    command = [sys.executable, "-m", "deployments.recover", "--beside-worker"]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        time.sleep(SETTLED_SECONDS / 2)
        taken = begun(http, deployment, "PENDING")
        said, _ = process.communicate(timeout=60)
    assert said.count("Crashed") == 1 and process.returncode == 0
    assert [state_of(http, run)[0] for run in (gone, taken)] == ["Crashed", "Pending"]
    assert state_of(http, late)[0] in {"Scheduled", "Late"}, "the worker will take it"
    for run in (late, taken):  # no other test is to count them
        http.delete(f"/flow_runs/{run}").raise_for_status()


def test_what_was_missed_is_not_caught_up(http: httpx.Client, environ: dict[str, str]) -> None:
    flow = created(http, "/flows/", name="missed")["id"]
    deployment = created(http, "/deployments/", name="missed", work_pool_name=POOL, flow_id=flow)["id"]

    def scheduled(minutes: float, *tags: str) -> str:
        state = {
            "type": "SCHEDULED",
            "state_details": {"scheduled_time": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()},
        }
        return str(created(http, f"/deployments/{deployment}/create_flow_run", state=state, tags=list(tags))["id"])

    missed = [scheduled(-5, BY_SCHEDULE) for _ in range(MOST + 1)]
    asked_for, coming = scheduled(-5), scheduled(+5, BY_SCHEDULE)
    said = subprocess.run(
        [sys.executable, "-m", "deployments.recover"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    ).stdout
    assert f"{MOST + 1} runs that were missed" in said
    assert {state_of(http, run)[0] for run in missed} == {"Missed"}
    assert {state_of(http, run)[0] for run in (asked_for, coming)} <= {"Scheduled", "Late"}


def test_a_server_elsewhere_is_left_alone(environ: dict[str, str]) -> None:
    asked = [sys.executable, "-m", "deployments.recover"]
    done = subprocess.run(
        asked,
        cwd=ROOT,
        env={**environ, "PREFECT_API_URL": "https://prefect.example/api"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "no server on this machine" in done.stdout


def test_old_runs_and_their_tasks_go_and_young_ones_stay(http: httpx.Client, environ: dict[str, str]) -> None:
    flow = created(http, "/flows/", name="old")["id"]
    paths = {}
    for name in ("old", "young"):
        run = created(http, "/flow_runs/", flow_id=flow, name=name)["id"]
        task = created(http, "/task_runs/", flow_run_id=run, task_key="t", dynamic_key="0")["id"]
        created(http, f"/flow_runs/{run}/set_state", state={"type": "COMPLETED"}, force=True)
        paths[name] = (f"/flow_runs/{run}", f"/task_runs/{task}")
    with contextlib.closing(sqlite3.connect(Path(environ["PREFECT_HOME"]) / "prefect.db", timeout=30)) as db, db:
        db.execute("UPDATE flow_run SET end_time = datetime('now', '-2 hours') WHERE name = 'old'")
    deadline = time.monotonic() + 45
    while time.monotonic() < deadline and http.get(paths["old"][0]).status_code == 200:
        time.sleep(0.5)
    assert [http.get(path).status_code for path in paths["old"]] == [404, 404]
    assert [http.get(path).status_code for path in paths["young"]] == [200, 200]
