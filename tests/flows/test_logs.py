"""A real cycle whose every partner quotes secrets back: none is in what is printed, logged, stored or shown in Prefect."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from binance import AsyncClient
from binance.exceptions import BinanceAPIException
from prefect import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.logging.handlers import APILogHandler
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from arena.adapters.recorded import generate_market
from arena.application.record import CycleRecord
from flows.trading_cycle import trading_cycle
from tasks import artifacts
from tests.fakes.simulator import Simulator, running_simulator

SECRETS = {
    "BINANCE_TESTNET_API_KEY": "exchangeKey0q8w7e6r5t4z3u2i1o0p",
    "BINANCE_TESTNET_SECRET_KEY": "exchangeSecret/1a2s3d4f5g+6h7j8k",
    "BINANCE_SECRET_KEY": "realMoneySecret5g6h7j8k9l",
    "CLAUDE_API_KEY": "sk-ant-claude-1234567890",
    "DEEPSEEK_API_KEY": "sk-deepseek-1234567890",
    "OPENAI_API_KEY": "sk-proj-openai_1234567890",
    "LLM_B_API_KEY": "sk-of-B-alone-1234567890",
    "SUPABASE_KEY": "sb_secret_AbCdEfGh1234567890",
    "SUPABASE_DB_URL": "postgresql://postgres:dbPassw0rd-long@db.example.com:5432/postgres",
    "TELEGRAM_BOT_TOKEN": "123456789:AbCdEfGhIjKlMnOpQrStUvWxYz012345678",
    "API_TOKEN": "dashboard token with/slash 42",
}
PARTS = ("dbPassw0rd-long", "AbCdEfGhIjKlMnOpQrStUvWxYz012345678")
LETTERS = "ABCDEFGHIJKL"  # a healthy one, and one for each secret


def forms(secret: str) -> tuple[str, ...]:
    basic = base64.b64encode(f"user:{secret}".encode()).decode()
    return secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), basic


QUOTED = " ".join(
    f"GET https://example.com/?key={forms(each)[1]} {{'Authorization': 'Basic {forms(each)[2]}', 'X-Key': '{each}'}}"
    for each in SECRETS.values()
)


def leaks(text: str) -> list[str]:
    """Which secrets a text holds, in whatever form."""
    wanted = {**SECRETS, **dict(zip(PARTS, PARTS, strict=True))}
    return [f"{name}: {form}" for name, secret in wanted.items() for form in forms(secret) if form in text]


@pytest.fixture
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    folder = generate_market(tmp_path_factory.mktemp("market"), 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    with running_simulator(folder, speed=1.0) as running:
        account = SECRETS["BINANCE_TESTNET_API_KEY"], SECRETS["BINANCE_TESTNET_SECRET_KEY"]
        running.open_account(*account, str(200 * len(LETTERS)))
        yield running


@pytest.fixture
def configured(simulator: Simulator, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "arena.env"
    lines = ["ENVIRONMENT=demo", "SEASON=leaky", "LOG_LEVEL=DEBUG", "LOG_FILE_PATH=logs/arena.log", f"TOTAL_LLMS={len(LETTERS)}"]
    lines += [f"BINANCE_TESTNET_BASE_URL={simulator.url}", "LLM_DEADLINE_SECONDS=20"]
    lines += ["TELEGRAM_NOTIFICATIONS_ENABLED=true", "TELEGRAM_CHAT_ID=-1001"]
    lines += [f"{name}='{secret}'" for name, secret in SECRETS.items()]
    for letter in LETTERS:
        url = f"{simulator.url}/v1" if letter == "A" else httpserver.url_for(f"/{letter}")
        lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL=buy-and-hold", f"LLM_{letter}_BASE_URL={url}"]
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("ARENA_ENV_FILE", str(path))
    return path


@pytest.fixture
def talkative(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Partners that quote what they were sent, and more: models, the exchange, Prefect's server, Telegram."""
    secrets = dict(zip(LETTERS[1:], SECRETS.values(), strict=True))

    def refuse(request: Request) -> Response:
        secret = secrets[request.path.split("/")[1]]
        message = f"{' '.join(forms(secret))} {request.url} {dict(request.headers)} {QUOTED}"
        return Response(json.dumps({"error": {"message": message}}), status=400, content_type="application/json")

    httpserver.expect_request(re.compile(r"/[B-Z]/.*")).respond_with_handler(refuse)

    async def order(*_: object, **__: object) -> None:
        text = json.dumps({"code": -2010, "msg": QUOTED})
        raise BinanceAPIException(None, 400, text)

    async def artifact(*_: object, **__: object) -> UUID:
        raise httpx.HTTPError(QUOTED)

    monkeypatch.setattr(AsyncClient, "futures_create_order", order)
    monkeypatch.setattr(artifacts, "acreate_markdown_artifact", artifact)
    from apprise.plugins.telegram import NotifyTelegram

    monkeypatch.setattr(NotifyTelegram, "notify_url", httpserver.url_for("/bot"))
    httpserver.expect_request(re.compile(r"/bot.*")).respond_with_json({"ok": False, "description": QUOTED}, status=400)


@contextmanager
def everything_logged() -> Iterator[None]:
    """Every logger there is writes all it has to say to stderr."""
    root = logging.getLogger()
    known = [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    levels = {each: each.level for each in (root, *known)}
    handlers, root.handlers[:] = [*root.handlers], [logging.StreamHandler(sys.stderr)]
    for each in levels:
        each.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for each, level in levels.items():
            each.setLevel(level)


def files(folder: Path, without: Path) -> dict[str, str]:
    found = (each for each in folder.rglob("*") if each.is_file() and each != without)
    return {each.name: each.read_bytes().decode("utf-8", "replace") for each in found}


async def told_in_prefect(run_id: UUID) -> list[str]:
    """What the Prefect UI shows as the logs of a run, once the last line of a cycle is there."""
    await APILogHandler.aflush()
    async with get_client() as client:
        for _ in range(100):
            found = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))
            if any("booked" in each.message for each in found):
                return [each.message for each in found]
            await asyncio.sleep(0.1)
    raise AssertionError("the run shows no line of the cycle")


@pytest.mark.usefixtures("prefect_server", "configured", "talkative")
async def test_no_secret_gets_out(tmp_path: Path, capfd: pytest.CaptureFixture[str], configured: Path) -> None:
    with everything_logged():
        state = await trading_cycle(return_state=True)
        record = await state.result()
    assert isinstance(record, CycleRecord)
    printed = "".join(capfd.readouterr())
    assert state.state_details.flow_run_id is not None
    shown = await told_in_prefect(state.state_details.flow_run_id)
    kept = files(tmp_path, without=configured)
    file, store = kept["arena.log"], "".join(text for name, text in kept.items() if name.startswith("arena.sqlite"))
    events = [json.loads(line) for line in file.splitlines()]
    told = {**kept, "printed": printed, "shown in Prefect": "\n".join(shown)}
    assert {place: leaks(text) for place, text in told.items() if leaks(text)} == {}
    assert "send_request_headers" in printed, "the libraries were at their most talkative"
    assert all("***" in text for text in (printed, file, store, told["shown in Prefect"])), "they were told, and blotted out"
    (booked,) = (each for each in events if each["event"].startswith("cycle 1 booked"))
    assert (booked["season"], booked["cycle"]) == ("leaky", 1)
    silent = {each["competitor"] for each in events if each["event"].startswith("no answer")}
    assert silent == {f"LLM-{letter}" for letter in LETTERS[1:]}
