"""Nobody has to load the page anew: every view goes on with the season, and through an end of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.fakes.browser import Visitor, opened, views_of
from tests.fakes.dashboard import Books, booked, ready, serving, source

pytestmark = pytest.mark.browser

CYCLES = 12


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    with booked(tmp_path, CYCLES) as found:
        yield found


def test_every_view_goes_on_when_a_cycle_ends(browser: Browser, books: Books) -> None:
    with serving(source(books.path, books.season_id)) as client:
        ready(client, CYCLES)
        address = str(client.base_url).rstrip("/")
        views = views_of(browser, address)
        visitors = [Visitor(browser.new_context().new_page()) for _ in views]
        for visitor, view in zip(visitors, views, strict=True):
            opened(visitor.page, address, view)
            visitor.page.evaluate("() => (document.body.dataset.mark = 'the same page')")
        books.book()
        for visitor, view in zip(visitors, views, strict=True):
            expect(visitor.page.locator("#spoken"), view).to_have_text(f"Cycle {CYCLES + 1} was booked.")
            expect(visitor.page.locator("body"), view).to_have_attribute("data-mark", "the same page")
            assert (visitor.faults, visitor.hosts) == ([], {urlsplit(address).netloc}), view
        newest = visitors[views.index("#/decisions")].page
        expect(newest.locator("main h2").first).to_contain_text(f"cycle {CYCLES + 1},")
        for visitor in visitors:
            visitor.page.context.close()


def test_the_page_comes_back_when_the_dashboard_does(browser: Browser, books: Books) -> None:
    page = browser.new_page()
    with serving(source(books.path, books.season_id)) as client:
        ready(client, CYCLES)
        opened(page, str(client.base_url).rstrip("/"), "#/")
    expect(page.locator("#state")).to_contain_text("not connected: this is what was last known")
    expect(page.locator("main")).to_contain_text(f"cycle {CYCLES},")
    books.book(2)
    with serving(source(books.path, books.season_id), port=client.base_url.port or 0):
        expect(page.locator("#state")).to_contain_text("running", timeout=20_000)
        expect(page.locator("main")).to_contain_text(f"cycle {CYCLES + 2},")
    page.close()
