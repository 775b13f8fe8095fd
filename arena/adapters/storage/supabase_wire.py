"""Rows as Supabase takes and gives them: JSON in which no amount is ever a float.

Going there, amounts and times are texts, which Postgres reads exactly. Coming back, a reply is the text of a JSON whose numbers
are read as decimals; what a column holds follows from its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from arena.adapters.storage.rows import FLAGS, Row, Tables, iso
from arena.domain.money import plain


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


AMOUNTS = _names("""
    amount arrival_price balance capital closed_notional closed_quantity cost_usd current_balance entry_price equity exit_price
    fee fees filled_quantity foreign_quantity funding funding_rate initial_balance insurance ledgers limit_price mark_price
    opened_notional opened_quantity payment pnl price quantity realized_pnl signed_cost signed_quantity stop_price target_price
    temperature total_pnl trigger_price unrealized_pnl venue wallet_balance
""")
TIMES = _names("""
    answered_at as_of asked_at begun_at closed_at deadline_at formed_at opened_at ordered_at scheduled_at started_at time
""")
DOCUMENTS = _names("""
    closed_intents cursor execution_order foreign_holdings full_response notes parameters skipped symbols thesis
""")  # jsonb there, and here the one JSON text of `rows.as_json`
HIDDEN = frozenset({"claim"})  # columns that only Supabase has


def to_wire(tables: Tables) -> dict[str, list[Row]]:
    """Return rows as the functions of the database take them."""
    return {name: [_sent(row) for row in rows] for name, rows in tables.items()}


def from_wire(text: str | None) -> Any:
    """Return what a function of the database answered."""
    return None if text is None else json.loads(text, parse_float=Decimal)


def rows_of(found: list[Mapping[str, Any]] | None) -> list[Row]:
    """Return rows of a reply as every store keeps them."""
    return [{name: _kept(name, value) for name, value in row.items() if name not in HIDDEN} for row in found or ()]


def _sent(row: Row) -> Row:
    return {name: json.loads(value) if name in DOCUMENTS and value is not None else value for name, value in row.items()}


def _kept(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in AMOUNTS:
        return plain(Decimal(value))
    if name in TIMES:
        return iso(datetime.fromisoformat(value))
    if name in DOCUMENTS:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=float)
    return int(value) if name in FLAGS else value
