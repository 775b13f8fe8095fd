"""One baseline's season on recorded candles: the real cycle on the paper engine, without Prefect and without a network."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from arena.adapters.binance.limits import RequestBudget
from arena.adapters.llm.rule import RuleModel
from arena.adapters.notifications.notifier import SilentNotifier
from arena.adapters.paper.account import PaperAccount
from arena.adapters.paper.engine import PaperEngine
from arena.adapters.paper.exchange import PaperExchange
from arena.adapters.paper.market import PaperMarket
from arena.adapters.recorded import CandleArchive
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.language_model import Models
from arena.application.record import CycleRecord
from arena.application.venue import Venue
from arena.bootstrap import Arena, limits_of
from arena.domain.competitor import SHARED_ACCOUNT, Competitor, CompetitorId, ModelSpec, Provider, Season, SeasonId
from arena.domain.decision import Decision
from arena.domain.order import OrderStatus
from arena.settings import Settings
from arena.strategies.playbook import Playbook
from arena.trading_cycle import run_cycle

WARM_UP = timedelta(days=2)
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
    engine = PaperEngine(archive, archive.instruments, begin - WARM_UP)
    engine.advance(begin)
    account = engine.open_account("arena", CAPITAL)
    played, began = Played(playbook.name), time.perf_counter()
    market = PaperMarket(engine, label=archive.label, interval=archive.interval)
    arena = await paper_arena(playbook, engine, account, market, every, {LLM: RuleModel(playbook.name, playbook.rule)}, path)
    while engine.now + every <= end:
        engine.advance(engine.now + every)
        record = await run_cycle(arena)
        assert record is not None, "the books could not be explained"
        played.take(record)
    played.seconds = time.perf_counter() - began
    return played


async def paper_arena(
    playbook: Playbook,
    engine: PaperEngine,
    account: PaperAccount,
    market: PaperMarket,
    every: timedelta,
    models: Models,
    path: Path,
) -> Arena:
    """Return a season of these models on one account of the paper engine, with its books in a file."""
    symbols = tuple(sorted(engine.feed.symbols))
    settings = Settings(_env_file=None, season=SEASON, llm_max_decisions_per_hour=60)
    spec = ModelSpec(
        provider=Provider.OPENAI, model=playbook.name, max_tokens=4000, temperature=None, base_url=None, baseline=True
    )
    season = Season(
        season_id=SEASON,
        started_at=engine.now,
        symbols=symbols,
        interval_seconds=int(every.total_seconds()),
        competitors=tuple(Competitor(llm_id=llm_id, capital=CAPITAL, model=spec) for llm_id in models),
        market=await market.label(),
        settings="a baseline alone",
        strategy=playbook.edition,
    )
    records = SqliteRecords(path)
    exchange = PaperExchange(engine, account)
    await exchange.prepare(symbols, settings.max_leverage)
    return Arena(
        settings=settings,
        season=await records.open_season(season),
        playbook=playbook,
        limits=limits_of(settings),
        venue=Venue(market=market, accounts={SHARED_ACCOUNT: exchange}, instruments=await market.instruments(symbols)),
        models=models,
        records=records,
        leases=records,
        standings=records,
        notifier=SilentNotifier(),
        budget=RequestBudget(),
        holder="baseline",
    )
