"""The market of a season and the keys to its accounts, from the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.contracts import kept_contracts
from arena.adapters.binance.limits import WEIGHT_A_MINUTE, RequestBudget
from arena.adapters.binance.market import BinanceMarket
from arena.adapters.recorded.instruments import margin_tiers
from arena.connections import account_clients, is_loopback, public_client, request_budget, venue_url
from arena.domain.competitor import AccountId, Environment
from arena.domain.instrument import Instrument
from arena.domain.market import Candle
from arena.errors import RateLimited
from arena.paper import paper_market
from arena.settings import Settings, VenueSettings

CANDLE_INTERVAL = "5m"
LOOKING_SHARE = 0.5  # of a minute's weight; what is used beyond it is left to who trades
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
    kept = settings.contracts_file
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


def contracts_here(settings: VenueSettings) -> Mapping[str, Instrument]:
    """Return the season's contracts as its cycles on this machine last read them; none where there were none. Asks nobody."""
    return kept_contracts(settings.contracts_file, margin_tiers if settings.environment is Environment.PAPER else None)


class PublicCandles:
    """A season's candles for who looks on, as anybody may read them; no key is used.

    Every reading is a connection of its own: it knows of a ban that another process has met, and leaves most of a minute's weight
    at this address to who trades.
    """

    interval = timedelta(minutes=5)  # CANDLE_INTERVAL

    def __init__(self, settings: VenueSettings) -> None:
        self._settings = settings

    async def read(self, symbol: str, until: datetime | None) -> tuple[str, Sequence[Candle]]:
        """Return the market's name and the newest closed candles, oldest first, none of which ends after `until`.

        Raises:
            ArenaError: They could not be read, or the weight of this minute is for who trades.
        """
        async with AsyncExitStack() as closing:
            budget = request_budget()
            client = public_client(self._settings, budget, closing)
            market = BinanceMarket(client, venue=label(self._settings), interval=CANDLE_INTERVAL)
            now = await market.time()
            if budget.used_weight > LOOKING_SHARE * WEIGHT_A_MINUTE:
                raise RateLimited(
                    f"{budget.used_weight} of this minute's {WEIGHT_A_MINUTE} request weight is used: the rest is for trading"
                )
            name = await market.label() if is_loopback(client.base_url) else label(self._settings)
            return name, await market.candles(symbol, min(until or now, now))


def label(settings: VenueSettings) -> str:
    """Return the venue's name, for displays."""
    network = "" if settings.environment is Environment.PAPER else f" {settings.environment}"
    return f"Binance USD-M futures{network} ({urlsplit(venue_url(settings)).hostname})"
