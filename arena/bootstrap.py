"""From the settings to a running arena."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.limits import RequestBudget
from arena.adapters.binance.market import BinanceMarket
from arena.alerting import open_notifier
from arena.application.alerts import halt_alert, missed_alerts
from arena.application.cycle import Opening
from arena.application.evidence import configuration
from arena.application.language_model import Models, Prompt
from arena.application.lease import Held, acting
from arena.application.notifier import Notifier
from arena.application.ports import Accounts
from arena.application.prompt import PROMPT_VERSION, render_prompt, static_prompt
from arena.application.prompt_account import account_section
from arena.application.prompt_market import market_section
from arena.application.record import Alert
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.application.store import PaperBooks, Store
from arena.application.study import Study
from arena.application.sweep import Terms
from arena.application.venue import Venue
from arena.configuration import load_playbook
from arena.connections import open_model, open_records, request_budget
from arena.domain.competitor import AccountId, CompetitorId, Environment, Season
from arena.domain.instrument import Instrument
from arena.domain.market import MarketSnapshot
from arena.domain.plan import Desk
from arena.domain.risk import Limits
from arena.errors import ArenaError, ConfigurationError
from arena.halting import halt, halted, shutting_down
from arena.mainnet import check_gate
from arena.market import CYCLE_PATIENCE, open_market
from arena.paper import paper_accounts
from arena.season_start import check_playbook, has_begun, open_season, season_of
from arena.settings import LimitSettings, Settings
from arena.steady_clock import SteadyClock
from arena.strategies.playbook import Playbook
from arena.strategies.registry import PLAYBOOKS

STALE_AFTER = timedelta(minutes=10)  # two candles
PREPARED_SECONDS = 3600.0  # asking for the modes weighs 11
LEASE_WAIT_SECONDS = 30.0  # a sweep is over sooner

log = logging.getLogger("arena.season")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """Everything a cycle or a sweep needs, behind the ports.

    Attributes:
        holder: Names this run in the lease on the accounts.
        store_was_away: Writes of earlier runs were waiting for the store when this one began.
        clock: By which this run notes who was asked and answered when.
    """

    settings: Settings
    season: Season
    playbook: Playbook
    limits: Limits
    venue: Venue
    models: Models
    records: Store
    notifier: Notifier
    budget: RequestBudget
    holder: str
    store_was_away: bool = False
    clock: SteadyClock = field(default_factory=SteadyClock)

    def desk(self, number: int, snapshot: MarketSnapshot, studied: Study) -> Desk:
        """Return what planning needs to know about a cycle."""
        return Desk(
            season_id=self.season.season_id,
            cycle=number,
            as_of=snapshot.as_of,
            snapshot=snapshot,
            instruments=self.venue.instruments,
            limits=self.limits,
            actions=self.playbook.actions,
            entry_types=self.playbook.entry_types,
            default_stops=studied.default_stops,
        )

    def configuration(self, rules: str) -> str:
        """Return what is in force for all competitors alike, with the static part of their prompts, as the cycles record it."""
        return configuration(
            self.season,
            self.limits,
            rules,
            interval_seconds=self.settings.llm_decision_interval_seconds,
            deadline_seconds=self.settings.llm_deadline_seconds,
            decisions_per_hour=self.settings.llm_max_decisions_per_hour,
            daily_budget_usd=self.settings.llm_daily_budget_usd,
            prompt_version=PROMPT_VERSION,
        )

    def acting(self, wait_seconds: float = LEASE_WAIT_SECONDS) -> AbstractAsyncContextManager[Held]:
        """Return a context in which this run alone may act on the accounts, through the venue that it yields."""
        return acting(self.records, self.season.season_id, self.holder, self.venue, wait_seconds)

    def terms(self, *, thorough: bool) -> Terms:
        """Return how a sweep is meant."""
        return Terms(
            deadline=timedelta(seconds=self.settings.protection_deadline_seconds),
            thorough=thorough,
            standing_back=lambda: shutting_down(self.settings),
            halted=self.why_halted,
            tell=self.notifier.keep,
        )

    async def why_halted(self) -> str | None:
        """Return why nothing may be opened, or None; where the store cannot be asked, nothing may."""
        why = halted(self.settings)
        if why is not None:
            return f"the season is halted ({why})"
        if self.records.away:
            return "Supabase is out of reach"
        try:
            standing = await self.records.standing(self.season.season_id)
        except ArenaError as error:  # between orders nothing may be raised, whatever is wrong with the store
            return str(error)
        return standing.why_halted() if standing else None

    async def standing_still(self) -> str | None:
        """Return why no cycle is to begin, or None. A store that is out of reach stops no cycle: there are exits to decide on."""
        return halted(self.settings) or (None if self.records.away else await self.why_halted())

    async def age(self) -> timedelta | None:
        """Return how long ago the season's last cycle began; None before the first."""
        now = await self.venue.market.time()
        begun_at = (await self.records.state(self.season.season_id, now)).begun_at
        return None if begun_at is None else now - begun_at

    async def prepare(self, patience: float = 1) -> None:
        """Set the accounts' modes and leverages, unless a process has done so within the hour, or within `patience` of them."""
        done = self.settings.season_directory / "prepared.json"
        season = self.season  # one that begins anew, on accounts that may be new, has another beginning
        wanted = json.dumps(
            [season.started_at.isoformat(), season.market, [*self.venue.accounts], season.symbols, self.limits.max_leverage]
        )
        if (
            done.exists()
            and done.read_text(encoding="utf-8") == wanted
            and 0 <= time.time() - done.stat().st_mtime < PREPARED_SECONDS * patience
        ):
            return
        for account in self.venue.accounts.values():
            await account.prepare(self.season.symbols, self.limits.max_leverage)
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text(wanted, encoding="utf-8")

    async def halt(self, reason: str) -> None:
        """Stop the season until a person has looked; why is told with what is delivered next."""
        halt(self.settings, reason)
        standing = SeasonStanding(status=SeasonStatus.HALTED, reason=reason, time=datetime.now(UTC))
        with contextlib.suppress(ArenaError):  # the file is there
            await self.records.stand(self.season.season_id, standing)
        told = halt_alert(self.season.season_id, reason, standing.time)
        log.critical(told.text)
        self.notifier.keep([told])

    async def missed(self, opening: Opening) -> tuple[Alert, ...]:
        """Return what to tell of cycles that should have begun since the last one, unless the store knows of a halt."""
        since, interval = opening.state.begun_at, timedelta(seconds=self.season.interval_seconds)
        told = missed_alerts(since, opening.as_of, interval)
        if since is None or not told:
            return ()
        try:
            standing = await self.records.standing(self.season.season_id)
        except ArenaError:
            return told
        resumed = standing is not None and datetime.now(UTC) - standing.time < opening.as_of - since
        return () if resumed else told

    def prompts(self, opening: Opening, snapshot: MarketSnapshot, studied: Study) -> dict[CompetitorId, Prompt]:
        """Return every competitor's prompt of a cycle: one static part and one market section for all, an account for each."""
        instruments, state, playbook = self.venue.instruments, opening.state, self.playbook
        static = static_prompt(self.season, instruments, self.limits, playbook)
        market = market_section(snapshot, studied, instruments, playbook)
        return {
            llm_id: render_prompt(
                static=static,
                market=market,
                account=account_section(
                    ledger,
                    snapshot,
                    self.limits,
                    instruments,
                    state.past[llm_id],
                    opening.as_of,
                    state.news[llm_id],
                    playbook.actions,
                ),
                pairs=len(self.season.symbols),
            )
            for llm_id, ledger in state.ledgers.items()
        }


