"""The compiled engine's works, each in a process of its own, and the peers' same works after each of them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scripts.processes import python
from tests.bench.peers import Peers

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is measured.

    Attributes:
        name: In the table.
        kind: Of `tests.bench.works`.
        times: The market over and over again, so many times.
        peer: What the peers' script is asked for, and how large.
    """

    name: str
    kind: str
    symbols: int = 6
    competitors: int = 1
    times: int = 1
    peer: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table; `None` where nothing was measured.

    Attributes:
        work, symbols, competitors, candles: What was done; candles are those of all symbols together.
        ours_s, peer_s: Seconds.
        ratio: How many times as long the peer takes.
        ours_rss_mb, peer_rss_mb: Highest memory of the process, MiB.
        trades, beyond_mb, why: Of the table alone: ours and the peer's trades; memory that came and went; why there is no peer.
    """

    work: str
    symbols: int
    competitors: int
    candles: int | None
    ours_s: float
    peer: str | None = None
    peer_s: float | None = None
    ratio: float | None = None
    ours_rss_mb: int | None = None
    peer_rss_mb: int | None = None
    trades: tuple[int | None, int | None] = field(default=(None, None))
    beyond_mb: float | None = None
    why: str | None = None

    def written(self) -> dict[str, Any]:
        """Return what `bench.json` has of it."""
        return {name: value for name, value in asdict(self).items() if name not in {"trades", "beyond_mb", "why"}}


RSI_ONE = Work(name="RSI, one symbol", kind="rsi", symbols=1, peer=("rsi", 1))
RSI_SIX = Work(name="RSI, six symbols", kind="rsi", peer=("rsi", 6))
RSI_LONG = Work(name="RSI, twice the candles", kind="rsi", times=2)
MARGIN_FEW = Work(name="margin, 3 competitors", kind="margin", competitors=3, peer=("margin", 3))
MARGIN_LONG = Work(name="margin, twice the candles", kind="margin", competitors=3, times=2)
MARGIN_HALF = Work(name="margin, 50 competitors", kind="margin", competitors=50)
MARGIN_MANY = Work(name="margin, 100 competitors", kind="margin", competitors=100, peer=("margin", 100))
MATCHED = Work(name="matched random, a year", kind="matched", competitors=1000)
FIRST = Work(name="cold process, first result", kind="first")
# The cold process comes before the peer that takes so much memory that the system lets go of the files it has read.
WORKS = (RSI_ONE, RSI_SIX, RSI_LONG, MARGIN_FEW, MARGIN_LONG, FIRST, MARGIN_HALF, MARGIN_MANY, MATCHED)


def engine_rows(folder: Path, peers: Peers | None) -> Iterator[Row]:
    """Measure everything, one after the other."""
    for work in WORKS:
        yield row_of(work, ours(work, folder), peers.measured(*work.peer) if peers and work.peer else None)


def row_of(work: Work, mine: dict[str, Any], theirs: dict[str, Any] | str | None) -> Row:
    """Put what was measured side by side; a peer that has played another market is not compared."""
    if isinstance(theirs, dict) and theirs.get("candles") != mine["candles"] * work.competitors:
        theirs = f"the peer has played {theirs.get('candles')} candles, and not those that were played here"
    peer = theirs if isinstance(theirs, dict) else {}
    return Row(
        work=work.name,
        symbols=work.symbols,
        competitors=work.competitors,
        candles=mine["candles"],
        ours_s=mine["seconds"],
        peer=peer.get("peer"),
        peer_s=peer.get("seconds"),
        ratio=round(peer["seconds"] / mine["seconds"], 1) if peer else None,
        ours_rss_mb=mine["rss_mb"],
        peer_rss_mb=peer.get("peak_rss_mb"),
        trades=(mine["count"], peer.get("count")),
        beyond_mb=mine.get("beyond_mb"),
        why=theirs if isinstance(theirs, str) else None,
    )


def ours(work: Work, folder: Path) -> dict[str, Any]:
    """Do a work; a cold one takes what its process takes from start to end.

    Raises:
        SystemExit: It failed.
    """
    sizes = ("--symbols", work.symbols, "--competitors", work.competitors, "--times", work.times)
    began = time.perf_counter()
    command = python("-m", "tests.bench.works", work.kind, str(folder), *map(str, sizes))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{work.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": took, **found}
