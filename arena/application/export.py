"""A season as tables for a spreadsheet: which files there are, what their columns are called, and the rows of each.

Numbers are exact decimal strings, times ISO 8601 UTC with microseconds. An event at or before a point's time is in that point.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from arena.application.store import Records
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One file.

    Attributes:
        name: Of the file.
        table: Of the records.
        columns: Header and column of the records, in the file's order.
    """

    name: str
    table: str
    columns: tuple[tuple[str, str], ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The file's first row."""
        return tuple(title for title, _ in self.columns)


def _sheet(name: str, table: str, columns: str) -> Sheet:
    """Return a sheet from `title` or `title=column`, separated by spaces."""
    pairs = (text.partition("=") for text in columns.split())
    return Sheet(name=name, table=table, columns=tuple((title, column or title) for title, _, column in pairs))


SHEETS = (
    _sheet(
        "fills.csv",
        "fills",
        "season=season_id cycle_id=cycle competitor=llm_id symbol side position_side quantity price fee realized_pnl "
        "client_order_id exchange_order_id time",
    ),
    _sheet("funding.csv", "funding", "competitor=llm_id symbol signed_quantity mark_price funding_rate payment time"),
    _sheet("equity.csv", "equity_points", "competitor=llm_id time wallet_balance unrealized_pnl equity"),
    _sheet(
        "positions.csv",
        "position_points",
        "competitor=llm_id time symbol signed_quantity entry_price mark_price unrealized_pnl",
    ),
    _sheet(
        "decisions.csv",
        "llm_decisions",
        "cycle_id=cycle competitor=llm_id time decision_type symbol size_percent leverage entry_type limit_price stop_price "
        "target_price confidence reasoning invalidation outcome full_response",
    ),
    _sheet(
        "model_calls.csv",
        "model_calls",
        "cycle_id=cycle competitor=llm_id number purpose begun_at latency_ms fault error retry_after_ms request_id model "
        "stop_reason input_tokens cached_tokens output_tokens cost_usd parameters text",
    ),
    _sheet(
        "accounts.csv",
        "llm_accounts",
        "competitor=llm_id initial_balance current_balance unrealized_pnl equity total_pnl realized_pnl fees funding "
        "total_trades winning_trades losing_trades",
    ),
    _sheet(
        "closed_trades.csv",
        "closed_trades",
        "cycle_id=cycle competitor=llm_id symbol side entry_price exit_price quantity leverage pnl fees funding opened_at "
        "closed_at",
    ),
    _sheet("ledger.csv", "ledger_entries", "cycle_id=cycle competitor=llm_id kind symbol amount balance reference time"),
)


async def sheet_rows(records: Records, season_id: SeasonId, sheet: Sheet) -> AsyncIterator[tuple[str, ...]]:
    """Yield a sheet's rows in booking order, as text; what is not known is empty."""
    async for row in records.rows(sheet.table, season_id):
        yield tuple("" if row[column] is None else str(row[column]) for _, column in sheet.columns)


async def check_season(records: Records, season_id: SeasonId) -> None:
    """Make sure that there is something to export.

    Raises:
        ConfigurationError: The records know no such season.
    """
    async for _ in records.rows("seasons", season_id):
        return
    raise ConfigurationError(f"there is no season {season_id} in the records")
