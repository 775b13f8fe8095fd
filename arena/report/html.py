"""A season as one HTML file: self-contained, readable from disk and on paper, light and dark, on a screen and on a phone."""

from __future__ import annotations

import json
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from arena.analysis.charts import COLOURS, DARK_COLOURS, DASHES
from arena.report.contents import Report
from arena.report.drawings import equity_drawings, interval_drawing, reliability_drawing
from arena.report.figures import FILTERS, MEASURES, PERCENTS


def to_html(report: Report) -> str:
    """Return the report as one HTML document."""
    template = files("arena.report").joinpath("report.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {**FILTERS, "loaded": json.loads}
    ids = [row["llm_id"] for row in report.competitors]
    return environment.from_string(template).render(
        report=report,
        board=report.leaderboard,
        verdict=report.verdict,
        standings={row["llm_id"]: row for row in report.leaderboard["competitors"]},
        models={row["llm_id"]: row for row in report.competitors},
        style={llm_id: index % len(COLOURS) for index, llm_id in enumerate(ids)},
        palette=list(zip(COLOURS, DARK_COLOURS, DASHES, strict=True)),
        charts=equity_drawings(report),
        measures=MEASURES,
        percents=PERCENTS,
        intervals=interval_drawing(report),
        reliability=reliability_drawing(report),
        generated=report.generated,
    )
