"""The report: complete, self-contained, and safe whatever a model writes."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.adapters.storage.sqlite import SqliteRecords
from arena.analysis.charts import COLOURS, DASHES, NARROW, WIDE, Curve, drawdowns, equity_chart, equity_picture, spread, thinned
from arena.domain.competitor import Season, SeasonId
from arena.errors import ConfigurationError
from arena.report.figures import percent, price, signed, usd, when
from tests.fakes.judged import season_html
from tests.fakes.season import START, STEP, Story, season

VOID = {"meta", "br", "line", "path", "rect", "use"}


class Page(HTMLParser):
    """What a browser would see: the elements and the text, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


async def report(tmp_path: Path, story: Story, cycles: int) -> str:
    records = SqliteRecords(tmp_path / "arena.db")
    await records.open_season(story.season)
    for record in story.play(cycles):
        await records.begin_cycle(record.season_id, record.number, record.scheduled_at)
        await records.append_intents(record.season_id, story.intents[record.number])
        await records.book(record)
    html = await season_html(records, story.season.season_id)
    records.close()
    return html


def named(model: str, base: Season | None = None) -> Season:
    """The season with all of its models called `model`."""
    base = base or season()
    renamed = tuple(replace(each, model=replace(each.model, model=model)) for each in base.competitors)
    return replace(base, competitors=renamed)


async def test_it_shows_the_season(tmp_path: Path) -> None:
    story = Story()
    page = Page(await report(tmp_path, story, 24))
    assert "No winner yet: 24 cycles over 2 hours cannot tell these models apart." in page.text
    assert page.text.count("baseline rule, not an LLM") == 1
    assert "generated market, seed 7: these prices never existed" in page.text
    assert "max_tokens 2000 for all; no temperature for anybody" in page.text
    for name, ledger in story.ledgers.items():
        assert f"{ledger.equity(story.prices):,.2f}" in page.text
        for position in ledger.positions.values():
            assert f"{abs(position.signed_quantity)} {position.symbol}" in page.text
            assert price(str(position.thesis.stop_price)) in page.text
        assert name in page.text
    assert page.tags.count("svg") > 2
    assert "The sum of the competitors' positions differed from the venue's 1 times" in page.text


async def test_it_asks_nobody_for_anything(tmp_path: Path) -> None:
    html = await report(tmp_path, Story(), 12)
    page = Page(html)
    assert "http" not in html
    assert "@import" not in html
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "srcset", "action", "data") or name.startswith("on")]
    assert all(value.startswith("#") for name, value in page.attributes if name in ("href", "xlink:href") and value)
    assert re.findall(r"url\((?!#)", html) == []


async def test_what_a_model_writes_stays_text(tmp_path: Path) -> None:
    hostile = "<script>alert('x')</script><img src=x onerror=alert(1)> {{ 7*7 }} {% raw %} </small></td> &amp; $\\frac"
    story = Story(replace(named(f"{hostile} m"), market=hostile, settings=hostile, season_id=SeasonId("a<b>")), text=hostile)
    html = await report(tmp_path, story, 10)
    page = Page(html)
    assert not {"script", "img"} & set(page.tags)
    assert "<script" not in html
    assert "{{ 7*7 }}" in page.text
    assert hostile in page.text


async def test_failures_look_like_failures(tmp_path: Path) -> None:
    text = Page(await report(tmp_path, Story(), 5)).text
    assert "no answer: timeout" in text
    assert "no answer within 90 s" in text
    assert "90.1 s in 2 calls" in text
    assert "invalid answer" in text
    assert text.count("Recorded as a failure, not as a hold.") == 2


async def test_it_renders_before_the_first_cycle(tmp_path: Path) -> None:
    page = Page(await report(tmp_path, Story(), 0))
    assert "No winner yet: no cycle has been booked." in page.text
    assert "Nobody holds a position." in page.text
    assert "No position has been closed yet." in page.text
    assert page.text.count("No cycle has been booked yet.") == 2
    assert "A ranking is what happened" not in page.text


@pytest.mark.parametrize("cycles", [1, 3])
async def test_it_renders_for_one_competitor(tmp_path: Path, cycles: int) -> None:
    page = Page(await report(tmp_path, Story(season(competitors=1)), cycles))
    assert page.text.count("claude-sonnet-5-5") >= 2
    assert "No contest: claude-sonnet-5-5 competes alone." in page.text
    assert "A ranking is what happened" not in page.text


async def test_a_real_market_is_not_called_generated(tmp_path: Path) -> None:
    text = Page(await report(tmp_path, Story(replace(season(), market="Binance testnet")), 2)).text
    assert "Binance testnet" in text
    assert "never existed" not in text


async def test_the_newest_cycle_comes_first_and_then_the_eventful_ones(tmp_path: Path) -> None:
    text = Page(await report(tmp_path, Story(), 24)).text
    shown = [int(number) for number in re.findall(r"cycle (\d+), 1 Jan 2025", text)]
    assert shown[0] == 24
    assert len(shown) == 6
    assert shown == sorted(shown, reverse=True)


