"""What is asked of a demo, and the configuration that it runs on.

DEMO_CYCLES=          how many cycles
DEMO_DATA=            directory of candle files; a generated market where left out
DEMO_SEED=7           of the generated market
DEMO_START=           first instant, such as 2025-10-10T12:00; 500 candles into the data where left out
DEMO_DIR=             what it leaves: leaderboard.json, report.html, export/, arena.sqlite, logs/
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arena.settings import Settings
from scripts.environment import SERVER, without_settings
from scripts.processes import free_port

if TYPE_CHECKING:
    from arena.application.store import Records
    from arena.domain.competitor import SeasonId

INTERVAL_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What was asked for."""

    cast: Cast
    cycles: int
    data: Path | None
    seed: int
    start: str
    directory: Path
    simulator_url: str
    prefect_url: str

    @property
    def season(self) -> str:
        """The season is named after its directory, where `arena export --season` looks for it."""
        return self.directory.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who competes in a demo.

    Attributes:
        command: What started it.
        cycles, directory: Where DEMO_CYCLES and DEMO_DIR say nothing.
        most_pairs: So many pairs are traded at most.
        answering: Starts what answers, for as long as its block lasts; yields the lines of `.env` that say who is asked.
        afterwards: Returns what is said about the season at the end, from its records.
    """

    command: str
    competitors: int
    cycles: int
    directory: str
    answering: Callable[[Demo], contextlib.AbstractContextManager[Sequence[str]]]
    most_pairs: int | None = None
    afterwards: Callable[[Records, SeasonId], Awaitable[Sequence[str]]] | None = None


def read_request(cast: Cast) -> Demo:
    """Read the DEMO_ variables."""
    data = os.environ.get("DEMO_DATA", "")
    cycles = os.environ.get("DEMO_CYCLES", str(cast.cycles))
    if not cycles.isdigit() or int(cycles) < 1:
        raise ValueError(f"DEMO_CYCLES must be a whole number from 1, not {cycles!r}")
    if data and not Path(data).is_dir():
        raise ValueError(f"DEMO_DATA names {data}, which is not a directory of candle files")
    return Demo(
        cast=cast,
        cycles=int(cycles),
        data=Path(data).resolve() if data else None,
        seed=int(os.environ.get("DEMO_SEED", "7")),
        start=os.environ.get("DEMO_START", ""),
        directory=Path(os.environ.get("DEMO_DIR", cast.directory)).resolve(),
        simulator_url=f"http://127.0.0.1:{free_port()}",
        prefect_url=f"http://127.0.0.1:{free_port()}",
    )


def prepare(demo: Demo) -> None:
    """Clear what an earlier demo left, and work in this one's directory alone."""
    if demo.directory.exists() and not (demo.directory / "demo.env").exists() and any(demo.directory.iterdir()):
        raise ValueError(f"{demo.directory} holds something that no demo has made: choose another DEMO_DIR")
    shutil.rmtree(demo.directory, ignore_errors=True)
    demo.directory.mkdir(parents=True)
    root = str(Path.cwd())
    os.chdir(demo.directory)  # `runs/` of where it is started belongs to real seasons
    (demo.directory / "demo.env").touch()
    ours_alone = without_settings(os.environ)
    for name in set(os.environ) - set(ours_alone):
        del os.environ[name]
    os.environ |= {
        **SERVER,
        "PYTHONPATH": os.pathsep.join((root, os.environ.get("PYTHONPATH", ""))).rstrip(os.pathsep),
        "NO_PROXY": "127.0.0.1,localhost",
        "ARENA_ENV_FILE": str(demo.directory / "demo.env"),
        "PREFECT_HOME": str(demo.directory / "prefect"),
        "PREFECT_API_URL": f"{demo.prefect_url}/api",
    }


def configure(demo: Demo, asked: Sequence[str]) -> None:
    """Write the demo's `.env`: the simulator in the place of Binance, and who is asked."""
    lines = [
        f"# Written by `{demo.cast.command}`; the keys open nothing but what it started itself.",
        "ENVIRONMENT=demo",
        f"SEASON={demo.season}",
        f"DATABASE_PATH={demo.directory / 'arena.sqlite'}",
        f"BINANCE_TESTNET_BASE_URL={demo.simulator_url}",
        "BINANCE_TESTNET_API_KEY=simulator",
        "BINANCE_TESTNET_SECRET_KEY=simulator",
        "LOG_LEVEL=ERROR",  # the lines of the demo itself tell what happens
        f"AVAILABLE_PAIRS={','.join(pairs(demo.data)[: demo.cast.most_pairs])}",
        f"LLM_DECISION_INTERVAL_SECONDS={INTERVAL_SECONDS}",
        f"TOTAL_LLMS={demo.cast.competitors}",
        *asked,
    ]
    (demo.directory / "demo.env").write_text("\n".join(lines) + "\n")


def pairs(data: Path | None) -> list[str]:
    """Return the symbols there are candles of; those of the settings for a generated market."""
    if data is None:
        return list(Settings.model_fields["available_pairs"].default)
    from arena.adapters.recorded.layout import market_files

    return sorted(market_files(data).symbols)
