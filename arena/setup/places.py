"""The steps that say where: this machine, `.env`, the venue and its pairs, the store, the alerts."""

from __future__ import annotations

import asyncio
import platform
import re
from contextlib import AsyncExitStack
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from arena.adapters.binance.status import BinanceStatus
from arena.alerting import described, destinations_of, see_arriving
from arena.configuration import load_alert_settings, load_settings, load_venue_settings
from arena.connections import is_loopback, public_client, request_budget
from arena.database import upkeep_of
from arena.doctor import look_at_account, look_at_clock, look_at_store
from arena.domain.competitor import LETTERS, AccountMode, Environment
from arena.domain.money import ZERO
from arena.errors import ConfigurationError, ExchangeError
from arena.market import open_market
from arena.pairs import PRESETS, Examination, examine
from arena.pairs import write as write_pairs
from arena.settings import VenueSettings, split_pairs
from arena.setup.asking import Setup
from arena.setup.dialogue import Question, no_address
from arena.setup.draft import Draft

SIMULATOR_URL, TESTNET_URL = "http://127.0.0.1:8900", "https://demo-fapi.binance.com"
_SEASON = re.compile(r"[A-Za-z0-9._-]{1,40}")


def machine(_: Setup) -> str:
    """See that the packages are those that the arena was tested with: with others Prefect's schedules silently never fire."""
    try:
        wanted = [Requirement(line) for line in requires("llm-trading-arena") or ()]
    except PackageNotFoundError:
        raise ConfigurationError("the arena itself is not installed: run `make install`") from None
    wanted = [each for each in wanted if each.marker is None or each.marker.evaluate()]
    wrong = [fault for each in wanted if (fault := _package_fault(each))]
    if wrong:
        raise ConfigurationError(f"{'; '.join(wrong)}: run `make install`")
    return f"Python {platform.python_version()}; {len(wanted)} packages are there, in the versions that are asked for"


def _package_fault(wanted: Requirement) -> str | None:
    try:
        there = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is not installed"
    return None if wanted.specifier.contains(there, prereleases=True) else f"{wanted} is needed, {there} is installed"


def season(setup: Setup) -> str:
    """Make `.env` where there is none, and name the season; also whatever was given that no other step asks for."""
    question = Question(
        variable="SEASON",
        text="Names the season; what was booked under another name stays.",
        fault=lambda name: None if _SEASON.fullmatch(name) else "a season's name is 1 to 40 letters, digits, dots, - and _",
    )

    def check(draft: Draft) -> str:
        named = draft.load(load_venue_settings).season
        if set(setup.given) - {"SEASON"}:
            draft.load(load_settings)
        return f"season {named}"

    return setup.settled(lambda draft: setup.answer(draft, question), check)


def venue(setup: Setup) -> str:
    """Say where to trade, and with which keys; they are tried at the venue."""
    return setup.settled(lambda draft: _venue_of(setup, draft), lambda draft: asyncio.run(_seen_there(draft)))


def _venue_of(setup: Setup, draft: Draft) -> Draft:
    was = draft.value("ENVIRONMENT")
    offered = [Environment.DEMO, Environment.PAPER, Environment.TESTNET]
    choices = tuple(map(str, offered if was != Environment.MAINNET else [*offered, Environment.MAINNET]))
    text = "demo: the simulator; paper: live prices, nobody's money, no key; testnet: Binance's. (mainnet: `arena preflight`.)"
    draft = setup.answer(draft, Question(variable="ENVIRONMENT", text=text, choices=choices))
    chosen = draft.value("ENVIRONMENT")
    if chosen == Environment.PAPER:
        return draft
    if chosen != Environment.MAINNET:
        if chosen == Environment.TESTNET != was and "BINANCE_TESTNET_BASE_URL" not in setup.given:
            draft = draft.having({"BINANCE_TESTNET_BASE_URL": TESTNET_URL})  # the simulator's is no suggestion there
        draft = setup.answer(draft.having({"USE_TESTNET": "true"}), _host(demo=chosen == Environment.DEMO))
    suggested = "simulator" if chosen == Environment.DEMO else ""
    for name in _key_names(draft):
        draft = setup.answer(draft, Question(variable=name, secret=True, suggested=suggested))
    return draft


def _host(*, demo: bool) -> Question:
    def fault(url: str) -> str | None:
        elsewhere = "the demo trades only against a simulator on this machine"
        return no_address(url) or (elsewhere if demo and not is_loopback(url) else None)

    text = f"Of the simulator: `arena simulator` in another terminal serves it at {SIMULATOR_URL}." if demo else ""
    return Question(variable="BINANCE_TESTNET_BASE_URL", text=text, suggested=SIMULATOR_URL if demo else TESTNET_URL, fault=fault)


def _key_names(draft: Draft) -> list[str]:
    """Return the variables of the keys that the season needs: one pair, or one for each that competes."""
    if draft.value("ACCOUNT_MODE") == AccountMode.SEPARATE:
        letters = [letter for letter in LETTERS if draft.value(f"LLM_{letter}_PROVIDER")]
        return [f"LLM_{letter}_BINANCE_{kind}_KEY" for letter in letters for kind in ("API", "SECRET")]
    network = "" if draft.value("ENVIRONMENT") == Environment.MAINNET else "TESTNET_"
    return [f"BINANCE_{network}{kind}_KEY" for kind in ("API", "SECRET")]


