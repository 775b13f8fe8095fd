"""Equity and drawdown of a season as inline SVG, without a script and without a request to anybody."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Okabe and Ito's palette, told apart by colour-blind readers; its yellow and blue are darker, for a contrast of 3 on white. The
# line styles tell the curves apart in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#C88600", "#2E9AD6", "#7A5195", "#6b7076")
DARK_COLOURS = ("#4AA8E0", "#FF8A3D", "#2FC59A", "#E39BC4", "#F0B429", "#9FD5F5", "#B48CCB", "#9aa0a6")  # same hues, on dark
DASHES = ("", "7 3", "2 2.5", "8 3 2 3", "12 3", "4 2 1 2 1 2", "1 3", "5 5")  # SVG's stroke-dasharray, in line widths
MOST_POINTS = 2000
INK, LINE = "#123456", "#654321"  # stand for the page's own colours, which differ between light and dark


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One competitor's equity.

    Attributes:
        style: Index of its colour and dashes; None for what only serves as a measure, which is thin and grey.
        times: UTC, increasing.  equity: USDT, one a time.
    """

    label: str
    style: int | None
    times: Sequence[datetime]
    equity: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A drawing's width and height in inches of 72 points, and how much of the width the labels at the right get."""

    width: float
    height: float
    labels: float
    name: str


WIDE = Size(width=13.0, height=5.2, labels=0.19, name="wide")
NARROW = Size(width=4.6, height=5.4, labels=0.16, name="narrow")
PICTURE = Size(width=8.0, height=3.6, labels=0, name="picture")


def thinned(values: NDArray[np.float64], limit: int = MOST_POINTS) -> NDArray[np.intp]:
    """Return the indices of at most `limit` (≥ 4) points that keep the first, the last and each stretch's high and low."""
    if len(values) <= limit:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), (limit - 2) // 2 + 1).astype(int)
    kept = {0, len(values) - 1}
    for start, end in pairwise(edges):
        part = values[start:end]
        kept |= {int(start + part.argmin()), int(start + part.argmax())}
    return np.array(sorted(kept), dtype=np.intp)


