"""Every connection to the outside, from the settings: the accounts at the venue, the models, the store."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from arena.adapters.binance.limits import OUR_SHARE, RequestBudget
from arena.adapters.llm.build import build_model
from arena.adapters.llm.prices import OwnPrices, is_priced
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.store import Following
from arena.domain.competitor import SHARED_ACCOUNT, AccountId, AccountMode, Competitor, Environment
from arena.errors import ConfigurationError
from arena.settings import Settings, VenueSettings, in_order

Key = tuple[str, SecretStr, SecretStr]  # the variable's name, key, secret

BAN_FILE = Path("runs") / "banned-until"  # of this machine's address, whichever season asks

if TYPE_CHECKING:  # the SDKs are slow to import
    from arena.adapters.binance.client import FuturesClient
    from arena.adapters.binance.listings import BinanceListings
    from arena.adapters.llm.claude import ClaudeModel
    from arena.adapters.llm.openai import OpenAIModel
    from arena.adapters.storage.spooled import SpooledRecords
    from arena.adapters.storage.supabase import SupabaseRecords

    Store = SqliteRecords | SpooledRecords


def request_budget(share: float = OUR_SHARE) -> RequestBudget:
    """Return the budget of this process, which all its clients share.

    Args:
        share: Of a minute's weight, after which it waits.
    """
    return RequestBudget(BAN_FILE, share=share)


def account_clients(settings: VenueSettings, budget: RequestBudget, closing: AsyncExitStack) -> dict[AccountId, FuturesClient]:
    """Connect to every account that the settings name: the shared one, or one for each letter that has keys.

    Raises:
        ConfigurationError: It is not a venue that this version trades on, or a key is missing.
    """
    if settings.environment is Environment.PAPER:
        raise ConfigurationError("with ENVIRONMENT=paper there is no account at Binance: the paper accounts are in the store")
    keys = _keys(settings)
    for sentence in _faults(keys):
        raise ConfigurationError(sentence)
    return _clients(keys, settings, budget, closing)


def reachable_clients(
    settings: VenueSettings, budget: RequestBudget, closing: AsyncExitStack
) -> tuple[dict[AccountId, FuturesClient], tuple[str, ...]]:
    """Connect to every account that has a key, and say what the others lack: one missing key keeps nobody from leaving the rest.

    Raises:
        ConfigurationError: It is not a venue that this version trades on, or no account has a key.
    """
    keys = _keys(settings)
    there = {account: each for account, each in keys.items() if each[1].get_secret_value() and each[2].get_secret_value()}
    faults = _faults(keys)
    if not there:
        raise ConfigurationError(faults[0])
    return _clients(there, settings, budget, closing), faults


def _clients(
    keys: Mapping[AccountId, Key], settings: VenueSettings, budget: RequestBudget, closing: AsyncExitStack
) -> dict[AccountId, FuturesClient]:
    from arena.adapters.binance.client import FuturesClient

    url = venue_url(settings)
    spot = settings.binance_spot_base_url if settings.environment is Environment.MAINNET else url
    clients = {
        account: FuturesClient(
            url, key.get_secret_value(), secret.get_secret_value(), key_name=name, budget=budget, spot_url=spot
        )
        for account, (name, key, secret) in keys.items()
    }
    for client in clients.values():
        closing.push_async_callback(client.close)
    return clients


def public_client(settings: VenueSettings, budget: RequestBudget, closing: AsyncExitStack, url: str = "") -> FuturesClient:
    """Connect as anybody, to the venue where no other host is named; no key is read."""
    from arena.adapters.binance.client import FuturesClient

    client = FuturesClient(url or venue_url(settings), budget=budget)
    closing.push_async_callback(client.close)
    return client


def history_url(settings: VenueSettings) -> str:
    """Return the host whose past anybody may read: simulator or testnet where the season trades there, else the real market."""
    return settings.binance_testnet_base_url if _is_testing(settings) else settings.binance_base_url


def venue_url(settings: VenueSettings) -> str:
    """Return the host that the settings trade on, or take their prices from.

    Raises:
        ConfigurationError: It is not one that this version trades on.
    """
    if settings.environment is Environment.PAPER:
        return settings.binance_base_url
    real = settings.environment is Environment.MAINNET
    if real == settings.use_testnet:
        raise ConfigurationError(
            f"ENVIRONMENT={settings.environment} and USE_TESTNET={str(settings.use_testnet).lower()} contradict each other: "
            "real money needs mainnet and false, everything else true"
        )
    if real:
        return settings.binance_base_url
    url = settings.binance_testnet_base_url
    if settings.environment is Environment.DEMO and not is_loopback(url):
        raise ConfigurationError(
            "ENVIRONMENT=demo trades only against the simulator: start `arena simulator` and set BINANCE_TESTNET_BASE_URL to its "
            "address, or set ENVIRONMENT=testnet"
        )
    return url


def _keys(settings: VenueSettings) -> Mapping[AccountId, Key]:
    """Return the keys by account, as they are set.

    Raises:
        ConfigurationError: None is named.
    """
    if settings.account_mode is AccountMode.SHARED:
        testnet = ("BINANCE_TESTNET_API_KEY", settings.binance_testnet_api_key, settings.binance_testnet_secret_key)
        mainnet = ("BINANCE_API_KEY", settings.binance_api_key, settings.binance_secret_key)
        return {SHARED_ACCOUNT: mainnet if settings.environment is Environment.MAINNET else testnet}
    if not settings.account_keys:
        raise ConfigurationError("ACCOUNT_MODE=separate needs LLM_X_BINANCE_API_KEY and LLM_X_BINANCE_SECRET_KEY for each letter")
    return {
        AccountId(f"LLM-{letter}"): (f"LLM_{letter}_BINANCE_API_KEY", pair.api_key, pair.secret_key)
        for letter, pair in sorted(settings.account_keys.items(), key=in_order)
    }


def _faults(keys: Mapping[AccountId, Key]) -> tuple[str, ...]:
    """Return what is wrong with the keys: one is missing, or two competitors would trade on one account."""
    found: list[str] = []
    owners: dict[str, str] = {}
    for name, key, secret in keys.values():
        for variable, value in ((name, key), (name.replace("API_KEY", "SECRET_KEY"), secret)):
            if not value.get_secret_value():
                found.append(f"{variable} is empty: put the key of the Binance futures account into .env")
        if key.get_secret_value() and (other := owners.setdefault(key.get_secret_value(), name)) != name:
            found.append(f"{other} and {name} are the same key: with ACCOUNT_MODE=separate each needs its own account")
    return tuple(found)


def open_listings(settings: VenueSettings, closing: AsyncExitStack) -> BinanceListings:
    """Connect to what the venue lists, with the account's key where one is set, else as anybody. Trades nothing."""
    from arena.adapters.binance.client import FuturesClient
    from arena.adapters.binance.listings import BinanceListings

    live = settings.environment in (Environment.MAINNET, Environment.PAPER)
    url = settings.binance_base_url if live else settings.binance_testnet_base_url
    name, key, secret = _looking_key(settings)
    client = FuturesClient(url, key, secret, key_name=name, budget=request_budget())
    closing.push_async_callback(client.close)
    return BinanceListings(client, signed=bool(key), venue=f"Binance USD-M futures ({urlsplit(url).hostname})")