async def test_rules_that_all_are_baselines_are_said_to_be(tmp_path: Path) -> None:
    base = season()
    rules = tuple(replace(each, model=replace(each.model, baseline=True)) for each in base.competitors)
    text = Page(await report(tmp_path, Story(replace(base, competitors=rules)), 2)).text
    assert "All competitors here are baseline rules, none is an LLM." in text
    assert text.count("baseline rule, not an LLM") == 3


async def test_an_unknown_season_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no season winter"):
        await season_html(SqliteRecords(tmp_path / "arena.db"), SeasonId("winter"))


def curve(values: list[float], style: int = 0, label: str = "model") -> Curve:
    return Curve(label=label, style=style, times=[START + STEP * i for i in range(len(values))], equity=values)


def test_curves_differ_in_colour_and_in_grey() -> None:
    drawing = equity_chart([curve([200.0, 201.0 + style], style) for style in range(6)], 200.0, WIDE)
    assert len(set(COLOURS)) == len(set(DASHES)) == len(COLOURS)
    for style in range(6):
        assert f"stroke: var(--c{style})" in drawing
        assert f"fill: var(--c{style})" in drawing  # its label
    dashes = set(re.findall(r"stroke-dasharray: ([\d.,]+)", drawing))
    assert len(dashes) >= 6  # five styles and the capital's line


def test_a_label_is_text_and_not_mathematics() -> None:
    drawing = equity_chart([curve([200.0, 201.0], label="$\\frac<b>$")], 200.0, WIDE)
    assert "$\\frac&lt;b&gt;$ 201.00" in drawing


def test_drawings_are_the_same_each_time() -> None:
    curves = [curve([200.0, 190.0, 205.0])]
    assert equity_chart(curves, 200.0, NARROW) == equity_chart(curves, 200.0, NARROW)


def test_a_single_point_is_drawn() -> None:
    assert "var(--c0)" in equity_chart([curve([200.0])], 200.0, WIDE)


def test_a_long_season_is_thinned_in_the_drawing() -> None:
    values = list(200 + np.cumsum(np.random.default_rng(1).normal(0, 0.1, 26_000)))
    drawing = equity_chart([curve(values)], 200.0, WIDE)
    assert len(drawing) < 250_000


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=500), st.integers(4, 60))
def test_thinning_keeps_ends_and_extremes(values: list[float], limit: int) -> None:
    array = np.array(values)
    kept = thinned(array, limit)
    assert len(kept) <= max(limit, 0) or len(kept) == len(values) <= limit
    assert list(kept) == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert (array[kept].min(), array[kept].max()) == (array.min(), array.max())


def test_a_drawdown_is_the_distance_from_the_high() -> None:
    assert drawdowns(np.array([200.0, 100.0, 250.0, 225.0])).tolist() == [0.0, -50.0, 0.0, -10.0]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_labels_do_not_overlap_and_keep_their_order(wanted: list[float]) -> None:
    placed = spread(wanted, 5.0)
    ordered = sorted(range(len(wanted)), key=lambda i: wanted[i])
    steps = [placed[b] - placed[a] for a, b in pairwise(ordered)]
    assert all(step >= 5.0 - 1e-6 for step in steps)
    assert abs(sum(placed) - sum(wanted)) < 1e-6


def test_labels_that_fit_stay_where_they_are() -> None:
    assert spread([10.0, 50.0, 20.0], 5.0) == [10.0, 50.0, 20.0]


def test_figures_are_written_as_people_read_them() -> None:
    assert [usd("1234.5"), usd("-0.006"), usd(None)] == ["1,234.50", "−0.01", "–"]
    assert [signed("1.204"), signed("-2"), signed("0.001"), signed("-0.001")] == ["+1.20", "−2.00", "0.00", "0.00"]
    assert [percent("0.1234"), percent("0.1", True), percent("-0.00001", True), percent(None)] == [
        "12.34 %",
        "+10.00 %",
        "0.00 %",
        "–",
    ]
    assert [price(text) for text in ("93500.1", "0.14211", "3476.97333333", "100", "0", "0.00001234")] == [
        "93,500.1",
        "0.14211",
        "3,476.973",
        "100",
        "0",
        "0.00001234",
    ]
    assert when("2025-01-01T08:05:00.000000Z") == "1 Jan 2025, 08:05"


def test_the_picture_is_a_png_whatever_the_names_are_and_shows_each_curve() -> None:
    one = equity_picture([curve([200.0, 201.0], label="$\\frac<b>$")], 200.0)
    two = equity_picture([curve([200.0, 201.0], label="$\\frac<b>$"), curve([200.0, 190.0], 1)], 200.0)
    assert one.startswith(b"\x89PNG") and two.startswith(b"\x89PNG") and one != two
