"""The page's longer views in a real browser, over a season whose venue is on loopback: markets, prompts, fairness, alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from arena.application.record import CycleRecord
from arena.dashboard.curve import iso
from arena.dashboard_cli import source_of
from arena.market import read_contracts
from arena.report.figures import price
from arena.settings import Settings
from scripts.processes import free_port
from tests.fakes.browser import Visitor
from tests.fakes.candles import write_candles
from tests.fakes.dashboard import Books, answering, apart, booked
from tests.fakes.season import START, STEP, SYMBOLS, Story, season
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

pytestmark = pytest.mark.browser

EVIL = "<script>document.title='taken'</script><b>RSI</b> 27"
CYCLES = 12
NOW = START + STEP * (CYCLES + 1)
BARS = 540  # up to now


class Telling(Story):
    """Alerts begin with whom they are about, as they do."""

    def cycle(self) -> CycleRecord:
        record = super().cycle()
        named = (replace(each, text=f"{each.llm_id} gave {each.text}") if each.llm_id else each for each in record.alerts)
        return replace(record, alerts=tuple(named))


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    prices = {"BTCUSDT": 93_500.0, "ETHUSDT": 3350.0, "SOLUSDT": 189.4}
    for symbol in SYMBOLS:
        rows = [_bar(prices[symbol], index) for index in range(BARS)]
        write_candles(tmp_path / "5m", symbol, rows, start=NOW - STEP * (BARS - 1))
    with running_simulator(tmp_path / "5m", start=NOW) as running:
        yield running


@contextmanager
def staged(tmp_path: Path, market: str, url: str, *, tiers: bool = False) -> Iterator[tuple[str, Books]]:
    """Yield a dashboard's address, as the settings make it, and the books that it shows.

    Args:
        tiers: Whether the contracts were read from the venue before, as cycles do.
    """
    with booked(tmp_path, CYCLES, Telling(replace(season(), market=market), text=EVIL)) as books:
        settings = Settings(
            _env_file=None,
            environment="demo",
            season=books.season_id,
            database_path=books.path,
            binance_testnet_base_url=url,
            binance_testnet_api_key=KEY,
            binance_testnet_secret_key=SECRET,
            available_pairs=SYMBOLS,
        )
        if tiers:
            apart(read_contracts(settings))
        with answering(source_of(settings)) as client:
            yield str(client.base_url), books


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[str, Books]]:
    with staged(tmp_path, "generated market, seed 7", f"http://127.0.0.1:{free_port()}") as found:
        yield found


def _bar(price: float, index: int) -> str:
    start, end = (price * (1 + 0.0004 * ((each * 7) % 11 - 5)) for each in (index, index + 1))
    return f"{start:.2f} {max(start, end) * 1.0004:.2f} {min(start, end) * 0.9996:.2f} {end:.2f} 12"


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    found = Visitor(context.new_page())
    yield found
    context.close()
    assert found.faults == []
    assert {host.partition(":")[0] for host in found.hosts} == {"127.0.0.1"} and len(found.hosts) == 1


def test_a_market_is_shown_with_everybodys_entries_and_exits(visitor: Visitor, simulator: Simulator, tmp_path: Path) -> None:
    note = simulator.http.get("/fapi/v1/exchangeInfo").json()["simulator"]["market"]
    with staged(tmp_path, f"{note} (simulator)", simulator.url) as (address, books):
        _look_at_markets(visitor, address, books)
        simulator.strike({"kind": "unavailable", "path": "/fapi/v1/klines"})
        _look_without_a_venue(visitor)


def _look_at_markets(visitor: Visitor, address: str, books: Books) -> None:
    page = visitor.page
    page.goto(f"{address}/#/markets")
    expect(page.locator("nav[aria-label=Symbol] [aria-current=page]")).to_have_text("BTCUSDT")
    expect(page.locator("canvas")).to_have_count(1)
    expect(page.get_by_role("heading", name="BTCUSDT, USDT")).to_contain_text("candles of 5 minutes up to 01:05 UTC")
    fills = httpx.get(f"{address}/markets/BTCUSDT").json()["fills"]
    marks = page.get_by_role("table", name="Entries and exits in BTCUSDT").locator("tbody tr")
    expect(marks).to_have_count(min(20, len(fills)))
    assert marks.count() == page.locator("tbody svg.mark").count() > 0
    expect(page.get_by_role("heading", name="What the models saw of BTCUSDT")).to_contain_text(f"cycle {CYCLES}")
    for width, scheme in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        visitor.picture(f"dashboard-candles-{width}-{scheme}")

    page.get_by_role("button", name="4 hours").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="4 hours")).to_have_attribute("aria-pressed", "true")
    books.book()
    expect(page.get_by_role("heading", name="What the models saw of BTCUSDT")).to_contain_text(f"cycle {CYCLES + 1}")
    expect(page.get_by_role("button", name="4 hours")).to_have_attribute("aria-pressed", "true")


def _look_without_a_venue(visitor: Visitor) -> None:
    """What is known stays; what is not is said to be missing, and the rest is there."""
    page = visitor.page
    expect(page.locator("canvas")).to_have_count(1)
    page.get_by_role("link", name="ETHUSDT").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("No candles can be shown")).to_contain_text("Binance")
    expect(page.get_by_role("heading", name="What the models saw of ETHUSDT")).to_be_visible()


def test_the_liquidation_price_is_shown_where_the_tiers_are_known(visitor: Visitor, simulator: Simulator, tmp_path: Path) -> None:
    page = visitor.page
    with staged(tmp_path, "generated market, seed 7", simulator.url, tiers=True) as (address, books):
        page.goto(address)
        table = page.get_by_role("table", name="Open positions")
        held = httpx.get(f"{address}/positions").json()
        expect(table.locator("tbody tr")).to_have_count(len(held))
        column = table.locator("th").all_inner_texts().index("Liquidation")
        cells = table.locator(f"tbody td:nth-child({column + 1})")
        assert cells.all_inner_texts() == [price(row["liquidation_price"]) for row in held]
        assert {row["liquidation_price"] is None for row in held} == {True, False}, "the story has both"
        visitor.picture("dashboard-liquidation-1440-light")
        page.set_viewport_size({"width": 390, "height": 900})
        cells.last.scroll_into_view_if_needed()
        expect(cells.last).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

        Path("runs", books.season_id, "contracts.json").unlink()
        books.book()
        expect(cells.filter(has_text=re.compile(r"\d"))).to_have_count(0)
        expect(cells.first).to_have_text("–")


def test_prompts_and_answers_are_read_when_they_are_opened_and_are_text(visitor: Visitor, stage: tuple[str, Books]) -> None:
    page, (address, books) = visitor.page, stage
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto(f"{address}/#/competitors/LLM-A")
    heading = page.get_by_role("heading", name="Asked and answered in cycle")
    expect(heading).to_contain_text(f"cycle {CYCLES}")
    expect(page.get_by_role("table", name="Calls of the model")).to_contain_text("$0.0123")
    expect(page.get_by_role("table", name="Stated confidence against closed trades")).to_contain_text("too few")
    assert not [path for path in asked if path.startswith("/cycles/") and "competitors" in path]

    page.get_by_text("Raw answer").click()
    answer = page.get_by_role("region", name="Call 1, decide")
    expect(answer).to_contain_text(EVIL)
    page.get_by_text("Prompt as sent").click()
    expect(page.get_by_role("region", name="The cycle's market")).to_contain_text("## BTCUSDT")
    expect(page.get_by_role("region", name="Its own account")).to_contain_text("of LLM-A")
    assert page.locator("main script, main b:text-is('RSI')").count() == 0 and page.title() != "taken"
    assert asked.count(f"/cycles/{CYCLES}/competitors/LLM-A") == 1
    visitor.picture("dashboard-prompt-1440-light")

    books.book()  # who reads is not disturbed
    expect(page.locator("#spoken")).to_have_text(f"Cycle {CYCLES + 1} was booked.")
    expect(answer).to_contain_text(EVIL)
    expect(heading).to_contain_text(f"cycle {CYCLES} ")
    page.get_by_role("button", name="before").click()
    expect(heading).to_contain_text(f"cycle {CYCLES - 1} ")
    expect(page.get_by_role("region", name="The cycle's market")).to_contain_text(f"as_of: {iso(START + STEP * (CYCLES - 1))}")

    page.goto(f"{address}/#/cycles/2")
    page.get_by_role("link", name="Prompt and answer of LLM-B").click()
    expect(heading).to_contain_text("cycle 2 ")
    expect(page.get_by_role("table", name="Calls of the model").locator("tbody tr")).to_have_count(2)


def test_fairness_is_told_for_every_cycle(visitor: Visitor, stage: tuple[str, Books]) -> None:
    page, (address, books) = visitor.page, stage
    page.goto(f"{address}/#/fairness")
    cycle = page.locator("main section").nth(1)
    expect(cycle.locator("h2")).to_contain_text(f"Cycle {CYCLES} ")
    expect(cycle).to_contain_text("Fair: 3 of 3 were asked within 0 ms, with the same prompt, settings and deadline")
    rows = page.get_by_role("table", name=f"How cycle {CYCLES} treated all").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("the same")
    cycle.get_by_role("button", name="before").focus()
    page.keyboard.press("Enter")
    expect(cycle.locator("h2")).to_contain_text(f"Cycle {CYCLES - 1} ")
    cycle.get_by_role("spinbutton").fill("999")
    cycle.get_by_role("spinbutton").press("Tab")
    expect(cycle.get_by_role("alert")).to_have_text(f"cycle 999 is not booked; the last one is {CYCLES}")
    visitor.faults.clear()  # the browser notes the answer of its own accord
    books.book()
    expect(page.locator("main section").first).to_contain_text(f"rules of {CYCLES + 1} cycles")
    expect(cycle.locator("h2")).to_contain_text(f"Cycle {CYCLES - 1} ")
    visitor.picture("dashboard-fairness-1440-light")


def test_an_alert_names_its_competitor_once(visitor: Visitor, stage: tuple[str, Books]) -> None:
    page, (address, _) = visitor.page, stage
    page.goto(f"{address}/#/alerts")
    rows = page.get_by_role("table", name="Alerts, newest first").locator("tbody tr")
    expect(rows.first).to_be_visible()
    texts = rows.locator("td:last-child").all_inner_texts()
    assert texts and all(text.startswith("gave ") for text in texts)
    page.goto(f"{address}/#/")
    expect(page.get_by_text("gave ").first).to_be_visible()
    for text in page.locator(".now dd p", has_text="gave ").all_inner_texts():
        assert text.count("LLM-") == 1