def _looking_key(settings: VenueSettings) -> tuple[str, str, str]:
    """Return name, key and secret; empty ones where none is set, or none that belongs to this host and may be read."""
    if not _is_testing(settings) and (settings.environment is not Environment.MAINNET or settings.use_testnet):
        return "", "", ""
    with suppress(ConfigurationError):
        name, key, secret = next(iter(_keys(settings).values()))
        if secret.get_secret_value():
            return name, key.get_secret_value(), secret.get_secret_value()
    return "", "", ""


def _is_testing(settings: VenueSettings) -> bool:
    """Return whether the season trades on testnet, or on a simulator that is named."""
    return settings.environment is Environment.TESTNET or (
        settings.environment is Environment.DEMO and is_loopback(settings.binance_testnet_base_url)
    )


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_records(settings: VenueSettings, closing: AsyncExitStack, season: str = "", *, lasting: bool = True) -> Store:
    """Open the store of a season alone, as reports and exports need it.

    Args:
        settings: Where it is.
        closing: Closes it.
        season: Of the settings where left out.
        lasting: Whether a file survives a power cut, which takes a write to the disk for every commit.

    Raises:
        ConfigurationError: It cannot be opened with these settings.
    """
    records = _open_supabase(settings) if settings.supabase_url else SqliteRecords(settings.database(season), lasting=lasting)
    closing.callback(records.close)
    return records