@asynccontextmanager
async def open_arena(settings: Settings, *, asking: bool = True) -> AsyncIterator[Arena]:
    """Build the arena, open its season (or go on with it), and close every connection at the end.

    Args:
        settings: All of them.
        asking: Whether models are needed; a sweep asks none.

    Raises:
        ConfigurationError: Something in `.env` must be changed; the sentence names it.
    """
    if asking and settings.environment is Environment.MAINNET:
        check_gate(settings, datetime.now(UTC), begun=await has_begun(settings))
    playbook = load_playbook(settings) if asking else PLAYBOOKS["free"]  # a sweep must not fail over a playbook's files
    async with AsyncExitStack() as closing:
        records = open_records(settings, closing)
        store_was_away = records.away
        budget = request_budget()
        competitors = settings.competitors()
        market, clients = open_market(settings, budget, closing, patience=CYCLE_PATIENCE if asking else 1)
        models = {each.llm_id: open_model(settings, each, closing) for each in competitors} if asking else {}
        wanted = await season_of(settings, competitors, market, playbook)
        venue = Venue(
            market=market,
            accounts=_accounts(wanted, clients, market, records),
            instruments=await market.instruments(settings.available_pairs),
        )
        _check_pairs(settings, venue.instruments)
        season = await open_season(wanted, venue.accounts, records)
        if asking:
            check_playbook(season, playbook)
        yield Arena(
            settings=settings,
            season=season,
            playbook=playbook,
            limits=limits_of(settings),
            venue=venue,
            models=models,
            records=records,
            store_was_away=store_was_away,
            notifier=open_notifier(settings, settings.outboxes),
            budget=budget,
            holder=f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}",
        )


def limits_of(settings: LimitSettings) -> Limits:
    """Return the season's limits, the same objects in prompt and risk."""
    return Limits(
        max_leverage=settings.max_leverage,
        max_open_positions=settings.max_open_positions,
        max_margin_usage=settings.max_margin_usage,
        stale_after=STALE_AFTER,
    )


def _accounts(wanted: Season, clients: Mapping[AccountId, FuturesClient], market: BinanceMarket, books: PaperBooks) -> Accounts:
    if wanted.environment is Environment.PAPER:
        return paper_accounts(wanted, market, books)
    return {account: BinanceAccount(_of(account, clients)) for account in wanted.accounts()}


def _of(account: AccountId, clients: Mapping[AccountId, FuturesClient]) -> FuturesClient:
    if account not in clients:
        letter = account.removeprefix("LLM-")
        raise ConfigurationError(
            f"LLM_{letter}_BINANCE_API_KEY is empty, but with ACCOUNT_MODE=separate {account} needs an account"
        )
    return clients[account]


def _check_pairs(settings: Settings, instruments: Mapping[str, Instrument]) -> None:
    unknown = [pair for pair in settings.available_pairs if pair not in instruments]
    if unknown:
        raise ConfigurationError(f"AVAILABLE_PAIRS names {', '.join(unknown)}, which the venue does not list as a futures pair")
