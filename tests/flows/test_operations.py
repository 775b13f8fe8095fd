"""The flows a person runs, and the daily report, as they run for real: against the simulator and a Prefect server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.flow_engine import run_flow_async
from prefect.states import Scheduled
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from arena import alerting
from arena.adapters.recorded import CandleArchive, generate_market
from arena.application.record import CycleRecord
from arena.configuration import load_settings
from arena.halting import halt, halted
from arena.standings import halt_season
from flows.automation_alert import automation_alert
from flows.daily_report import daily_report
from flows.data_download import data_download
from flows.doctor_check import doctor_check
from flows.emergency_shutdown import emergency_shutdown
from flows.resume_season import resume_season
from flows.trading_cycle import trading_cycle
from tasks import artifacts
from tests.fakes.simulator import KEY, SECRET, Simulator, connected, running_simulator

pytestmark = pytest.mark.usefixtures("prefect_server", "configured")


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    folder = generate_market(tmp_path / "market", 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    with running_simulator(folder, speed=1.0, balance=Decimal(400)) as running:
        yield running


@pytest.fixture
def configured(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lines = ["ENVIRONMENT=demo", "SEASON=operated", "TOTAL_LLMS=2", "LLM_DEADLINE_SECONDS=7", "OPENAI_API_KEY=demo"]
    lines += [f"BINANCE_TESTNET_BASE_URL={simulator.url}"]
    lines += [f"BINANCE_TESTNET_API_KEY={KEY}", f"BINANCE_TESTNET_SECRET_KEY={SECRET}"]
    for letter in "AB":
        lines += [
            f"LLM_{letter}_PROVIDER=openai",
            f"LLM_{letter}_MODEL=buy-and-hold",
            f"LLM_{letter}_BASE_URL={simulator.url}/v1",
        ]
    path = tmp_path / "arena.env"
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("ARENA_ENV_FILE", str(path))
    return path


@pytest.fixture
def attached() -> list[str]:
    """The files that arrive with what is told, by their names."""
    return []


@pytest.fixture
def told(httpserver: HTTPServer, configured: Path, attached: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What arrives where Telegram would be."""
    arrived: list[str] = []

    def take(request: Any) -> Any:
        sent = json.loads(request.get_data())
        arrived.append(sent["message"])
        attached.extend(each["filename"] for each in sent["attachments"])
        from werkzeug import Response

        return Response("ok")

    httpserver.expect_request("/alerts", method="POST").respond_with_handler(take)
    url = SecretStr(f"json://{httpserver.host}:{httpserver.port}/alerts")
    monkeypatch.setattr(alerting, "telegram_url", lambda _token, _chat: url)
    with configured.open("a") as file:
        file.write("TELEGRAM_NOTIFICATIONS_ENABLED=true\nTELEGRAM_BOT_TOKEN=1:x\nTELEGRAM_CHAT_ID=1\n")
    return arrived


async def artifact(key: str) -> list[dict[str, str]]:
    """Return the newest table of that key."""
    rows: list[dict[str, str]] = json.loads(await text_of(key))
    return rows


async def text_of(key: str) -> str:
    """Return the newest artifact of that key as it is kept."""
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    newest = max(found, key=lambda each: each.created)  # type: ignore[arg-type, return-value]
    return str(newest.data)


def written() -> list[Path]:
    """Return the reports that there are, of whichever season."""
    return list(Path().glob("**/reports/*.html"))


async def cycle() -> CycleRecord:
    record = await trading_cycle()
    assert isinstance(record, CycleRecord)
    return record


