"""What is read of a season to judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arena.analysis.attribution import COLUMNS as ATTRIBUTED
from arena.application.fairness import merged, read_columns
from arena.application.store import Records
from arena.domain.competitor import SeasonId

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

_COLUMNS: Mapping[str, tuple[str, ...]] = {  # prompts and answers stay in the store
    "seasons": ("season_id", "started_at", "symbols", "interval_seconds", "market", "environment"),
    "competitors": ("llm_id", "provider", "model", "baseline", "capital"),
    "cycles": ("status", "scheduled_at"),
    "equity_points": ("llm_id", "time", "equity"),
    "position_points": ("llm_id", "signed_quantity", "mark_price", "time"),
    "fills": ("time", "cause"),
    "positions": ("quantity", "entry_price", "leverage", "opened_at"),
    "closed_trades": (
        *("llm_id", "symbol", "side", "entry_price", "exit_price", "quantity", "leverage", "pnl", "fees", "funding"),
        *("opened_at", "closed_at", "cause"),
    ),
    "turns": ("llm_id", "answer", "failure", "calls"),
    "model_calls": ("llm_id", "purpose", "input_tokens", "output_tokens", "cost_usd"),
    "rejections": ("llm_id", "reason"),
}
_DECISIONS = ("llm_id", "cycle", "time", "decision_type", "symbol", "confidence")  # that are more than to hold: most are not


async def read_rows(records: Records, season_id: SeasonId, *more: Mapping[str, Sequence[str]]) -> Tables:
    """Return what a judgement needs of a season, rows in booking order by table; `decided` counts the decisions of each kind.

    Args:
        records: Where it is.
        season_id: Its name.
        more: Columns by table that somebody needs besides: a long season is read once.

    Raises:
        ConfigurationError: The records know no such season.
    """
    tables = await read_columns(records, season_id, merged(_COLUMNS, ATTRIBUTED, *more))
    names = ("llm_id", "decision_type", "symbol")
    counted = await records.counts("llm_decisions", season_id, names)
    return {
        **tables,
        "llm_decisions": await records.columns("llm_decisions", season_id, _DECISIONS, without=("decision_type", "hold")),
        "decided": [{**dict(zip(names, values, strict=True)), "count": count} for values, count in counted.items()],
    }
