"""The compiled engine held against the paper engine, season by season.

    python -m tests.replay [--seasons 300] [--seed 1]

The last line is one JSON object: seasons, trades, how many were liquidations, refused openings, and the seeds that differ.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

from tests.replay.seasons import Compared, compare


def main() -> int:
    """Compare; return 0 where every season is the same in both."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay")
    parser.add_argument("--seasons", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)  # of contracts that no table knows
    total, differing = Compared(), []
    for seed in range(wanted.seed, wanted.seed + wanted.seasons):
        with tempfile.TemporaryDirectory(prefix="arena-replay-") as folder:
            found = compare(Path(folder), seed)
        total += found
        if found.differences:
            print(f"seed {seed}: {'; '.join(found.differences)}", flush=True)
            differing.append(seed)
    said = {"seasons": wanted.seasons, "trades": total.trades, "liquidations": total.liquidations, "refused": total.refused}
    print(json.dumps({**said, "differing": differing}))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
