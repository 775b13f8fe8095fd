"""`arena doctor`: try every connection that a season needs, a line each, without an order, a token or a message."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from difflib import SequenceMatcher

import httpx

from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.limits import WEIGHT_A_MINUTE, busy_cycle_weight
from arena.adapters.binance.listings import BinanceListings
from arena.adapters.binance.market import BinanceMarket
from arena.alerting import described
from arena.bootstrap import limits_of
from arena.configuration import load_playbook, load_settings
from arena.connections import open_model, open_records, public_client, request_budget
from arena.domain.competitor import SHARED_ACCOUNT, AccountId, Competitor, Environment, SeasonId
from arena.domain.pairs import check_pairs
from arena.errors import ArenaError, ConfigurationError
from arena.market import open_market
from arena.paper import kept_books
from arena.settings import Settings, VenueSettings

PATIENCE_SECONDS = 10.0
SHOWN_MODELS = 20
LARGEST_CLOCK_DIFFERENCE = 0.5  # seconds; Binance refuses a request that is a second ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One connection: whether it works, what was seen (or what to change), and how long it took."""

    subject: str
    well: bool
    detail: str
    milliseconds: int


async def examine(prefect_api_url: str) -> AsyncIterator[Finding]:
    """Yield a finding for each connection; one that fails stops none of the others.

    Args:
        prefect_api_url: Empty where no Prefect server is named.
    """
    async with AsyncExitStack() as closing:
        settings, finding = await _configuration()
        yield finding
        if settings is None:
            return
        async for found in _binance(settings, closing):
            yield found
        yield await tried("store", lambda: look_at_store(settings, closing))
        for competitor in settings.competitors():
            yield await tried(f"{competitor.llm_id}", lambda who=competitor: look_at_model(settings, who, closing))  # type: ignore[misc]
        yield await tried("alerts", lambda: _alerts(settings))
        yield await tried("Prefect", lambda: look_at_prefect(prefect_api_url))


async def tried(subject: str, look: Callable[[], Awaitable[str]]) -> Finding:
    """Look, and return what was seen or why it could not be."""
    began = time.perf_counter()
    try:
        well, detail = True, await look()
    except ArenaError as error:
        well, detail = False, str(error)
    return Finding(subject=subject, well=well, detail=detail, milliseconds=round((time.perf_counter() - began) * 1000))


async def _configuration() -> tuple[Settings | None, Finding]:
    try:
        settings = load_settings()
        settings.competitors()
        playbook = load_playbook(settings)
    except ConfigurationError as error:
        return None, Finding(subject="configuration", well=False, detail=str(error), milliseconds=0)
    season = f"season {settings.season}, {settings.environment}, {settings.total_llms} competitors, playbook {playbook.name}"
    detail = f"{season}. {settings.equal_settings()}"
    return settings, Finding(subject="configuration", well=True, detail=detail, milliseconds=0)


async def _binance(settings: Settings, closing: AsyncExitStack) -> AsyncIterator[Finding]:
    paper, budget = settings.environment is Environment.PAPER, request_budget()
    try:
        market, clients = open_market(settings, budget, closing)
        client = public_client(settings, budget, closing) if paper else next(iter(clients.values()))
    except ConfigurationError as error:
        yield Finding(subject="Binance", well=False, detail=str(error), milliseconds=0)
        return
    yield await tried("Binance", lambda: look_at_clock(client, market))
    if paper:
        yield await tried("account", lambda: _paper(settings, market, closing))
    for name, each in clients.items():
        yield await tried(f"account {name}", lambda name=name, each=each: look_at_account(each, capital_on(name, settings)))  # type: ignore[misc]
    listings = BinanceListings(client, signed=not paper, venue="Binance")
    yield await tried("pairs", lambda: _pairs(settings, listings))
    yield await tried("fees", lambda: _fees(settings, market))
    yield await tried("weight", lambda: _weight(settings, len(clients)))


async def look_at_clock(client: FuturesClient, market: BinanceMarket) -> str:
    """See that the venue answers and that this machine's clock is right.

    Raises:
        ConfigurationError, ExchangeError: It is not, or the venue cannot be reached.
    """
    there, here = await client.synchronise(), datetime.now(UTC)
    apart = abs((there - here).total_seconds())
    if apart > LARGEST_CLOCK_DIFFERENCE and not (await market.label()).endswith("(simulator)"):
        raise ConfigurationError(f"this machine's clock is {apart:.1f} s off: let it be set by NTP")
    return f"{await market.label()}, {there:%Y-%m-%d %H:%M:%S} UTC"


def capital_on(name: AccountId, settings: Settings) -> Decimal:
    """Return what the competitors of an account begin with, USDT."""
    return settings.initial_balance_per_llm * (settings.total_llms if name == SHARED_ACCOUNT else 1)


