"""ENVIRONMENT=paper, from the settings: live prices that anybody may read, and paper accounts that are kept in the store."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.limits import RequestBudget
from arena.adapters.binance.market import BinanceMarket
from arena.adapters.paper.book import PaperBook
from arena.adapters.paper.book_text import read_book
from arena.adapters.paper.live import LiveMarket, LivePaperAccount
from arena.adapters.paper.whole_account import PaperWholeAccount
from arena.adapters.recorded.instruments import margin_tiers
from arena.application.ports import TradingAccount
from arena.application.shutdown import WholeAccount
from arena.application.store import PaperBooks, Records, Store
from arena.connections import open_records, public_client
from arena.domain.competitor import SHARED_ACCOUNT, AccountId, Season, SeasonId
from arena.domain.money import ZERO
from arena.errors import ConfigurationError
from arena.settings import VenueSettings


def paper_market(
    client: FuturesClient, venue: str, interval: str = "5m", contracts_file: Path | None = None, patience: float = 1
) -> BinanceMarket:
    """Return the live market without a key: its margin tiers are the packaged ones, since the venue shows them only to a key."""
    return BinanceMarket(
        client,
        venue=venue,
        interval=interval,
        contracts_file=contracts_file,
        known_tiers=margin_tiers,
        patience=patience,
    )


def paper_accounts(season: Season, market: LiveMarket, books: PaperBooks) -> dict[AccountId, TradingAccount]:
    """Return the season's accounts; one that is not in the store yet will get the capital of its competitors."""
    capitals = {competitor.llm_id: competitor.capital for competitor in season.competitors}
    return {
        account: LivePaperAccount(books, market, season.season_id, account, sum((capitals[x] for x in llm_ids), ZERO))
        for account, llm_ids in season.accounts().items()
    }


async def accounts_of(records: Records, season_id: SeasonId) -> tuple[AccountId, ...]:
    """Return every account that a season may have: the shared one, and one for each competitor."""
    return SHARED_ACCOUNT, *[AccountId(row["llm_id"]) async for row in records.rows("competitors", season_id)]


async def kept_books(records: Store, season_id: SeasonId) -> dict[AccountId, PaperBook]:
    """Return the season's accounts as they are in the store."""
    names = await accounts_of(records, season_id)
    stored = {account: await records.load_paper_book(season_id, account) for account in names}
    return {account: read_book(found[1]) for account, found in stored.items() if found is not None}


async def whole_paper_accounts(
    settings: VenueSettings, budget: RequestBudget, closing: AsyncExitStack
) -> dict[AccountId, WholeAccount]:
    """Return everything that the season's accounts hold.

    Raises:
        ConfigurationError: The store is missing, or has none of this season.
    """
    path, season_id = settings.database(), SeasonId(settings.season)
    if not settings.supabase_url and not path.exists():
        raise ConfigurationError(f"the paper accounts are in the store, and there is none at {path}: set SEASON or DATABASE_PATH")
    books = open_records(settings, closing)
    market = paper_market(public_client(settings, budget, closing), "Binance USD-M futures")
    there = await kept_books(books, season_id)
    if not there:
        raise ConfigurationError(f"the store has no paper account of season {season_id}: set SEASON or DATABASE_PATH")
    return {account: PaperWholeAccount(LivePaperAccount(books, market, season_id, account)) for account in there}