def drawdowns(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each value lies below the highest one so far, percent, ≤ 0."""
    highs = np.maximum.accumulate(equity)
    return 100 * (equity - highs) / np.where(highs > 0, highs, np.inf)


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Return positions ≥ `gap` apart, in the order of `wanted` and as near to it as a shift of whole groups allows."""
    groups: list[tuple[float, list[int]]] = []
    for index in sorted(range(len(wanted)), key=lambda i: wanted[i]):
        members, centre = [index], wanted[index]
        while groups and centre - gap * (len(members) - 1) / 2 < groups[-1][0] + gap * (len(groups[-1][1]) - 1) / 2 + gap:
            before, earlier = groups.pop()
            centre = (before * len(earlier) + centre * len(members)) / (len(earlier) + len(members))
            members = earlier + members
        groups.append((centre, members))
    placed = [0.0] * len(wanted)
    for centre, members in groups:
        for rank, index in enumerate(members):
            placed[index] = centre + gap * (rank - (len(members) - 1) / 2)
    return placed


def equity_chart(curves: Sequence[Curve], capital: float, size: Size) -> str:
    """Return an `<svg>` of the curves, labelled at their ends, with the drawdowns below; colours are the page's variables.

    Args:
        curves: Those without points are left out; at least one must have some.
        capital: USDT, drawn as a thin line.
        size: Of the drawing; the page shows the one that fits.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    drawn = [curve for curve in curves if len(curve.times)]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": size.name, "font.size": 10, "axes.unicode_minus": True}):
        figure = Figure(figsize=(size.width, size.height))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        left = 0.62 / size.width
        figure.subplots_adjust(left=left, right=1 - size.labels, top=0.985, bottom=0.5 / size.height, hspace=0.1)
        upper.axhline(capital, color=INK, linewidth=0.8, dashes=(1, 3))
        for curve in drawn:
            _draw(upper, curve, np.asarray(curve.equity, dtype=float), 2.0)
            if curve.style is not None:
                _draw(lower, curve, drawdowns(np.asarray(curve.equity, dtype=float)), 1.4)
        _dress(upper, lower, size)
        _label(upper, drawn, size)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return inline(file.getvalue(), size.name, "Equity and drawdown of each competitor over time")


def equity_picture(curves: Sequence[Curve], capital: float, dpi: int = 90) -> bytes:
    """Return the curves as a PNG on white, for where no page gives colours; the names are in a legend.

    Args:
        curves: Those without points are left out; at least one must have some.
        capital: USDT, drawn as a thin line.
        dpi: Points in an inch; it is 8 inches wide.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PICTURE.width, PICTURE.height), layout="constrained")
    axes = figure.subplots()
    axes.axhline(capital, color=INK, linewidth=0.8, dashes=(1, 3))
    for curve in curves:
        if len(curve.times):
            _draw(axes, curve, np.asarray(curve.equity, dtype=float), 2.0)
            axes.lines[-1].set_label(f"{curve.label} {curve.equity[-1]:,.2f}")
    axes.grid(axis="y", linewidth=0.5)
    axes.set_ylabel("equity, USDT")
    _tell_time(axes, PICTURE)
    for name in axes.legend(frameon=False).get_texts():
        name.set_parse_math(False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()


def returns_picture(returns: Mapping[str, Sequence[float]]) -> bytes:
    """Return a PNG on white: a row a competitor, in which each season is a point and the median a line.

    Args:
        returns: Percent by name, each of length ≥ 1.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PICTURE.width, 1 + 0.5 * len(returns)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color=INK, linewidth=0.8, dashes=(1, 3))
    names = list(reversed(list(returns)))
    for row, name in enumerate(names):
        colour, values = COLOURS[(len(names) - 1 - row) % len(COLOURS)], returns[name]
        axes.plot(values, [row] * len(values), "o", color=colour, alpha=0.5, markersize=5)
        axes.plot([float(np.median(values))] * 2, [row - 0.3, row + 0.3], color=colour, linewidth=2)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_xlabel("return of a season, percent (line: median)")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=90)
    return file.getvalue()


def _draw(axes: Any, curve: Curve, values: NDArray[np.float64], width: float) -> None:
    kept = thinned(values)
    times, marker = [curve.times[i] for i in kept], "o" if len(values) == 1 else ""
    if curve.style is None:
        axes.plot(times, values[kept], color=INK, linewidth=0.9, linestyle=(0, (2, 2)), marker=marker, zorder=1.5)
        return
    dashes = DASHES[curve.style % len(DASHES)]
    style: Any = (0, tuple(float(part) / 1.6 for part in dashes.split())) if dashes else "-"
    axes.plot(times, values[kept], color=colour_of(curve), linewidth=width, linestyle=style, marker=marker)


def colour_of(curve: Curve) -> str:
    """Return what a curve and its name are drawn in."""
    return INK if curve.style is None else COLOURS[curve.style % len(COLOURS)]


def _dress(upper: Any, lower: Any, size: Size) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for axes in (upper, lower):
        axes.set_frame_on(False)
        axes.grid(axis="y", color=LINE, linewidth=0.8)
        axes.tick_params(length=0, labelcolor=INK)
        axes.margins(x=0.01)
    _tell_time(lower, size)
    lower.xaxis.get_offset_text().set_color(INK)
    upper.yaxis.set_major_locator(MaxNLocator(6))
    lower.yaxis.set_major_locator(MaxNLocator(3))
    lower.set_ylim(top=0, bottom=min(lower.get_ylim()[0], -0.1))
    lower.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %".replace("-", "−")))
    lower.text(0.008, 0.06, "drawdown", transform=lower.transAxes, color=INK, va="bottom")


def _tell_time(axes: Any, size: Size) -> None:
    from matplotlib import dates

    axis_of_time: Any = dates  # its constructors have no types
    locator = axis_of_time.AutoDateLocator(tz=UTC, minticks=2, maxticks=5 if size is NARROW else 8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(axis_of_time.ConciseDateFormatter(locator, tz=UTC))


def _label(axes: Any, curves: Sequence[Curve], size: Size) -> None:
    low, high = axes.get_ylim()
    ends = [float(curve.equity[-1]) for curve in curves]
    gap = (high - low) * 0.062
    for curve, end, place in zip(curves, ends, spread(ends, gap), strict=True):
        words = f"{curve.label} {end:,.2f}" if size is WIDE else f"{end:,.2f}"
        position = ((place - low) / (high - low)) if high > low else 0.5
        weight = "normal" if curve.style is None else "bold"
        axes.text(
            *(1.012, position, words),
            transform=axes.transAxes,
            color=colour_of(curve),
            va="center",
            fontweight=weight,
            parse_math=False,
        )


def inline(drawing: str, name: str, words: str) -> str:
    """Return matplotlib's file as an element of a page: its colours and font the page's, nothing that names another host.

    Args:
        drawing: An SVG file.
        name: Class of the element.
        words: What it shows, for who does not see it.
    """
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"<defs>\s*<style.*?</defs>", "", drawing, count=1, flags=re.DOTALL)
    drawing = re.sub(r'<g id="[^"]*"', "<g", drawing)
    drawing = re.sub(r'font: (?:[a-z]+ )*([\d.]+)px [^;"]*', r"font-size: \1px", drawing)
    drawing = re.sub(r"font-family: [^;\"]*;?", "", drawing)
    box = re.search(r'viewBox="[^"]*"', drawing)
    assert box is not None  # matplotlib always writes one
    opening = f'<svg class="chart {name}" {box[0]} role="img" aria-label="{words}">'
    drawing = opening + drawing[drawing.index(">") + 1 :]
    for index, colour in enumerate(COLOURS):
        drawing = drawing.replace(colour.lower(), f"var(--c{index})")
    return drawing.replace(INK, "var(--muted)").replace(LINE, "var(--line)").strip()
