"""A tournament: every playbook, window and seed once, on processes and on a Dask cluster that loses a worker."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arena.adapters.recorded import generate_market
from arena.errors import ConfigurationError
from arena.tournament import Tournament, returns_of, table_of
from flows.replay_tournament import replay_tournament

pytestmark = pytest.mark.usefixtures("prefect_server")
START = datetime(2030, 1, 1, tzinfo=UTC)
FIELD = ("random", "buy-and-hold")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVAILABLE_PAIRS", "BTCUSDT,ETHUSDT")
    generate_market(tmp_path / "market", 5, ("BTCUSDT", "ETHUSDT"), start=START, bars=900)
    return tmp_path


def results(name: str) -> Mapping[str, float]:
    """Return when each result of a tournament was written."""
    return {path.name: path.stat().st_mtime for path in Path("runs", name).glob("*.json")}


def test_what_is_played_is_not_played_again(home: Path) -> None:
    wanted = Tournament(data=Path("market/5m"), name="small", rules=FIELD, seeds=(1, 2), windows=2, hours=0.5)
    first = replay_tournament(wanted, workers=2, return_state=True)
    assert first.message == "4 of 4 seasons played", first.message
    assert sorted(results("small")) == [
        f"small-free-{day}-{seed}.json" for day in ("3001021740", "3001021810") for seed in (1, 2)
    ]
    written, gone = results("small"), Path("runs/small/small-free-3001021740-2.json")
    gone.unlink()
    again = replay_tournament(wanted, workers=1, return_state=True)
    assert again.message == first.message
    assert {name: at for name, at in results("small").items() if name != gone.name} == {
        name: at for name, at in written.items() if name != gone.name
    }
    boards = [json.loads(path.read_text()) for path in sorted(Path("runs/small").glob("*.json"))]
    assert {board["cycles"] for board in boards} == {6}
    assert [row["seasons"] for row in table_of(boards)] == ["4", "4"]
    assert {name: len(values) for name, values in returns_of(boards).items()} == {"LLM-A random": 4, "LLM-B buy-and-hold": 4}


def test_a_worker_that_is_killed_costs_nothing(home: Path) -> None:
    wanted = Tournament(data=Path("market/5m"), name="killed", rules=FIELD, seeds=tuple(range(6)), windows=10, hours=0.25)
    with cluster() as (address, workers):
        killer = threading.Thread(target=kill_when, args=(10, workers[0]))
        killer.start()
        ended = replay_tournament(wanted, dask_address=address, return_state=True)
        killer.join(60)
    assert ended.message == "60 of 60 seasons played", ended.message
    assert len(results("killed")) == 60


@contextmanager
def cluster() -> Iterator[tuple[str, list[int]]]:
    """Start a Dask scheduler with two workers; yield its address, and the workers' process ids."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as found:
        yield found.scheduler_address, [worker.pid for worker in found.workers.values()]


def kill_when(played: int, worker: int) -> None:
    """Kill a worker once so many seasons have been played."""
    deadline = time.monotonic() + 300
    while len(results("killed")) < played and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)


def test_a_season_that_fails_is_named_and_the_others_are_played(home: Path) -> None:
    wanted = Tournament(data=Path("market/5m"), name="halted", rules=FIELD, seeds=(1, 2), windows=1, hours=0.5)
    halt = Path("runs/halted-free-3001021740-2/HALT")
    halt.parent.mkdir(parents=True)
    halt.write_text("by a test")
    ended = replay_tournament(wanted, workers=1, return_state=True)
    assert ended.is_failed() and "1 of 2 seasons played; the first that was not: halted-free-3001021740-2" in ended.message


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"hours": 100.0},
            "no window of 100 hours from 2030-01-02 17:40 on lies within the candles",
        ),
        ({"playbooks": ("hunch",)}, "there is no playbook hunch; there are free"),
        ({"rules": ("hunch",)}, "there is no rule hunch; there are"),
        ({"interval_seconds": 420}, "cycles every 420 s"),
    ],
)
def test_what_cannot_be_played_is_one_sentence(home: Path, changed: dict[str, object], said: str) -> None:
    wanted = Tournament(data=Path("market/5m")).model_copy(update=changed)
    with pytest.raises(ConfigurationError, match=said):
        wanted.shards()


def test_windows_follow_each_other_and_names_fit(home: Path) -> None:
    shards = Tournament(
        data=Path("market/5m"), name="abcdefghijkl", playbooks=("statistical-arbitrage",), seeds=(9999,), windows=3, hours=1
    ).shards()
    assert [shard.start for shard in shards] == [START + timedelta(minutes=2500 + 60 * number) for number in range(3)]
    assert all(shard.end - shard.start == timedelta(hours=1) and len(shard.season) <= 40 for shard in shards)
