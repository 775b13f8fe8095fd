"""What a new user does from a clone without keys: make up, the Prefect UI, one more cycle, the emergency exit, and on."""

from __future__ import annotations

import re
import subprocess
import time
from typing import Any

import pytest
from playwright.sync_api import Browser

from deployments.server import prefect_server
from scripts.processes import python
from scripts.up.base import PROJECT
from tests.fakes.browser import PICTURES
from tests.fakes.house import PATIENCE_SECONDS, House

pytestmark = pytest.mark.long


def test_the_first_minutes_of_a_season(house: House, browser: Browser) -> None:
    began = time.monotonic()
    house.run()
    house.until(lambda status: status["cycle"] >= 1)
    print(f"a first cycle was booked {time.monotonic() - began:.0f} s after `make up`")
    photograph(house, browser)

    before = house.status()["cycle"]
    until_completed(house, "trading-cycle")  # one that would overlap the schedule's is cancelled
    assert house.status()["cycle"] > before

    assert run(house, "emergency-shutdown") == "Completed"
    assert held(house) == {}
    halted = house.status()
    assert "emergency shutdown" in halted["halted"] and halted["schedule"]["paused"] is True and not halted["well"]

    until_completed(house, "resume-season")  # a sweep must have booked what the exit did
    going_on = house.until(lambda status: status["well"] and status["cycle"] > halted["cycle"])
    assert going_on["halted"] is None and going_on["schedule"]["paused"] is False
    house.run("down")


def until_completed(house: House, deployment: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while run(house, deployment) != "Completed":
        assert time.monotonic() < deadline, house.logs()
        time.sleep(2)


def run(house: House, deployment: str) -> str:
    """Do `prefect deployment run NAME/NAME --watch`, and return the name of the state that the run ended in."""
    api = house.base.kept_ports().api_url
    environ = {**house.environ, "PREFECT_API_URL": api, "PREFECT_HOME": str(house.base.directory / "client")}
    command = python("-m", "prefect", "deployment", "run", f"{deployment}/{deployment}", "--watch")
    done = subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False, timeout=2 * PATIENCE_SECONDS
    )
    found = re.search(r"UUID: ([0-9a-f-]{36})", done.stdout)
    assert found, done.stdout + done.stderr
    with prefect_server(api) as server:
        return str(server.get(f"/flow_runs/{found[1]}")["state"]["name"])


def held(house: House) -> dict[str, Any]:
    """Return what the simulator's account holds."""
    account = next(iter(house.simulator("/simulator/state")["accounts"].values()))
    found: dict[str, Any] = account["positions"]
    return found


def photograph(house: House, browser: Browser) -> None:
    """Look at the cycle's tasks and its artifacts in the Prefect UI, as a person would; the pictures stay."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    ui = house.base.kept_ports().ui_url
    with prefect_server(house.base.kept_ports().api_url) as server:
        done = {"deployments": {"name": {"any_": ["trading-cycle"]}}, "flow_runs": {"state": {"name": {"any_": ["Completed"]}}}}
        run_id = server.post("/flow_runs/filter", **done)[0]["id"]
        shown = server.post("/artifacts/filter", sort="UPDATED_DESC")
        board = next(each["id"] for each in shown if str(each["key"]).endswith("-leaderboard"))
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(f"{ui}/runs/flow-run/{run_id}")
    page.get_by_text("Task Runs", exact=True).first.click(timeout=60_000)
    page.get_by_text("decide LLM-B").first.wait_for(timeout=60_000)
    page.screenshot(path=PICTURES / "prefect-cycle.png")
    page.goto(f"{ui}/artifacts/artifact/{board}")
    page.get_by_text("LLM-C").first.wait_for(timeout=60_000)
    page.screenshot(path=PICTURES / "prefect-leaderboard.png")
    page.goto(f"http://127.0.0.1:{house.base.kept_ports().dashboard}")
    page.get_by_text("Decisions of cycle").first.wait_for(timeout=60_000)
    page.screenshot(path=PICTURES / "dashboard.png", full_page=True)
    page.close()
