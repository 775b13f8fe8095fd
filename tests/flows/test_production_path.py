"""The flow as it runs for real: settings, python-binance, both model SDKs and Prefect, against the simulator."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from prefect import get_client

from arena.adapters.recorded import generate_market
from arena.application.reconcile import summed_positions
from arena.application.record import CycleRecord
from arena.bootstrap import open_arena
from arena.configuration import load_settings
from arena.domain.decision import Decision, InvalidDecision, NoAnswer
from arena.errors import ConfigurationError
from arena.halting import halt, resume
from flows.emergency_shutdown import emergency_shutdown
from flows.trading_cycle import trading_cycle
from tests.fakes.simulator import Simulator, running_simulator

COMPETITORS = {
    "A": ("claude", "buy-and-hold"),
    "B": ("openai", "buy-and-hold?fault=http500"),
    "C": ("deepseek", "buy-and-hold?fault=malformed"),
    "D": ("claude", "buy-and-hold?fault=timeout"),
    "E": ("claude", "buy-and-hold?fault=malformed_once"),
    "F": ("openai", "buy-and-hold?fault=cut_off"),
}


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    folder = generate_market(tmp_path / "market", 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    with running_simulator(folder, speed=1.0) as running:
        running.open_account("simulator", "simulator", "1200")
        yield running


@pytest.fixture
def configured(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lines = ["ENVIRONMENT=demo", "SEASON=faults", f"DATABASE_PATH={tmp_path / 'arena.sqlite'}", f"TOTAL_LLMS={len(COMPETITORS)}"]
    lines += [f"BINANCE_TESTNET_BASE_URL={simulator.url}", "LLM_DEADLINE_SECONDS=7"]
    lines += ["BINANCE_TESTNET_API_KEY=simulator", "BINANCE_TESTNET_SECRET_KEY=simulator"]
    lines += [f"{name}_API_KEY=sk-{name.lower()}-hidden" for name in ("CLAUDE", "DEEPSEEK", "OPENAI")]
    for letter, (provider, model) in COMPETITORS.items():
        lines += [f"LLM_{letter}_PROVIDER={provider}", f"LLM_{letter}_MODEL={model}"]
        lines += [f"LLM_{letter}_BASE_URL={simulator.url}{'' if provider == 'claude' else '/v1'}"]
    path = tmp_path / "arena.env"
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("ARENA_ENV_FILE", str(path))
    monkeypatch.chdir(tmp_path)  # what the season keeps beside its books
    return path


def answers(record: CycleRecord) -> dict[str, object]:
    return {turn.llm_id[-1]: turn.answer for turn in record.turns}


@pytest.mark.usefixtures("prefect_server", "configured")
async def test_every_failure_is_what_it_is_and_the_healthy_model_trades(simulator: Simulator, tmp_path: Path) -> None:
    record = await trading_cycle()
    said = answers(record)
    assert isinstance(said["A"], Decision) and isinstance(said["C"], InvalidDecision)
    assert isinstance(said["B"], NoAnswer) and said["B"].kind == "server_error"
    assert isinstance(said["D"], NoAnswer) and said["D"].kind == "late"
    assert isinstance(said["E"], Decision) and isinstance(said["F"], InvalidDecision)
    calls = {turn.llm_id[-1]: [str(call.purpose) for call in turn.calls] for turn in record.turns}
    assert len(calls["B"]) > 1 and set(calls.pop("B")) == {"decide"}, "what may pass is repeated"
    asked, repaired = ["decide"], ["decide", "repair"]
    assert calls == {"A": asked, "C": repaired, "D": asked, "E": repaired, "F": repaired}, "what is no decision goes back once"
    held = {llm_id[-1]: len(ledger.positions) for llm_id, ledger in record.ledgers.items()}
    assert held["A"] > 0 and held["E"] > 0 and held["B"] == held["C"] == held["D"] == held["F"] == 0
    assert record.discrepancies == ()
    database = (tmp_path / "arena.sqlite").read_bytes()
    assert b"hidden" not in database, "no key in any table"


@pytest.mark.usefixtures("prefect_server", "configured")
async def test_the_second_cycle_goes_on_from_the_first(simulator: Simulator) -> None:
    first = await trading_cycle()
    simulator.advance(300)
    second = await trading_cycle()
    assert (first.number, second.number) == (1, 2)
    assert second.scheduled_at - first.scheduled_at >= timedelta(seconds=300)
    (account,) = (a for a in simulator.state()["accounts"].values() if Decimal(a["wallet_balance"]) < 1500)
    venue = {(s, side): Decimal(q) for s, sides in account["positions"].items() for side, q in sides.items()}
    ours = {(symbol, str(side)): held for (symbol, side), held in summed_positions(second.ledgers.values()).items()}
    assert ours == venue and ours
    assert sum(ledger.wallet_balance for ledger in second.ledgers.values()) == Decimal(account["wallet_balance"])


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ("ENVIRONMENT=mainnet", "let `arena preflight` pass first"),
        ("BINANCE_TESTNET_BASE_URL=https://demo-fapi.binance.com", "trades only against the simulator"),
        ("BINANCE_TESTNET_API_KEY=", "BINANCE_TESTNET_API_KEY is empty"),
        ("BINANCE_TESTNET_API_KEY=wrong", "BINANCE_TESTNET_API_KEY was refused"),
        ("CLAUDE_API_KEY=\nLLM_A_BASE_URL=", "CLAUDE_API_KEY is empty, but LLM-A needs it"),
        ("AVAILABLE_PAIRS=BTCUSDT,NONEUSDT", "AVAILABLE_PAIRS names NONEUSDT"),
        ("SUPABASE_URL=https://example.supabase.co", "SUPABASE_KEY is empty"),
        ("TELEGRAM_NOTIFICATIONS_ENABLED=true", "TELEGRAM_BOT_TOKEN"),
    ],
)
def test_what_cannot_work_is_one_sentence_before_anything_is_sent(configured: Path, changed: str, named: str) -> None:
    configured.write_text(configured.read_text() + changed + "\n")

    async def start() -> None:
        async with open_arena(load_settings()):
            pass

    with pytest.raises(ConfigurationError) as caught:
        asyncio.run(start())
    assert named in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.usefixtures("prefect_server", "configured")
async def test_a_halted_season_begins_no_cycle_and_goes_on_when_it_is_resumed(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    halt(load_settings(), "a test")
    state = await trading_cycle(return_state=True)
    assert (state.name, state.type.value) == ("Halted", "COMPLETED") and "a test" in str(state.message)
    assert all(account["trades"] == 0 for account in simulator.state()["accounts"].values())
    resume(load_settings())
    record = await trading_cycle()
    assert isinstance(record, CycleRecord) and record.number == 1


def doctor(configured: Path, **changes: str) -> tuple[int, str]:
    environ = {**os.environ, **changes, "ARENA_ENV_FILE": str(configured)}
    ended = subprocess.run(
        [sys.executable, "-m", "arena.cli", "doctor"], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in ended.stderr and "hidden" not in ended.stdout + ended.stderr
    return ended.returncode, ended.stdout


def test_the_doctor_tries_everything_and_names_what_fails(configured: Path) -> None:
    code, said = doctor(configured)
    lines = {line[5:].split()[0]: line for line in said.splitlines()}
    assert set(lines) == {
        "configuration",
        "Binance",
        "account",
        "pairs",
        "fees",
        "weight",
        "store",
        "LLM-A",
        "LLM-B",
        "LLM-C",
        "LLM-D",
        "LLM-E",
        "LLM-F",
        "alerts",
        "Prefect",
    }
    failing = {name for name, line in lines.items() if line.startswith("FAIL")}
    assert failing == {f"LLM-{letter}" for letter in "BCDEF"} and code == 1, said
    assert "LLM_B_MODEL" in lines["LLM-B"] and "trend-following" in lines["LLM-B"], "the provider's list is shown"


def test_the_doctor_is_content_when_all_is_well(configured: Path) -> None:
    models = {f"LLM_{letter}_MODEL": "random" for letter in COMPETITORS}
    code, said = doctor(configured, **models)
    assert code == 0 and "playbook free" in said
    code, said = doctor(configured, **models, STRATEGY="custom")
    assert code == 1 and "STRATEGY=custom needs STRATEGY_FILE" in said
    code, said = doctor(configured, **models, BINANCE_TESTNET_SECRET_KEY="wrong", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert code == 1
    failing = [line.split()[1] for line in said.splitlines() if line.startswith("FAIL")]
    assert failing == ["account", "pairs", "Prefect"]


@pytest.mark.usefixtures("prefect_server", "configured")
async def test_the_emergency_flow_leaves_a_flat_account_a_halted_season_and_a_paused_schedule(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await trading_cycle()
    assert any(account["positions"] for account in simulator.state()["accounts"].values())
    async with get_client() as client:
        deployment = await client.create_deployment(flow_id=await client.create_flow(trading_cycle), name="trading-cycle")
        state = await emergency_shutdown(return_state=True)
        assert (await client.read_deployment(deployment)).paused is True
    assert (state.type.value, state.message) == ("COMPLETED", "flat")
    assert all(a["positions"] == {} and a["open_orders"] == 0 for a in simulator.state()["accounts"].values())
    assert (await trading_cycle(return_state=True)).name == "Halted"
