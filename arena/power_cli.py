"""The `arena power` command: what a season can tell, before it is played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from arena.analysis.outlook import Outlook


def power(
    days: Annotated[float, typer.Option("--days", min=1, help="Length of the season.")] = 30,
    competitors: Annotated[int, typer.Option("--competitors", min=2, help="Models, replicas of one counted once.")] = 3,
    interval: Annotated[int, typer.Option("--interval", min=1, help="Seconds between cycles.")] = 300,
    leverage: Annotated[float, typer.Option("--leverage", min=0.01, help="Of all positions together.")] = 2,
    edge: Annotated[
        float,
        typer.Option("--edge", min=0.001, help="By how much the best is ahead of every other, percent a day."),
    ] = 0.3,
    correlation: Annotated[
        float,
        typer.Option(
            "--correlation",
            min=-0.5,
            max=0.999,
            help="Of two models' daily returns. The arena's models decide at the same instants on the same prompt; "
            "0 where each decides by itself.",
        ),
    ] = 0.7,
    call_cost: Annotated[float, typer.Option("--call-cost", min=0, help="USD of one answer.")] = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell before a season how likely it is to find the better model, and what would help."""
    from arena.analysis.outlook import Plan, outlook
    from arena.terminal import tell

    plan = Plan(
        days=days,
        competitors=competitors,
        interval_s=interval,
        leverage=leverage,
        difference=edge / 100,
        correlation=correlation,
        call_cost=call_cost,
    )
    tell(outlook(plan), _show, as_json=as_json)


def _show(found: Outlook) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from arena.terminal import WIDTH

    table = Table(box=box.SIMPLE_HEAD, title=found.title, title_justify="left")
    table.add_column("")
    for heading in ("Two models told apart", "80 of 100 need", "A winner declared", "80 of 100 need"):
        table.add_column(heading, justify="right")
    for case in found.cases:
        pair, winner = (f"{100 * chance:.0f} of 100" for chance in (case.pair, case.winner))
        table.add_row(case.what, pair, f"{case.pair_days:,.0f} days", winner, f"{case.winner_days:,.0f} days")
    console = Console(width=WIDTH, highlight=False)
    console.print(table)
    for sentence in found.sentences:
        console.print(sentence, markup=False)
