"""What every demo does: a season against the simulator, through the production path, in accelerated time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from arena.errors import ArenaError
from scripts import prefect_database
from scripts.demo_request import INTERVAL_SECONDS, Cast, Demo, configure, prepare, read_request
from scripts.processes import NotReady, default_signals, python, running

if TYPE_CHECKING:
    from arena.application.record import CycleRecord

CAPITAL = 200  # USDT of each, INITIAL_BALANCE_PER_LLM
WARM_UP = 500  # candles before the first decision: what indicators and prompts look back on
GENERATED_FROM = datetime(2030, 1, 1, tzinfo=UTC)  # a time that cannot be mistaken for a real one
SECONDS_PER_CYCLE = 0.9  # Prefect's server on SQLite takes in about one cycle a second; faster, and its queue grows
TASKS = ("protect", "open", "snapshot", "indicators", "settle", "risk", "intents", "execute", "book", "append", "notify", "show")


def play(cast: Cast) -> int:
    """Run a demo; return 0 when every cycle was booked and recorded."""
    default_signals()
    started = time.monotonic()
    try:
        demo = read_request(cast)
        prepare(demo)
        with contextlib.ExitStack() as processes:
            configure(demo, processes.enter_context(cast.answering(demo)))
            processes.enter_context(simulator(demo))
            processes.enter_context(prefect_server(demo))
            say(f"simulator and Prefect server are up after {time.monotonic() - started:.0f} s")
            say(f"the Prefect UI shows every task while this runs: {demo.prefect_url}")
            said = asyncio.run(season(demo))
        say(f"done in {time.monotonic() - started:.0f} s. Open {demo.directory / 'report.html'}")
        say(*said)
    except (NotReady, ValueError, ArenaError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; every process it started has ended", file=sys.stderr)
        return 130
    return 0


def simulator(demo: Demo) -> contextlib.AbstractContextManager[None]:
    """Start the simulator over the asked-for candles, or over a market generated now."""
    data = demo.data
    if data is None:
        from arena.adapters.recorded import generate_market

        bars = WARM_UP + demo.cycles + 12
        data = generate_market(demo.directory / "market", demo.seed, start=GENERATED_FROM, bars=bars)
    port = demo.simulator_url.rpartition(":")[2]
    command = python(
        "-m", "arena.cli", "simulator", "--data", str(data), "--port", port, "--balance", str(CAPITAL * demo.cast.competitors)
    )
    if demo.start:
        command += ["--start", demo.start]
    ready = f"{demo.simulator_url}/fapi/v1/ping"
    return running("the simulator", command, demo.directory / "logs" / "simulator.log", os.environ, ready, 60)


def prefect_server(demo: Demo) -> contextlib.AbstractContextManager[None]:
    """Start a private Prefect server."""
    prefect_database.begin(demo.directory / "prefect")
    port = demo.prefect_url.rpartition(":")[2]
    command = python("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port)
    log = demo.directory / "logs" / "prefect.log"
    return running("the Prefect server", command, log, os.environ, f"{demo.prefect_url}/api/health", 120)


async def season(demo: Demo) -> Sequence[str]:
    """Run the flow cycle by cycle, moving the simulator's clock on in between; write what came of it, and return what to say."""
    from arena.application.record import CycleRecord
    from arena.configuration import load_settings
    from arena.market import read_contracts
    from flows.trading_cycle import trading_cycle  # Prefect reads its settings when it is imported

    await read_contracts(load_settings())
    async with httpx.AsyncClient(timeout=30) as http:
        first = await first_instant(http, demo)
        for number in range(1, demo.cycles + 1):
            begun = time.monotonic()
            at = first + timedelta(seconds=number * INTERVAL_SECONDS)
            (await http.post(f"{demo.simulator_url}/simulator/clock", json={"to": at.isoformat()})).raise_for_status()
            record = await trading_cycle()
            if not isinstance(record, CycleRecord):
                raise ValueError("the season was halted; `arena resume` lets it go on")  # noqa: TRY004  no type is wrong
            say(progress(demo, number, record, time.monotonic() - begun))
            await asyncio.sleep(max(0.0, SECONDS_PER_CYCLE - (time.monotonic() - begun)))
        tasks = await recorded(http, demo)
        say(f"the Prefect server has recorded {demo.cycles} flow runs and {tasks} task runs")
        return await write_results(demo, (await http.get(f"{demo.simulator_url}/simulator/state")).json())


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
    tasks = len(TASKS) + demo.cast.competitors  # one decides for each
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        flows = (await http.post(f"{api}/flow_runs/count", json={"flow_runs": final})).json()
        every = (await http.post(f"{api}/task_runs/count", json={})).json()
        ended = (await http.post(f"{api}/task_runs/count", json={"task_runs": final})).json()
        if flows == demo.cycles and every == ended and every >= demo.cycles * tasks:
            return int(every)
        await asyncio.sleep(0.5)
    raise ValueError(
        f"the Prefect server has only {flows} of {demo.cycles} flow runs and {ended} of {every} task runs in a final state"
    )


async def write_results(demo: Demo, venue: dict[str, Any]) -> Sequence[str]:
    """Write leaderboard, report, export and the simulator's own books; return what else there is to say."""
    from arena.adapters.storage.csv_files import write_export
    from arena.application.leaderboard import read_leaderboard
    from arena.configuration import load_settings
    from arena.connections import open_records
    from arena.domain.competitor import SeasonId
    from arena.judging import judge_season
    from arena.report.html import to_html
    from arena.terminal import print_leaderboard

    (demo.directory / "venue.json").write_text(json.dumps(venue, indent=2) + "\n")
    async with contextlib.AsyncExitStack() as closing:
        settings = load_settings()
        records = open_records(settings, closing)
        board = await read_leaderboard(records, SeasonId(demo.season))
        (demo.directory / "leaderboard.json").write_text(json.dumps(board.to_json(), indent=2) + "\n")
        judged = await judge_season(settings, records, SeasonId(demo.season))
        (demo.directory / "report.html").write_text(to_html(judged.report))
        await write_export(records, SeasonId(demo.season), demo.directory / "export")
        print_leaderboard(board)
        return await demo.cast.afterwards(records, SeasonId(demo.season)) if demo.cast.afterwards else ()


def say(*lines: str) -> None:
    """Print lines at once."""
    for line in lines:
        print(line, flush=True)
