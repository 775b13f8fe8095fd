"""`make null-test SEASONS=200 SEED=1`: does the verdict invent winners, and does it find one that is there?

    python -m tests.null [--seasons 200] [--seed 1] [--alike 0.75]

So many seasons of 30 days in which three traders throw dice alike, and as many of 90 days in which one of three is right in 55 %
of its decisions, all made at the same instants. In these a share ALIKE of the dice is common to all three, as models that read
the same prompt mostly agree; with 0, every die is a trader's own.

The table says whom the arena's judge and each part of it alone declare the winner. The last line is one JSON object: seasons,
false_winners, planted_seasons, planted_found, and planted_wrong (another one was declared), alike, seconds. Ends with 1 where
false winners are more than 5 % or the planted trader is found in less than 65 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping

from tests.null.bounds import EQUALS, PLANTED, missed, planted
from tests.null.judges import JUDGES, counted


def main() -> int:
    """Play and judge; return 0 where both bounds are kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.null")
    parser.add_argument("--seasons", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alike", type=float, default=PLANTED.alike)
    wanted = parser.parse_args()
    began, cores = time.perf_counter(), os.cpu_count() or 1
    print(f"{wanted.seasons} seasons of {EQUALS.days} days, three equals ...", flush=True)
    equals = counted(EQUALS, wanted.seasons, wanted.seed, processes=cores)
    print(f"{wanted.seasons} seasons of {PLANTED.days} days, one of three better ...", flush=True)
    better = counted(planted(wanted.alike), wanted.seasons, wanted.seed, processes=cores)
    show(equals, better)
    found = missed(equals["the arena's verdict"], better["the arena's verdict"])
    print(json.dumps({**found.counts, "alike": wanted.alike, "seconds": round(time.perf_counter() - began, 1)}))
    return 1 if found.bounds else 0


def show(equals: Mapping[str, Counter[int | None]], better: Mapping[str, Counter[int | None]]) -> None:
    """Print what each judge declares."""
    print(f"{'':<32}{'false winners':>16}{'planted found':>16}{'another one':>16}")
    for name in JUDGES:
        false = equals[name].total() - equals[name][None]
        wrong = better[name].total() - better[name][None] - better[name][0]
        print(f"{name:<32}{false:>16}{better[name][0]:>16}{wrong:>16}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
