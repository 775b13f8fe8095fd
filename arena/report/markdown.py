"""A season as Markdown: for the Prefect UI, a repository or a message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from arena.report.contents import Report
from arena.report.figures import FILTERS, MEASURES, PERCENTS


def to_markdown(report: Report, picture: str = "") -> str:
    """Return the report; what models and people have named cannot end a cell of a table or become markup.

    Args:
        report: The season.
        picture: Where a picture of the curves is; none where left out.
    """
    template = files("arena.report").joinpath("report.md").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701  not HTML
    environment.filters |= {**FILTERS, "cell": cell}
    text = environment.from_string(template).render(
        report=report,
        verdict=report.verdict,
        measures=MEASURES,
        percents=PERCENTS,
        picture=picture,
        name=_name,
        who=lambda subject: f"{subject['llm_id']} {cell(subject['model'])}",
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def cell(text: str) -> str:
    """Return a text as it stands in a table."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _name(line: Mapping[str, Any]) -> str:
    return cell(line["name"] if line["kind"] == "baseline" else f"{line['name']} {line['label']}")
