"""Two drawings that say how sure something is: returns with their intervals, and stated confidence against what came of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arena.analysis.charts import COLOURS, INK, LINE, inline

WIDTH = 9.0  # inches
_ROW = 0.34  # inches


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """One row: a value and where it may lie.

    Attributes:
        style: Index of its colour; None for what only serves as a measure.
        value, low, high: Percent; bounds None where none can be told.
    """

    label: str
    style: int | None
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """One competitor's confidences by group.

    Attributes:
        style: Index of its colour.
        stated, hit: Fractions, one a group.
        low, high: Between which a calibrated model's hits of that group lie, fractions.
    """

    label: str
    style: int
    stated: Sequence[float]
    hit: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def interval_chart(ranges: Sequence[Range]) -> str:
    """Return an `<svg>` with a row each: a point, and a line from `low` to `high`; zero is marked."""
    figure, axes = _figure(0.7 + _ROW * len(ranges))
    for row, each in enumerate(reversed(ranges)):
        colour = INK if each.style is None else COLOURS[each.style % len(COLOURS)]
        if each.low is not None and each.high is not None:
            axes.plot([each.low, each.high], [row, row], color=colour, linewidth=1.2 if each.style is None else 3, alpha=0.55)
        axes.plot([each.value], [row], "o", color=colour, markersize=4 if each.style is None else 7)
    axes.axvline(0, color=INK, linewidth=0.8, dashes=(1, 3))
    axes.set_yticks(range(len(ranges)), [each.label for each in reversed(ranges)], parse_math=False)
    axes.set_ylim(-0.6, len(ranges) - 0.4)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    axes.set_xlabel("ROI, percent", color=INK)
    return _drawn(figure, "intervals", "Return of each competitor and baseline with its 90 percent interval")


def reliability_chart(found: Sequence[Reliability]) -> str:
    """Return an `<svg>` of hits against stated confidence; bars show where a calibrated model's hits would lie."""
    figure, axes = _figure(4.2, width=5.2)
    axes.plot([0, 100], [0, 100], color=INK, linewidth=0.8, dashes=(1, 3))
    for each in found:
        colour = COLOURS[each.style % len(COLOURS)]
        stated = [100 * value for value in each.stated]
        axes.vlines(stated, [100 * v for v in each.low], [100 * v for v in each.high], color=colour, linewidth=5, alpha=0.25)
        axes.plot(stated, [100 * value for value in each.hit], "o-", color=colour, linewidth=1.4, label=each.label)
    axes.set_xlim(0, 100)
    axes.set_ylim(-4, 104)
    axes.grid(color=LINE, linewidth=0.8)
    axes.set_xlabel("stated confidence, percent", color=INK)
    axes.set_ylabel("trades with a profit, percent", color=INK)
    for name in axes.legend(frameon=False, labelcolor=INK, loc="upper left").get_texts():
        name.set_parse_math(False)
    return _drawn(figure, "reliability", "Stated confidence against the share of trades with a profit")


def _figure(height: float, width: float = WIDTH) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_frame_on(False)
    axes.tick_params(length=0, labelcolor=INK)
    return figure, axes


def _drawn(figure: Any, name: str, words: str) -> str:
    import matplotlib as mpl

    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "axes.unicode_minus": True}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return inline(file.getvalue(), name, words)
