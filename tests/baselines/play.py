"""One baseline's season on recorded candles: the real cycle on the paper engine, without Prefect and without a network."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from arena.adapters.llm.rule import RuleModel
from arena.adapters.recorded import CandleArchive
from arena.application.record import CycleRecord
from arena.domain.competitor import CompetitorId, Provider, SeasonId
from arena.domain.decision import Decision
from arena.domain.order import OrderStatus
from arena.llm_settings import CompetitorSettings
from arena.replaying import Window, open_replay, settings_of
from arena.settings import Settings
from arena.strategies.playbook import Playbook

CAPITAL = Decimal(200)
SEASON = SeasonId("baseline")
LLM = CompetitorId("LLM-A")


@dataclass(slots=True)
class Played:
    """What a baseline's season came to.

    Attributes:
        wrong: Sentences about answers that were no decision, rejections and refusals; there should be none.
    """

    playbook: str
    cycles: int = 0
    orders: int = 0
    fills: int = 0
    openings: int = 0
    equity: Decimal = CAPITAL
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def take(self, record: CycleRecord) -> None:
        """Count a cycle."""
        self.cycles += 1
        self.fills += len(record.fills)
        self.equity = record.equity[0].equity
        for turn in record.turns:
            self.orders += len(turn.outcomes)
            if not isinstance(turn.answer, Decision):
                self.wrong.append(f"cycle {record.number}: {turn.answer}")
                continue
            self.openings += len(turn.plan.entries) if turn.plan else 0
            self.wrong += [f"cycle {record.number}: {rejection}" for rejection in (turn.plan.rejections if turn.plan else ())]
            self.wrong += [f"cycle {record.number}: {o}" for o in turn.outcomes if o.status is OrderStatus.REFUSED]


async def play(
    playbook: Playbook, archive: CandleArchive, begin: datetime, end: datetime, every: timedelta, path: Path
) -> Played:
    """Play a season of the playbook's rule alone.

    Args:
        playbook: Whose prompt the rule reads.
        archive: The market.
        begin, end: Of the season.
        every: How often it decides; every candle passes through the engine all the same.
        path: Of the books.
    """
    loaded = Settings(
        _env_file=None,
        strategy=playbook.name,
        database_path=path,
        available_pairs=archive.symbols,
        llms={"A": CompetitorSettings(provider=Provider.OPENAI, model=playbook.name)},
        total_llms=1,
        llm_max_decisions_per_hour=60,
    )
    settings = settings_of(loaded, SEASON, every, ())
    window = Window(archive=archive, start=begin, end=end, every=every)
    played, began = Played(playbook.name), time.perf_counter()
    rule = RuleModel(playbook.name, playbook.rule)
    async with open_replay(settings, window, path.with_name("answers.sqlite"), lambda now: {LLM: rule}) as replay:
        async for record in replay.cycles():
            played.take(record)
    played.seconds = time.perf_counter() - began
    return played
