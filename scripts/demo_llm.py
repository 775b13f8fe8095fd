"""`make demo-llm`: the demo with a real language model, a small one on this machine. No key, no account, nothing leaves it.

Three competitors ask one model and differ by the seed of its dice alone: a season in which nobody can be better. How far they
still end apart is how much of any lead is chance. What can be asked for: scripts/demo_request.py.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from scripts.demo_request import Cast, Demo
from scripts.demo_season import play, say
from scripts.local_model import NAME
from scripts.processes import free_port, python, running

if TYPE_CHECKING:
    from arena.application.store import Records
    from arena.application.tally import Standing
    from arena.domain.competitor import SeasonId

SEEDS = {"A": 1, "B": 2, "C": 3}
TEMPERATURE = "0.3"  # higher, and its prices become negative or absurdly small
MAX_TOKENS = 600  # two decisions with the longest texts
DEADLINE_SECONDS = 240  # three answers, one after the other, on two cores that have other work, too
MAX_LEVERAGE = 50  # it picks any number up to the schema's 125; with a usual limit nothing would ever be executed
MOST_PAIRS = 2  # a pair is 1,000 tokens to this model, and reading them is most of its work
NONSENSE = (
    f"{NAME} is far too small to trade: its decisions are noise, mostly rejected, and only show that a real model's answers "
    "go through."
)


@contextlib.contextmanager
def local_model(demo: Demo) -> Iterator[list[str]]:
    """One server, asked by every competitor with a seed of its own."""
    url = f"http://127.0.0.1:{free_port()}"
    command = python("-m", "scripts.local_model", "--port", url.rpartition(":")[2])
    with running("the local model", command, demo.directory / "logs" / "model.log", os.environ, f"{url}/health", 120):
        say(f"{NAME} answers {len(SEEDS)} competitors that differ by seed: {MOST_PAIRS} pairs, leverage up to {MAX_LEVERAGE}")
        season = [f"LLM_DEADLINE_SECONDS={DEADLINE_SECONDS}", f"MAX_LEVERAGE={MAX_LEVERAGE}"]
        yield ["OPENAI_API_KEY=local", *season, *competitors(f"{url}/v1")]


def competitors(url: str) -> Iterator[str]:
    """Yield the lines of `.env` that say who is asked."""
    for letter, seed in SEEDS.items():
        values = {"PROVIDER": "openai", "MODEL": NAME, "BASE_URL": url, "SEED": seed}
        values |= {"TEMPERATURE": TEMPERATURE, "MAX_TOKENS": MAX_TOKENS}
        yield from (f"LLM_{letter}_{name}={value}" for name, value in values.items())


async def answers(records: Records, season: SeasonId) -> list[str]:
    """Return how many answers were valid and what they took, a line for each competitor and one for all."""
    from arena.application.leaderboard import read_leaderboard

    standings = sorted((await read_leaderboard(records, season)).competitors, key=lambda each: each.llm_id)
    calls = [row async for row in records.rows("model_calls", season)]
    lines = []
    for each in standings:
        name = f"{each.llm_id}, seed {SEEDS[each.llm_id.removeprefix('LLM-')]}"
        lines.append(_line(name, [each], [row for row in calls if row["llm_id"] == each.llm_id]))
    heading = "Valid answers of those asked for; tokens read (of these, from the cache) and written; time to answer:"
    return ["", NONSENSE, heading, *lines, _line("all", standings, calls)]


def _line(name: str, standings: Sequence[Standing], calls: Sequence[Mapping[str, Any]]) -> str:
    asked = sum(each.asked for each in standings)
    valid = round(sum(each.asked * (each.valid_answers or 0) for each in standings))
    read, cached, written = (sum(row[f"{kind}_tokens"] or 0 for row in calls) for kind in ("input", "cached", "output"))
    seconds = [row["latency_ms"] / 1000 for row in calls] or [0.0]
    return (
        f"{name:<13} {valid:>2} of {asked:>2} ({valid / max(asked, 1):>4.0%})  {read:>7,} ({cached:,}) read, "
        f"{written:>5,} written  median {median(seconds):.1f} s, longest {max(seconds):.1f} s"
    )


def main() -> int:
    """Run the demo; return 0 when every cycle was booked and recorded, whatever was answered."""
    return play(
        Cast(
            command="make demo-llm",
            competitors=len(SEEDS),
            cycles=6,
            directory="runs/demo-llm",
            answering=local_model,
            most_pairs=MOST_PAIRS,
            afterwards=answers,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
