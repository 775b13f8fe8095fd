"""The verdict in a real browser: it appears by itself, with intervals, baselines and what supports it, on a phone too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from arena.dashboard.judging import JudgementFile
from arena.verdict.judgement import Chance, Confidence, Estimate
from tests.fakes.browser import Visitor
from tests.fakes.dashboard import answering, booked, source
from tests.fakes.judgement import BASELINES, HEADLINE, judgement, write_judgement

pytestmark = pytest.mark.browser

CYCLES = 24
SIZES = [(1440, "light"), (1080, "dark"), (390, "light")]
_SIDEWAYS = """() => [...document.querySelectorAll('.scroll')]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.ariaLabel)"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "verdict.json"


@pytest.fixture
def address(tmp_path: Path, file: Path) -> Iterator[str]:
    async def judge() -> None:
        await asyncio.sleep(600)

    with booked(tmp_path, CYCLES) as books:
        judged = replace(source(books.path, books.season_id), judgement=JudgementFile(file), judge=judge)
        with answering(judged) as client:
            yield str(client.base_url).rstrip("/")


def write(address: str, file: Path) -> None:
    ranking = httpx.get(f"{address}/leaderboard").json()["competitors"]
    write_judgement(file, judgement(CYCLES - 2, roi={each["llm_id"]: float(each["roi"]) for each in ranking}))


def drawn(page: Page) -> str:
    """What the upper chart shows."""
    page.wait_for_timeout(100)
    found: str = page.locator("canvas").first.evaluate("(canvas) => canvas.toDataURL()")
    return found


