"""The client order id: the one link between an order at the venue and the competitor whose order it is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from arena.domain.competitor import CompetitorId, SeasonId
from arena.domain.order import Cause, Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """What a client order id says: whose order it is, for which symbol, and in what it was formed.

    Attributes:
        cycle: Number of the cycle that formed it, None for an order of a sweep.
        sweep: Number of the booking by the sweep that formed it, None for an order of a cycle.
    """

    tag: str
    letter: str
    symbol: str
    leg: Leg
    cycle: int | None = None
    sweep: int | None = None


_CLIENT_ORDER_ID = re.compile(
    r"(?P<tag>[a-z0-9]{6})-(?P<sweep>w)?(?P<number>[0-9]+)-(?P<letter>[A-C]?[A-Z])-(?P<symbol>[A-Z0-9_]+)-(?P<leg>[a-z])"
)
MAX_CLIENT_ORDER_ID = 36  # Binance's limit; longer ids are refused with -4015
SHUTDOWN_PREFIX = "arena-shutdown-"  # of the orders that the emergency exit sends; they belong to whoever holds the bucket
_VENUES_OWN = {"autoclose-": Cause.LIQUIDATION, "adl_autoclose": Cause.ADL, "settlement_autoclose-": Cause.DELIVERY}
_CAUSES = {Leg.STOP: Cause.STOP, Leg.TARGET: Cause.TARGET, Leg.FLATTEN: Cause.ARENA, Leg.LIQUIDATE: Cause.LIQUIDATION}


def season_tag(season_id: SeasonId) -> str:
    """Return six characters that stand for the season in client order ids."""
    return hashlib.sha256(season_id.encode()).hexdigest()[:6]


def client_order_id(
    season_id: SeasonId, cycle: int | None, letter: str, symbol: str, leg: Leg, *, sweep: int | None = None
) -> str:
    """Return the one id this order can ever have: sending it twice is sending the same order.

    Args:
        season_id: Of the season.
        cycle: That forms the order; None for a sweep's.
        letter: Of the competitor.
        symbol: Traded.
        leg: Its part.
        sweep: Number of the booking that the sweep which forms the order will make.

    Raises:
        ValueError: The id would be longer than the venue allows.
    """
    unit = f"w{sweep}" if cycle is None else str(cycle)
    text = f"{season_tag(season_id)}-{unit}-{letter}-{symbol}-{leg}"
    if len(text) > MAX_CLIENT_ORDER_ID:
        raise ValueError(f"client order id {text} is longer than {MAX_CLIENT_ORDER_ID} characters")
    return text


def parse_client_order_id(text: str) -> OrderKey | None:
    """Return what an id of the arena's says; None for anybody else's."""
    match = _CLIENT_ORDER_ID.fullmatch(text)
    if match is None or match["leg"] not in set(Leg):
        return None
    number = int(match["number"])
    return OrderKey(
        tag=match["tag"],
        letter=match["letter"],
        symbol=match["symbol"],
        leg=Leg(match["leg"]),
        cycle=None if match["sweep"] else number,
        sweep=number if match["sweep"] else None,
    )


def entry_of(client_id: str) -> str:
    """Return what the ids of an entry's orders (its opening, stop, target, fallback) have in common: all but the leg."""
    return client_id.rpartition("-")[0]


def of_the_same_entry(client_id: str, leg: Leg) -> str:
    """Return the id of another order of the same entry."""
    return f"{entry_of(client_id)}-{leg}"


def owner_of(client_id: str, season_id: SeasonId) -> CompetitorId | None:
    """Return the competitor of this season that an order belongs to; None for a foreign order."""
    key = parse_client_order_id(client_id)
    return CompetitorId(f"LLM-{key.letter}") if key is not None and key.tag == season_tag(season_id) else None


def cause_of(client_id: str) -> Cause:
    """Return why the order of this client id filled.

    Source: Binance USD-M user data streams, ORDER_TRADE_UPDATE: the special client order ids.
    """
    key = parse_client_order_id(client_id)
    if key is not None:
        return _CAUSES.get(key.leg, Cause.DECISION)
    if client_id.startswith(SHUTDOWN_PREFIX):
        return Cause.SHUTDOWN
    return next((cause for prefix, cause in _VENUES_OWN.items() if client_id.startswith(prefix)), Cause.MANUAL)
