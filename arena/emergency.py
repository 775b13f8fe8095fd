"""The emergency exit: halt the season, leave everything that every account holds, pause the schedule, tell people.

It needs the keys alone; with ENVIRONMENT=paper, where the store is the venue, the store. What else is down (models, Prefect,
alerts) is a fault in the result, never a reason to stay.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.limits import RequestBudget
from arena.adapters.binance.whole_account import BinanceWholeAccount
from arena.alerting import open_notifier
from arena.application.record import Alert, AlertKind
from arena.application.shutdown import Shutdown, WholeAccount, shut_down
from arena.configuration import load_alert_settings
from arena.connections import reachable_clients
from arena.domain.competitor import AccountId, Environment
from arena.errors import ArenaError, ExchangeError
from arena.halting import EMERGENCY, halt
from arena.paper import whole_paper_accounts
from arena.schedules import pause_schedules
from arena.settings import VenueSettings
from arena.together import together

JOURNAL = Path("runs") / "shutdowns.jsonl"  # every use of the exit, a line each


async def emergency_shutdown(settings: VenueSettings, by: str, prefect_api_url: str = "") -> Shutdown:
    """Leave everything; the halt comes first, since a cycle must not open what is closed.

    Args:
        settings: Where the accounts are.
        by: Who asked for it, in words.
        prefect_api_url: Of the server whose schedule is paused; PREFECT_API_URL where left out.

    Raises:
        ConfigurationError: No account can be reached with these settings.
    """
    began = time.monotonic()
    faults, unseen = _halt(settings, f"{EMERGENCY} ({by})"), tuple[str, ...]()
    async with AsyncExitStack() as closing:
        budget = RequestBudget()  # a ban that is written down may be over by now
        if settings.environment is Environment.PAPER:
            paper = await whole_paper_accounts(settings, budget, closing)
            leaving = [_leave(account, whole) for account, whole in paper.items()]
        else:
            clients, unseen = reachable_clients(settings, budget, closing)
            leaving = [_leave(account, BinanceWholeAccount(client), client) for account, client in clients.items()]
        ended = await together(*leaving)
    combined = _combined(ended, faults, unseen)
    paused = await pause_schedules(prefect_api_url or os.environ.get("PREFECT_API_URL", ""))
    told = await _tell(combined, settings, by)
    result = replace(combined, faults=combined.faults + paused + told)
    _write_down(result, settings, time.monotonic() - began)
    return result


def _halt(settings: VenueSettings, reason: str) -> tuple[str, ...]:
    try:
        halt(settings, reason)
    except OSError as error:
        return (f"the season could not be halted: {settings.halt_file} cannot be written ({error.strerror})",)
    return ()


async def _leave(account: AccountId, whole: WholeAccount, client: FuturesClient | None = None) -> tuple[AccountId, Shutdown]:
    if client is not None:
        with contextlib.suppress(ExchangeError):
            await client.synchronise()  # only the clock; a signed call sets it too
    try:
        return account, await shut_down(whole)
    except ArenaError as error:  # a key that is refused keeps no other account from being left
        return account, Shutdown(flat=False, left=(f"the account cannot be seen: {error}",), closed=(), faults=())


def _combined(ended: list[tuple[AccountId, Shutdown]], faults: tuple[str, ...], unseen: tuple[str, ...]) -> Shutdown:
    """Return what came of all accounts; where there are several, each sentence names its account.

    Args:
        ended: By account.
        faults: On the way, beside theirs.
        unseen: Why some account could not be reached at all.
    """

    def named(account: AccountId, sentences: tuple[str, ...]) -> list[str]:
        return [f"{sentence} ({account})" if len(ended) > 1 else sentence for sentence in sentences]

    return Shutdown(
        flat=not unseen and all(each.flat for _, each in ended),
        left=unseen + tuple(sentence for account, each in ended for sentence in named(account, each.left)),
        closed=tuple(sentence for account, each in ended for sentence in named(account, each.closed)),
        faults=faults + tuple(sentence for account, each in ended for sentence in named(account, each.faults)),
    )


async def _tell(ended: Shutdown, settings: VenueSettings, by: str) -> tuple[str, ...]:
    """Alert; return what kept it from being told."""
    text = f"EMERGENCY SHUTDOWN of {settings.season} ({settings.environment}; {by}): {ended.sentence()}"
    alert = Alert(kind=AlertKind.SHUTDOWN, llm_id=None, text=text, time=datetime.now(UTC))
    try:
        receipt = await open_notifier(load_alert_settings(), settings.outboxes).notify([alert])
    except Exception as error:  # whatever is wrong with the alerts, the account is left
        return (f"nobody could be alerted: {error}",)
    return ("the alert waits: `arena notify pending` shows it, and the next run sends it",) if receipt.waiting else ()


def _write_down(ended: Shutdown, settings: VenueSettings, seconds: float) -> None:
    """Keep a line of it, by which `arena preflight` knows that the exit was rehearsed."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": str(settings.environment),
        "season": settings.season,
        "flat": ended.flat,
        "closed": list(ended.closed),
        "left": list(ended.left),
        "seconds": round(seconds, 1),
    }
    with contextlib.suppress(OSError):
        JOURNAL.parent.mkdir(parents=True, exist_ok=True)
        with JOURNAL.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line) + "\n")
