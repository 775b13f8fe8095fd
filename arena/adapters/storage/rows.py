"""Records as flat rows, the same for every store: decimals as exact strings, times as ISO 8601 UTC, the rest as JSON text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import Any

from arena.application.record import EquityPoint
from arena.domain.competitor import Season, SeasonId
from arena.domain.ledger import Ledger, opened
from arena.domain.money import ZERO, plain
from arena.domain.order import Intent

Row = dict[str, Any]
Tables = dict[str, list[Row]]

TABLES = (
    "seasons",
    "competitors",
    "cycles",
    "bookings",
    "llm_accounts",
    "prompts",
    "configurations",
    "snapshots",
    "turns",
    "model_calls",
    "llm_decisions",
    "rejections",
    "intents",
    "orders",
    "fills",
    "foreign_fills",
    "funding",
    "ledger_entries",
    "equity_points",
    "position_points",
    "positions",
    "closed_trades",
    "discrepancies",
    "alerts",
)


BOOKED = frozenset(  # tables whose rows know their booking
    {"orders", "fills", "foreign_fills", "funding", "ledger_entries", "positions", "closed_trades", "discrepancies", "alerts"}
)
OF_A_CYCLE = frozenset(  # tables whose rows know their cycle, and a cycle's booking alone writes
    {"snapshots", "turns", "model_calls", "llm_decisions", "rejections", "equity_points", "position_points"}
)


BOOKKEEPING = frozenset({"id", "created_at", "updated_at"})  # columns that each store keeps for itself
FLAGS = frozenset({"baseline", "thinking"})


def iso(moment: datetime) -> str:
    """Return an aware time as `2025-01-01T08:00:00.000000Z`.

    Raises:
        ValueError: `moment` has no time zone, so nobody knows which instant is meant.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    there = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return there.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"  # ten times as fast as strftime


def clean(text: str) -> str:
    """Return `text` as any store can keep it: lone surrogates and NUL, which models do send, become U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return str(text)  # also of a StrEnum
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


def as_json(value: object) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, decimals and times as strings."""
    return ENCODER.encode(_plain_value(value))


ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))  # `json.dumps` makes one at every call


def cell(value: object) -> str | int | None:
    """Return a field as a column keeps it."""
    if value is None:
        return None
    kept = _CELLS.get(value.__class__)
    if kept is not None:
        return kept(value)
    return clean(value) if isinstance(value, str) else as_json(value)  # a StrEnum, or what is made of other values


_CELLS: Mapping[type, Callable[[Any], str | int]] = {str: clean, Decimal: plain, datetime: iso, int: int, bool: int}


def season_rows(season: Season) -> Tables:
    """Return what a new season starts with: its competitors, their accounts, and the entries of their capital.

    The season's row has no marks yet, see `marks.sealed_season`.
    """
    key = {"season_id": season.season_id}
    openings = [opened(each.llm_id, each.capital, season.started_at) for each in season.competitors]
    return {
        "seasons": [flat(season, without=("competitors",))],
        "competitors": [
            {**key, "llm_id": each.llm_id, **flat(each.model), "capital": cell(each.capital)} for each in season.competitors
        ],
        "llm_accounts": [{**key, "booking": None, **account_row(posting.ledger, None)} for posting in openings],
        "ledger_entries": [
            {**key, "cycle": None, "booking": None, **flat(entry)} for posting in openings for entry in posting.entries
        ],
    }


def account_row(ledger: Ledger, point: EquityPoint | None) -> Row:
    """Return a ledger's wallet; its worth is that of `point`, or the wallet's where there is none."""
    worth = {
        "unrealized_pnl": point.unrealized_pnl if point else ZERO,
        "equity": point.equity if point else ledger.wallet_balance,
    }
    parts = {
        "initial_balance": ledger.capital,
        "current_balance": ledger.wallet_balance,
        **worth,
        "total_pnl": ledger.wallet_balance - ledger.capital,
    }
    rest = flat(ledger, without=("capital", "wallet_balance", "positions"))
    return {**{name: cell(value) for name, value in parts.items()}, **rest}


def intent_row(season_id: SeasonId, intent: Intent) -> Row:
    """Return an intent with its order's fields beside its own."""
    own = flat(intent, without=("order", "created_at"))
    return {"season_id": season_id, **flat(intent.order), **own, "formed_at": iso(intent.created_at)}


def shown(row: Mapping[str, Any]) -> Row:
    """Return a stored row as readers see it: without the store's own ids and times, flags as what they are."""
    return {
        name: bool(value) if name in FLAGS and value is not None else value
        for name, value in row.items()
        if name not in BOOKKEEPING
    }


def all_shown(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Row]:
    """Yield stored rows of one table as readers see them; looks at the names once, since a season has many rows.

    Args:
        names: Of the columns.
        rows: Their values, in this order.
    """
    kept = [at for at, name in enumerate(names) if name not in BOOKKEEPING]
    columns, flags = [names[at] for at in kept], [names[at] for at in kept if names[at] in FLAGS]
    picked = rows if len(kept) == len(names) else map(itemgetter(*kept), rows)
    made_of = (dict(zip(columns, row, strict=False)) for row in picked)  # of one length, by `kept`
    if not flags:
        yield from made_of
        return
    for made in made_of:
        for name in flags:
            if made[name] is not None:
                made[name] = bool(made[name])
        yield made


def flat(value: Any, without: tuple[str, ...] = ()) -> Row:
    """Return a value's fields as columns."""
    return {name: cell(getattr(value, name)) for name in _names(value) if name not in without}


def _names(value: Any) -> tuple[str, ...]:
    return _names_of(value.__class__)


@cache
def _names_of(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _plain_value(value: Any) -> Any:
    if value is None or isinstance(value, (str, Decimal)):
        return cell(value)
    if is_dataclass(value):
        return {name: _plain_value(getattr(value, name)) for name in _names(value)}
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain_value(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_value(each) for each in value]
    return value if isinstance(value, (bool, float)) else cell(value)


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
