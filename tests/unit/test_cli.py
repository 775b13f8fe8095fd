"""The command as a user types it: in a process of its own, with one sentence where something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from arena.adapters.storage.sqlite import SqliteRecords
from tests.fakes.season import Story
from tests.fakes.tampering import tamper


def arena(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("LLM_", "BINANCE_"))}
    return subprocess.run(
        [sys.executable, "-m", "arena.cli", *arguments],
        cwd=home,
        env={**environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """A directory with a season of three cycles and no `.env`."""
    story = Story()
    path = tmp_path / "runs" / story.season.season_id / "arena.sqlite"
    with SqliteRecords(path) as records:
        await records.open_season(story.season)
        for number, record in enumerate(story.play(3), 1):
            await records.begin_cycle(record.season_id, record.number, record.scheduled_at)
            await records.append_intents(record.season_id, story.intents[number])
            await records.book(record)
    return tmp_path


def season_of(home: Path) -> str:
    return next((home / "runs").iterdir()).name


@pytest.mark.slow
def test_a_season_is_found_by_its_name_alone(home: Path) -> None:
    board = arena(home, "leaderboard", "--season", season_of(home), "--json")
    assert board.returncode == 0, board.stderr
    shown = json.loads(board.stdout)
    assert shown["season"] == season_of(home) and shown["cycles"] == 3
    status = arena(home, "status", "--season", season_of(home), "--json")
    assert status.returncode == 0, status.stderr
    now = json.loads(status.stdout)
    assert set(now) == {"status", "step", "leaderboard", "positions", "decisions", "alerts"}
    assert (now["status"]["state"], now["status"]["cycles"], now["status"]["store_away"]) == ("running", 3, False)
    ranking = [(each["llm_id"], each["equity"], each["roi"]) for each in now["leaderboard"]["competitors"]]
    assert ranking == [(each["llm_id"], each["equity"], each["roi"]) for each in shown["competitors"]]
    assert all(isinstance(figure, str) for _, *figures in ranking for figure in figures)
    written = arena(home, "export", "--season", season_of(home), "--out", "out")
    assert written.returncode == 0 and {path.name for path in (home / "out").iterdir()} >= {
        "fills.csv",
        "equity.csv",
        "funding.csv",
    }
    checked = arena(home, "verify", "--season", season_of(home))
    assert checked.returncode == 0 and checked.stdout.startswith("3 bookings with 3 cycles, ") and "\nClean: " in checked.stdout
    assert arena(home, "report", "--season", season_of(home), "--out", "r.html").returncode == 0
    assert "<svg" in (home / "r.html").read_text()


@pytest.mark.slow
def test_a_changed_digit_ends_verify_with_1_and_its_name(home: Path) -> None:
    path = home / "runs" / season_of(home) / "arena.sqlite"
    tamper(path, "UPDATE equity_points SET wallet_balance = '7' WHERE cycle = 2 AND llm_id = 'LLM-A'")
    told = arena(home, "verify", "--season", season_of(home))
    assert told.returncode == 1 and "NOT CLEAN: 1 finding." in told.stdout, told.stdout
    assert told.stdout.splitlines()[-1].startswith("equity_points 2 LLM-A (booking 2): wallet_balance is 7, the journal gives ")
    found = json.loads(arena(home, "verify", "--season", season_of(home), "--json").stdout)
    (only,) = found["findings"]
    assert not found["verified"] and (only["table"], only["column"], only["booking"]) == ("equity_points", "wallet_balance", 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("leaderboard", "--season", "nowhere"), {}, "there is no book at runs/nowhere/arena.sqlite"),
        (("leaderboard",), {"MAX_LEVERAGE": "many"}, "MAX_LEVERAGE"),
        (("leaderboard",), {"SUPABASE_URL": "https://example.supabase.co"}, "SUPABASE_KEY is empty"),
        (("shutdown",), {"ENVIRONMENT": "testnet"}, "BINANCE_TESTNET_API_KEY is empty"),
        (("simulator", "--data", "nowhere"), {}, "nowhere"),
        (("simulator", "--faults", "nowhere.json"), {}, "the fault rules nowhere.json cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_creates_nothing(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    ended = arena(tmp_path, *arguments, **variables)
    assert ended.returncode == 2
    assert said in ended.stderr and "Traceback" not in ended.stderr
    assert not list(tmp_path.glob("runs/*/arena.sqlite"))


def test_the_command_starts_without_what_only_some_commands_need(tmp_path: Path) -> None:
    slow = {
        "pandas",
        "scipy",
        "arch",
        "matplotlib",
        "prefect",
        "fastapi",
        "uvicorn",
        "apprise",
        "anthropic",
        "openai",
        "binance",
        "pydantic",
        "httpx",
    }
    code = f"import sys, arena.cli; print(*(set(sys.modules) & {slow!r}))"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