def section(page: Page, heading: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=heading))


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_the_verdict_appears_by_itself_with_intervals_and_baselines(
    browser: Browser, address: str, file: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    visitor = Visitor(context.new_page())
    page = visitor.page
    page.goto(address)
    verdict, board = section(page, "Verdict"), section(page, "Leaderboard")
    expect(verdict).to_contain_text("cannot tell these models apart")
    expect(verdict).to_contain_text("The first verdict is being computed.")
    expect(board.locator("svg.interval")).to_have_count(0)

    write(address, file)
    expect(verdict.locator(".headline")).to_have_text(HEADLINE)
    expect(verdict).not_to_contain_text("being computed")
    expect(verdict).to_contain_text("90 % Model Confidence Set: claude-sonnet-5-5, deepseek-v4-pro.")
    expect(verdict).to_contain_text("About 38 more days")
    expect(verdict).to_contain_text("claude-sonnet-5-5 plays 2 times (LLM-A, LLM-D): its best and its worst are 2.8 points")
    expect(verdict).to_contain_text(f"As of cycle {CYCLES - 2}, 1 Jan 2025, 01:55 UTC; 2 cycles booked since.")
    method = verdict.get_by_text("A winner must be all of this")
    expect(method).to_be_hidden()
    verdict.get_by_text("How this is computed").click()
    expect(method).to_be_visible()

    _look_at_the_board(board, phone=width == 390)
    assert "Leaderboard, best first" not in page.evaluate(_SIDEWAYS)
    _look_at_the_chart(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    visitor.picture(f"verdict-{width}-{scheme}")
    assert (visitor.faults, visitor.hosts) == ([], {urlsplit(address).netloc})
    context.close()


def _look_at_the_board(board: Locator, *, phone: bool) -> None:
    shown = board.locator("svg.interval:visible")
    expect(shown).to_have_count(3 + len(BASELINES))
    expect(board.get_by_role("img", name="ROI +1.1 %, 90 % interval −7.9 to +10.1 %").locator("visible=true")).to_have_count(1)
    rows = board.locator("tbody.below tr")
    assert [row.split("\n")[0].strip().lower() for row in rows.locator("td:nth-child(2)").all_inner_texts()] == [
        name.lower() for name, *_ in BASELINES
    ]
    expect(rows.nth(1)).to_contain_text("202.20")
    expect(rows.last).to_contain_text("1,000 traders; claude-sonnet-5-5 beats 84 %, deepseek-v4-pro 71 %")
    zeros = shown.locator(".zero").evaluate_all("(all) => new Set(all.map((each) => each.getAttribute('x1'))).size")
    assert zeros == 1, "the rows are not on one scale"
    expect(board.get_by_text("90 % interval −").first).to_be_visible(visible=phone)


def _look_at_the_chart(page: Page) -> None:
    group = page.get_by_role("group", name="Baselines in the chart")
    pressed = {each.get_attribute("aria-label") for each in group.locator("[aria-pressed=true]").all()}
    assert pressed == {"BTC hold", "equal weight", "matched random, median"}
    expect(group.get_by_role("button", name="BTC hold")).to_contain_text("202.20")
    with_it = drawn(page)
    group.get_by_role("button", name="BTC hold").click()
    expect(group.get_by_role("button", name="BTC hold")).to_have_attribute("aria-pressed", "false")
    without = drawn(page)
    assert without != with_it
    group.get_by_role("button", name="BTC hold").focus()
    page.keyboard.press("Enter")
    expect(group.get_by_role("button", name="BTC hold")).to_have_attribute("aria-pressed", "true")
    assert drawn(page) != without


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_a_competitor_is_told_what_chance_and_its_trades_brought_it(
    browser: Browser, address: str, file: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    visitor = Visitor(context.new_page())
    page = visitor.page
    page.goto(f"{address}/#/competitors/LLM-A")
    expect(section(page, "What its confidence is worth")).to_be_visible()
    expect(section(page, "Against chance")).to_have_count(0)

    write(address, file)
    chance = section(page, "Against chance")
    expect(chance).to_contain_text("It leaves 84 of 100 behind, of 1,000 traders")
    expect(chance.get_by_role("img", name="median ROI −2.2 %, 90 % interval −11.8 to +9.3 %")).to_be_visible()
    parts = page.get_by_role("table", name="Profit by symbol and side")
    expect(parts.locator("tbody").first.locator("tr")).to_have_count(3)
    expect(parts.locator("tbody.below")).to_contain_text("+12.25")
    figures = page.get_by_role("table", name="Figures with their 90 % intervals")
    expect(figures.get_by_role("row", name="Sharpe ratio")).to_contain_text("−0.90 to 3.60")
    expect(figures.get_by_role("row", name="Win rate")).to_contain_text("43.0 to 65.0 %")
    worth = section(page, "What its confidence is worth")
    expect(worth).to_contain_text("one that a perfectly calibrated model shows as well")
    expect(worth).to_contain_text("Brier score 0.249")
    expect(worth).to_contain_text("A perfectly calibrated model shows 0.210 with 20 trades")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    visitor.picture(f"verdict-competitor-{width}-{scheme}")
    assert visitor.faults == []
    context.close()


def test_a_judgement_of_next_to_nothing_is_shown_as_that(browser: Browser, address: str, file: Path) -> None:
    """A season of seconds: no interval, no baseline, no trade, nothing to compare."""
    whole = judgement(CYCLES)
    bare = Estimate(value=None)
    lines = [replace(each, roi=bare, measures={}, after_model_cost=None, drawn=()) for each in whole.lines[:3]]
    chance = Chance(percentile=None, low=None, median=None, high=None, traders=0, why="It has not traded yet.")
    silent = Confidence(trades=0, brier=None, error=None, expected=None, most=None, sentence="No trade is closed.", groups=())
    subjects = [replace(each, parts=(), chance=chance, confidence=silent, cost_usd=None) for each in whole.subjects]
    headline = "No winner yet: nobody has traded in 1 cycle."
    nothing = replace(whole, cycles=1, days=0.0006, headline=headline, details=(), remarks=(), leader=None, top=None, kept=None)
    nothing = replace(nothing, luck=None, days_needed=None, versus=(), times=(), replicas=())
    write_judgement(file, replace(nothing, lines=tuple(lines), subjects=tuple(subjects)))
    visitor = Visitor(browser.new_page())
    page = visitor.page
    page.goto(address)
    expect(section(page, "Verdict").locator(".headline")).to_have_text(headline)
    expect(section(page, "Leaderboard").locator("tbody tr")).to_have_count(3)
    expect(page.get_by_role("group", name="Baselines in the chart")).to_be_hidden()
    page.goto(f"{address}/#/competitors/LLM-A")
    expect(section(page, "Against chance")).to_contain_text("It has not traded yet.")
    expect(section(page, "Where its profit came from")).to_contain_text("It has not traded yet.")
    expect(section(page, "Its figures")).to_contain_text("There is too little data yet.")
    expect(section(page, "What its confidence is worth")).to_contain_text("No trade is closed.")
    assert visitor.faults == []
    page.close()
