"""`make demo`: three competitors trade against the simulator, through the production path, in accelerated time.

DEMO_CYCLES=24        how many cycles
DEMO_DATA=            directory of candle files; a generated market where left out
DEMO_SEED=7           of the generated market
DEMO_START=           first instant, such as 2025-10-10T12:00; 500 candles into the data where left out
DEMO_DIR=runs/demo    what it leaves: leaderboard.json, report.html, export/, arena.sqlite, logs/
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from arena.settings import Settings
from scripts.processes import NotReady, default_signals, free_port, python, running

if TYPE_CHECKING:
    from arena.application.record import CycleRecord

INTERVAL_SECONDS = 300
WARM_UP = 500  # candles before the first decision: what indicators and prompts look back on
GENERATED_FROM = datetime(2030, 1, 1, tzinfo=UTC)  # a time that cannot be mistaken for a real one
SECONDS_PER_CYCLE = 0.9  # Prefect's server on SQLite takes in about one cycle a second; faster, and its queue grows
COMPETITORS = {"A": ("claude", "mean-reversion"), "B": ("deepseek", "trend-following"), "C": ("openai", "random")}
SERVER = {  # Prefect's settings for a private server on SQLite
    "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true",  # it is plain HTTP on loopback; loading certificates costs 40 ms a client
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What was asked for."""

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


