"""The one place where adapters are chosen: from the settings to a running arena."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.exchange import BinanceExchange
from arena.adapters.binance.market import BinanceMarket
from arena.adapters.binance.whole_account import BinanceWholeAccount
from arena.adapters.llm.build import build_model
from arena.adapters.notifications import AppriseNotifier, SilentNotifier, telegram_url
from arena.adapters.storage.sqlite import SqliteRecords
from arena.analysis.indicators import Indicators
from arena.application.cycle import Opening
from arena.application.ports import Exchange, MarketData, Models, Notifier, Prompt, Records
from arena.application.prompt import render_prompt, static_prompt
from arena.application.prompt_account import account_section
from arena.application.prompt_market import market_section
from arena.application.shutdown import Shutdown, shut_down
from arena.domain.competitor import Competitor, CompetitorId, Season, SeasonId
from arena.domain.instrument import Instrument
from arena.domain.market import MarketSnapshot
from arena.domain.plan import Desk
from arena.domain.risk import Limits
from arena.errors import ConfigurationError, ExchangeError
from arena.halting import halt
from arena.settings import KEY_NAMES, Environment, LimitSettings, Settings, VenueSettings

CANDLE_INTERVAL = "5m"
STALE_AFTER = timedelta(minutes=10)  # two candles


if TYPE_CHECKING:  # the SDKs are slow to import
    from arena.adapters.llm.claude import ClaudeModel
    from arena.adapters.llm.openai import OpenAIModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """Everything a cycle needs, behind the ports."""

    settings: Settings
    season: Season
    limits: Limits
    instruments: Mapping[str, Instrument]
    market: MarketData
    exchange: Exchange
    models: Models
    records: Records
    notifier: Notifier

    def desk(self, number: int, snapshot: MarketSnapshot) -> Desk:
        """Return what planning needs to know about a cycle."""
        return Desk(
            season_id=self.season.season_id,
            cycle=number,
            as_of=snapshot.as_of,
            snapshot=snapshot,
            instruments=self.instruments,
            limits=self.limits,
        )

    def prompts(self, opening: Opening, snapshot: MarketSnapshot, seen: Mapping[str, Indicators]) -> dict[CompetitorId, Prompt]:
        """Return every competitor's prompt of a cycle: one static part and one market section for all, an account for each."""
        static = static_prompt(self.season, self.instruments, self.limits)
        market = market_section(snapshot, seen, self.instruments)
        ledgers, past = opening.settlement.ledgers, opening.state.past
        return {
            llm_id: render_prompt(
                static=static,
                market=market,
                account=account_section(ledger, snapshot, self.limits, self.instruments, past.get(llm_id, ()), opening.as_of),
            )
            for llm_id, ledger in ledgers.items()
        }


@asynccontextmanager
async def open_arena(settings: Settings) -> AsyncIterator[Arena]:
    """Build the arena, open its season (or go on with it), and close every connection at the end.

    Raises:
        ConfigurationError: Something in `.env` must be changed; the sentence names it.
    """
    async with AsyncExitStack() as closing:
        records = open_records(settings, closing)
        client = futures_client(settings)
        closing.push_async_callback(client.close)
        market = BinanceMarket(client, signed=True, venue=_venue(settings), interval=CANDLE_INTERVAL)
        competitors = settings.competitors()
        models = {competitor.llm_id: open_model(settings, competitor, closing) for competitor in competitors}
        instruments = await market.instruments(settings.available_pairs)
        _check_pairs(settings, instruments)
        wanted = Season(
            season_id=SeasonId(settings.season),
            started_at=await market.time(),
            symbols=settings.available_pairs,
            interval_seconds=settings.llm_decision_interval_seconds,
            competitors=competitors,
            market=await market.label(),
            settings=settings.equal_settings(),
        )
        yield Arena(
            settings=settings,
            season=await records.open_season(wanted),
            limits=limits_of(settings),
            instruments=instruments,
            market=market,
            exchange=BinanceExchange(client),
            models=models,
            records=records,
            notifier=open_notifier(settings),
        )


async def emergency_shutdown(settings: VenueSettings, reason: str) -> Shutdown:
    """Halt the season, then leave everything the account holds. The halt comes first: a cycle must not open what is closed.

    A halt that cannot be written (a full disk) keeps nobody from leaving; it is among the faults.
    """
    faults: tuple[str, ...] = ()
    try:
        halt(settings, reason)
    except OSError as error:
        faults = (f"the season could not be halted: {settings.halt_file} cannot be written ({error.strerror})",)
    client = futures_client(settings)
    try:
        with contextlib.suppress(ExchangeError):
            await client.synchronise()  # only the clock; a signed call sets it too
        ended = await shut_down(BinanceWholeAccount(client))
        return replace(ended, faults=faults + ended.faults)
    finally:
        await client.close()


def open_records(settings: Settings, closing: AsyncExitStack, season: str = "") -> Records:
    """Open the store of a season alone, as reports and exports need it."""
    if settings.supabase_url:
        raise ConfigurationError("SUPABASE_URL is set, but this version keeps its state in SQLite only: leave it empty")
    records = SqliteRecords(settings.database(season))
    closing.callback(records.close)
    return records


