"""Tables for the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from arena.analysis.ranking import Ranked
from arena.application.comparison import Comparison
from arena.application.fairness import Fairness
from arena.application.leaderboard import Leaderboard
from arena.application.seasons import RANKING_COLUMNS, STRENGTH_COLUMNS, SeveralSeasons, ranking_row
from arena.application.tally import Standing
from arena.domain.money import plain
from arena.domain.pairs import PairCheck

WIDTH = 140  # columns; a narrower terminal wraps, a pipe gets whole lines


class Told(Protocol):
    """What can be told as JSON."""

    def to_json(self) -> Any:
        """Return it as `json` takes it."""
        ...


Found = TypeVar("Found", bound=Told)


def tell(found: Found, show: Callable[[Found], None], *, as_json: bool) -> Found:
    """Print what was found, as JSON or for people, and return it."""
    if as_json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        show(found)
    return found


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
    console.print(board.fairness.sentence, markup=False)


def print_seasons(found: SeveralSeasons) -> None:
    """Print the table over several seasons, what may be said about it, and below it what does not count."""
    console = Console(width=WIDTH, highlight=False)
    replayed = sum(each.replayed for each in found.seasons)
    counted = "1 season" if len(found.seasons) == 1 else f"{len(found.seasons)} seasons"
    console.print(_ranking(f"{counted}, {replayed} of them replays", found.headline))
    console.print(found.sentence, markup=False)
    console.print("Strength: the chance to be first were all to meet in one season (Plackett-Luce).", markup=False)
    if found.marked:
        console.print(_ranking("Do not count: the model may know how these windows went on", found.marked, strengths=False))


def _ranking(title: str, rows: Sequence[Ranked], *, strengths: bool = True) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    told = [ranking_row(each) for each in rows]
    shown = [name for name in RANKING_COLUMNS if strengths or name not in STRENGTH_COLUMNS]
    for heading in shown:
        table.add_column(heading[0].upper() + heading[1:], justify="left" if heading == "competitor" else "right", no_wrap=True)
    for row in told:
        table.add_row(*(escape(row[heading]) for heading in shown))
    return table


def print_fairness(found: Fairness) -> None:
    """Print what was checked, and each violation in a line."""
    console = Console(width=WIDTH, highlight=False)
    console.print(found.sentence, markup=False)
    first = ", ".join(f"{llm_id} {count}" for llm_id, count in found.first.items())
    console.print(f"{found.asked} times a model was asked. First in the execution order: {first}.", markup=False)
    if found.lost:
        console.print(f"{found.lost} cycles were begun and never booked: nothing is known of them.")
    for violation in found.violations:
        console.print(str(violation), markup=False)


def print_pairs(title: str, leverage: int, checks: Sequence[PairCheck], notes: Sequence[str]) -> None:
    """Print what was found about pairs.

    Args:
        leverage: At which `checks` give the margin.
        notes: Lines below the table.
    """
    table = Table(title=escape(title), box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("Pair", no_wrap=True)
    for heading in ("Last price", "Mark price", "Smallest order, USDT", f"Margin at {leverage}x, USDT", "Of the capital"):
        table.add_column(heading, justify="right")
    table.add_column("Verdict")
    for check in checks:
        table.add_row(escape(check.symbol), *_figures(check), escape("; ".join(check.faults) or "ok"))
    console = Console(width=WIDTH, highlight=False)
    console.print(table)
    for note in notes:
        console.print(note, markup=False)


def print_comparison(found: Comparison) -> None:
    """Print the books and the exchange side by side, and whether they agree."""
    console = Console(width=WIDTH, highlight=False)
    table = Table(title=f"Positions of {found.season.season_id}, base asset", box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("Account", "Symbol", "Side"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Competitors", "By hand", "Exchange", "Difference"):
        table.add_column(heading, justify="right")
    for row in found.buckets:
        holders = ", ".join(f"{llm_id} {plain(quantity)}" for llm_id, quantity in row.holders.items()) or "–"
        figures = (plain(row.by_hand), plain(row.venue), plain(row.difference))
        table.add_row(row.account, row.symbol, row.side, holders, *figures)
    console.print(table)
    money = Table(title="Earned since the season began, USDT", box=box.SIMPLE_HEAD, title_justify="left")
    money.add_column("Account", no_wrap=True)
    for heading in ("Competitors", "Exchange", "Difference"):
        money.add_column(heading, justify="right")
    for line in found.money:
        money.add_row(line.account, f"{line.ledgers:.4f}", f"{line.venue:.4f}", f"{line.difference:.8f}")
    console.print(money)
    for trade in found.unbooked:
        console.print(f"not booked yet: {trade}", markup=False)
    console.print("The books agree." if found.equal else "THE BOOKS DIFFER.")


def _figures(check: PairCheck) -> tuple[str, ...]:
    prices = ("–" if price is None else plain(price) for price in (check.last_price, check.mark_price))
    if check.order is None or check.share is None:
        return (*prices, "–", "–", "–")
    return (*prices, f"{check.order.notional:.2f}", f"{check.order.margin:.2f}", f"{check.share * 100:.2f} %")


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
