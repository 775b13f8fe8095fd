"""One screen about the account at Binance. Needs nothing but the keys, sends no order, prints no secret.

    python -m scripts.check_binance_status        (or: python scripts/check_binance_status.py)

Ends with 0 if all of it could be read, else with 1 and a sentence for each fault. Weighs about 130 of the minute's 2400.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a file

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.limits import WEIGHT_A_MINUTE, RequestBudget
from arena.adapters.binance.status import BinanceStatus, OpenPosition
from arena.configuration import load_venue_settings, written_pairs
from arena.connections import account_clients
from arena.domain.competitor import Environment
from arena.domain.money import plain
from arena.errors import ArenaError, RateLimited
from arena.settings import VenueSettings

INDENT = 15  # columns


@dataclass(slots=True)
class Screen:
    """What was read, and what could not be: the subjects by the sentence that says why."""

    lines: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)

    def add(self, subject: str, found: Sequence[str]) -> None:
        """Add a subject's lines."""
        for number, line in enumerate(found):
            self.lines.append(f"{'' if number else subject:<{INDENT}}{line}")


def main() -> int:
    """Look and print; return 0 when all could be read. Runs from anywhere: `.env` is the project's."""
    os.chdir(os.environ.get("ARENA_HOME", ROOT))
    screen = Screen()
    try:
        asyncio.run(look(screen, load_venue_settings(), written_pairs()))
    except ArenaError as error:
        screen.faults[str(error)] = ["the account"]
    for line in screen.lines:
        print(line)
    for sentence, subjects in screen.faults.items():
        print(f"{', '.join(subjects)} could not be read: {sentence}", file=sys.stderr)
    return 1 if screen.faults else 0


async def look(screen: Screen, settings: VenueSettings, pairs: Sequence[str]) -> None:
    """Read every subject; one that fails stops none of the others, unless the venue is out of reach or asks for silence.

    Raises:
        ConfigurationError: There is no account to look at.
    """
    budget = RequestBudget()
    async with AsyncExitStack() as closing:
        clients = account_clients(settings, budget, closing)
        screen.add("host", [f"{next(iter(clients.values())).base_url}, ENVIRONMENT={settings.environment}"])
        for account, client in clients.items():
            if len(clients) > 1:
                screen.add("account", [account])
            for subject, read in subjects(client, settings, pairs).items():
                try:
                    screen.add(subject, await read())
                except ArenaError as error:
                    screen.faults.setdefault(str(error), []).append(subject)
                    if subject == "clock" or isinstance(error, RateLimited):
                        return
        screen.add("request weight", [f"{budget.used_weight} of {WEIGHT_A_MINUTE} in this minute"])


def subjects(
    client: FuturesClient, settings: VenueSettings, pairs: Sequence[str]
) -> dict[str, Callable[[], Awaitable[Sequence[str]]]]:
    """Return what is looked at, in the order of the screen."""
    status = BinanceStatus(client)

    async def clock() -> Sequence[str]:
        found = await status.clock()
        where = "ahead of" if found.ahead_ms >= 0 else "behind"
        own = " (the simulator keeps its own time)" if settings.environment is Environment.DEMO else ""
        return [f"reached in {found.latency_ms} ms; the venue's is {abs(found.ahead_ms)} ms {where} this machine's{own}"]

    async def mode() -> Sequence[str]:
        return ["hedge" if await status.hedge_mode() else "one-way (the arena sets hedge mode when a season starts)"]

    async def balance() -> Sequence[str]:
        wallet, available = await status.balances()
        return [f"{wallet:.2f} USDT in the wallet, {available:.2f} available"]

    async def positions() -> Sequence[str]:
        return [line(position) for position in await status.positions()] or ["none"]

    async def orders() -> Sequence[str]:
        return counted(await status.orders(conditional=False))

    async def conditional() -> Sequence[str]:
        return counted(await status.orders(conditional=True))

    async def trading() -> Sequence[str]:
        listed = await status.listed()
        return [f"{pair:<13} {verdict(listed.get(pair))}" for pair in dict.fromkeys(pairs)] or ["AVAILABLE_PAIRS names none"]

    return {
        "clock": clock,
        "position mode": mode,
        "balance": balance,
        "positions": positions,
        "orders": orders,
        "conditional": conditional,
        "pairs": trading,
    }


def verdict(state: str | None) -> str:
    """Return what the venue's word for a contract's state means here."""
    if state is None:
        return "NOT listed"
    return "trading" if state == "TRADING" else f"NOT trading ({state})"


def line(position: OpenPosition) -> str:
    """Return a position's line."""
    liquidation = "none" if position.liquidation_price is None else plain(position.liquidation_price)
    return (
        f"{position.symbol:<13} {position.side:<5} {plain(position.quantity):>10}  entry {plain(position.entry_price)}  "
        f"mark {plain(position.mark_price)}  PnL {position.unrealized_pnl:+.2f}  liquidation {liquidation}"
    )


def counted(orders: Mapping[str, tuple[str, ...]]) -> Sequence[str]:
    """Return a line for each symbol that has orders: how many of which type."""
    lines = []
    for symbol, types in orders.items():
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(types).items()))
        lines.append(f"{symbol:<13} {kinds}")
    return lines or ["none"]


if __name__ == "__main__":
    sys.exit(main())
