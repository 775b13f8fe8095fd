"""The market of a season and the keys to its accounts, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.limits import RequestBudget
from arena.adapters.binance.market import BinanceMarket
from arena.connections import account_clients, public_client, request_budget, venue_url
from arena.domain.competitor import AccountId, Environment
from arena.paper import paper_market
from arena.settings import Settings, VenueSettings

CANDLE_INTERVAL = "5m"
CYCLE_PATIENCE = 2  # what is asked for now and then is asked for by the sweeps, before a cycle finds it twice as old as usual


def open_market(
    settings: VenueSettings, budget: RequestBudget, closing: AsyncExitStack, *, patience: float = 1
) -> tuple[BinanceMarket, Mapping[AccountId, FuturesClient]]:
    """Connect to the market and to the accounts; there are none of these on paper.

    Args:
        settings: Where to trade.
        budget: Of the process.
        closing: Closes the connections.
        patience: How many times as old as usual contracts and fees may be.

    Raises:
        ConfigurationError: It is not a venue that this version trades on, or a key is missing.
    """
    kept = settings.season_directory / "contracts.json"
    if settings.environment is Environment.PAPER:
        return paper_market(public_client(settings, budget, closing), label(settings), CANDLE_INTERVAL, kept, patience), {}
    clients = account_clients(settings, budget, closing)
    market = BinanceMarket(
        next(iter(clients.values())),
        venue=label(settings),
        interval=CANDLE_INTERVAL,
        contracts_file=kept,
        patience=patience,
    )
    return market, clients


async def read_contracts(settings: Settings) -> None:
    """Read contracts, tiers and fees before the first cycle does: the fees weigh 20 a symbol.

    Raises:
        ArenaError: They could not be read; the first cycle will.
    """
    async with AsyncExitStack() as closing:
        market, _ = open_market(settings, request_budget(), closing)
        await market.refresh(settings.available_pairs)


def label(settings: VenueSettings) -> str:
    """Return the venue's name, for displays."""
    network = "" if settings.environment is Environment.PAPER else f" {settings.environment}"
    return f"Binance USD-M futures{network} ({urlsplit(venue_url(settings)).hostname})"
