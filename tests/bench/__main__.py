"""`make bench`: the compiled engine beside its peers, and what a live cycle costs beside its models.

    python -m tests.bench [--only engine|replay|steps|live ...] [--cycles 20] [--out runs/bench.json]

DATA=          a folder of five-minute candles; generated ones where left out and none are recorded here
PEERS_SCRIPT=  PEERS_PYTHON=  PEERS_HOME=   the peers, see tests/bench/peers.py

engine  its works and the peers' same works, one after the other in processes of their own
replay  cycles a second of a replay through the full cycle
steps   the steps of a live cycle for 3 to 100 competitors and 3 to 12 pairs, without a Prefect server
live    the same for 3 and 30 competitors on a Prefect server

Writes a list of objects (work, symbols, competitors, candles, ours_s, peer, peer_s, ratio, ours_rss_mb, peer_rss_mb), says which
targets are met, and ends with 1 where one is missed. It wants the machine for itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from scripts.processes import default_signals
from tests.bench import live
from tests.bench.engine import Row, engine_rows
from tests.bench.market import candles
from tests.bench.peers import Peers, find_peers
from tests.bench.targets import Verdict, verdicts

PARTS = ("engine", "replay", "steps", "live")
STEP_CYCLES = 5
REPLAY_CYCLES = 300
HEAD = f"{'work':<28}{'candles':>10}{'ours':>11}{'peer':>11}{'ratio':>8}{'ours':>9}{'peer':>9}{'trades':>10}{'peer':>9}"


def main() -> int:
    """Measure; return 0 where no target is missed."""
    default_signals()
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--cycles", type=int, default=20, help="of each season on a Prefect server")
    parser.add_argument("--out", type=Path, default=Path("runs/bench.json"))
    asked = parser.parse_args()
    rows, judged = list[Row](), list[Verdict]()
    for part, measure in (("engine", engine), ("replay", replay), ("steps", steps), ("live", lambda: flows(asked.cycles))):
        if part in asked.only:
            found, verdict = measure()
            rows, judged = [*rows, *found], [*judged, *verdict]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps([row.written() for row in rows], indent=1) + "\n", encoding="utf-8")
    print(f"\n{len(rows)} lines in {asked.out}", *judged, sep="\n")
    return 1 if any(verdict.met is False for verdict in judged) else 0


def engine() -> tuple[list[Row], list[Verdict]]:
    """Play the works, ours and the peers'."""
    peers, rows = find_peers(), list[Row]()
    print(HEAD, f"{'':>38}{'s':>11}{'s':>11}{'':>8}{'MiB':>9}{'MiB':>9}", sep="\n", flush=True)
    with candles() as folder:
        for row in engine_rows(folder, peers if isinstance(peers, Peers) else None):
            print(line(row), flush=True)
            rows.append(row)
    print(*([peers] if isinstance(peers, str) else _unmatched(rows)), sep="\n")
    return rows, verdicts({row.work: row for row in rows})


def replay() -> tuple[list[Row], list[Verdict]]:
    """Replay a season whose models have answered before, through the full cycle."""
    from tests.bench.replays import LEAST_A_SECOND, cycles_a_second

    with candles() as folder:
        rate = asyncio.run(cycles_a_second(folder, REPLAY_CYCLES))
    print(f"\nA replay through the full cycle, answers known: {rate:.1f} cycles a second", flush=True)
    row = Row(work="replay of a cycle", symbols=6, competitors=3, candles=None, ours_s=1 / rate)
    return [row], [Verdict(f"a replay, at least {LEAST_A_SECOND} cycles a second", f"{rate:.1f}", rate >= LEAST_A_SECOND)]


def steps() -> tuple[list[Row], list[Verdict]]:
    """Go through cycles of the grid of competitors and pairs."""
    from tests.bench.steps import COMPETITORS, PAIRS, STEPS, markets, measured  # they import the whole arena

    grid = [(competitors, pairs) for pairs in PAIRS for competitors in COMPETITORS]
    print("\nA cycle's own steps without a Prefect server: ms, median", f"{'competitors x pairs':<19}   cycle", sep="\n", end="")
    shown = (*STEPS, "rest")
    print("".join(f"{name:>{len(name) + 2}}" for name in shown), flush=True)
    rows = []
    with markets(bars=800) as folder:
        for competitors, pairs in grid:
            found = asyncio.run(measured(folder, competitors, pairs, STEP_CYCLES))
            steps_ms = "".join(f"{1000 * found[name]:>{len(name) + 2}.1f}" for name in shown)
            print(f"{competitors:>11} x {pairs:<5}{1000 * found['cycle']:>8.1f}{steps_ms}", flush=True)
            rows.append(Row(work="live cycle", symbols=pairs, competitors=competitors, candles=None, ours_s=found["cycle"]))
    return rows, []


def flows(cycles: int) -> tuple[list[Row], list[Verdict]]:
    """Play seasons on a Prefect server."""
    found = {number: live.measured(number, cycles) for number in live.COMPETITORS}
    print("\nOn a Prefect server, six pairs", *live.table(found), sep="\n", flush=True)
    few, many = (each["flow"] for each in found.values())
    rows = [
        Row(work="live cycle on a Prefect server", symbols=6, competitors=number, candles=None, ours_s=each["flow"])
        for number, each in found.items()
    ]
    fast = Verdict(f"a cycle of 3, at most {live.MOST_SECONDS:g} s beside its models", f"{few:.2f} s", few <= live.MOST_SECONDS)
    times = many / few
    flat = Verdict(f"one of 30, at most {live.MOST_TIMES:g} times that", f"{times:.2f} times", times <= live.MOST_TIMES)
    return rows, [fast, flat]


def line(row: Row) -> str:
    """Return a line of the table."""
    seconds = (f"{each:.4f}" if each is not None else "-" for each in (row.ours_s, row.peer_s))
    others = (row.ratio, row.ours_rss_mb, row.peer_rss_mb, *row.trades)
    ratio, ours_mb, peer_mb, ours, peers = ("-" if each is None else each for each in others)
    ours_s, peer_s = seconds
    return f"{row.work:<28}{row.candles or '':>10}{ours_s:>11}{peer_s:>11}{ratio:>8}{ours_mb:>9}{peer_mb:>9}{ours:>10}{peers:>9}"


def _unmatched(rows: Iterable[Row]) -> list[str]:
    return [f"{row.work}: {row.why}" for row in rows if row.why]


if __name__ == "__main__":
    sys.exit(main())