async def look_at_account(client: FuturesClient, needed: Decimal) -> str:
    """See that a key opens its account, and that this holds so much (USDT), unless a season already trades on it.

    Raises:
        ConfigurationError, ExchangeError: It does not.
    """
    book = await BinanceAccount(client).book()
    if book.wallet_balance < needed and not book.positions:
        raise ConfigurationError(
            f"the account holds {book.wallet_balance:.2f} USDT, its competitors' capital is {needed:.2f}: "
            "add funds or lower INITIAL_BALANCE_PER_LLM"
        )
    return f"{book.wallet_balance:.2f} USDT, {len(book.positions)} open positions"


async def _fees(settings: Settings, market: BinanceMarket) -> str:
    """Read contracts, tiers and fees for the cycles that come: the fees weigh 20 a symbol."""
    await market.refresh(settings.available_pairs)
    return f"fees and tiers of {len(settings.available_pairs)} pairs are known; the sweeps ask again once a day"


async def _weight(settings: Settings, accounts: int) -> str:
    """Say what a cycle asks of Binance's limit, and what the last one did."""
    expected = busy_cycle_weight(len(settings.available_pairs), accounts)
    said = f"a cycle that trades every pair weighs about {expected} of {WEIGHT_A_MINUTE} a minute"
    async with AsyncExitStack() as closing:
        if not settings.database().exists():
            return said
        records = open_records(settings, closing)
        booked = [row async for row in records.rows("cycles", SeasonId(settings.season)) if row["status"] == "booked"]
    if not booked:
        return said
    last = booked[-1]
    return f"{said}; cycle {last['number']}, the last one, weighed {last['request_weight']} in {last['requests']} requests"


async def _paper(settings: Settings, market: BinanceMarket, closing: AsyncExitStack) -> str:
    """See that there is what paper accounts live on, and what of them is in the store."""
    now = await market.time()
    await market.minutes(settings.available_pairs[0], now, now)
    there = await kept_books(open_records(settings, closing), SeasonId(settings.season))
    wallets = ", ".join(f"{name} {book.account.wallet_balance:.2f} USDT" for name, book in there.items())
    return f"paper, on live prices; no key is needed or read. In the store: {wallets or 'nothing yet, the first cycle opens it'}"


async def _pairs(settings: Settings, market: BinanceListings) -> str:
    """Check each pair as `arena pairs check` does."""
    pairs = settings.available_pairs
    checks = check_pairs(
        pairs,
        await market.listings(pairs),
        await market.tiers(pairs),
        await market.tradable(),
        settings.initial_balance_per_llm,
        limits_of(settings),
    )
    wrong = [fault for check in checks for fault in check.faults]
    if wrong:
        raise ConfigurationError(f"AVAILABLE_PAIRS: {'; '.join(wrong)} (see `arena pairs check`)")
    return f"{len(checks)} pairs are trading and within reach"


async def look_at_store(settings: VenueSettings, closing: AsyncExitStack) -> str:
    """See that the store answers.

    Raises:
        ConfigurationError, RecordsError: It does not.
    """
    return await open_records(settings, closing).look()


async def look_at_model(settings: Settings, competitor: Competitor, closing: AsyncExitStack) -> str:
    """See that a competitor's provider takes its key and lists its model; uses no tokens.

    Raises:
        ConfigurationError, ModelFault: It does not.
    """
    spec = competitor.model
    listed = await open_model(settings, competitor, closing).listed(PATIENCE_SECONDS)
    where = f"the server at {spec.base_url}" if spec.base_url else str(spec.provider)
    if listed is None:
        return f"{where} answers, but has no list of models: whether it serves {spec.model} shows when it is asked"
    if spec.model not in listed:
        raise ConfigurationError(
            f"{where} does not list {spec.model} (LLM_{competitor.letter}_MODEL): it is retired, misspelt or closed to this key. "
            f"{_offer(spec.model, listed)}"
        )
    return f"{where} lists {spec.model}" + (" (baseline rule, not an LLM)" if spec.baseline else "")


def _offer(wanted: str, listed: Sequence[str]) -> str:
    """Return what a provider lists, the names most alike first, since OpenAI lists a hundred."""
    names = sorted(listed, key=lambda name: (-SequenceMatcher(None, wanted, name).ratio(), name))
    more = f" and {len(names) - SHOWN_MODELS} more" if len(names) > SHOWN_MODELS else ""
    return f"It lists {len(names)}, the most alike first: {', '.join(names[:SHOWN_MODELS])}{more}" if names else "It lists none"


async def _alerts(settings: Settings) -> str:
    return described(settings)


async def look_at_prefect(api_url: str) -> str:
    """See that the server of PREFECT_API_URL answers, where one is named.

    Raises:
        ConfigurationError: It does not.
    """
    if not api_url:
        return "no PREFECT_API_URL is set: only needed for the schedule"
    try:
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
            (await http.get(f"{api_url.rstrip('/')}/health")).raise_for_status()
    except httpx.HTTPError as error:
        raise ConfigurationError(f"the server of PREFECT_API_URL ({api_url}) does not answer ({type(error).__name__})") from error
    return f"the server at {api_url} is well"
