"""One work of the compiled engine, in a process of its own so that its memory is its own; prints one JSON object.

    python -m tests.bench.works WORK FOLDER [--symbols 6] [--competitors 3] [--times 1]

rsi      a relative strength (14 bars) below 30 buys, one above 70 sells, at the next bar's open: 95 % of the cash, 5 bp a side
margin   what dice decide, stop 2 %, target 4 %, 5 bp fee, 2 bp slippage, with funding, maintenance margin and liquidation
matched  so many traders without a plan, matched with one of those, over a year
first    a margin season from the files to its result, once: what a process that has just begun takes

What is timed begins with arrays in memory and ends with the trades and the equity at every bar, indicators included: the best of
three runs or more after a first one. `beyond_mb` is by how much the memory grew at most while it ran, without what came of it.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from arena.replay.contracts import contracts_of
from arena.replay.engine import play
from arena.replay.matched import matching, random_outcomes, trades_of
from arena.replay.rules import buys_weakness
from arena.replay.season import Season
from arena.replay.seat import OPENED, Terms
from arena.replay.tape import Tape
from tests.bench.market import decisions, is_recorded, stretched, tape_of

RUNS = 3  # at least, as of the peers,
LEAST_SECONDS = 0.1  # and so long in all, as three runs of the peers take: a run of two milliseconds depends on chance
YEAR = 105_120  # bars
ROUND_TRIPS = {1: 312, 6: 1875}  # of the recorded year, by symbols; every peer makes them
BYTES = 2**20
# Ten times the peers' 30 USDT, with which no bitcoin could be bought here, and so much capital that no fewer trades are made than
# theirs, who go on with debts.
MARGIN = Terms(capital=2_500.0, leverage=5, value=300.0, share=0.0, stop=200, target=400, slippage=200)


def rsi(tape: Tape) -> tuple[Callable[[], list[Season]], int]:
    """Return the work, and how many round trips it makes."""
    terms = Terms(capital=100_000.0, leverage=1, value=0.0, share=0.95 / len(tape.symbols), stop=0, target=0, slippage=0)

    def run() -> list[Season]:
        return play(tape, [terms], [buys_weakness(tape.close)])

    trips = _openings(run())
    known = ROUND_TRIPS.get(len(tape.symbols))
    if is_recorded(tape) and trips != known:
        raise SystemExit(f"{trips} round trips, and not {known}: this is not the rule that the peers play")
    return run, trips


def margin(tape: Tape, competitors: int) -> tuple[Callable[[], list[Season]], int]:
    """Return the work, and how many trades it makes."""
    wants = list(decisions(tape, competitors))

    def run() -> list[Season]:
        return play(tape, [MARGIN] * competitors, wants)

    return run, sum(len(each.fills) for each in run())


def matched(tape: Tape, traders: int) -> tuple[Callable[[], Any], int]:
    """Return the work, and how many trades one of them makes."""
    (model,) = play(tape, [MARGIN], list(decisions(tape, 1)))
    terms = matching(MARGIN, model.fills, contracts_of(tape.symbols, tape.instruments))
    made = trades_of(model.fills, len(tape))
    random_outcomes(tape, terms, made, traders=2, seed=7)
    return (lambda: random_outcomes(tape, terms, made, traders=traders, seed=7)), len(made.bars)


def measured(run: Callable[[], Any], runs: int) -> dict[str, Any]:
    """Return seconds and the memory that came and went."""
    before = _forget_peak()
    kept = run()
    grown = _memory("VmHWM") - before - _size(kept)
    del kept
    took: list[float] = []
    while len(took) < runs or sum(took) < LEAST_SECONDS:
        began = time.perf_counter()
        run()
        took.append(time.perf_counter() - began)
    return {"seconds": min(took), "beyond_mb": round(grown / BYTES, 1)}


def _openings(seasons: Sequence[Season]) -> int:
    return sum(int((season.fills[:, 2] == OPENED).sum()) for season in seasons)


def _size(kept: Any) -> int:
    seasons = kept if isinstance(kept, list) else []
    return sum(season.fills.nbytes + season.equity.nbytes for season in seasons)


def _forget_peak() -> int:
    """Let the kernel measure this process's highest memory anew; return what it has now, bytes."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> int:
    """Do the work that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.works")
    parser.add_argument("work", choices=("rsi", "margin", "matched", "first"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--symbols", type=int, default=6)
    parser.add_argument("--competitors", type=int, default=1)
    parser.add_argument("--times", type=int, default=1)
    asked = parser.parse_args()
    tape = tape_of(asked.folder, asked.symbols, asked.times)
    said: dict[str, Any] = {"candles": len(tape) * asked.symbols}
    if asked.work == "first":
        said["count"] = sum(len(each.fills) for each in play(tape, [MARGIN], list(decisions(tape, 1))))
    elif asked.work == "matched":
        tape = stretched(tape, min(YEAR, 2 * len(tape)))
        said["candles"] = len(tape) * asked.symbols
        run, said["count"] = matched(tape, asked.competitors)
        said |= measured(run, 1)
    else:
        run, said["count"] = rsi(tape) if asked.work == "rsi" else margin(tape, asked.competitors)
        said |= measured(run, RUNS)
    said["rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
