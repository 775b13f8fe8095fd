"""Get out of everything: cancel all orders, close all positions of every symbol, and look until it is so.

Needs the venue alone: no store, no models, no Prefect. Whoever's orders and positions they are, they go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from arena.domain.money import plain
from arena.domain.order import PositionSide
from arena.errors import ExchangeError
from arena.together import together

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5


class WholeAccount(Protocol):
    """Everything an account holds, beyond the pairs and competitors of a season."""

    async def positions(self) -> Mapping[tuple[str, PositionSide], Decimal]:
        """Return the signed quantity of every open position, base asset."""
        ...

    async def resting(self) -> Sequence[str]:
        """Return the symbols that have open orders, conditional ones included."""
        ...

    async def cancel_all(self, symbol: str) -> None:
        """Cancel every open order of a symbol, conditional ones included."""
        ...

    async def close(self, symbol: str, side: PositionSide, quantity: Decimal) -> None:
        """Close a position at the market; quantity is base asset, > 0."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """How it ended.

    Attributes:
        flat: No position and no order was left when the account was last looked at.
        left: What was, in words; or why it could not be looked at.
        closed: Positions that were sent to be closed, in words.
        faults: What failed on the way, each once.
    """

    flat: bool
    left: tuple[str, ...]
    closed: tuple[str, ...]
    faults: tuple[str, ...]

    def sentence(self) -> str:
        """Return it in words, a line each."""
        lines = [f"closed {each}" for each in self.closed] + [f"fault: {each}" for each in self.faults]
        if self.flat:
            return "\n".join([*lines, "the account is flat: no position, no order"])
        return "\n".join([*lines, *(f"STILL THERE: {each}" for each in self.left), "the account is NOT flat"])


async def shut_down(
    account: WholeAccount, patience_seconds: float = PATIENCE_SECONDS, pause_seconds: float = PAUSE_SECONDS
) -> Shutdown:
    """Cancel and close until the account is flat or the patience is over; one symbol that fails stops nothing else."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience_seconds
    closed: dict[str, None] = {}
    faults: dict[str, None] = {}
    while True:
        left = await _round(account, closed, faults)
        if not left or clock() >= deadline:
            return Shutdown(flat=not left, left=tuple(left), closed=tuple(closed), faults=tuple(faults))
        await asyncio.sleep(pause_seconds)


async def _round(account: WholeAccount, closed: dict[str, None], faults: dict[str, None]) -> list[str]:
    """Look, act on everything that is there, and return what was there."""
    try:
        held, resting = await account.positions(), await account.resting()
    except ExchangeError as error:
        faults[str(error)] = None
        return [f"the account cannot be seen: {error}"]

    async def leave(symbol: str) -> None:
        """Orders first: a stop that triggers beside the close would open or close somebody else's quantity."""
        try:
            if symbol in resting:
                await account.cancel_all(symbol)
        except ExchangeError as error:
            faults[f"orders of {symbol}: {error}"] = None
        for (name, side), quantity in held.items():
            if name == symbol:
                try:
                    await account.close(symbol, side, abs(quantity))
                    closed[f"{side.lower()} {plain(abs(quantity))} {symbol}"] = None
                except ExchangeError as error:
                    faults[f"{side.lower()} {symbol}: {error}"] = None

    await together(*(leave(symbol) for symbol in sorted({name for name, _ in held} | set(resting))))
    positions = [f"{side.lower()} {plain(abs(quantity))} {symbol}" for (symbol, side), quantity in held.items()]
    return positions + [f"orders of {symbol}" for symbol in resting]
