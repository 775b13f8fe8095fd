"""Every view of the page, found by its links: axe finds nothing serious, the keyboard reaches everything and shows where it is.

axe sees what is drawn: each view at a desk's width and a phone's, light and dark, with all that can be unfolded unfolded.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from colorspacious import cspace_convert, deltaE
from playwright.sync_api import Browser, Page, expect

from arena.analysis.charts import COLOURS, DARK_COLOURS, DASHES
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.dashboard.judging import JudgementFile
from tests.fakes.browser import Visitor, opened, views_of
from tests.fakes.dashboard import answering, booked, serving, source
from tests.fakes.judgement import judgement, write_judgement
from tests.fakes.season import START

pytestmark = [pytest.mark.browser, pytest.mark.long]

CYCLES = 8
WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
PICTURED = ((1440, "light"), (390, "dark"))
GRAVE = ("serious", "critical")
MOST_TABS = 400
JUST_TOLD_APART = 5  # in CAM02-UCS, where 1 is what is just seen side by side

_UNFOLD = "() => document.querySelectorAll('details').forEach((each) => (each.open = true))"
_MOVING = """() => document.getAnimations().length + [...document.querySelectorAll('*')].filter((each) => {
  const style = getComputedStyle(each);
  return style.transitionDuration.split(', ').some((time) => parseFloat(time) > 0) || style.scrollBehavior === 'smooth';
}).length"""
_CONTROLS = """() => {
  const found = [...document.querySelectorAll('a[href], button:not(:disabled), input, select, summary, [tabindex="0"]')];
  const seen = found.filter((each) => each.checkVisibility() && each.getClientRects().length);
  seen.forEach((each, index) => (each.dataset.control = index));
  return seen.length;
}"""
_FOCUSED = """() => {
  const each = document.activeElement;
  const style = getComputedStyle(each);
  const box = each.getBoundingClientRect();
  return {
    control: each.dataset.control ?? null,
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    inside: box.width > 1 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
    what: each.outerHTML.slice(0, 120),
  };
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("season")
    write_judgement(folder / "verdict.json", judgement(CYCLES))
    with (
        booked(folder, CYCLES) as books,
        answering(replace(source(books.path, books.season_id), judgement=JudgementFile(folder / "verdict.json"))) as client,
    ):
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": WIDTHS[0], "height": 900}, reduced_motion="reduce")
    yield Visitor(context.new_page())
    context.close()


@pytest.fixture(scope="module")
def views(address: str, browser: Browser) -> list[str]:
    return views_of(browser, address)


def grave(page: Page) -> list[str]:
    """What axe finds serious or critical, a line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


def test_axe_finds_nothing_serious_in_any_view(visitor: Visitor, address: str, views: list[str]) -> None:
    page, found = visitor.page, []
    for view in views:
        opened(page, address, view)
        page.evaluate(_UNFOLD)
        for width, scheme in itertools.product(WIDTHS, SCHEMES):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found += [f"{view} at {width} px, {scheme}: {each}" for each in grave(page)]
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{view} is wider than {width} px"
            if (width, scheme) in PICTURED:
                visitor.picture(f"view-{re.sub(r'[^A-Za-z0-9]+', '-', view).strip('-') or 'season'}-{width}-{scheme}")
        assert page.evaluate(_MOVING) == 0, f"{view} moves though the reader asked for stillness"
    assert found == []
    assert (visitor.faults, visitor.hosts) == ([], {urlsplit(address).netloc})


@pytest.mark.parametrize("width", WIDTHS)
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(
    visitor: Visitor, address: str, views: list[str], width: int
) -> None:
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 900})
    for view in views:
        opened(page, address, view)
        controls = page.evaluate(_CONTROLS)
        reached: set[str] = set()
        for _ in range(min(MOST_TABS, 2 * controls + 20)):
            page.keyboard.press("Tab")
            focused: dict[str, Any] = page.evaluate(_FOCUSED)
            if focused["control"] is None or focused["control"] in reached:
                break  # round
            assert focused["outlined"] and focused["inside"], f"{view}: {focused['what']}"
            reached.add(focused["control"])
        assert len(reached) == controls > 5, f"{view}: {controls - len(reached)} controls are out of the keyboard's reach"
    assert visitor.faults == []


def test_the_link_to_the_content_leads_there_and_nowhere_else(visitor: Visitor, address: str) -> None:
    page = visitor.page
    opened(page, address, "#/fairness")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    assert page.url.endswith("#/fairness") and page.get_by_role("heading", name="Leaderboard").count() == 0


def test_what_is_wrong_is_as_readable(browser: Browser, tmp_path: Path) -> None:
    """A season that is halted, and one that has not begun: colours that no other view has."""
    halted = SeasonStanding(status=SeasonStatus.HALTED, reason="the books differ", time=START)
    with booked(tmp_path, 3) as books:
        shown = ((books.path, "halted: the books differ"), (tmp_path / "none", "Waiting"))
    for path, said in shown:
        with serving(source(path, books.season_id, halted)) as client:
            for scheme in SCHEMES:
                page = browser.new_page(color_scheme=scheme, viewport={"width": WIDTHS[1], "height": 900})  # type: ignore[arg-type]
                page.goto(str(client.base_url))
                expect(page.locator("body")).to_contain_text(said)
                assert grave(page) == []
                page.close()


def seen(colours: tuple[str, ...], kind: str) -> list[Any]:
    """How colours look to the colour-blind."""
    space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
    return [
        np.clip(cspace_convert([int(each[at : at + 2], 16) / 255 for at in (1, 3, 5)], space, "sRGB1"), 0, 1) for each in colours
    ]


@pytest.mark.parametrize("colours", [COLOURS, DARK_COLOURS], ids=SCHEMES)
@pytest.mark.parametrize("kind", ["protanomaly", "deuteranomaly", "tritanomaly"])
def test_competitors_are_told_apart_by_the_colour_blind_and_without_any_colour(colours: tuple[str, ...], kind: str) -> None:
    assert len(set(DASHES)) == len(DASHES) == len(colours)
    for one, other in itertools.combinations(seen(colours, kind), 2):
        assert deltaE(one, other, input_space="sRGB1") > JUST_TOLD_APART


@pytest.mark.parametrize(("colours", "card"), [(COLOURS, "#ffffff"), (DARK_COLOURS, "#1a1c1f")], ids=SCHEMES)
def test_every_competitors_line_stands_out_from_what_it_is_drawn_on(colours: tuple[str, ...], card: str) -> None:
    """WCAG 2.1, 1.4.11: a contrast of 3."""
    for each in colours:
        lighter, darker = sorted((luminance(each), luminance(card)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 3, each


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_competitors_line_is_its_own_in_the_legend_and_in_every_table(visitor: Visitor, address: str) -> None:
    opened(visitor.page, address, "#/")
    lines = "() => [...document.querySelectorAll('.legend svg.key line')].map((each) => each.getAttribute('stroke-dasharray'))"
    drawn = visitor.page.evaluate(lines)
    assert drawn == list(DASHES[: len(drawn)]) and len(drawn) == 3