def _open_supabase(settings: VenueSettings) -> SpooledRecords:
    from arena.adapters.storage.spool_file import SpoolFile
    from arena.adapters.storage.spooled import SpooledRecords

    remote = _connect_supabase(settings)
    return SpooledRecords(remote, SpoolFile(settings.season_directory / "spool.sqlite"))


def _connect_supabase(settings: VenueSettings) -> SupabaseRecords:
    from arena.adapters.storage.supabase import SupabaseRecords

    key = settings.supabase_key.get_secret_value()
    if not key:
        raise ConfigurationError("SUPABASE_URL is set, but SUPABASE_KEY is empty: set it to the project's secret key")
    return SupabaseRecords(settings.supabase_url, key)


def open_book(settings: VenueSettings, closing: AsyncExitStack, season: str = "") -> Store:
    """Open the store of a season that is there, for reading.

    Raises:
        ConfigurationError: There is none; nothing is created.
    """
    path = settings.database(season)
    if not settings.supabase_url and not path.exists():
        raise ConfigurationError(f"there is no book at {path}: name the season with --season, or its file with DATABASE_PATH")
    return open_records(settings, closing, season)


def open_for_looking(settings: VenueSettings, closing: AsyncExitStack) -> Following:
    """Open the store of a season that is there for somebody who looks on: nothing that waits for Supabase is delivered.

    Raises:
        ConfigurationError: There is none; nothing is created.
    """
    if not settings.supabase_url:
        return open_book(settings, closing)
    remote = _connect_supabase(settings)
    closing.callback(remote.close)
    return remote


def open_model(settings: Settings, competitor: Competitor, closing: AsyncExitStack) -> ClaudeModel | OpenAIModel:
    """Build a competitor's model.

    Raises:
        ConfigurationError: Its key is missing, or a setting of it cannot be.
    """
    spec, letter = competitor.model, competitor.letter
    name, key = settings.model_key(competitor)
    if not key.get_secret_value() and spec.base_url is None:
        raise ConfigurationError(f"{name} is empty, but {competitor.llm_id} needs it ({spec.model}); or set LLM_{letter}_API_KEY")
    prices = own_prices(settings, competitor)
    if settings.llm_daily_budget_usd is not None and not is_priced(spec, prices):
        raise ConfigurationError(
            f"LLM_DAILY_BUDGET_USD is set, but the price of {spec.model} is not known: set LLM_{letter}_INPUT_PRICE_USD and "
            f"LLM_{letter}_OUTPUT_PRICE_USD (USD for a million tokens, 0 where it costs nothing)"
        )
    model = build_model(spec, key, name, prices)
    closing.push_async_callback(model.close)
    return model


def own_prices(settings: Settings, competitor: Competitor) -> OwnPrices | None:
    """Return the prices that are set for a competitor; cached tokens cost as much as others where nothing else is said."""
    llm = settings.llms[competitor.letter]
    if llm.input_price_usd is None or llm.output_price_usd is None:
        return None
    cached = llm.input_price_usd if llm.cached_price_usd is None else llm.cached_price_usd
    return OwnPrices(input=llm.input_price_usd, cached=cached, output=llm.output_price_usd)
