"""`arena replay`: the live cycle in a market's past; it can be stopped, costs nothing twice, and sees what a live one sees."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.market import BinanceMarket
from arena.adapters.paper.engine import PaperEngine
from arena.adapters.paper.market import PaperMarket
from arena.adapters.recorded import CandleArchive, generate_market
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.prompt_market import market_section
from arena.application.study import study
from arena.audit.verify import read_verification
from arena.cli import app
from arena.configuration import load_settings
from arena.domain.competitor import Environment, Season, SeasonId
from arena.errors import ConfigurationError, ExchangeUnavailable
from arena.past import kept_folder
from arena.replaying import open_replay, settings_of, window_of
from arena.strategies.registry import PLAYBOOKS
from tests.fakes.simulator import KEY, SECRET, running_simulator

BAR = timedelta(minutes=5)
START = datetime(2030, 1, 1, tzinfo=UTC)
RULES = ("momentum", "random")
TABLES = ("fills", "equity_points", "positions", "turns", "llm_accounts")
CYCLES = 40


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with candles and without a `.env`."""
    for name in os.environ:
        if name.startswith(("LLM_", "BINANCE_", "SUPABASE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    generate_market(tmp_path / "market", 3, start=START, bars=620)
    return tmp_path


async def play(season: str, cycles: int = CYCLES, most: int | None = None, rules: tuple[str, ...] = RULES) -> int:
    """Play a season, or go on with it, for at most so many cycles; return how many were played."""
    settings = settings_of(load_settings(), season, BAR, rules)
    window = window_of(CandleArchive(Path("market/5m")), None, START + (500 + cycles) * BAR, BAR)
    played = 0
    async with open_replay(settings, window, Path("answers.sqlite")) as replay:
        async for _ in replay.cycles():
            played += 1
            if played == most:
                break
    return played


async def told(season: str) -> Mapping[str, list[Mapping[str, object]]]:
    """Return what is booked of a season, without what names it."""
    with SqliteRecords(Path("runs") / season / "arena.sqlite") as records:
        assert (await read_verification(records, SeasonId(season))).findings == ()
        found = {name: [row async for row in records.rows(name, SeasonId(season))] for name in TABLES}
    named = {"season_id", "client_order_id", "exchange_order_id", "mark", "stop_order_id", "target_order_id"}
    return {name: [{key: cell for key, cell in row.items() if key not in named} for row in rows] for name, rows in found.items()}


async def test_a_replay_that_was_stopped_goes_on_as_if_it_had_not_been(home: Path) -> None:
    assert await play("whole") == CYCLES
    for most in (7, 1, 13):
        assert await play("pieces", most=most) == most
    assert await play("pieces") == CYCLES - 21 and await play("pieces") == 0
    assert kept_folder(Path("runs/whole")) == home / "market" / "5m", "whoever judges the season finds its candles"
    whole, pieces = await told("whole"), await told("pieces")
    assert len(whole["fills"]) > 6 and len(whole["turns"]) == 2 * CYCLES
    for name in ("fills", "equity_points", "positions", "llm_accounts"):
        assert pieces[name] == whole[name], name


async def test_two_replays_of_a_season_at_once_are_told_apart(home: Path) -> None:
    await play("shared", most=2)
    settings = settings_of(load_settings(), "shared", BAR, RULES)
    window = window_of(CandleArchive(Path("market/5m")), None, START + (500 + CYCLES) * BAR, BAR)
    async with open_replay(settings, window, Path("answers.sqlite")) as late:
        await play("shared", most=20)
        shelf = next(iter(late.accounts.values()))._shelf
        with pytest.raises(ExchangeUnavailable, match="another replay of this season is running"):
            await shelf.put(next(iter(late.accounts.values()))._book)


async def test_a_later_window_makes_the_season_longer(home: Path) -> None:
    assert await play("growing", cycles=10) == 10
    assert await play("growing", cycles=25) == 15


def test_models_are_asked_once_and_a_second_replay_needs_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["replay", "--data", "market/5m", "--to", "2030-01-02T18:10", "--season"]
    with running_simulator(home / "market" / "5m") as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        monkeypatch.setenv("TOTAL_LLMS", "2")
        for letter, rule in zip("AB", RULES, strict=True):
            for name, value in {"PROVIDER": "openai", "MODEL": f"baseline/{rule}", "BASE_URL": f"{provider.url}/v1"}.items():
                monkeypatch.setenv(f"LLM_{letter}_{name}", value)
        first = CliRunner().invoke(app, [*command, "first"])
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(app, [*command, "again"])
    assert again.exit_code == 0, again.output
    asked = "answers were asked for"
    assert f"\n12 {asked}, 0 were known" in first.output and f"\n0 {asked}, 12 were known" in again.output


def test_decisions_of_another_season_are_replayed(home: Path) -> None:
    window = ["replay", "--data", "market/5m", "--to", "2030-01-02T20:00", "--season"]
    assert CliRunner().invoke(app, [*window, "first", "--field", ",".join(RULES)]).exit_code == 0
    again = CliRunner().invoke(app, [*window, "again", "--field", "answers-of=first"])
    assert again.exit_code == 0, again.output
    shown = json.loads(CliRunner().invoke(app, ["status", "--season", "again", "--json"]).output)["status"]
    assert (shown["market_kind"], shown["simulated_clock"], shown["next_due_at"]) == ("generated", True, None)
    first, second = asyncio.run(told("first")), asyncio.run(told("again"))
    assert first["fills"] == second["fills"] and len(first["fills"]) > 2
    for field, said in {"answers-of=nothing": "there is no book at", "guesses-of=first": "there is no field guesses-of="}.items():
        nobody = CliRunner().invoke(app, [*window, "none", "--field", field])
        assert isinstance(nobody.exception, ConfigurationError) and said in str(nobody.exception)


def test_the_same_trades_at_random_instants(home: Path) -> None:
    window = ["replay", "--data", "market/5m", "--to", "2030-01-03T00:00", "--season"]
    assert CliRunner().invoke(app, [*window, "first", "--field", ",".join(RULES)]).exit_code == 0
    for seed, name in ((1, "one"), (1, "same"), (2, "two")):
        ended = CliRunner().invoke(app, [*window, name, "--field", "random-of=first", "--seed", str(seed)])
        assert ended.exit_code == 0 and "random?like=LLM-A (baseline rule" in ended.output, ended.output
    first, one, same, two = (asyncio.run(traded(name)) for name in ("first", "one", "same", "two"))
    assert one == same != two
    shapes = [sorted((*key, held) for *key, _, held in season) for season in (first, one, two)]
    assert len(shapes[0]) > 3
    for drawn in shapes[1:]:
        assert set(drawn) <= set(shapes[0]) and len(drawn) >= 0.7 * len(shapes[0]), "what there is no room for is lost"


async def traded(season: str) -> list[tuple[str, str, str, datetime, int]]:
    """Return competitor, symbol, side, beginning and holding time in bars of all trades that are over."""
    with SqliteRecords(Path("runs") / season / "arena.sqlite") as records:
        rows = [row async for row in records.rows("closed_trades", SeasonId(season))]
    times = [tuple(datetime.fromisoformat(row[name]) for name in ("opened_at", "closed_at")) for row in rows]
    return [
        (row["llm_id"], row["symbol"], row["side"], begin, max(1, round((end - begin) / BAR)))
        for row, (begin, end) in zip(rows, times, strict=True)
    ]


async def test_a_prompt_of_a_replay_is_the_one_that_a_live_window_gives(home: Path) -> None:
    candles = Path("market/5m")
    archive, at = CandleArchive(candles), START + 555 * BAR
    engine = PaperEngine(archive, archive.instruments, at - 500 * BAR)
    engine.advance(at)
    replayed = PaperMarket(engine, label="past", interval=BAR)
    with running_simulator(candles, start=at) as simulator:
        client = FuturesClient(simulator.url, KEY, SECRET)
        live = BinanceMarket(client, venue="simulator")
        assert await live.time() == at
        sections = []
        for market in (replayed, live):
            instruments = await market.instruments(archive.symbols)
            snapshot = await market.snapshot(archive.symbols, at)
            for name in ("free", "pairs-trading", "statistical-arbitrage"):
                studied = study(snapshot, PLAYBOOKS[name], instruments)
                text = market_section(snapshot, studied, instruments, PLAYBOOKS[name])
                sections.append([line for line in text.splitlines() if not line.startswith(("funding_rate", "next_funding"))])
        await client.close()
    assert sections[:3] == sections[3:] and len(sections[0]) > 150


async def test_a_season_of_the_present_is_not_gone_on_with_in_the_past(home: Path) -> None:
    await play("past", most=1)
    with SqliteRecords(Path("runs/past/arena.sqlite")) as records:
        season = await records.open_season(await season_named(records, "past"))
        with pytest.raises(ConfigurationError, match="one is a replay of the past"):
            await records.open_season(replace(season, market="paper on Binance USD-M futures"))


async def test_the_pause_between_cycles_stays(home: Path) -> None:
    await play("slow", most=1)
    settings = settings_of(load_settings(), "slow", 2 * BAR, RULES)
    window = window_of(CandleArchive(Path("market/5m")), None, None, 2 * BAR)
    with pytest.raises(ConfigurationError, match="a cycle every 300 s"):
        async with open_replay(settings, window, Path("answers.sqlite")):
            pass


async def season_named(records: SqliteRecords, name: str) -> Season:
    return (await records.state(SeasonId(name), datetime.now(UTC))).season


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "2031-01-01"], "is no window to replay: the candles go from 2030-01-01 00:00 to 2030-01-03 03:40 UTC"),
        (["--interval", "420"], "cycles every 420 s"),
        (["--from", "2030-01-02T18:01"], "do not fall on candles of 5 minutes"),
        (["--field", "momentum,hunch"], "there is no rule hunch; there are"),
        ([], "TOTAL_LLMS is 3, but LLM_X_PROVIDER and LLM_X_MODEL are set for 0"),
    ],
)
def test_what_is_wrong_is_one_sentence(home: Path, arguments: list[str], said: str) -> None:
    ended = CliRunner().invoke(app, ["replay", "--data", "market/5m", *arguments])
    assert isinstance(ended.exception, ConfigurationError) and said in str(ended.exception)
    assert not (home / "runs").exists() or not list((home / "runs").glob("*/arena.sqlite"))


def test_a_replay_is_nobodys_money(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "mainnet")
    monkeypatch.setenv("USE_TESTNET", "false")
    assert settings_of(load_settings(), "past", BAR, RULES).environment is Environment.PAPER
