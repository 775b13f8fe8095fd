"""The page in a real browser: it follows a season by itself, asks nobody else, and runs nothing that a model wrote."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from arena.report.figures import percent, price, signed, usd
from scripts.processes import free_port, python, running
from tests.fakes.browser import Visitor
from tests.fakes.dashboard import Books, booked
from tests.fakes.season import Story

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
EVIL = '<img src="x" onerror="document.title=\'taken\'"> RSI 27'
AMOUNTS = (None, "0", "-0.001", "0.14211", "93500.1", "116.185337", "-1234567.891", "8191.04", "0.000012341", "0.0512", "200")
VIEWS = ("#/decisions", "#/trades", "#/markets", "#/fairness", "#/alerts", "#/competitors/LLM-C")


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    with booked(tmp_path, 12, Story(text=EVIL)) as found:
        yield found


@pytest.fixture
def address(books: Books, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "API_", "LLM_"))}
    (tmp_path / "arena.env").write_text(f"SEASON={books.season_id}\nDATABASE_PATH={books.path}\nAPI_PORT={port}\n")
    environ = {**kept, "ARENA_ENV_FILE": str(tmp_path / "arena.env"), "PYTHONPATH": str(ROOT)}
    log = tmp_path / "dashboard.log"
    with running(
        "dashboard", python("-m", "arena.cli", "dashboard", "--no-judge"), log, environ, f"http://127.0.0.1:{port}/health", 60
    ):
        yield f"http://127.0.0.1:{port}"
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_page_follows_the_season_by_itself(browser: Browser, books: Books, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    visitor = Visitor(context.new_page())
    page = visitor.page
    page.goto(address)
    decisions = page.locator("section", has=page.get_by_role("heading", name="Decisions of cycle"))
    expect(decisions.locator("h2")).to_contain_text("cycle 12,")
    expect(page.get_by_text("generated market, seed 7: these prices never existed")).to_be_visible()
    expect(page.get_by_role("table", name="Leaderboard").get_by_text("baseline rule, not an LLM")).to_be_visible()
    expect(page.locator("canvas")).to_have_count(2)
    visitor.picture(f"dashboard-{width}-{scheme}")

    books.book()
    expect(decisions.locator("h2")).to_contain_text("cycle 13,")
    expect(page.locator("#spoken")).to_have_text("Cycle 13 was booked.")
    expect(page.locator("dl")).to_contain_text("13 cycles")
    books.begin()
    expect(page.locator("#state")).to_contain_text("cycle 14 under way")

    page.get_by_role("button", name="1 day").click()
    expect(page.get_by_role("button", name="1 day")).to_have_attribute("aria-pressed", "true")
    canvas = page.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    with page.expect_response(lambda answer: "until=" in answer.url):  # what is zoomed into is read in its detail
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 60, steps=5)
        page.mouse.up()
    visitor.picture(f"dashboard-zoomed-{width}-{scheme}")

    for view in VIEWS:
        page.goto(f"{address}/{view}")
        expect(page.locator("main section h2").first).to_be_visible()
        visitor.picture(f"dashboard-{view.removeprefix('#/').replace('/', '-')}-{width}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{view} is wider than the screen"
    assert visitor.faults == []
    assert visitor.hosts == {urlsplit(address).netloc}
    context.close()


def test_what_a_model_wrote_is_text_and_older_cycles_are_a_key_away(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{address}/#/cycles/7")
    heading = page.locator("main h2").first
    expect(heading).to_contain_text("cycle 7,")
    expect(page.locator("article").first).to_contain_text('<img src="x"')
    assert page.locator("main img").count() == 0 and page.title() != "taken"
    page.get_by_role("button", name="before").focus()
    page.keyboard.press("Enter")
    expect(heading).to_contain_text("cycle 6,")
    page.keyboard.press("Tab")
    page.goto(f"{address}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    context.close()


def test_the_page_says_amounts_as_the_report_does(browser: Browser, address: str) -> None:
    said: dict[str, Callable[[str | None], str]] = {"usd": usd, "signed": signed, "percent": percent, "price": price}
    page = browser.new_page()
    page.goto(address)
    calls = [[name, value] for name in said for value in AMOUNTS]
    told = page.evaluate(
        "async (calls) => { const m = await import('/static/words.js'); return calls.map(([n, v]) => m[n](v)) }", calls
    )
    assert [text.replace("\u00a0", " ") for text in told] == [said[name](value) for name, value in calls]
    page.close()
