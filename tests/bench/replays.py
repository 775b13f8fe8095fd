"""How many cycles a second a replay makes when its models have answered before: three competitors, six pairs."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from arena.adapters.recorded import CandleArchive
from arena.audit.verify import read_verification
from arena.domain.competitor import LETTERS, Provider
from arena.llm_settings import CompetitorSettings
from arena.replaying import Window, open_replay, settings_of, window_of
from arena.settings import Settings
from tests.bench.market import SYMBOLS
from tests.fakes.simulator import running_simulator

MODELS = ("baseline/momentum", "baseline/mean-reversion", "baseline/random")  # asked over HTTP, as language models are
EVERY = timedelta(minutes=5)
LEAST_A_SECOND = 20


async def cycles_a_second(folder: Path, cycles: int) -> float:
    """Play a season whose models are asked, then the same one again from memory; return the second one's cycles a second.

    Args:
        folder: Of candles; those of `SYMBOLS` are used.
        cycles: Of each season.
    """
    logging.getLogger("arena").setLevel(logging.ERROR)
    archive = CandleArchive(folder, SYMBOLS)
    whole = window_of(archive, None, None, EVERY)
    window = Window(archive=archive, start=whole.start, end=whole.start + cycles * EVERY, every=EVERY)
    with TemporaryDirectory(prefix="arena-bench-") as books, running_simulator(folder) as provider:
        answers = Path(books) / "answers.sqlite"
        await _seconds(_settings(provider.url, Path(books) / "asked.sqlite"), window, answers)
        return cycles / await _seconds(_settings("http://127.0.0.1:9", Path(books) / "known.sqlite"), window, answers)


async def _seconds(settings: Settings, window: Window, answers: Path) -> float:
    """Play the window; return how long its cycles took. Its records must verify."""
    async with open_replay(settings, window, answers) as replay:
        began = time.perf_counter()
        async for _ in replay.cycles():
            pass
        took = time.perf_counter() - began
        assert not (await read_verification(replay.arena.records, replay.arena.season.season_id)).findings
        return took


def _settings(url: str, books: Path) -> Settings:
    llms = {
        letter: CompetitorSettings(provider=Provider.OPENAI, model=model, base_url=f"{url}/v1")
        for letter, model in zip(LETTERS, MODELS, strict=False)
    }
    settings = Settings(_env_file=None, llms=llms, total_llms=len(llms), available_pairs=SYMBOLS, database_path=books)
    return settings_of(settings, "bench", EVERY, ())