def main() -> int:
    """Run the demo; return 0 when every cycle was booked and recorded."""
    default_signals()
    started = time.monotonic()
    try:
        demo = read_request()
        prepare(demo)
        with contextlib.ExitStack() as processes:
            processes.enter_context(simulator(demo))
            processes.enter_context(prefect_server(demo))
            say(f"simulator and Prefect server are up after {time.monotonic() - started:.0f} s")
            say(f"the Prefect UI shows every task while this runs: {demo.prefect_url}")
            asyncio.run(season(demo))
        say(f"done in {time.monotonic() - started:.0f} s. Open {demo.directory / 'report.html'}")
    except (NotReady, ValueError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; every process it started has ended", file=sys.stderr)
        return 130
    return 0


def read_request() -> Demo:
    """Read the DEMO_ variables."""
    data = os.environ.get("DEMO_DATA", "")
    cycles = os.environ.get("DEMO_CYCLES", "24")
    if not cycles.isdigit() or int(cycles) < 1:
        raise ValueError(f"DEMO_CYCLES must be a whole number from 1, not {cycles!r}")
    if data and not Path(data).is_dir():
        raise ValueError(f"DEMO_DATA names {data}, which is not a directory of candle files")
    return Demo(
        cycles=int(cycles),
        data=Path(data).resolve() if data else None,
        seed=int(os.environ.get("DEMO_SEED", "7")),
        start=os.environ.get("DEMO_START", ""),
        directory=Path(os.environ.get("DEMO_DIR", "runs/demo")).resolve(),
        simulator_url=f"http://127.0.0.1:{free_port()}",
        prefect_url=f"http://127.0.0.1:{free_port()}",
    )


def prepare(demo: Demo) -> None:
    """Clear what an earlier demo left, write the configuration that this one runs on, and work in its directory alone."""
    if demo.directory.exists() and not (demo.directory / "demo.env").exists() and any(demo.directory.iterdir()):
        raise ValueError(f"{demo.directory} holds something that no demo has made: choose another DEMO_DIR")
    shutil.rmtree(demo.directory, ignore_errors=True)
    demo.directory.mkdir(parents=True)
    root = str(Path.cwd())
    os.chdir(demo.directory)  # `runs/` of where it is started belongs to real seasons
    (demo.directory / "demo.env").write_text(environment_file(demo))
    ours = {name.upper() for name in Settings.model_fields}
    for name in list(os.environ):  # what is set for real trading has no say here
        if name.upper() in ours or name.startswith(("LLM_", "PREFECT_")):
            del os.environ[name]
    os.environ |= {
        **SERVER,
        "PYTHONPATH": os.pathsep.join((root, os.environ.get("PYTHONPATH", ""))).rstrip(os.pathsep),
        "NO_PROXY": "127.0.0.1,localhost",
        "ARENA_ENV_FILE": str(demo.directory / "demo.env"),
        "PREFECT_HOME": str(demo.directory / "prefect"),
        "PREFECT_API_URL": f"{demo.prefect_url}/api",
    }


def environment_file(demo: Demo) -> str:
    """Return the demo's `.env`: baseline models in the place of LLMs, the simulator in the place of Binance."""
    lines = [
        "# Written by `make demo`. Baseline rules answer in the place of language models; the keys open the simulator only.",
        "ENVIRONMENT=demo",
        f"SEASON={demo.season}",
        f"DATABASE_PATH={demo.directory / 'arena.sqlite'}",
        f"BINANCE_TESTNET_BASE_URL={demo.simulator_url}",
        "BINANCE_TESTNET_API_KEY=simulator",
        "BINANCE_TESTNET_SECRET_KEY=simulator",
        "LOG_LEVEL=ERROR",  # the lines of the demo itself tell what happens
        "CLAUDE_API_KEY=demo",
        "DEEPSEEK_API_KEY=demo",
        "OPENAI_API_KEY=demo",
        f"AVAILABLE_PAIRS={','.join(pairs(demo.data))}",
        f"LLM_DECISION_INTERVAL_SECONDS={INTERVAL_SECONDS}",
        f"TOTAL_LLMS={len(COMPETITORS)}",
    ]
    for letter, (provider, model) in COMPETITORS.items():
        url = demo.simulator_url + ("/v1" if provider != "claude" else "")
        lines += [f"LLM_{letter}_PROVIDER={provider}", f"LLM_{letter}_MODEL={model}", f"LLM_{letter}_BASE_URL={url}"]
    return "\n".join(lines) + "\n"


def pairs(data: Path | None) -> list[str]:
    """Return the symbols there are candles of; those of the settings for a generated market."""
    if data is None:
        return list(Settings.model_fields["available_pairs"].default)
    found = sorted(path.stem for path in data.glob("*.parquet"))
    if not found:
        raise ValueError(f"DEMO_DATA names {data}, which holds no candle files (SYMBOL.parquet)")
    return found


def simulator(demo: Demo) -> contextlib.AbstractContextManager[None]:
    """Start the simulator over the asked-for candles, or over a market generated now."""
    data = demo.data
    if data is None:
        from arena.adapters.recorded import generate_market

        bars = WARM_UP + demo.cycles + 12
        data = generate_market(demo.directory / "market", demo.seed, start=GENERATED_FROM, bars=bars)
    port = demo.simulator_url.rpartition(":")[2]
    command = python("-m", "arena.cli", "simulator", "--data", str(data), "--port", port)
    if demo.start:
        command += ["--start", demo.start]
    ready = f"{demo.simulator_url}/fapi/v1/ping"
    return running("the simulator", command, demo.directory / "logs" / "simulator.log", os.environ, ready, 60)


def prefect_server(demo: Demo) -> contextlib.AbstractContextManager[None]:
    """Start a private Prefect server."""
    port = demo.prefect_url.rpartition(":")[2]
    command = python("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port)
    log = demo.directory / "logs" / "prefect.log"
    return running("the Prefect server", command, log, os.environ, f"{demo.prefect_url}/api/health", 120)


async def season(demo: Demo) -> None:
    """Run the flow cycle by cycle, moving the simulator's clock on in between, and write what came of it."""
    from flows.trading_cycle import trading_cycle  # Prefect reads its settings when it is imported

    async with httpx.AsyncClient(timeout=30) as http:
        first = await first_instant(http, demo)
        for number in range(1, demo.cycles + 1):
            begun = time.monotonic()
            at = first + timedelta(seconds=number * INTERVAL_SECONDS)
            (await http.post(f"{demo.simulator_url}/simulator/clock", json={"to": at.isoformat()})).raise_for_status()
            record = await trading_cycle()
            if record is None:
                raise ValueError("the season was halted; `arena resume` lets it go on")
            say(progress(demo, number, record, time.monotonic() - begun))
            await asyncio.sleep(max(0.0, SECONDS_PER_CYCLE - (time.monotonic() - begun)))
        tasks = await recorded(http, demo)
        say(f"the Prefect server has recorded {demo.cycles} flow runs and {tasks} task runs")
        await write_results(demo, (await http.get(f"{demo.simulator_url}/simulator/state")).json())


async def first_instant(http: httpx.AsyncClient, demo: Demo) -> datetime:
    """Return the interval's boundary before the first cycle, once the candles are known to last until the end."""
    state = (await http.get(f"{demo.simulator_url}/simulator/state")).json()
    now, end = datetime.fromisoformat(state["now"]), datetime.fromisoformat(state["data_end"])
    first = now - timedelta(seconds=now.timestamp() % INTERVAL_SECONDS)
    enough = int((end - first).total_seconds() // INTERVAL_SECONDS) - 1
    if demo.cycles > enough:
        raise ValueError(
            f"the candles end at {end:%Y-%m-%d %H:%M} UTC: from {first:%Y-%m-%d %H:%M} they last for {enough} cycles"
        )
    return first


def progress(demo: Demo, number: int, record: CycleRecord, seconds: float) -> str:
    """Return a cycle's line."""
    worth = "  ".join(f"{point.llm_id} {point.equity:8.2f}" for point in record.equity)
    sent = sum(len(turn.outcomes) for turn in record.turns)
    at = f"{record.scheduled_at:%Y-%m-%d %H:%M} UTC"
    return f"cycle {number:>3}/{demo.cycles}  {at}  {worth} USDT  {sent:>2} orders  {seconds:.1f} s"


async def recorded(http: httpx.AsyncClient, demo: Demo) -> int:
    """Wait until the server has every run in a final state, and return how many task runs it has."""
    api = f"{demo.prefect_url}/api"
    final = {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        flows = (await http.post(f"{api}/flow_runs/count", json={"flow_runs": final})).json()
        every = (await http.post(f"{api}/task_runs/count", json={})).json()
        ended = (await http.post(f"{api}/task_runs/count", json={"task_runs": final})).json()
        if flows == demo.cycles and every == ended and every >= demo.cycles * len(TASKS):
            return int(every)
        await asyncio.sleep(0.5)
    raise ValueError(
        f"the Prefect server has only {flows} of {demo.cycles} flow runs and {ended} of {every} task runs in a final state"
    )


TASKS = (
    "protect",
    "open",
    "snapshot",
    "indicators",
    *("decide" for _ in COMPETITORS),
    "settle",
    "risk",
    "intents",
    "execute",
    "book",
    "append",
    "notify",
)


async def write_results(demo: Demo, venue: dict[str, Any]) -> None:
    """Write leaderboard, report and export, and check the books against the simulator's."""
    from arena.adapters.storage.csv_files import write_export
    from arena.application.leaderboard import read_leaderboard
    from arena.application.season_report import season_report
    from arena.configuration import load_settings
    from arena.connections import open_records
    from arena.domain.competitor import SeasonId
    from arena.terminal import print_leaderboard

    async with contextlib.AsyncExitStack() as closing:
        records = open_records(load_settings(), closing)
        board = await read_leaderboard(records, SeasonId(demo.season))
        (demo.directory / "leaderboard.json").write_text(json.dumps(board.to_json(), indent=2) + "\n")
        (demo.directory / "report.html").write_text(await season_report(records, SeasonId(demo.season)))
        await write_export(records, SeasonId(demo.season), demo.directory / "export")
    (demo.directory / "venue.json").write_text(json.dumps(venue, indent=2) + "\n")
    print_leaderboard(board)


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