async def _seen_there(draft: Draft) -> str:
    settings = draft.load(load_venue_settings)
    try:
        return await _seen(settings)
    except ExchangeError as error:
        if settings.environment is Environment.DEMO:
            raise ConfigurationError(f"{error}: is `arena simulator` running?") from error
        raise


async def _seen(settings: VenueSettings) -> str:
    async with AsyncExitStack() as closing:
        budget = request_budget()
        market, clients = open_market(settings, budget, closing)
        client = next(iter(clients.values())) if clients else public_client(settings, budget, closing)
        seen = [await look_at_clock(client, market)]
        for name, each in clients.items():
            held, may = await look_at_account(each, ZERO), await BinanceStatus(each).permissions()
            if not may.trade:
                raise ConfigurationError(f"the account {name} may not trade futures: allow it at Binance")
            seen.append(f"account {name}: {held}, may trade{' and withdraw' if may.withdraw else ', may not withdraw'}")
    return "; ".join(seen)


def pairs(setup: Setup) -> str:
    """Choose the pairs; they are looked up at the venue."""
    named = ", ".join(PRESETS)
    question = Question(variable="AVAILABLE_PAIRS", text=f"Pairs such as BTCUSDT,ETHUSDT,SOLUSDT, or a preset: {named}.")
    looked: list[Examination] = []

    def gather(draft: Draft) -> Draft:
        draft = setup.answer(draft, question)
        said = draft.value("AVAILABLE_PAIRS")
        return draft.having({"AVAILABLE_PAIRS": ",".join(PRESETS.get(said, split_pairs(said)))})

    def check(draft: Draft) -> str:
        found = asyncio.run(examine(split_pairs(draft.value("AVAILABLE_PAIRS"))))
        if found.every_fault:
            raise ConfigurationError("; ".join(found.every_fault))
        looked.append(found)
        for note in found.notes:
            setup.dialogue.say(note)
        return f"{len(found.checks)} pairs are trading and within reach; {found.title}"

    draft, seen = setup.tried(setup.draft(), gather, check)
    if not draft.changes:
        return f"{seen} (kept)"
    for sentence in write_pairs(looked[-1]):
        setup.dialogue.say(sentence)
    return seen


def store(setup: Setup) -> str:
    """Choose where the state is kept; what the store lacks is made, and it is looked at."""

    def gather(draft: Draft) -> Draft:
        there = "supabase" if draft.offered("SUPABASE_URL") else "sqlite"
        question = Question(
            variable="the store", text="sqlite: a file on this machine; supabase: a project.", choices=("sqlite", "supabase")
        )
        chosen = there if "SUPABASE_URL" in setup.given else setup.dialogue.ask(question, there)
        if chosen == "sqlite":
            return draft.having({"SUPABASE_URL": ""})
        draft = setup.answer(draft, Question(variable="SUPABASE_URL", text="Such as https://abc.supabase.co.", fault=no_address))
        draft = setup.answer(draft, Question(variable="SUPABASE_KEY", text="The project's secret key.", secret=True))
        text = "The database's connection string: makes the tables. Without one: `supabase db push` first."
        return setup.answer(draft, Question(variable="SUPABASE_DB_URL", text=text, secret=True, optional=True))

    return setup.settled(gather, _store_seen)


def _store_seen(draft: Draft) -> str:
    settings = draft.load(load_venue_settings)
    told = []
    if settings.supabase_url and not settings.supabase_db_url.get_secret_value():
        told.append("its tables were not compared: that takes SUPABASE_DB_URL")
    else:
        upkeep = upkeep_of(settings)
        made, drift = upkeep.init(), upkeep.drift()
        if drift:
            raise ConfigurationError(f"the schema has drifted: {'; '.join(drift)} (see `arena db check`)")
        told.append(f"made {', '.join(made)}" if made else "nothing was to be made")
    return "; ".join([asyncio.run(_store_answers(settings)), *told])


async def _store_answers(settings: VenueSettings) -> str:
    async with AsyncExitStack() as closing:
        return await look_at_store(settings, closing)


def alerts(setup: Setup) -> str:
    """Say where alerts go; a message is sent there."""

    def gather(draft: Draft) -> Draft:
        wanted = Question(
            variable="TELEGRAM_NOTIFICATIONS_ENABLED", text="Alerts to Telegram: true or false.", choices=("true", "false")
        )
        draft = setup.answer(draft, wanted)
        if draft.value("TELEGRAM_NOTIFICATIONS_ENABLED") == "true":
            draft = setup.answer(draft, Question(variable="TELEGRAM_BOT_TOKEN", text="From @BotFather.", secret=True))
            chat = Question(variable="TELEGRAM_CHAT_ID", text="A number, negative for groups, or @channel.")
            draft = setup.answer(draft, chat)
        elsewhere = "Alerts elsewhere: URLs of Apprise, such as critical|discord://..., or none."
        return setup.answer(draft, Question(variable="NOTIFY_URLS", text=elsewhere, secret=True, optional=True))

    def check(draft: Draft) -> str:
        settings = draft.load(load_alert_settings)
        if not destinations_of(settings) or not setup.dialogue.agree("Send a message now?"):
            return described(settings)
        return see_arriving(settings, "Set-up: alerts arrive.")

    return setup.settled(gather, check)
