"""Many visitors at once, in a process of their own: what the client takes is not counted as the dashboard's.

    python -m tests.dashboard_speed.load http://127.0.0.1:8000 --requests 5000 --at-once 50 --seed 1 --pid 4711 < addresses.json

Reads a JSON object, by endpoint the addresses that are asked in turn; prints one, by endpoint the milliseconds of each answer: as
a clock tells them, and those of processor that the process `pid` worked meanwhile. These are what an answer takes where the asked
process is never kept waiting: they hardly depend on what else the machine does. Every endpoint is asked equally often, in an
order that chance mixes. An answer other than 200 ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import aiohttp

PATIENCE = aiohttp.ClientTimeout(total=60)


def worked_ms(pid: int) -> float:
    """Return how much processor a process has used so far; 0 for pid 0, or where the system does not tell (it is not Linux)."""
    if pid == 0 or sys.platform != "linux":
        return 0.0
    return 1000 * time.clock_gettime((~pid << 3) | 2)  # the clock of another process, as clock_getcpuclockid(3) names it


async def asked_at_once(
    base: str, asked: Sequence[tuple[str, str]], at_once: int, pid: int
) -> Mapping[str, list[tuple[float, float]]]:
    """Ask in order, as many at once as given; return milliseconds by endpoint, of the clock and of the asked one's processor."""
    took: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    waiting = iter(asked)
    async with aiohttp.ClientSession(
        base_url=base,
        connector=aiohttp.TCPConnector(limit=at_once),
        timeout=PATIENCE,
        auto_decompress=False,
        headers={"Accept-Encoding": "gzip"},  # as a browser does
    ) as session:

        async def visit() -> None:
            for endpoint, address in waiting:
                began, worked = time.perf_counter(), worked_ms(pid)
                async with session.get(address) as answer:
                    await answer.read()
                    answer.raise_for_status()
                took[endpoint].append((1000 * (time.perf_counter() - began), worked_ms(pid) - worked))

        async with asyncio.TaskGroup() as visitors:
            for _ in range(at_once):
                visitors.create_task(visit())
    return took


def mixed(addresses: Mapping[str, Sequence[str]], requests: int, chance: random.Random) -> list[tuple[str, str]]:
    """Return (endpoint, address) of every request."""
    turns: dict[str, Iterator[str]] = {endpoint: itertools.cycle(each) for endpoint, each in addresses.items()}
    endpoints = list(itertools.islice(itertools.cycle(turns), requests))
    chance.shuffle(endpoints)
    return [(endpoint, next(turns[endpoint])) for endpoint in endpoints]


def main() -> None:
    """Ask, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.dashboard_speed.load")
    parser.add_argument("base")
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pid", type=int, default=0)
    wanted = parser.parse_args()
    asked = mixed(json.load(sys.stdin), wanted.requests, random.Random(wanted.seed))
    print(json.dumps(asyncio.run(asked_at_once(wanted.base, asked, wanted.at_once, wanted.pid))))


if __name__ == "__main__":
    main()
