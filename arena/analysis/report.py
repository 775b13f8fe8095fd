"""A season as one HTML file: self-contained, readable from disk, light and dark, on a screen and on a phone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from arena.analysis.charts import COLOURS, DASHES, NARROW, WIDE, Curve, equity_chart

Row = Mapping[str, Any]

DARK_COLOURS = ("#4AA8E0", "#FF8A3D", "#2FC59A", "#E39BC4", "#F0B429", "#9FD5F5", "#B48CCB", "#9aa0a6")  # same hues, on dark


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleStory:
    """A cycle's decisions side by side.

    Attributes:
        cycle: Its row.  turns: The competitors' rows, in the season's order, each with its model calls' rows.
        decisions: Rows by llm_id.
    """

    cycle: Row
    turns: Sequence[tuple[Row, Sequence[Row]]]
    decisions: Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report is made of; rows as the records yield them.

    Attributes:
        season: Its row.  competitors: In the season's order.
        leaderboard: The object of `leaderboard.json`.
        equity: (time, equity) by llm_id, in time order.
        positions: The open ones.
        stories: The newest cycle, then earlier ones in which something happened.
        closed_trades: The newest ones, newest first; `closed` counts all.
        discrepancies: How often the ledgers and the venue differed.
    """

    season: Row
    competitors: Sequence[Row]
    leaderboard: Row
    equity: Mapping[str, Sequence[tuple[str, str]]]
    positions: Sequence[Row]
    stories: Sequence[CycleStory]
    closed_trades: Sequence[Row]
    closed: int
    discrepancies: int


def render_report(report: Report) -> str:
    """Return the report as one HTML document."""
    template = files("arena.analysis").joinpath("report.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "usd": usd,
        "signed": signed,
        "percent": percent,
        "price": price,
        "when": when,
        "tone": tone,
        "loaded": _loaded,
        "words": words,
    }
    ids = [row["llm_id"] for row in report.competitors]
    return environment.from_string(template).render(
        report=report,
        board=report.leaderboard,
        models={row["llm_id"]: row for row in report.competitors},
        style={llm_id: index % len(COLOURS) for index, llm_id in enumerate(ids)},
        palette=list(zip(COLOURS, DARK_COLOURS, DASHES, strict=True)),
        charts=_charts(report),
        generated="generated" in report.season["market"].lower(),
    )


def usd(text: str | None) -> str:
    """Return an amount with two places and thousands, `1,234.50`; a dash for None."""
    return "–" if text is None else _minus(f"{Decimal(text):,.2f}")


def signed(text: str | None) -> str:
    """Return an amount with two places and its sign, `+1.20`; zero has none."""
    if text is None:
        return "–"
    shown = f"{Decimal(text):+,.2f}"
    return "0.00" if shown in ("+0.00", "-0.00") else _minus(shown)


def percent(text: str | None, sign: bool = False) -> str:
    """Return a fraction as `12.3 %`, with its sign where asked; a dash for None."""
    if text is None:
        return "–"
    shown = f"{100 * Decimal(text):{'+' if sign else ''}.2f}"
    return ("0.00" if shown in ("+0.00", "-0.00") else _minus(shown)) + " %"


def price(text: str | None) -> str:
    """Return a price with the digits that matter, about seven: `93,500.1`, `0.14211`; a dash for None."""
    if text is None:
        return "–"
    value = Decimal(text)
    shown = f"{value:,.{max(2, 6 - value.adjusted())}f}"
    return _minus(shown.rstrip("0").rstrip("."))


def when(text: str | None) -> str:
    """Return an ISO time as `1 Jan 2025, 08:00`, UTC; a dash for None."""
    if text is None:
        return "–"
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def tone(text: str | None) -> str:
    """Return the class of a gain or a loss."""
    value = Decimal(text or 0)
    return "up" if value > 0 else "down" if value < 0 else ""


def words(name: str) -> str:
    """Return a name of the records as words: `open_long` is `open long`."""
    return name.replace("_", " ")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _loaded(text: str) -> Any:
    return json.loads(text)


def _charts(report: Report) -> Markup:
    """Return the drawings for wide and narrow screens; empty before the first point."""
    if not any(report.equity.values()):
        return Markup()
    curves = curves_of(report.competitors, report.equity)
    capital = float(report.competitors[0]["capital"])
    return Markup("").join(Markup(equity_chart(curves, capital, size)) for size in (WIDE, NARROW))  # noqa: S704  our own drawing


def curves_of(competitors: Sequence[Row], equity: Mapping[str, Sequence[tuple[str, str]]]) -> list[Curve]:
    """Return every competitor's curve of its (time, equity) by name."""
    return [
        Curve(
            label=_label(row, competitors),
            style=index,
            times=[datetime.fromisoformat(time) for time, _ in equity.get(row["llm_id"], ())],
            equity=[float(worth) for _, worth in equity.get(row["llm_id"], ())],
        )
        for index, row in enumerate(competitors)
    ]


def _label(row: Row, competitors: Sequence[Row]) -> str:
    model = str(row["model"])
    shared = sum(each["model"] == model for each in competitors) > 1
    short = model if len(model) <= 20 else f"{model[:19]}…"
    return f"{row['llm_id']} {short}" if shared else short
