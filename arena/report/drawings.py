"""The drawings of the HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from arena.analysis.charts import NARROW, WIDE, Curve, equity_chart
from arena.analysis.evidence_charts import Range, Reliability, interval_chart, reliability_chart
from arena.report.contents import Report
from arena.report.curves import curves_of, label_of

Row = Mapping[str, Any]

DRAWN = ("equal weight", "matched random, median")  # baselines beside the curves; what is held alone is a third
HELD = " hold"
LONGEST_LABEL = 34


def equity_drawings(report: Report) -> Markup:
    """Return the curves for wide and narrow screens; empty before the first point."""
    if not any(report.equity.values()):
        return Markup()
    curves = [*curves_of(report.competitors, report.equity), *measures_of(report.verdict)]
    capital = float(report.competitors[0]["capital"])
    return Markup("").join(_own(equity_chart(curves, capital, size)) for size in (WIDE, NARROW))


def measures_of(verdict: Row) -> list[Curve]:
    """Return the baselines that are drawn beside the competitors."""
    times = [datetime.fromisoformat(time) for time in verdict["times"]]
    return [
        Curve(label=line["name"].split(",")[0], style=None, times=times, equity=[float(worth) for worth in line["drawn"]])
        for line in verdict["lines"]
        if line["kind"] == "baseline" and (line["name"] in DRAWN or line["name"].endswith(HELD))
    ]


def interval_drawing(report: Report) -> Markup:
    """Return the returns with their intervals; empty where no interval can be told."""
    lines = report.verdict["lines"]
    if all(line["roi"]["low"] is None for line in lines):
        return Markup()
    styles = {row["llm_id"]: number for number, row in enumerate(report.competitors)}
    labels = {row["llm_id"]: label_of(row, report.competitors) for row in report.competitors}
    return _own(
        interval_chart([_range(line, labels.get(line["name"], line["name"]), styles.get(line["name"])) for line in lines])
    )


def reliability_drawing(report: Report) -> Markup:
    """Return the confidences against what came of them; empty without a closed trade that has one."""
    found = [
        Reliability(
            label=label_of(row, report.competitors),
            style=number,
            **{
                name: [float(group[key]) for group in subject["confidence"]["groups"]]
                for name, key in (("stated", "stated"), ("hit", "hit_rate"), ("low", "lowest"), ("high", "highest"))
            },
        )
        for number, (row, subject) in enumerate(zip(report.competitors, report.verdict["subjects"], strict=True))
        if subject["confidence"]["groups"]
    ]
    return _own(reliability_chart(found)) if found else Markup()


def _range(line: Row, label: str, style: int | None) -> Range:
    value, low, high = (line["roi"][name] for name in ("value", "low", "high"))
    return Range(label=label[:LONGEST_LABEL], style=style, value=_percent(value) or 0.0, low=_percent(low), high=_percent(high))


def _percent(fraction: str | None) -> float | None:
    return None if fraction is None else float(100 * Decimal(fraction))


def _own(drawing: str) -> Markup:
    return Markup(drawing)  # noqa: S704  our own drawing: matplotlib escapes the names in it
