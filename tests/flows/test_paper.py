"""ENVIRONMENT=paper as it runs for real: settings, python-binance, a model SDK, Prefect; the simulator is the public endpoint."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from arena.adapters.paper.account import IncomeKind
from arena.adapters.paper.book import PaperBook
from arena.adapters.recorded import generate_market
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.reconcile import summed_positions
from arena.application.record import CycleRecord, SeasonState
from arena.bootstrap import open_arena
from arena.configuration import load_settings
from arena.domain.competitor import SHARED_ACCOUNT, AccountId, AccountMode, SeasonId
from arena.domain.money import ZERO
from arena.domain.order import Cause
from arena.emergency import JOURNAL
from arena.errors import ConfigurationError
from arena.market import label
from arena.paper import kept_books
from arena.settings import Settings
from arena.simulator.binance import router
from arena.simulator.binance.gate import Received
from flows.emergency_shutdown import emergency_shutdown
from flows.protection_sweep import protection_sweep
from flows.trading_cycle import trading_cycle
from scripts import check_binance_status
from tests.fakes.simulator import Simulator, running_simulator

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2030, 1, 2, 14, 50, tzinfo=UTC)
SEASON = SeasonId("paper-season")
SIGNED = frozenset(f"{endpoint.method} {endpoint.path}" for endpoint in router.ENDPOINTS if endpoint.signed)


@dataclass
class Paper:
    """A configured paper season and the simulator it takes its prices from.

    Attributes:
        keys: API keys that came with requests.
    """

    simulator: Simulator
    env: Path
    home: Path
    keys: set[str] = field(default_factory=set)

    def set(self, **variables: str) -> None:
        with self.env.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in variables.items())

    def books(self) -> dict[AccountId, PaperBook]:
        with SqliteRecords(self.home / "arena.sqlite") as records:
            return asyncio.run(kept_books(records, SEASON))

    def state(self) -> SeasonState:
        with SqliteRecords(self.home / "arena.sqlite") as records:
            return asyncio.run(records.state(SEASON, datetime.now(UTC)))

    def script(self, name: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "ARENA_ENV_FILE": str(self.env), "ARENA_HOME": str(self.home)}
        command = [sys.executable, str(ROOT / "scripts" / name)]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=90, check=False)


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paper]:
    folder = generate_market(
        tmp_path / "market", 3, ("BTCUSDT", "SOLUSDT"), start=START - timedelta(hours=20), bars=1800, interval_minutes=1
    )
    lines = ["ENVIRONMENT=paper", f"SEASON={SEASON}", f"DATABASE_PATH={tmp_path / 'arena.sqlite'}", "TOTAL_LLMS=2"]
    lines += ["AVAILABLE_PAIRS=BTCUSDT,SOLUSDT", "CLAUDE_API_KEY=sk-hidden"]
    lines += [f"{name}=hidden" for name in ("BINANCE_API_KEY", "BINANCE_SECRET_KEY", "BINANCE_TESTNET_API_KEY")]
    received: set[str] = set()

    class Watched(Received):
        def parameters(self):  # type: ignore[no-untyped-def]
            received.add(self.key)
            return super().parameters()

    monkeypatch.setattr(router, "Received", Watched)
    monkeypatch.setattr("flows.protection_sweep.OVERLAP_SECONDS", -30.0)  # one look
    with running_simulator(folder, start=START, speed=1.0) as simulator:
        lines.append(f"BINANCE_BASE_URL={simulator.url}")
        for letter, model in (("A", "buy-and-hold"), ("B", "random")):
            lines += [f"LLM_{letter}_PROVIDER=claude", f"LLM_{letter}_MODEL={model}", f"LLM_{letter}_BASE_URL={simulator.url}"]
            lines += [f"LLM_{letter}_BINANCE_API_KEY=hidden-{letter}", f"LLM_{letter}_BINANCE_SECRET_KEY=hidden"]
        path = tmp_path / "arena.env"
        path.write_text("\n".join(lines) + "\n")
        monkeypatch.setenv("ARENA_ENV_FILE", str(path))
        monkeypatch.chdir(tmp_path)
        yield Paper(simulator, path, tmp_path, received)
        asked = simulator.state()["requests"]
        assert received <= {""}, "no key in any request"
        assert SIGNED.isdisjoint(asked), "no signed endpoint was called"
        assert all(account["trades"] == 0 for account in simulator.state()["accounts"].values())


def check_books(paper: Paper) -> SeasonState:
    """What the competitors hold and own together is what the paper accounts hold and own."""
    state = paper.state()
    books = paper.books()
    held: dict[tuple[str, str], Decimal] = {}
    for book in books.values():
        for key, bucket in book.account.buckets.items():
            held[key] = held.get(key, ZERO) + bucket.signed_quantity
    assert held == {key: quantity for key, quantity in summed_positions(state.ledgers.values()).items() if quantity}
    for account, llm_ids in state.season.accounts().items():
        assert sum(state.ledgers[llm_id].wallet_balance for llm_id in llm_ids) == books[account].account.wallet_balance
    return state


@pytest.mark.usefixtures("prefect_server")
async def test_a_season_on_live_prices_goes_on_from_process_to_process_and_every_book_agrees(paper: Paper) -> None:
    """Two cycles, a stop that triggers between them and that a sweep books, and a funding at 16:00."""
    first = await trading_cycle()
    assert isinstance(first, CycleRecord) and first.number == 1 and first.discrepancies == ()
    held = {key for ledger in first.ledgers.values() for key in ledger.positions}
    assert held
    await asyncio.to_thread(check_books, paper)
    (book,) = (await asyncio.to_thread(paper.books)).values()
    assert len([p for p in book.account.resting.values() if p.order.order_type.conditional]) >= len(held)

    paper.simulator.jump("SOLUSDT", -30)
    paper.simulator.jump("BTCUSDT", 30)
    paper.simulator.advance(120)
    state = await protection_sweep(return_state=True)
    assert state.type.value == "COMPLETED"
    swept = await asyncio.to_thread(check_books, paper)
    assert swept.booking > 1, "the stops and targets that traded are booked"

    paper.simulator.move_to(START + timedelta(minutes=75))
    second = await trading_cycle()
    assert isinstance(second, CycleRecord) and second.number == 2 and second.discrepancies == ()
    after = await asyncio.to_thread(check_books, paper)
    assert after.season.market == "paper on generated market, seed 3 (simulator)"
    assert label(Settings(_env_file=None, environment="paper")) == "Binance USD-M futures (fapi.binance.com)"
    (book,) = (await asyncio.to_thread(paper.books)).values()
    fundings = [entry for entry in book.account.income if entry.kind is IncomeKind.FUNDING_FEE]
    assert bool(fundings) is any(ledger.positions for ledger in swept.ledgers.values())
    causes = {row["cause"] async for row in SqliteRecords(paper.home / "arena.sqlite").rows("fills", SEASON)}
    assert Cause.DECISION in causes and causes & {Cause.STOP, Cause.TARGET}
    database = (paper.home / "arena.sqlite").read_bytes()
    assert b"hidden" not in database


@pytest.mark.usefixtures("prefect_server")
async def test_each_competitor_has_its_own_paper_account_where_they_are_separate(paper: Paper) -> None:
    paper.set(ACCOUNT_MODE="separate")
    record = await trading_cycle()
    assert isinstance(record, CycleRecord)
    books = await asyncio.to_thread(paper.books)
    assert set(books) == {"LLM-A", "LLM-B"}
    for llm_id, ledger in record.ledgers.items():
        account = books[AccountId(llm_id)].account
        assert {key: p.signed_quantity for key, p in ledger.positions.items()} == {
            key: bucket.signed_quantity for key, bucket in account.buckets.items()
        }
        assert sum(entry.amount for entry in account.income if entry.kind is IncomeKind.TRANSFER) == 200
    state = await asyncio.to_thread(check_books, paper)
    assert state.season.account_mode is AccountMode.SEPARATE


@pytest.mark.usefixtures("prefect_server")
async def test_the_emergency_flow_leaves_flat_paper_accounts(paper: Paper) -> None:
    await trading_cycle()
    assert (await asyncio.to_thread(paper.books))[SHARED_ACCOUNT].account.buckets
    state = await emergency_shutdown(return_state=True)
    assert (state.type.value, state.message) == ("COMPLETED", "flat")
    account = (await asyncio.to_thread(paper.books))[SHARED_ACCOUNT].account
    assert account.buckets == account.resting == {}
    assert (await trading_cycle(return_state=True)).name == "Halted"
    (line,) = (paper.home / JOURNAL).read_text().splitlines()
    assert json.loads(line)["environment"] == "paper" and json.loads(line)["flat"]
    await protection_sweep()
    state_after = await asyncio.to_thread(check_books, paper)
    assert not any(ledger.positions for ledger in state_after.ledgers.values()), "the sweep has given the closes to their owners"


def test_the_emergency_script_says_in_one_sentence_that_it_needs_the_store(paper: Paper) -> None:
    ended = paper.script("emergency_shutdown.py")
    assert ended.returncode == 2 and (paper.home / "runs" / SEASON / "HALT").exists()
    (said,) = ended.stderr.splitlines()
    assert "the paper accounts are in the store, and there is none at" in said
    SqliteRecords(paper.home / "arena.sqlite").close()
    ended = paper.script("emergency_shutdown.py")
    assert ended.returncode == 2 and "the store has no paper account of season paper-season" in ended.stderr


@pytest.mark.usefixtures("prefect_server")
def test_the_emergency_script_needs_nothing_but_the_store(paper: Paper) -> None:
    asyncio.run(trading_cycle())
    paper.set(MAX_LEVERAGE="nonsense", TOTAL_LLMS="9")
    ended = paper.script("emergency_shutdown.py")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "the account is flat" in ended.stdout and "closed " in ended.stdout


def doctor(paper: Paper) -> tuple[int, dict[str, str]]:
    environ = {**os.environ, "ARENA_ENV_FILE": str(paper.env)}
    ended = subprocess.run(
        [sys.executable, "-m", "arena.cli", "doctor"], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in ended.stderr and "hidden" not in ended.stdout + ended.stderr
    return ended.returncode, {line[5:].split()[0]: line for line in ended.stdout.splitlines()}


@pytest.mark.usefixtures("prefect_server")
def test_the_doctor_says_what_a_paper_account_is(paper: Paper) -> None:
    code, said = doctor(paper)
    assert code == 0, said
    assert "no key is needed or read" in said["account"] and "nothing yet" in said["account"]
    asyncio.run(trading_cycle())
    code, said = doctor(paper)
    assert code == 0 and "shared 39" in said["account"], said


def test_a_host_without_candles_of_a_minute_is_named(paper: Paper, tmp_path: Path) -> None:
    folder = generate_market(tmp_path / "coarse", 3, ("BTCUSDT", "SOLUSDT"), start=START, bars=600)
    with running_simulator(folder, speed=1.0) as coarse:
        paper.set(BINANCE_BASE_URL=coarse.url)
        code, said = doctor(paper)
    assert code == 1 and "has no candles of one minute" in said["account"]


def test_there_is_nothing_of_paper_at_binance_to_look_at(paper: Paper) -> None:
    ended = paper.script("check_binance_status.py")
    assert ended.returncode == 1 and "the paper accounts are in the store" in ended.stderr
    assert check_binance_status.__doc__


def test_paper_that_points_nowhere_is_one_sentence(paper: Paper) -> None:
    paper.set(AVAILABLE_PAIRS="BTCUSDT,NONEUSDT")

    async def begin() -> None:
        async with open_arena(load_settings()):
            pass

    with pytest.raises(ConfigurationError, match="AVAILABLE_PAIRS names NONEUSDT"):
        asyncio.run(begin())
