"""Many visitors at once, in a process of their own: what the client takes is not counted as the dashboard's.

    python -m tests.dashboard_speed.load http://127.0.0.1:8000 --requests 5000 --at-once 50 --seed 1 < addresses.json

Reads a JSON object, by endpoint the addresses that are asked in turn; prints one, by endpoint the milliseconds of each answer.
Every endpoint is asked equally often, in an order that chance mixes. An answer other than 200 ends it.
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


async def asked_at_once(base: str, asked: Sequence[tuple[str, str]], at_once: int) -> Mapping[str, list[float]]:
    """Ask in order, as many at once as given; return the milliseconds by endpoint."""
    took: defaultdict[str, list[float]] = defaultdict(list)
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
                began = time.perf_counter()
                async with session.get(address) as answer:
                    await answer.read()
                    answer.raise_for_status()
                took[endpoint].append(1000 * (time.perf_counter() - began))

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
    wanted = parser.parse_args()
    asked = mixed(json.load(sys.stdin), wanted.requests, random.Random(wanted.seed))
    print(json.dumps(asyncio.run(asked_at_once(wanted.base, asked, wanted.at_once))))


if __name__ == "__main__":
    main()
