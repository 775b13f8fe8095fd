"""A visitor of the dashboard with a real browser, who notes whatever the page does that it should not."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import arena.dashboard

PICTURES = Path(__file__).resolve().parents[2] / "runs" / "e2e"

STATIC = Path(arena.dashboard.__file__).parent / "static"
_LINKS = "() => [...document.querySelectorAll('a[href^=\"#/\"]')].map((each) => each.getAttribute('href'))"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield this machine's browser; without one the test is skipped, but never where everything is to be tested."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing: apt-get install chromium")
        pytest.skip("Chromium is not on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """A page, and whatever it did that it should not."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda message: self.faults.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def opened(page: Page, address: str, view: str) -> None:
    """Open a view anew, and wait until all of it is shown."""
    page.goto("about:blank")
    page.goto(f"{address}/{view}")
    expect(page.locator("main section h2").first).to_be_visible()
    expect(page.locator("#state")).to_contain_text("running")
    page.wait_for_function("() => [...document.querySelectorAll('main section')].every((each) => each.childElementCount)")


def views_of(browser: Browser, address: str) -> list[str]:
    """Return one address of each view that links lead to; each view that the page has is among them."""
    page = browser.new_page()
    found, asked = {"": "#/"}, ["#/"]
    while asked:
        opened(page, address, asked.pop())
        for link in page.evaluate(_LINKS):
            kind = link if link.count("/") == 1 else link.split("/")[1]  # of competitors, cycles ... one is like another
            if kind not in found and link != "#/":
                found[kind] = link
                asked.append(link)
    page.close()
    shown = list(found.values())
    routes = re.findall(r"^\s*\[/(\^#.+?)/,", (STATIC / "page.js").read_text(), re.MULTILINE)
    patterns = [each.replace("\\/", "/") for each in routes]
    assert len(patterns) >= 6, "the views are not where they were in page.js"
    assert [each for each in patterns if not any(re.match(each, view) for view in shown)] == [], "no link leads there"
    return shown
