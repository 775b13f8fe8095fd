"""A season of traders who go too far, in a fuzzed market: crashes, gaps and fundings, and the live cycle through all of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from arena.adapters.llm.rule import RuleModel
from arena.adapters.storage.sqlite import SqliteRecords
from arena.domain.competitor import AccountMode, CompetitorId, Provider, SeasonId
from arena.domain.decision import Action
from arena.llm_settings import CompetitorSettings
from arena.replaying import Window, open_replay, settings_of
from arena.settings import Settings
from arena.strategies.ideas import Idea, answer, keep_or_close
from arena.strategies.playbook import Rule
from arena.strategies.prompt_reader import ReadPrompt
from tests.replay.fuzzed import market

SEASON = "reckless"
BEFORE = 12  # bars before the first cycle
LEVERAGES = (20, 5, 2)
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def gambler(seed: int, leverage: int) -> Rule:
    """Opens at random, half of it with a stop that helps nobody, and leaves at random."""
    dice = random.Random(seed)

    def decide(prompt: ReadPrompt) -> str:
        ideas = []
        for symbol, told in sorted(prompt.symbols.items()):
            held = prompt.positions.get(symbol)
            if held is not None:
                ideas.append(keep_or_close(held, dice.random() < 0.2, "dice"))
            elif dice.random() < 0.4:
                away = told.last * Decimal(dice.choice(["0.01", "0.02", "0.9"]))
                ideas.append(
                    Idea(
                        symbol=symbol,
                        action=dice.choice([Action.OPEN_LONG, Action.OPEN_SHORT]),
                        reason="dice",
                        size_percent=dice.choice([10, 30, 80]),
                        leverage=min(leverage, prompt.max_leverage, told.venue_max_leverage),
                        limit_distance=told.last / 500 if dice.random() < 0.2 else None,
                        stop_distance=away,
                        target_distance=min(away, told.last / 20),
                    )
                )
        return answer(prompt, ideas)

    return decide


async def play(folder: Path, seed: int, cycles: int, mode: AccountMode = AccountMode.SHARED) -> SqliteRecords:
    """Play a season, and return its records; the folder must be a new one."""
    archive = market(folder / "market", seed, BEFORE + cycles + 1)
    loaded = Settings(
        _env_file=None,
        season=SEASON,
        account_mode=mode,
        database_path=folder / "arena.sqlite",
        available_pairs=archive.symbols,
        llms={letter: CompetitorSettings(provider=Provider.OPENAI, model=f"gambler-{letter}") for letter in "ABC"},
        max_leverage=20,
        max_margin_usage=Decimal(1),
        llm_max_decisions_per_hour=60,
    )
    start = archive.start + BEFORE * archive.interval
    window = Window(archive=archive, start=start, end=start + cycles * archive.interval, every=archive.interval)
    models = {
        CompetitorId(f"LLM-{letter}"): RuleModel(f"gambler-{letter}", gambler(10 * seed + number, leverage))
        for number, (letter, leverage) in enumerate(zip("ABC", LEVERAGES, strict=True))
    }
    settings = settings_of(loaded, SEASON, archive.interval, ())
    async with open_replay(settings, window, folder / "answers.sqlite", lambda now: models) as replay:
        async for _ in replay.cycles():
            pass
    return SqliteRecords(folder / "arena.sqlite")


async def tables_of(records: SqliteRecords, names: Sequence[str], season: str = SEASON) -> Tables:
    """Return a season's rows by table."""
    return {name: [row async for row in records.rows(name, SeasonId(season))] for name in names}