async def buy_by_hand(simulator: Simulator) -> None:
    """Open a position with an order of nobody's, which the books know nothing of until a sweep has seen it."""
    async with connected(simulator) as client:
        order = {"side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "0.01"}
        await client.futures_create_order(symbol="BTCUSDT", **order)


def resume(*arguments: str, api: str = "") -> tuple[int, str]:
    environ = {**os.environ, "PREFECT_API_URL": api}
    command = [sys.executable, "-m", "arena.cli", "resume", *arguments]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout + ended.stderr


async def test_the_daily_report_is_a_file_a_table_and_one_message_with_a_picture(told: list[str], attached: list[str]) -> None:
    early = await daily_report(return_state=True)
    assert (early.type.value, early.message) == ("COMPLETED", "the season has not begun") and told == []
    record = await cycle()
    told.clear()
    state = await daily_report(return_state=True)
    (page,) = written()
    assert page.name == f"{datetime.now(UTC):%Y-%m-%d}.html" and "<svg" in page.read_text()
    assert (state.type.value, state.message) == ("COMPLETED", f"{page} is written, and it was told")
    rows = await artifact(artifacts.key(page.parents[1].name, "report"))
    worth = {str(point.llm_id): f"{point.equity:.2f}" for point in record.equity}
    told_rows = [row for row in rows if row["#"]]
    assert {row["competitor"]: row["equity, USDT"] for row in told_rows} == worth and [row["#"] for row in told_rows] == [
        "1",
        "2",
    ]
    assert "cash" in {row["competitor"] for row in rows}
    told_at_length = await text_of(artifacts.key(page.parents[1].name, "verdict"))
    assert told_at_length.startswith("# operated: No contest: ") and "## Where the profit came from" in told_at_length
    (message,) = told
    assert attached == [page.with_suffix(".png").name] and page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    lines = message.splitlines()
    assert lines[0] == "operated: 1 cycle, 5 minutes" and lines[1].startswith("No contest: buy-and-hold competes alone.")
    assert any(line.startswith("1. buy-and-hold ") for line in lines) and len(lines) <= 5


async def test_a_report_of_a_season_that_never_was_fails_with_its_name() -> None:
    state = await daily_report(season="nowhere", return_state=True)
    assert state.type.value == "FAILED" and "there is no book at runs/nowhere/arena.sqlite" in str(state.message)
    outside = await daily_report(season="../elsewhere", return_state=True)
    assert outside.type.value == "FAILED" and written() == []


async def test_a_season_after_the_emergency_exit_goes_on_with_its_schedule() -> None:
    await cycle()
    async with get_client() as client:
        deployment = await client.create_deployment(flow_id=await client.create_flow(trading_cycle), name="trading-cycle")
        await emergency_shutdown(return_state=True)
        assert (await client.read_deployment(deployment)).paused is True and halted(load_settings()) is not None
        state = await resume_season(return_state=True)
        assert (state.type.value, state.message) == ("COMPLETED", "operated goes on")
        assert (await client.read_deployment(deployment)).paused is False and halted(load_settings()) is None
    assert (await cycle()).number > 1
    again = await resume_season(return_state=True)
    assert (again.type.value, again.message) == ("COMPLETED", "operated was not halted")


async def test_a_season_whose_books_differ_from_the_exchange_stays_halted(simulator: Simulator) -> None:
    await cycle()
    for account in simulator.venue.engine.accounts.values():
        for key, bucket in account.buckets.items():  # the exchange holds what no trade has brought
            account.buckets[key] = replace(bucket, signed_quantity=2 * bucket.signed_quantity)
    halt(load_settings(), "a test")
    state = await resume_season(return_state=True)
    assert state.type.value == "FAILED" and halted(load_settings()) == "a test"
    assert "operated stays as it is, because books and exchange differ: shared: the exchange holds " in str(state.message)
    code, said = resume()
    assert code == 1 and "books and exchange differ" in said and halted(load_settings()) == "a test"
    code, said = resume("--despite-differences")
    assert (code, said) == (0, "operated goes on\n") and halted(load_settings()) is None
    code, said = resume("--despite-differences", api="http://127.0.0.1:9/api")
    assert code == 1 and "trading-cycle/trading-cycle may still be paused (ConnectError)" in said
    halt(load_settings(), "again")
    forced = await resume_season(despite_differences=True, return_state=True)
    assert (forced.type.value, halted(load_settings())) == ("COMPLETED", None)


async def test_who_has_traded_by_hand_must_say_so(simulator: Simulator) -> None:
    """The position is explained, what it has earned is nobody's."""
    await cycle()
    await buy_by_hand(simulator)
    halt(load_settings(), "a test")
    state = await resume_season(return_state=True)
    assert state.type.value == "FAILED" and "shared: the exchange has earned " in str(state.message)
    assert "the exchange holds" not in str(state.message)


async def test_a_season_that_cannot_be_compared_stays_halted(simulator: Simulator) -> None:
    await cycle()
    halt(load_settings(), "a test")
    simulator.strike({"kind": "unavailable", "method": "GET", "path": "/fapi/v3/account"})
    state = await resume_season(return_state=True)
    assert state.type.value == "FAILED" and halted(load_settings()) == "a test" and simulator.fired()[0] > 0


async def test_the_doctor_is_a_table_and_fails_with_what_is_wrong(configured: Path) -> None:
    state = await doctor_check(return_state=True)
    rows = await artifact("doctor")
    assert state.type.value == "COMPLETED" and state.message == f"all {len(rows)} are well", state.message
    assert {row["what"] for row in rows} >= {"configuration", "Binance", "pairs", "store", "LLM-A", "LLM-B", "alerts", "Prefect"}
    with configured.open("a") as file:
        file.write("LLM_B_MODEL=no-such-model\n")
    state = await doctor_check(return_state=True)
    assert state.type.value == "FAILED" and str(state.message).startswith("LLM-B: ") and "LLM_B_MODEL" in str(state.message)
    assert [row["what"] for row in await artifact("doctor") if row[""] == "FAIL"] == ["LLM-B"]


async def test_an_alert_of_prefects_goes_where_all_alerts_go_and_is_quiet_while_halted(told: list[str]) -> None:
    assert (await automation_alert("A run crashed", "trading-cycle (x) crashed", return_state=True)).message == "told"
    assert told == ["operated: A run crashed. trading-cycle (x) crashed"]
    halt(load_settings(), "a test")
    state = await automation_alert("No cycle completes", "None has", return_state=True)
    assert (state.type.value, len(told)) == ("COMPLETED", 1) and "the season is halted (a test)" in str(state.message)
    await automation_alert("A run crashed", "protection-sweep (x) crashed", while_halted=True)
    assert len(told) == 2


async def test_a_halt_of_another_machine_is_quiet_too_and_is_taken_away(told: list[str]) -> None:
    await cycle()
    settings = load_settings()
    told.clear()
    assert await halt_season(settings, "elsewhere") is None
    settings.halt_file.unlink()
    state = await automation_alert("No cycle completes", "None has", return_state=True)
    assert told == [] and state.message == "nobody was told: the season is halted (elsewhere)"
    assert (await resume_season(return_state=True)).message == "operated goes on"
    assert (await automation_alert("No cycle completes", "None has", return_state=True)).message == "told"
    assert told == ["operated is halted: elsewhere", "operated: No cycle completes. None has"]


async def test_an_alert_that_cannot_be_delivered_is_a_failed_run_and_goes_with_the_next(
    told: list[str], httpserver: HTTPServer
) -> None:
    port = httpserver.port
    httpserver.stop()
    state = await automation_alert("x", "y", return_state=True)
    assert (state.type.value, told) == ("FAILED", []) and "it is kept" in str(state.message)
    httpserver.start()
    assert httpserver.port == port and (await automation_alert("x", "z", return_state=True)).message == "told"
    assert told == ["operated: x. y", "operated: x. z"]


async def test_what_waited_long_for_a_worker_is_not_told_all_at_once(told: list[str]) -> None:
    given = {"subject": "No cycle completes", "text": "None has"}
    for seconds, message in ((60, "told"), (3600, "nobody was told: it is 36")):
        due = Scheduled(scheduled_time=datetime.now(UTC) - timedelta(seconds=seconds))
        async with get_client() as client:
            run = await client.create_flow_run(automation_alert, parameters=given, state=due)
        state: Any = await run_flow_async(automation_alert, flow_run=run, parameters=given, return_type="state")
        assert str(state.message).startswith(message)
    assert len(told) == 1


# --- candles of the past -------------------------------------------------------------------------------------------------------


async def test_a_download_of_candles_can_be_used_and_says_what_came_of_it(simulator: Simulator, tmp_path: Path) -> None:
    begun = datetime(2030, 1, 1, tzinfo=UTC)
    span = {"since": begun - timedelta(hours=1), "until": begun + timedelta(days=1)}
    state = await data_download(pairs="BTCUSDT,ETHUSDT", out=str(tmp_path / "candles"), return_state=True, **span)
    assert state.is_completed() and state.message is not None
    assert state.message.startswith(f"{tmp_path}/candles/5m: 2029-12-31 23:00 to 2030-01-02 00:00 UTC, from 127.0.0.1; ")
    archive = CandleArchive(tmp_path / "candles")
    assert archive.symbols == ("BTCUSDT", "ETHUSDT") and (archive.start, archive.end) == (begun, begun + timedelta(days=1))
    rows = await artifact("data-download")
    assert [row[""] for row in rows] == [
        f"{pair} candles: there are none before 2030-01-01 00:00 UTC" for pair in archive.symbols
    ]
    state = await data_download(pairs="NOBODYUSDT", return_state=True)
    assert state.is_failed() and "has no pair NOBODYUSDT" in str(state.message)
