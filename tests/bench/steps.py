"""What the steps of a live cycle take, for few and for many competitors and pairs, without a Prefect server.

The real cycle on the paper engine and on SQLite; the models are rules, and what they take is not counted. What a Prefect server
adds, and requests over a network, `tests.bench.live` has.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from arena.adapters.llm.rule import RuleModel
from arena.adapters.recorded import CandleArchive, generate_market
from arena.application.language_model import Completion, Prompt
from arena.bootstrap import Arena
from arena.domain.competitor import LETTERS, CompetitorId
from arena.replaying import Replay, open_replay, settings_of, window_of
from arena.settings import Settings
from arena.steps import PLAIN, Steps
from arena.strategies.benchmarks import BENCHMARKS
from arena.trading_cycle import run_cycle
from tests.bench.market import SINCE, SYMBOLS

COMPETITORS = (3, 10, 30, 100)
PAIRS = (3, 6, 12)
NAMES = (*SYMBOLS, "ADAUSDT", "TRXUSDT", "LINKUSDT", "AVAXUSDT", "DOTUSDT", "LTCUSDT")
UNCOUNTED = 2  # cycles at first: imports, and windows that are filled once
PLAYBOOK, RULE = "free", "random"
STEPS = tuple(field.name for field in fields(Steps) if field.name != "repair")

Spans = dict[str, list[tuple[float, float]]]  # of a cycle: when each call of a step began and ended


class TimedRule(RuleModel):
    """A rule in a model's place; satisfies LanguageModel.

    Attributes:
        seconds: That all of them have taken.
    """

    seconds = 0.0

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        began = time.perf_counter()
        try:
            return await super().complete(prompt, timeout_seconds)
        finally:
            TimedRule.seconds += time.perf_counter() - began


@contextmanager
def markets(bars: int) -> Iterator[Path]:
    """Yield a folder of generated candles of as many pairs as are asked for at most."""
    with TemporaryDirectory(prefix="arena-bench-") as folder:
        yield generate_market(Path(folder), 7, NAMES, start=SINCE, bars=bars)


async def measured(folder: Path, competitors: int, pairs: int, cycles: int) -> dict[str, float]:
    """Return the medians of a season's cycles, seconds.

    Of each step, which lasts from its first call to its last; of the `rest`, such as writing the prompts; and of the `cycle`,
    which is all of it. What the models take is in none of them.
    """
    times: dict[str, list[float]] = defaultdict(list)
    with TemporaryDirectory(prefix="arena-bench-") as books:
        async with _begun(folder, competitors, pairs, Path(books) / "arena.sqlite") as replay:
            for number in range(UNCOUNTED + cycles):
                replay.move_to(replay.window.start + number * replay.window.every)
                for name, seconds in (await _cycle(replay.arena)).items():
                    times[name].append(seconds)
    return {name: median(each[UNCOUNTED:]) for name, each in times.items()}


async def _cycle(arena: Arena) -> dict[str, float]:
    spans: Spans = {name: [] for name in STEPS}
    steps = Steps(**{name: _timed(getattr(PLAIN, name), spans[name]) for name in STEPS})
    began, thought = time.perf_counter(), TimedRule.seconds
    assert await run_cycle(arena, steps) is not None, "the books could not be explained"
    thought = TimedRule.seconds - thought
    whole = time.perf_counter() - began - thought
    took = {name: max(end for _, end in each) - min(begin for begin, _ in each) for name, each in spans.items()}
    took["decide"] -= thought
    return took | {"rest": whole - sum(took.values()), "cycle": whole}


def _timed(step: Callable[..., Awaitable[Any]], spans: list[tuple[float, float]]) -> Callable[..., Awaitable[Any]]:
    async def call(*arguments: Any) -> Any:
        began = time.perf_counter()
        found = await step(*arguments)
        spans.append((began, time.perf_counter()))
        return found

    return call


@asynccontextmanager
async def _begun(folder: Path, competitors: int, pairs: int, books: Path) -> AsyncIterator[Replay]:
    """Yield a season that is about to begin."""
    logging.getLogger("arena").setLevel(logging.ERROR)  # contracts that no table knows
    archive, every = CandleArchive(folder, NAMES[:pairs]), timedelta(minutes=5)
    loaded = Settings(_env_file=None, database_path=books, available_pairs=NAMES[:pairs], llm_max_decisions_per_hour=60)
    settings = settings_of(loaded, "bench", every, (RULE,) * competitors)
    models = {
        CompetitorId(f"LLM-{letter}"): TimedRule(RULE, BENCHMARKS[RULE], n) for n, letter in enumerate(LETTERS[:competitors])
    }
    window = window_of(archive, None, None, every)
    async with open_replay(settings, window, books.with_name("answers.sqlite"), lambda now: models) as replay:
        yield replay
