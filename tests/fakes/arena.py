"""A whole arena in memory: the paper engine as venue, scripted models, a real SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from arena.adapters.binance.limits import RequestBudget
from arena.adapters.notifications.notifier import SilentNotifier
from arena.adapters.paper.engine import PaperEngine
from arena.adapters.paper.exchange import PaperExchange
from arena.adapters.paper.market import PaperMarket
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.language_model import LanguageModel
from arena.application.venue import Venue
from arena.audit.verify import read_verification
from arena.bootstrap import Arena, limits_of
from arena.domain.competitor import SHARED_ACCOUNT, Competitor, CompetitorId, ModelSpec, Provider, Season, SeasonId
from arena.settings import CompetitorSettings, Settings
from arena.strategies.registry import PLAYBOOKS
from tests.fakes.bars import feed
from tests.fakes.build import BAR, NOON, instruments

SYMBOLS = ("BTCUSDT", "SOLUSDT")
FLAT = {"BTCUSDT": ["60000 60100 59900 60000"] * 40, "SOLUSDT": ["150 150.5 149.5 150"] * 40}


def unclean(path: Path) -> list[str]:
    """What `arena verify` finds wrong with the records of the season."""
    with SqliteRecords(path) as records:
        return [str(each) for each in asyncio.run(read_verification(records, SeasonId("test"))).findings]


class Table:
    """An arena and what a test wants to turn: its clock, its venue's account."""

    def __init__(
        self,
        path: Path,
        models: Mapping[str, LanguageModel],
        bars: Mapping[str, Sequence[str]] = FLAT,
        started: timedelta = BAR * 10,
        **settings: object,
    ) -> None:
        self.engine = PaperEngine(feed(**bars), instruments(*bars), NOON + started)
        self.account = self.engine.open_account("arena", Decimal(200) * len(models))
        self.path = path
        self.runs = 0
        llms = {letter: CompetitorSettings(provider=Provider.OPENAI, model=f"model-{letter}") for letter in models}
        self.settings = Settings(
            _env_file=None, llms=llms, total_llms=len(llms), season="test", **{"llm_deadline_seconds": 7, **settings}
        )
        self.models = {CompetitorId(f"LLM-{letter}"): model for letter, model in models.items()}
        self.symbols = tuple(bars)

    async def arena(self) -> Arena:
        """Open the arena anew on the same file, as every cycle does."""
        market = PaperMarket(self.engine, label="a test market", interval=BAR)
        records = SqliteRecords(self.path)
        competitors = tuple(
            Competitor(
                llm_id=llm_id,
                capital=Decimal(200),
                model=ModelSpec(provider=Provider.OPENAI, model="scripted", max_tokens=4000, temperature=None, base_url=None),
            )
            for llm_id in self.models
        )
        season = Season(
            season_id=SeasonId("test"),
            started_at=NOON,
            symbols=self.symbols,
            interval_seconds=300,
            competitors=competitors,
            market=await market.label(),
            settings="equal",
        )
        self.runs += 1
        return Arena(
            settings=self.settings,
            season=await records.open_season(season),
            playbook=PLAYBOOKS["free"],
            limits=limits_of(self.settings),
            venue=Venue(
                market=market,
                accounts={SHARED_ACCOUNT: PaperExchange(self.engine, self.account)},
                instruments=await market.instruments(self.symbols),
            ),
            models=self.models,
            records=records,
            notifier=SilentNotifier(),
            budget=RequestBudget(),
            holder=f"run-{self.runs}",
        )

    def pass_time(self, steps: int = 1) -> None:
        self.engine.advance(self.engine.now + BAR * steps)