def open_book(settings: Settings, closing: AsyncExitStack, season: str = "") -> Records:
    """Open the store of a season that is there, for reading.

    Raises:
        ConfigurationError: There is none; nothing is created.
    """
    path = settings.database(season)
    if not settings.supabase_url and not path.exists():
        raise ConfigurationError(f"there is no book at {path}: name the season with --season, or its file with DATABASE_PATH")
    return open_records(settings, closing, season)


def limits_of(settings: LimitSettings) -> Limits:
    """Return the season's limits, the same objects in prompt and risk."""
    return Limits(
        max_leverage=settings.max_leverage,
        max_open_positions=settings.max_open_positions,
        max_margin_usage=settings.max_margin_usage,
        stale_after=STALE_AFTER,
    )


def futures_client(settings: VenueSettings) -> FuturesClient:
    """Connect to the account that the settings name.

    Raises:
        ConfigurationError: It is not one that this version trades on, or a key is missing.
    """
    if settings.environment is Environment.MAINNET or not settings.use_testnet:
        raise ConfigurationError("real money is not open in this version: set ENVIRONMENT=testnet and USE_TESTNET=true")
    if settings.environment is Environment.PAPER:
        raise ConfigurationError("ENVIRONMENT=paper is not open in this version: use demo (the simulator) or testnet")
    url = settings.binance_testnet_base_url
    key, secret = settings.binance_testnet_api_key.get_secret_value(), settings.binance_testnet_secret_key.get_secret_value()
    if settings.environment is Environment.DEMO and not _loopback(url):
        raise ConfigurationError(
            "ENVIRONMENT=demo trades only against the simulator: start `arena simulator` and set BINANCE_TESTNET_BASE_URL to its "
            "address, or set ENVIRONMENT=testnet"
        )
    for name, value in (("BINANCE_TESTNET_API_KEY", key), ("BINANCE_TESTNET_SECRET_KEY", secret)):
        if not value:
            raise ConfigurationError(f"{name} is empty: put the key of your Binance futures testnet account into .env")
    return FuturesClient(url, key, secret, key_name="BINANCE_TESTNET_API_KEY")


def open_market(settings: VenueSettings, closing: AsyncExitStack) -> BinanceMarket:
    """Connect to the market alone, to look at it: with the account's key where one is set, else as anybody. Trades nothing."""
    live = settings.environment in (Environment.MAINNET, Environment.PAPER)
    url = settings.binance_base_url if live else settings.binance_testnet_base_url
    name, key, secret = _looking_key(settings)
    client = FuturesClient(url, key, secret, key_name=name)
    closing.push_async_callback(client.close)
    venue = f"Binance USD-M futures{'' if live else ' testnet'} ({urlsplit(url).hostname})"
    return BinanceMarket(client, signed=bool(key), venue=venue)


def _looking_key(settings: VenueSettings) -> tuple[str, str, str]:
    """Return name, key and secret; empty ones where none is set, or none that belongs to this host and may be read."""
    if settings.environment is Environment.MAINNET and not settings.use_testnet:
        name, key, secret = "BINANCE_API_KEY", settings.binance_api_key, settings.binance_secret_key
    elif settings.environment is Environment.TESTNET or (
        settings.environment is Environment.DEMO and _loopback(settings.binance_testnet_base_url)
    ):
        name, key, secret = "BINANCE_TESTNET_API_KEY", settings.binance_testnet_api_key, settings.binance_testnet_secret_key
    else:
        return "", "", ""
    if not key.get_secret_value() or not secret.get_secret_value():
        return "", "", ""
    return name, key.get_secret_value(), secret.get_secret_value()


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _venue(settings: Settings) -> str:
    return f"Binance USD-M futures testnet ({urlsplit(settings.binance_testnet_base_url).hostname})"


def open_model(settings: Settings, competitor: Competitor, closing: AsyncExitStack) -> ClaudeModel | OpenAIModel:
    """Build a competitor's model.

    Raises:
        ConfigurationError: Its key is missing, or a setting of it cannot be.
    """
    key = settings.model_key(competitor.model.provider)
    if not key.get_secret_value():
        name = KEY_NAMES[competitor.model.provider]
        raise ConfigurationError(f"{name} is empty, but {competitor.llm_id} needs it ({competitor.model.model})")
    model = build_model(competitor.model, key)
    closing.push_async_callback(model.close)
    return model


def open_notifier(settings: Settings) -> Notifier:
    """Connect the alerts, or nothing where none are wanted.

    Raises:
        ConfigurationError: They are wanted, but where to is not said.
    """
    if not settings.telegram_notifications_enabled:
        return SilentNotifier()
    token = settings.telegram_bot_token.get_secret_value()
    if not token or not settings.telegram_chat_id:
        raise ConfigurationError("TELEGRAM_NOTIFICATIONS_ENABLED is true, but TELEGRAM_BOT_TOKEN or TELEGRAM_CHAT_ID is empty")
    return AppriseNotifier([telegram_url(token, settings.telegram_chat_id)])


def _check_pairs(settings: Settings, instruments: Mapping[str, Instrument]) -> None:
    unknown = [pair for pair in settings.available_pairs if pair not in instruments]
    if unknown:
        raise ConfigurationError(f"AVAILABLE_PAIRS names {', '.join(unknown)}, which the venue does not list as a futures pair")
