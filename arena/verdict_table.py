"""A judgement for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from arena.terminal import WIDTH
from arena.verdict.judgement import Estimate, Judgement, Line


def print_verdict(judgement: Judgement) -> None:
    """Print the verdict, what supports it, and the comparison."""
    console = Console(width=WIDTH, highlight=False)
    console.print(f"[bold]{escape(judgement.headline)}[/bold]")
    for sentence in judgement.details:
        console.print(sentence, markup=False)
    if judgement.lines:
        console.print(_table(judgement))
    for subject in judgement.subjects:
        if subject.chance.percentile is not None:
            told = f"leaves behind {subject.chance.percentile:.0f} % of {subject.chance.traders:,} who make its trades at random"
            console.print(f"{subject.llm_id} ({subject.model}) {told}.", markup=False)
    for sentence in judgement.remarks:
        console.print(sentence, markup=False)


def _table(judgement: Judgement) -> Table:
    table = Table(title=escape(f"{judgement.season}: {judgement.market}"), box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("Competitor", no_wrap=True)
    for heading in ("Equity, USDT", "ROI", "90 % interval", "After model cost", "Sharpe", "Max drawdown", "Trades"):
        table.add_column(heading, justify="right")
    for line in judgement.lines:
        table.add_row(*_cells(line), style="dim" if line.kind == "baseline" else None)
    return table


def _cells(line: Line) -> tuple[str, ...]:
    name = line.name if line.kind == "baseline" else f"{line.name} {line.label}"
    sharpe, fall = line.measures["sharpe"].value, line.measures["drawdown"].value
    return (
        escape(name),
        f"{line.equity:,.2f}",
        _percent(line.roi.value),
        _between(line.roi),
        _percent(line.after_model_cost),
        "–" if sharpe is None else f"{sharpe:.2f}",
        "–" if fall is None else f"{100 * fall:.2f} %",
        str(line.trades),
    )


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:+.2f} %"


def _between(roi: Estimate) -> str:
    return "–" if roi.low is None or roi.high is None else f"{100 * roi.low:+.1f} to {100 * roi.high:+.1f} %"
