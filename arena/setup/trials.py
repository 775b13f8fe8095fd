"""The steps that try the whole: a cycle without orders, the way out, and the schedule."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack

from arena.adapters.binance.whole_account import BinanceWholeAccount
from arena.application.shutdown import Shutdown
from arena.configuration import load_settings, load_venue_settings
from arena.connections import account_clients, reachable_clients, request_budget
from arena.doctor import capital_on, look_at_account, look_at_prefect
from arena.domain.competitor import Environment
from arena.domain.money import plain
from arena.emergency import emergency_shutdown
from arena.errors import ConfigurationError
from arena.halting import resume
from arena.rehearsal import Rehearsal, rehearse
from arena.schedules import resume_schedules, scheduling
from arena.settings import Settings, VenueSettings
from arena.setup.asking import Setup
from arena.standings import read_standing

REHEARSED_BY = "rehearsed by arena setup"
REGISTER = (sys.executable, "-m", "deployments.apply")  # a process of its own: the arena runs without Prefect


def rehearsal(setup: Setup) -> str:
    """Play a cycle up to its orders; nothing is sent to the exchange and nothing is booked."""
    settings = load_settings()
    asking = setup.asking_models and setup.dialogue.agree("Ask the models once each? It uses tokens.")
    if asking:
        setup.dialogue.say(f"asking {settings.total_llms} models, for {settings.llm_deadline_seconds} s at most ...")
    played = asyncio.run(_rehearsed(settings, asking))
    for line in played.lines():
        setup.dialogue.say(line)
    if played.silent:
        raise ConfigurationError("; ".join(played.silent))
    return "every model answered; nothing was sent or booked" if asking else "the prompts were made; nothing was sent or booked"


async def _rehearsed(settings: Settings, asking: bool) -> Rehearsal:
    if settings.environment is not Environment.PAPER:
        async with AsyncExitStack() as closing:
            for name, client in account_clients(settings, request_budget(), closing).items():
                await client.synchronise()
                await look_at_account(client, capital_on(name, settings))
    return await rehearse(settings, asking=asking)


def way_out(setup: Setup) -> str:
    """Use the emergency exit in earnest where nothing is lost by it, then let the season go on."""
    settings = load_venue_settings()
    if settings.environment not in (Environment.DEMO, Environment.TESTNET):
        return f"not rehearsed: it is on demo and testnet, this is {settings.environment}"
    standing = asyncio.run(read_standing(settings))
    if standing is not None and (why := standing.why_halted()) and REHEARSED_BY not in why:
        return f"not rehearsed: {why}, and would go on afterwards"
    held = asyncio.run(_held(settings))
    if held and not setup.closing_positions:
        question = f"The account holds {', '.join(held)}. Close all of it?"
        if not setup.dialogue.agree(question, default=False):
            return f"not rehearsed: the account holds {', '.join(held)} (--close-positions closes them)"
    elif not setup.dialogue.agree(f"Halt {settings.season}, cancel every order, see that the account is flat, and resume?"):
        return "not rehearsed"
    ended, faults = _left(setup, settings)
    if not ended.flat:
        raise ConfigurationError(f"the account is not flat: {'; '.join((*ended.left, *ended.faults))}")
    closed = f"{len(ended.closed)} positions closed, " if ended.closed else ""
    return "; ".join([f"{closed}the account is flat; {settings.season} goes on", *ended.faults, *faults])


def _left(setup: Setup, settings: VenueSettings) -> tuple[Shutdown, tuple[str, ...]]:
    """Leave everything, and undo the halt and the pause whatever comes of it, Ctrl-C included."""
    scheduled = asyncio.run(scheduling(setup.prefect_api_url))
    try:
        ended = asyncio.run(emergency_shutdown(settings, REHEARSED_BY, setup.prefect_api_url))
    finally:
        resume(settings)
        faults = asyncio.run(resume_schedules(setup.prefect_api_url)) if scheduled else ()
    return ended, faults


async def _held(settings: VenueSettings) -> list[str]:
    """Return what the accounts hold, in words: positions, and symbols with orders."""
    async with AsyncExitStack() as closing:
        clients, unseen = reachable_clients(settings, request_budget(), closing)
        if unseen:
            raise ConfigurationError("; ".join(unseen))
        return [line for each in clients.values() for line in await _held_on(BinanceWholeAccount(each))]


async def _held_on(account: BinanceWholeAccount) -> list[str]:
    positions, orders = await account.positions(), await account.resting()
    held = [f"{side.lower()} {plain(abs(quantity))} {symbol}" for (symbol, side), quantity in positions.items()]
    return [*held, *(f"orders of {symbol}" for symbol in orders)]


def deployments(setup: Setup) -> str:
    """Register the flows where a Prefect server answers."""
    later = "`make up` registers the deployments when it starts a server"
    if not setup.prefect_api_url:
        return f"no Prefect server is named in the environment (PREFECT_API_URL): {later}"
    try:
        answered = asyncio.run(look_at_prefect(setup.prefect_api_url))
    except ConfigurationError as error:
        return f"{error}: {later}"
    if not setup.dialogue.agree("Register the deployments? From then on a worker trades at every interval."):
        return f"{answered}; nothing was registered"
    ended = subprocess.run(REGISTER, capture_output=True, text=True, check=False)  # noqa: S603  nothing in it is anybody's input
    said = [line.strip() for line in (ended.stdout if ended.returncode == 0 else ended.stderr).splitlines() if line.strip()]
    if ended.returncode != 0:
        raise ConfigurationError(f"nothing was registered: {said[-1] if said else 'no reason was given'}")
    return said[-1].rstrip(".") if said else answered
