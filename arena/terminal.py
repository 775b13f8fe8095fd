"""Tables for the terminal."""

from __future__ import annotations

from decimal import Decimal

from rich import box
from rich.console import Console
from rich.table import Table

from arena.application.leaderboard import Leaderboard, Standing

WIDTH = 140  # columns; a narrower terminal wraps, a pipe gets whole lines


def print_leaderboard(board: Leaderboard) -> None:
    """Print the ranking with what may be said about it."""
    table = Table(title=f"{board.season}: {board.cycles} cycles, {board.market}", box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("#", "Competitor", "Model"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Equity, USDT", "ROI", "Max drawdown", "Fees", "Trades", "Won", "Valid answers"):
        table.add_column(heading, justify="right")
    for rank, standing in enumerate(board.competitors, 1):
        table.add_row(str(rank), *_cells(standing))
    console = Console(width=WIDTH, highlight=False)
    console.print(table)
    console.print(board.verdict)


def _cells(standing: Standing) -> tuple[str, ...]:
    model = f"{standing.model} (baseline rule, not an LLM)" if standing.baseline else f"{standing.model} ({standing.provider})"
    return (
        standing.llm_id,
        model,
        f"{standing.equity:.2f}",
        f"{standing.roi * 100:+.2f} %",
        f"{standing.max_drawdown * 100:.2f} %",
        f"{standing.fees:.2f}",
        str(standing.trades),
        _percent(standing.win_rate),
        _percent(standing.valid_answers),
    )


def _percent(share: Decimal | None) -> str:
    return "–" if share is None else f"{share * 100:.0f} %"
