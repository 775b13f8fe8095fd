"""What `make deploy` registers, at a real server: all of it, once, as the golden file says; and the automations fire.

After a change that is meant: `UPDATE_GOLDEN=1 pytest tests/e2e/test_deployments.py`, and read the diff.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Crashed, Running
from pytest_httpserver import HTTPServer

from arena.adapters.recorded import generate_market
from arena.settings import AlertSettings
from deployments import automations
from deployments.messenger import apply_messengers
from deployments.pools import ROOT, WorkerType, merged, overlay
from scripts import prefect_database
from scripts.demo_request import SERVER
from scripts.processes import free_port, python, running
from tests.fakes.prefect import PREFECT, client
from tests.fakes.simulator import KEY, SECRET, running_simulator

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "deployments.json"
CONFIGURED = """
SEASON=registered
ENVIRONMENT=demo
TOTAL_LLMS=1
BINANCE_TESTNET_BASE_URL=http://127.0.0.1:9
BINANCE_TESTNET_API_KEY=simulator
BINANCE_TESTNET_SECRET_KEY=simulator
OPENAI_API_KEY=demo
LLM_A_PROVIDER=openai
LLM_A_MODEL=random
LLM_A_BASE_URL=http://127.0.0.1:9/v1
"""
QUICK = {"PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "1", "PREFECT_WORKER_HEARTBEAT_SECONDS": "1"}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a real server that runs, with everything registered once."""
    home, port = tmp_path_factory.mktemp("registered"), free_port()
    prefect_database.begin(home / "prefect")
    (home / "arena.env").write_text(CONFIGURED)
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PREFECT_", "LLM_", "BINANCE_"))}
    environ = {
        **kept,
        **SERVER,
        **QUICK,
        "ARENA_ENV_FILE": str(home / "arena.env"),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }
    server = python("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    ready = f"{environ['PREFECT_API_URL']}/health"
    with running("server", server, home / "server.log", environ, ready, 120):
        deploy(environ)
        EventsWorker.drain_all()  # one is kept in this process, with the address of the server that it first knew
        yield environ
        EventsWorker.drain_all()


def deploy(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deployments.apply", *arguments]
    return subprocess.run(command, cwd=ROOT, env=dict(environ), check=False, capture_output=True, text=True, timeout=120)


def ask(environ: Mapping[str, str], path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = PREFECT.post(f"{environ['PREFECT_API_URL']}/{path}/filter", json={}).raise_for_status().json()
    return sorted(found, key=lambda each: str(each["name"]))


def state(environ: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return everything that is registered, as the server tells it, without what changes by itself."""
    passing = ("updated", "status", "last_polled", "schedules")
    told = {path: ask(environ, path) for path in ("flows", "deployments", "automations", "work_pools")}
    schedules = [{**one, "updated": None} for each in told["deployments"] for one in each["schedules"]]
    return {path: [{n: v for n, v in each.items() if n not in passing} for each in found] for path, found in told.items()} | {
        "schedules": schedules
    }


def definitions(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what a person sees of it, with names in the place of ids."""
    told = state(environ)
    names = {each["id"]: f"<{each['name']}>" for path in ("deployments", "work_pools") for each in told[path]}
    shown = ("description", "entrypoint", "parameter_openapi_schema", "parameters", "tags", "work_pool_name")
    schedules = {
        each["name"]: [
            {n: v for n, v in one["schedule"].items() if v is not None} | {"active": one["active"], "slug": one["slug"]}
            for one in each["schedules"]
        ]
        for each in ask(environ, "deployments")
    }
    text = json.dumps(
        {
            "deployments": {
                each["name"]: {n: each[n] for n in shown}
                | {"limit": (each["global_concurrency_limit"] or {}).get("limit"), "on_collision": each["concurrency_options"]}
                | {"schedules": schedules[each["name"]]}
                for each in told["deployments"]
            },
            "automations": {
                each["name"]: {
                    "description": each["description"],
                    "trigger": {n: v for n, v in each["trigger"].items() if n != "id"},
                    "actions": each["actions"],
                }
                for each in told["automations"]
            },
            "environment of a run": told["work_pools"][0]["base_job_template"]["variables"]["properties"]["env"]["default"],
        },
        indent=2,
        sort_keys=True,
    )
    for number, name in names.items():
        text = text.replace(number, name)
    shown_again: dict[str, Any] = ordered(json.loads(text))
    return shown_again


def ordered(value: Any) -> Any:
    """Return it with every list of texts sorted: they are sets, and the ids they were sorted by are others each time."""
    if isinstance(value, dict):
        return {name: ordered(each) for name, each in value.items()}
    return sorted(value) if isinstance(value, list) and all(isinstance(each, str) for each in value) else value


def test_what_is_registered_is_what_the_golden_file_says(environ: dict[str, str]) -> None:
    found = definitions(environ)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_every_deployment_explains_itself(environ: dict[str, str]) -> None:
    flows = {each["id"]: each["name"] for each in ask(environ, "flows")}
    for each in ask(environ, "deployments"):
        assert flows[each["flow_id"]] == each["name"], "`prefect deployment run NAME/NAME`"
        assert each["description"] and "arena" in each["tags"]
        for name, parameter in each["parameter_openapi_schema"]["properties"].items():
            assert parameter.get("description"), f"{each['name']}: the form does not say what {name} is"


def test_registering_again_changes_nothing(environ: dict[str, str]) -> None:
    before = state(environ)
    again = deploy(environ)
    assert again.returncode == 0, again.stdout + again.stderr
    assert state(environ) == before


def test_what_a_person_has_paused_or_set_stays(environ: dict[str, str]) -> None:
    api = environ["PREFECT_API_URL"]
    deployments = {each["name"]: each for each in ask(environ, "deployments")}
    (automation, *_), (pool,) = ask(environ, "automations"), ask(environ, "work_pools")
    (schedule,) = deployments["daily-report"]["schedules"]
    paused, off = deployments["trading-cycle"]["id"], deployments["daily-report"]["id"]
    template = pool["base_job_template"]
    template["variables"]["properties"]["env"]["default"] = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "45", "OWN": "1"}
    with client(api) as http:
        http.post(f"/deployments/{paused}/pause_deployment").raise_for_status()
        http.patch(f"/deployments/{off}/schedules/{schedule['id']}", json={"active": False}).raise_for_status()
        http.patch(f"/automations/{automation['id']}", json={"enabled": False}).raise_for_status()
        http.patch("/work_pools/arena", json={"base_job_template": template}).raise_for_status()
        try:
            slower = deploy({**environ, "LLM_DECISION_INTERVAL_SECONDS": "600"})
            assert slower.returncode == 0 and "Paused, as before: trading-cycle." in slower.stdout, slower.stdout + slower.stderr
            after = {each["name"]: each for each in ask(environ, "deployments")}
            assert after["trading-cycle"]["paused"] is True and after["protection-sweep"]["paused"] is False
            (cycle,), (report,) = after["trading-cycle"]["schedules"], after["daily-report"]["schedules"]
            assert (cycle["active"], cycle["schedule"]["interval"]) == (True, 600)
            assert (report["active"], report["id"]) == (False, schedule["id"])
            enabled = {each["name"]: each["enabled"] for each in ask(environ, "automations")}
            assert [name for name, on in enabled.items() if not on] == [automation["name"]]
            told = {each["name"]: each for each in ask(environ, "automations")}
            assert told["arena: no cycle has completed"]["trigger"]["within"] == 3 * 600
            assert ask(environ, "work_pools")[0]["base_job_template"] == template
        finally:
            http.post(f"/deployments/{paused}/resume_deployment").raise_for_status()
            http.patch(f"/deployments/{off}/schedules/{schedule['id']}", json={"active": True}).raise_for_status()
            http.patch(f"/automations/{automation['id']}", json={"enabled": True}).raise_for_status()
            deploy(environ)  # the interval of the tests that follow


def test_the_setup_registers_and_its_exit_leaves_the_schedule_as_it_was(environ: dict[str, str], tmp_path: Path) -> None:
    def set_up(*steps: str) -> str:
        command = [
            sys.executable,
            "-m",
            "arena.cli",
            "setup",
            "--non-interactive",
            *(part for step in steps for part in ("--step", step)),
        ]
        keys = {"BINANCE_TESTNET_BASE_URL": simulator.url, "BINANCE_TESTNET_API_KEY": KEY, "BINANCE_TESTNET_SECRET_KEY": SECRET}
        there = {**environ, **keys, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, cwd=tmp_path, env=there, check=False, capture_output=True, text=True, timeout=180)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    market = generate_market(tmp_path / "market", 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    api, before = environ["PREFECT_API_URL"], state(environ)
    (trading,) = (each["id"] for each in before["deployments"] if each["name"] == "trading-cycle")
    with running_simulator(market) as simulator:
        said = set_up("exit", "deployments")
        assert "ok: the account is flat" in said and f"ok: Registered at {api}: trading-cycle, " in said
        assert state(environ) == before, "what ran goes on"
        PREFECT.post(f"{api}/deployments/{trading}/pause_deployment").raise_for_status()
        assert "ok: the account is flat" in set_up("exit")
    assert PREFECT.get(f"{api}/deployments/{trading}").raise_for_status().json()["paused"], "what its owner paused stays paused"
    PREFECT.post(f"{api}/deployments/{trading}/resume_deployment").raise_for_status()


@pytest.mark.parametrize(
    ("changed", "arguments", "said"),
    [
        ({}, ("--worker", "docker"), "the work pool arena is for process workers: leave WORKER out"),
        (
            {"PREFECT_API_URL": "http://127.0.0.1:9/api"},
            (),
            "the Prefect server of PREFECT_API_URL (http://127.0.0.1:9/api) does",
        ),
        ({"PREFECT_API_URL": ""}, (), "no Prefect server is named: start one (prefect server start)"),
        ({"TELEGRAM_NOTIFICATIONS_ENABLED": "true"}, (), "TELEGRAM_BOT_TOKEN or TELEGRAM_CHAT_ID is empty"),
        ({"MAX_LEVERAGE": "many"}, (), "MAX_LEVERAGE"),
    ],
)
def test_what_cannot_be_registered_is_one_sentence(
    environ: dict[str, str], changed: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    ended = deploy({**environ, **changed}, *arguments)
    assert ended.returncode == 2 and said in ended.stderr and "Traceback" not in ended.stderr


def test_every_state_that_a_flow_ends_in_ends_the_watch_for_its_heartbeats() -> None:
    """An end of another name would be taken for a silence, and Prefect would try to call a run crashed that has ended well."""
    names = set()
    for path in (ROOT / "flows").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Completed", "Failed", "Cancelled", "Crashed"):
                names |= {k.value.value for k in node.keywords if k.arg == "name" and isinstance(k.value, ast.Constant)}
    assert names, "the trading cycle ends as Halted while the season is"
    assert {f"{automations.RUN}{name}" for name in names} <= automations.ENDINGS


@pytest.mark.parametrize("kind", list(WorkerType))
async def test_the_template_of_every_worker_has_heartbeats(kind: WorkerType) -> None:
    from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

    with temporary_settings({PREFECT_API_URL: None}):
        below = await bundled(kind) or await get_default_base_job_template_for_infrastructure_type(kind) or {}
    template = merged(below, overlay(kind))
    properties = template["variables"]["properties"]
    assert properties["env"]["default"] == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    assert properties["env"]["type"] == "object", "Prefect's own description of the variable is still there"
    assert set(overlay(kind)["variables"]["properties"]) <= set(below["variables"]["properties"]), "Prefect knows every variable"
    placeholders = set(json.dumps(below["job_configuration"]).split('"{{ ')[1:])
    assert placeholders == set(json.dumps(template["job_configuration"]).split('"{{ ')[1:]) or kind is WorkerType.KUBERNETES


async def bundled(kind: WorkerType) -> dict[str, Any] | None:
    """Return the template that Prefect brings with it for a worker that is not installed here."""
    import prefect.server.api.collections as collections

    views = Path(collections.__file__).parent / "collections_data" / "views" / "aggregate-worker-metadata.json"
    for collection in json.loads(views.read_text()).values():
        for worker in collection.values():
            if worker["type"] == kind:
                found: dict[str, Any] = worker["default_base_job_configuration"]
                return found
    return None


@pytest.fixture
def quick(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[automations.Registered]:
    """The automations with short times; those of the settings again afterwards."""
    ids = {each["name"]: UUID(each["id"]) for each in ask(environ, "deployments")}
    (pool,) = ask(environ, "work_pools")
    usual = automations.Registered(deployments=ids, pool=UUID(pool["id"]), messengers=(), interval_seconds=300)
    short = replace(usual, interval_seconds=4)
    with temporary_settings({PREFECT_API_URL: environ["PREFECT_API_URL"]}):
        with monkeypatch.context() as patch:
            patch.setattr(automations, "SILENT_SECONDS", 10)
            apply(short)
            yield short
        apply(usual)


def apply(there: automations.Registered) -> None:
    async def run() -> None:
        async with get_client() as client:
            await automations.apply_automations(client, automations.automations(there))

    asyncio.run(run())


async def until(seconds: float, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (seen := await look()) is not None:
            return seen
        await asyncio.sleep(0.5)
    raise AssertionError(f"{what} not within {seconds:.0f} s")


async def told(client: PrefectClient, there: automations.Registered, start: str) -> dict[str, Any] | None:
    """Return what the first run of the alert was given whose text begins so."""
    for run in await client.read_flow_runs():
        if run.deployment_id == there.deployments["alert"] and str(run.parameters["text"]).startswith(start):
            return run.parameters
    return None


def test_a_silent_run_becomes_crashed_and_is_told_of_and_so_are_missing_cycles(quick: automations.Registered) -> None:
    async def run() -> None:
        async with get_client() as client:
            await until(40, "nobody missed a cycle", lambda: told(client, quick, "No trading cycle has completed for 12 seconds"))
            silent = await client.create_flow_run_from_deployment(quick.deployments["protection-sweep"])
            await client.set_flow_run_state(silent.id, Running(), force=True)
            heartbeat(silent.id, quick.deployments["protection-sweep"])
            ended = await client.create_flow_run_from_deployment(quick.deployments["doctor"])
            heartbeat(ended.id, quick.deployments["doctor"])
            await client.set_flow_run_state(ended.id, Crashed(message="at once"), force=True)

            async def crashed() -> str | None:
                found = await client.read_flow_run(silent.id)
                return found.state.message if found.state is not None and found.state.is_crashed() else None

            assert await until(60, "the silent run stayed Running", crashed) == "no heartbeat for 10 seconds"
            sweep = await until(30, "the crash was not told", lambda: told(client, quick, "protection-sweep"))
            assert sweep["while_halted"] is True and f"({silent.name}) crashed" in sweep["text"]
            doctor = await until(30, "the crash was not told", lambda: told(client, quick, "doctor"))
            assert doctor["while_halted"] is False
            assert (await client.read_flow_run(ended.id)).state.message == "at once", "its end was its end"  # type: ignore[union-attr]

    asyncio.run(run())


def heartbeat(run: UUID, deployment: UUID) -> None:
    emit_event(
        event="prefect.flow-run.heartbeat",
        resource={"prefect.resource.id": f"prefect.flow-run.{run}"},
        related=[{"prefect.resource.id": f"prefect.deployment.{deployment}", "prefect.resource.role": "deployment"}],
    )


@contextmanager
def nothing_to_run(environ: dict[str, str]) -> Iterator[None]:
    """Keep the worker from starting runs, which would outlive it."""
    queue = f"{environ['PREFECT_API_URL']}/work_pools/arena/queues/default"
    PREFECT.patch(queue, json={"is_paused": True}).raise_for_status()
    yield
    PREFECT.patch(queue, json={"is_paused": False}).raise_for_status()


def test_the_server_itself_says_that_the_worker_is_gone(
    environ: dict[str, str], quick: automations.Registered, httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/bot123:secret-token/sendMessage", method="POST").respond_with_json({"ok": True})
    httpserver.expect_request("/elsewhere", method="POST").respond_with_json({"ok": True})
    settings = AlertSettings(
        _env_file=None,
        telegram_bot_token="123:secret-token",
        telegram_chat_id="42",
        telegram_notifications_enabled=True,
        notify_urls=f"critical|json://any:secret-pass@{httpserver.host}:{httpserver.port}/elsewhere",
    )
    blocks = asyncio.run(apply_messengers(settings, httpserver.url_for("").rstrip("/")))
    assert len(blocks) == 2 and asyncio.run(apply_messengers(settings, httpserver.url_for("").rstrip("/"))) == blocks
    apply(replace(quick, messengers=blocks, interval_seconds=600))
    shown = PREFECT.post(f"{environ['PREFECT_API_URL']}/block_documents/filter", json={}).text
    assert "arena-telegram" in shown and "arena-notify-urls-1" in shown and "secret-" not in shown, "the API tells no secret"
    port = free_port()
    worker_environ = {**environ, "PREFECT_WORKER_WEBSERVER_PORT": str(port), "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1"}
    worker = python("-m", "prefect", "worker", "start", "--pool", "arena", "--with-healthcheck")
    with (
        nothing_to_run(environ),
        running("worker", worker, tmp_path / "worker.log", worker_environ, f"http://127.0.0.1:{port}/health", 60),
    ):
        deadline = time.monotonic() + 20
        while ask(environ, "work_pools")[0]["status"] != "READY" and time.monotonic() < deadline:
            time.sleep(0.5)
        assert httpserver.log == []
    deadline = time.monotonic() + 40
    while len(httpserver.log) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
    requests = {request.path: request.json for request, _ in httpserver.log}
    said = "No worker answers for the work pool arena: no cycle and no sweep runs until one is started again"
    assert requests.pop("/bot123:secret-token/sendMessage") == {
        "chat_id": "42",
        "text": f"LLM Trading Arena\nThe worker is gone: {said}",
    }
    assert (requests["/elsewhere"]["title"], requests["/elsewhere"]["message"]) == ("The worker is gone", said)
