"""How a season begins, and on what terms a run goes on with it."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from decimal import Decimal

from arena.application.ports import Accounts, MarketData, TradingAccount
from arena.application.store import Records
from arena.connections import open_records
from arena.domain.competitor import AccountId, Competitor, Environment, Season, SeasonId
from arena.domain.money import ZERO, plain
from arena.errors import ConfigurationError
from arena.settings import Settings, VenueSettings
from arena.strategies.playbook import Playbook


async def has_begun(settings: VenueSettings) -> bool:
    """Return whether the season is in the store; nothing is created."""
    if not settings.supabase_url and not settings.database().exists():
        return False
    async with AsyncExitStack() as closing:
        return await _is_known(open_records(settings, closing), SeasonId(settings.season))


async def season_of(settings: Settings, competitors: tuple[Competitor, ...], market: MarketData, playbook: Playbook) -> Season:
    """Return the season as the settings describe it, should it begin now."""
    paper = "paper on " if settings.environment is Environment.PAPER else ""
    return Season(
        season_id=SeasonId(settings.season),
        started_at=await market.time(),
        symbols=settings.available_pairs,
        interval_seconds=settings.llm_decision_interval_seconds,
        competitors=competitors,
        market=f"{paper}{await market.label()}",
        settings=settings.equal_settings(),
        environment=settings.environment,
        account_mode=settings.account_mode,
        strategy=playbook.edition,
    )


async def open_season(wanted: Season, accounts: Accounts, records: Records) -> Season:
    """Open the season, or go on with it; a new one starts only on accounts that are flat and hold its competitors' capital.

    Raises:
        ConfigurationError: An account is not ready, or the season began on other terms.
    """
    if not await _is_known(records, wanted.season_id):
        capitals = {competitor.llm_id: competitor.capital for competitor in wanted.competitors}
        for account, llm_ids in wanted.accounts().items():
            await _check_account(account, accounts[account], sum((capitals[llm_id] for llm_id in llm_ids), ZERO))
        logging.getLogger("arena.season").info(f"season {wanted.season_id} begins. {wanted.settings}")
    return await records.open_season(wanted)


async def _is_known(records: Records, season_id: SeasonId) -> bool:
    return bool([row async for row in records.rows("seasons", season_id)])


def check_playbook(season: Season, playbook: Playbook) -> None:
    """Check that a season goes on with the playbook it began with.

    Raises:
        ConfigurationError: It does not.
    """
    if season.strategy != playbook.edition:
        raise ConfigurationError(
            f"season {season.season_id} began with the playbook {season.strategy}, but STRATEGY says {playbook.edition}: "
            "set it back (a playbook of your own: its files too), or name a new SEASON"
        )


async def _check_account(name: AccountId, account: TradingAccount, capital: Decimal) -> None:
    book = await account.book()
    if book.positions:
        held = ", ".join(f"{side.lower()} {plain(abs(q))} {symbol}" for (symbol, side), q in sorted(book.positions.items()))
        raise ConfigurationError(
            f"a new season needs an account without positions, but {name} holds {held}: close them "
            "(python scripts/emergency_shutdown.py closes everything) or go on with the season that opened them"
        )
    if book.wallet_balance < capital:
        raise ConfigurationError(
            f"the account {name} holds {book.wallet_balance:.2f} USDT, the capital of its competitors is {capital:.2f}: "
            "add funds or lower INITIAL_BALANCE_PER_LLM"
        )
