"""`make baselines`: a month of real candles for every playbook's baseline, and a line for each.

DATA=path/to/5m  MONTH=2025-10  EVERY=12 (candles between two decisions)  PLAYBOOKS=momentum,pairs-trading
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from arena.adapters.recorded import CandleArchive
from arena.strategies.registry import PLAYBOOKS
from tests.baselines.play import Played, play
from tests.conftest import SHARED


def main() -> int:
    """Play, print, and return 0 where nothing was rejected."""
    data = Path(os.environ.get("DATA") or SHARED / "marketdata" / "5m")
    begin = datetime.strptime(os.environ.get("MONTH") or "2025-10", "%Y-%m").replace(tzinfo=UTC)
    end = (begin + timedelta(days=32)).replace(day=1)
    every = int(os.environ.get("EVERY") or 12)
    wanted = [name for name in (os.environ.get("PLAYBOOKS") or ",".join(PLAYBOOKS)).split(",") if name]
    archive = CandleArchive(data)
    wrong = 0
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "arena.sqlite"
            played = asyncio.run(play(PLAYBOOKS[name], archive, begin, end, every * archive.interval, path))
        print(told(played), flush=True)
        for sentence in played.wrong[:5]:
            print(f"  {sentence}")
        wrong += len(played.wrong)
    return 1 if wrong else 0


def told(played: Played) -> str:
    """Return a playbook's line."""
    return (
        f"{played.playbook:<22} {played.cycles:>5} cycles  {played.openings:>4} openings  {played.orders:>5} orders  "
        f"{played.fills:>5} fills  {len(played.wrong)} rejected  {played.equity:8.2f} USDT  {played.seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
