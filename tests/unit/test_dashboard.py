"""The dashboard's API over a real season: complete, paged, exact, and closed to whoever has no token."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.leaderboard import read_leaderboard
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.dashboard import feed as feed_module
from arena.dashboard.app import serve
from arena.dashboard.curve import MOST, EquityCurve
from arena.dashboard.season_view import SeasonView
from arena.domain.competitor import CompetitorId, SeasonId
from arena.domain.money import plain
from arena.domain.protection import liquidated, liquidated_at
from arena.errors import ConfigurationError, RecordsUnavailable
from tests.fakes.build import instruments
from tests.fakes.dashboard import Books, answering, booked, ready, serving, source
from tests.fakes.season import SYMBOLS

CYCLES = 60
TEST = SeasonId("test")
ENDPOINTS = (
    *("/status", "/leaderboard", "/llm-accounts", "/positions", "/decisions", "/equity", "/trades", "/cycles/7"),
    *("/competitors/LLM-B", "/costs", "/fairness", "/alerts"),
)
AMOUNTS = re.compile(
    "capital|equity|roi.*|.*balance|.*_pnl|pnl|fees?|funding|insurance|.*price|quantity|.*_usd|drawdown|max_drawdown|hours"
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    with booked(tmp_path_factory.mktemp("season"), CYCLES) as found:
        yield found


@pytest.fixture(scope="module")
def client(books: Books) -> Iterator[httpx.Client]:
    with answering(source(books.path, TEST)) as client:
        yield client


def amounts(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value whose name says that it is an amount."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from amounts(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from amounts(each, name)
    elif AMOUNTS.fullmatch(name) and value is not None:
        yield name, value


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_answer_says_amounts_as_exact_text_and_is_sent_once(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    for name, value in amounts(answer.json()):
        assert isinstance(value, str) and Decimal(value).is_finite() and "E" not in value, name
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize("path", [*ENDPOINTS, "/", "/static/page.js"])
def test_an_answer_is_the_same_in_fewer_bytes(client: httpx.Client, path: str) -> None:
    whole = client.get(path, headers={"Accept-Encoding": "identity"})
    zipped = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert whole.content == zipped.content and "content-encoding" not in whole.headers
    assert ("content-encoding" in zipped.headers) == (len(whole.content) >= 1000)
    assert zipped.headers["etag"] == whole.headers["etag"] and zipped.headers["vary"] == "Accept-Encoding"


def test_every_answer_fits_what_the_api_says_of_it(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    assert {path.replace("{number}", "7").replace("{llm_id}", "LLM-B") for path in described["paths"]} >= set(ENDPOINTS)
    equity = described["components"]["schemas"]["Ranked"]["properties"]["equity"]
    assert (equity["type"], equity["description"]) == ("string", "Wallet and unrealised profit. USDT.")


def test_the_ranking_is_the_leaderboard_to_the_digit(client: httpx.Client, books: Books) -> None:
    board = client.get("/leaderboard").json()
    known = asyncio.run(read_leaderboard(books.records, TEST)).to_json()
    for name, value in known.items():
        if name != "competitors":
            assert board[name] == value
    for shown, wanted in zip(board["competitors"], known["competitors"], strict=True):
        assert {name: shown[name] for name in wanted} == wanted
        gross = (Decimal(wanted["equity"]) - 200 + Decimal(wanted["fees"]) + Decimal(wanted["funding"])) / 200
        assert abs(Decimal(shown["roi_gross"]) - gross) < Decimal("1e-8")
        after = Decimal(wanted["roi"]) - Decimal(wanted["model_cost_usd"]) / 200
        assert abs(Decimal(shown["roi_after_model_cost"]) - after) < Decimal("1e-8")


def test_what_is_held_is_what_is_open_in_the_books(client: httpx.Client, books: Books) -> None:
    held = [row for row in books.rows("positions") if row["status"] == "open"]
    shown = client.get("/positions").json()
    assert len(held) > 0 and {(row["llm_id"], row["symbol"], row["side"]) for row in shown} == {
        (row["llm_id"], row["symbol"], row["side"]) for row in held
    }
    for row in shown:
        twin = next(each for each in held if (each["llm_id"], each["symbol"]) == (row["llm_id"], row["symbol"]))
        assert (row["quantity"], row["mark_price"]) == (twin["quantity"], twin["mark_price"])
        assert abs(Decimal(row["unrealized_pnl"]) - Decimal(twin["unrealized_pnl"])) < Decimal("1e-6")
        assert row["stop_price"] == json.loads(twin["thesis"])["stop_price"]


def liquidations(books: Books, *tiers_of: str) -> dict[tuple[str, str], str | None]:
    """What /positions says where the margin tiers of these symbols are known."""
    watched = replace(source(books.path, books.season_id), contracts=lambda: instruments(*tiers_of))
    with answering(watched) as client:
        return {(row["llm_id"], row["symbol"]): row["liquidation_price"] for row in client.get("/positions").json()}


def test_the_liquidation_price_is_where_the_arena_would_liquidate(books: Books) -> None:
    shown = liquidations(books, *SYMBOLS)
    for (llm_id, symbol), price in shown.items():
        ledger, marks = books.story.ledgers[CompetitorId(llm_id)], books.story.prices
        found = liquidated_at(ledger, symbol, marks, instruments())
        assert price == (None if found is None else plain(found))
    told = {key: Decimal(price) for key, price in shown.items() if price is not None}
    assert told, "the season has a position that can be liquidated"
    for (llm_id, symbol), price in told.items():
        assert liquidated(books.story.ledgers[CompetitorId(llm_id)], {**books.story.prices, symbol: price}, instruments())


def test_there_is_no_liquidation_price_where_a_tier_that_it_depends_on_is_not_known(client: httpx.Client, books: Books) -> None:
    assert {row["liquidation_price"] for row in client.get("/positions").json()} == {None}
    whole, partly = liquidations(books, *SYMBOLS), liquidations(books, "ETHUSDT")
    alone = {
        llm_id for llm_id, ledger in books.story.ledgers.items() if {symbol for symbol, _ in ledger.positions} == {"ETHUSDT"}
    }
    assert partly == {(llm_id, symbol): price if llm_id in alone else None for (llm_id, symbol), price in whole.items()}


@pytest.mark.parametrize(
    ("path", "table"), [("/decisions", "llm_decisions"), ("/trades", "closed_trades"), ("/alerts", "alerts")]
)
@pytest.mark.parametrize("kept", [1000, 10])
def test_pages_lead_from_the_newest_row_to_the_first(
    books: Books, monkeypatch: pytest.MonkeyPatch, path: str, table: str, kept: int
) -> None:
    """Whether they are in memory or only in the store."""
    monkeypatch.setattr(feed_module, "KEPT", kept)
    wanted = [(row["cycle"], row["llm_id"]) for row in books.rows(table)]
    with serving(source(books.path, TEST)) as client:
        ready(client)
        name = path.removeprefix("/")
        assert pages(client, path, name, {"limit": 7}) == wanted[::-1]
        mine = [row for row in wanted[::-1] if row[1] == "LLM-A"]
        assert pages(client, path, name, {"limit": 7, "llm_id": "LLM-A"}) == mine != []
        assert client.get(path, params={"limit": 1}).json()["total"] == len(wanted)


def pages(client: httpx.Client, path: str, name: str, asked: dict[str, Any]) -> list[tuple[int, str]]:
    found, before = [], None
    while True:
        page = client.get(path, params={**asked, **({} if before is None else {"before": before})}).json()
        assert len(page[name]) <= asked["limit"]
        found += [(row["cycle"], row["llm_id"]) for row in page[name]]
        before = page["before"]
        if before is None:
            return found


def test_a_cycle_shows_everybody_side_by_side(client: httpx.Client, books: Books) -> None:
    story = client.get("/cycles/7").json()
    assert (story["number"], story["before"], story["after"]) == (7, 6, 8)
    assert [turn["llm_id"] for turn in story["turns"]] == ["LLM-A", "LLM-B", "LLM-C"]
    assert story["turns"][1]["answer"] == "invalid" and len(story["turns"][1]["calls"]) == 2
    for table, name, column in (("llm_decisions", "decisions", "cycle"), ("fills", "fills", "booked_cycle")):
        wanted = sum(row[column] == 7 for row in books.rows(table))
        assert sum(len(turn[name]) for turn in story["turns"]) == wanted
    assert (client.get("/cycles/1").json()["before"], client.get(f"/cycles/{CYCLES}").json()["after"]) == (None, None)


def test_a_competitor_shows_what_is_its_own(client: httpx.Client) -> None:
    shown = client.get("/competitors/LLM-C").json()
    assert (shown["standing"]["baseline"], shown["base_url_host"]) == (True, "127.0.0.1")
    assert {row["llm_id"] for name in ("positions", "decisions", "trades") for row in shown[name]} == {"LLM-C"}


def test_the_curves_keep_their_ends_and_extremes(client: httpx.Client) -> None:
    whole = client.get("/equity").json()["curves"][0]
    few = client.get("/equity", params={"points": 10}).json()["curves"][0]
    assert len(whole["equity"]) == CYCLES and len(few["equity"]) <= 10
    assert (few["times"][0], few["times"][-1]) == (whole["times"][0], whole["times"][-1])
    assert max(map(Decimal, few["equity"])) == max(map(Decimal, whole["equity"]))
    assert min(map(Decimal, whole["drawdown"])) < 0 == max(map(Decimal, whole["drawdown"]))
    part = client.get("/equity", params={"since": whole["times"][20], "until": whole["times"][29]}).json()["curves"][0]
    assert part["equity"] == whole["equity"][20:30]


def test_a_long_curve_stays_small_and_exact_where_it_matters() -> None:
    curve = EquityCurve("200")
    for second in range(3 * MOST):
        worth = "999.123456789" if second == 77 else f"{200 + second % 7}"
        curve.add(datetime.fromtimestamp(second, UTC).isoformat(), worth)
    points = curve.points(None, None, 100)
    assert len(curve) <= MOST and len(points) <= 100
    assert "999.123456789" in {worth for _, worth, _ in points}
    assert points[-1][2] == f"{100 * (float(points[-1][1]) - 999.123456789) / 999.123456789:.4f}"


def test_prometheus_can_read_the_season(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert found["arena_cycles_booked"].samples[0].value == CYCLES
    assert {sample.labels["llm_id"] for sample in found["arena_equity_usdt"].samples} == {"LLM-A", "LLM-B", "LLM-C"}
    assert found["arena_running"].samples[0].value == 1


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/cycles/61", 404, "cycle 61 is not booked; the last one is 60"),
        ("/competitors/LLM-X", 404, "there are LLM-A, LLM-B, LLM-C"),
        ("/nothing", 404, "Not Found"),
        ("/decisions?limit=0", 422, "limit: "),
        ("/decisions?before=x", 422, "before: "),
        ("/cycles/seven", 422, "number: "),
        ("/equity?since=2025-01-01T00:00:00", 422, "since: "),
    ],
)
def test_what_is_wrong_is_a_problem_that_names_it(client: httpx.Client, path: str, status: int, said: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert said in problem["detail"] and problem["status"] == status
    assert ([each["field"] for each in problem.get("errors", [])] != []) == (status == 422)


def test_nothing_can_be_changed(client: httpx.Client) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.request(method, "/status").status_code == 405


def test_the_page_of_another_host_cannot_ask_in_its_name(client: httpx.Client) -> None:
    assert client.get("/status", headers={"Host": "evil.example"}).status_code == 403
    assert "default-src 'self'" in client.get("/").headers["content-security-policy"]


def test_without_the_token_nothing_is_told_but_health(books: Books) -> None:
    with serving(source(books.path, TEST), token="s3cret") as client:
        for path in (*ENDPOINTS, "/", "/events", "/metrics", "/openapi.json", "/static/page.js"):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "arena_dashboard=s3cret"}):
                refused = client.get(path, headers=headers)
                assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/health").json()["status"] == "ok"
        bearer = {"Authorization": "Bearer s3cret"}
        client.headers.update(bearer)
        ready(client)
        del client.headers["Authorization"]
        admitted = client.get("/?token=s3cret")
        assert (admitted.status_code, admitted.headers["location"]) == (303, "/")
        assert "s3cret" not in admitted.headers["set-cookie"] and "HttpOnly" in admitted.headers["set-cookie"]
        assert client.get("/status").status_code == 200


def test_it_does_not_start_where_others_reach_it_without_a_token(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"API_HOST=0\.0\.0\.0 .* set API_TOKEN"):
        serve(source(tmp_path / "none", TEST), "0.0.0.0", 1, "")


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} cannot be listened on .*give another API_HOST or API_PORT"):
            serve(source(tmp_path / "none", TEST), "127.0.0.1", port, "")


def test_a_season_is_followed_from_before_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "arena.sqlite"
    with serving(source(path, TEST)) as client:
        time.sleep(0.2)
        early = client.get("/leaderboard")
        assert (early.status_code, early.headers["retry-after"]) == (503, "1") and "no book" in early.json()["detail"]
        books = Books(path)
        books.open()
        ready(client, 0)
        assert client.get("/leaderboard").json()["verdict"] == "No winner yet: no cycle has been booked."
        books.book(3)
        ready(client, 3)
        books.begin()
        under_way = wait(client, lambda status: status["under_way"])
        assert (under_way["under_way"]["number"], under_way["last_cycle"]["number"], under_way["lost"]) == (4, 3, 0)
        books.book(2)
        ready(client, 5)
        status, story = client.get("/status").json(), client.get("/cycles/5").json()
        assert (status["lost"], status["under_way"], story["before"], story["after"]) == (1, None, 3, 6)
        assert client.get("/cycles/4").status_code == 404
        assert client.get("/fairness").json() | {"fair": True, "lost": 1} == client.get("/fairness").json()
        books.records.close()


def test_a_halt_is_shown_with_its_reason(books: Books) -> None:
    halted = SeasonStanding(status=SeasonStatus.HALTED, reason="the books differ", time=datetime(2025, 1, 1, tzinfo=UTC))
    with serving(source(books.path, TEST, halted)) as client:
        ready(client)
        status = client.get("/status").json()
    assert (status["state"], status["reason"], status["next_due_at"]) == ("halted", "the books differ", None)


def test_generated_prices_are_called_what_they_are(client: httpx.Client) -> None:
    status = client.get("/status").json()
    assert (status["market_kind"], status["market_warning"]) == ("generated", "these prices never existed")


def wait(client: httpx.Client, wanted: Any) -> dict[str, Any]:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        status: dict[str, Any] = client.get("/status").json()
        if wanted(status):
            return status
        time.sleep(0.02)
    raise AssertionError(status)


def test_who_listens_hears_of_a_booking(tmp_path: Path) -> None:
    books = Books(tmp_path / "arena.sqlite")
    books.open()
    with serving(source(books.path, TEST)) as client:
        ready(client, 0)
        with client.stream("GET", "/events") as events:
            assert events.headers["content-type"].startswith("text/event-stream")
            lines = events.iter_lines()
            first = next(line for line in lines if line.startswith("data:"))
            books.book()
            second = next(line for line in lines if line.startswith("data:"))
        versions = [json.loads(line.removeprefix("data:"))["version"] for line in (first, second)]
        assert versions[1] > versions[0]
        ready(client, 1)
    books.records.close()


def test_the_end_of_the_dashboard_ends_who_listens(books: Books) -> None:
    """A stream that never ends would keep the process from ending."""
    with serving(source(books.path, TEST)) as client:
        ready(client)
        stream = client.stream("GET", "/events")
        events = stream.__enter__()
        lines = events.iter_lines()
        assert next(lines) == "event: changed"
        began = time.monotonic()
    assert time.monotonic() - began < 5
    with pytest.raises((httpx.StreamError, httpx.TransportError, StopIteration)):
        while True:
            next(lines)


class Away(SqliteRecords):
    """A store that can be out of reach."""

    gone = False

    async def page(self, *args: Any) -> Any:
        if self.gone:
            raise RecordsUnavailable("Supabase is out of reach (no route)")
        return await super().page(*args)


def test_while_the_store_is_away_the_last_that_was_known_is_shown(books: Books) -> None:
    with Away(books.path) as store:
        watched = replace(source(books.path, TEST), open=lambda _: store)
        with serving(watched) as client:
            ready(client)
            board = client.get("/leaderboard").json()
            store.gone = True
            status = wait(client, lambda status: status["store_away"])
            assert (status["state"], status["cycles"]) == ("running", CYCLES)
            assert client.get("/leaderboard").json() == board
            assert client.get("/metrics").text.count("arena_store_away 1.0") == 1
            assert client.get(f"/cycles/{CYCLES}").json()["number"] == CYCLES
            assert client.get("/cycles/7").status_code == 503
            store.gone = False
            wait(client, lambda status: not status["store_away"])


class Counting(SqliteRecords):
    """Notes every row that is read."""

    read = 0

    async def page(self, *args: Any) -> Any:
        found = await super().page(*args)
        self.read += len(found)
        return found


def test_a_look_reads_only_what_is_new(tmp_path: Path) -> None:
    books = Books(tmp_path / "arena.sqlite")
    books.open()
    books.book(30)
    store = Counting(books.path)
    view = asyncio.run(SeasonView.begin(store, TEST))
    assert view is not None

    def look() -> int:
        before = store.read
        while asyncio.run(view.advance()):
            pass
        asyncio.run(view.look())
        return store.read - before

    whole = look()
    books.book()
    assert 0 < look() < whole / 10
    assert look() <= len(view.holdings) + 3, "where nothing is new, accounts and what is held are read"
    store.close()
    books.records.close()
