"""What the API tells in full: a market as the models saw it, a turn to the letter, how a cycle treated all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.upkeep import SqliteUpkeep
from arena.application.prompt_market import market_section
from arena.application.study import Study, study
from arena.dashboard.app import create_app
from arena.dashboard.markets import seen_in
from arena.domain.competitor import SeasonId
from arena.domain.market import Candle
from arena.errors import ExchangeUnavailable
from arena.strategies.registry import PLAYBOOKS
from tests.fakes import build
from tests.fakes.dashboard import Books, answering, booked, ready, serving, source
from tests.fakes.season import START, STEP
from tests.fakes.walk import moving_snapshot

CYCLES = 60
TEST = SeasonId("test")


class Venue:
    """The same candles of every symbol; SOLUSDT cannot be read."""

    interval = timedelta(minutes=5)

    async def read(self, symbol: str, until: datetime | None) -> tuple[str, Sequence[Candle]]:
        if symbol == "SOLUSDT":
            raise ExchangeUnavailable("http://127.0.0.1:9 cannot be reached")
        return "generated market, seed 7", build.candles(["93500.1", "93600"], START + STEP * CYCLES)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    with booked(tmp_path_factory.mktemp("season"), CYCLES) as found:
        yield found


@pytest.fixture(scope="module")
def client(books: Books) -> Iterator[httpx.Client]:
    with answering(replace(source(books.path, TEST), candles=Venue())) as client:
        yield client


def test_a_market_is_told_to_the_letter_of_the_newest_prompt(client: httpx.Client, books: Books) -> None:
    text = books.last.market_prompt
    part = text.split("## BTCUSDT\n")[1].split("\n\n")[0]
    lines = dict(line.split(": ", 1) for line in part.strip().split("\n"))
    seen = client.get("/markets/BTCUSDT").json()["seen"]
    assert (seen["cycle"], f"as_of: {seen['as_of']}" in text) == (CYCLES, True)
    for name, label in (("last_price", "last"), ("mark_price", "mark"), ("funding_rate", "funding_rate")):
        assert seen[name] == lines[label]
    told = {each["label"]: each["values"] for each in seen["series"]} | {each["label"]: each["value"] for each in seen["figures"]}
    assert told["close"] == lines["close"].split(", ") and len(told) > 10
    assert told["ema20"] == [] and told["high_24h"] is None and lines["ema20"] == "n/a", "what is not known is no number"


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_whatever_a_playbook_shows_of_a_symbol_is_told(name: str) -> None:
    playbook, snapshot = PLAYBOOKS[name], moving_snapshot(("BTCUSDT", "ETHUSDT", "SOLUSDT"))
    known = build.instruments()
    text = market_section(snapshot, study(snapshot, playbook, known), known, playbook)
    seen, reason = seen_in(text, 7, "ETHUSDT")
    assert seen is not None and reason == ""
    told = {each.label: ", ".join(value or "n/a" for value in each.values) for each in seen.series}
    told |= {each.label: each.value or "n/a" for each in seen.figures}
    shown = {*playbook.series, *playbook.figures}
    assert told.keys() == shown and len(shown) > 3
    for label, value in told.items():
        assert f"\n{label}: {value}\n" in text.split("## ETHUSDT")[1]
    assert {each.pairs for each in seen.spreads} == {
        line.split(":")[0] for line in text.partition("# Spreads\n")[2].split("\n") if "ETHUSDT" in line
    }
    assert seen_in(text, 7, "DOGEUSDT") == (None, "the prompt of cycle 7 said nothing of it")


def test_a_symbol_without_data_says_what_the_models_were_told() -> None:
    snapshot = moving_snapshot(("BTCUSDT",), missing={"ETHUSDT": "timeout"})
    text = market_section(snapshot, Study(), build.instruments(), PLAYBOOKS["free"])
    assert seen_in(text, 7, "ETHUSDT") == (None, "the models were told in cycle 7 that there is no data: timeout")


def test_a_market_has_candles_and_everybodys_fills(client: httpx.Client, books: Books) -> None:
    found = client.get("/markets/BTCUSDT").json()
    assert [(row["open_time"], row["close"]) for row in found["candles"]] == [
        ("2025-01-01T04:50:00Z", "93500.1"),
        ("2025-01-01T04:55:00Z", "93600"),
    ]
    assert found["candles_reason"] == "" and found["candles_read_at"].endswith("Z")
    wanted = [row for row in books.rows("fills") if row["symbol"] == "BTCUSDT"]
    assert [(row["llm_id"], row["price"], row["time"]) for row in found["fills"]] == [
        (row["llm_id"], row["price"], row["time"]) for row in wanted
    ]
    held: dict[tuple[str, str], Decimal] = {}
    for row in found["fills"]:
        key = (row["llm_id"], row["position_side"])
        held[key] = held.get(key, Decimal(0)) + Decimal(row["quantity"]) * (1 if row["entry"] else -1)
    left = {key: quantity for key, quantity in held.items() if quantity}
    assert left == {(row["llm_id"], row["side"]): Decimal(row["quantity"]) for row in found["positions"]}


def test_where_the_venue_is_away_the_rest_is_there(client: httpx.Client) -> None:
    found = client.get("/markets/SOLUSDT").json()
    assert (found["candles"], found["candles_reason"]) == (None, "http://127.0.0.1:9 cannot be reached")
    assert found["seen"]["last_price"] and found["fills"]


def test_a_turn_is_told_to_the_letter(client: httpx.Client, books: Books) -> None:
    found = client.get("/cycles/7/competitors/LLM-B").json()
    cycle = next(row for row in books.rows("cycles") if row["number"] == 7)
    assert hashlib.sha256(found["market_prompt"].encode()).hexdigest() == cycle["market_prompt_hash"]
    assert found["static_prompt"] == "the season's rules" and found["account_prompt"].endswith(" of LLM-B")
    assert (found["before"], found["after"], found["answer"]) == (6, 8, "invalid")
    calls = [row for row in books.rows("model_calls") if (row["cycle"], row["llm_id"]) == (7, "LLM-B")]
    for told, kept in zip(found["calls"], calls, strict=True):
        assert {name: kept[name] for name in told} == told
    assert [call["text"] for call in found["calls"]] == ['{"decisions": [{}]}', "I would rather hold."]


def test_a_market_prompt_that_was_let_go_of_is_missing_and_the_rest_is_there(tmp_path: Path) -> None:
    books = Books(tmp_path / "arena.sqlite")
    books.open()
    books.book(3)
    assert SqliteUpkeep(books.path).prune(TEST, START + STEP * 9) == 3
    with serving(source(books.path, TEST)) as client:
        ready(client)
        found = client.get("/cycles/2/competitors/LLM-A").json()
        assert (found["market_prompt"], found["static_prompt"]) == (None, "the season's rules")
        market = client.get("/markets/ETHUSDT").json()
        assert (market["seen"], market["candles"]) == (None, None)
        assert market["seen_reason"] == "the prompt of cycle 3 is not in the store any more (arena db prune)"
        assert market["candles_reason"] == "this dashboard was started without a venue"
    books.records.close()


def test_a_cycle_says_how_it_treated_all(client: httpx.Client) -> None:
    found = client.get("/cycles/4/fairness").json()
    assert found["sentence"].startswith("Fair: 3 of 3 were asked within 0 ms") and found["broken"] == []
    assert [each["llm_id"] for each in found["turns"]] == ["LLM-A", "LLM-B", "LLM-C"]
    one, other, _ = found["turns"]
    assert (one["same_prompt"], one["answered_seconds"], one["deadline_seconds"]) == (True, "0.800", "90.000")
    assert (one["settings"], one["latency_ms"]) == ("max_tokens 2000", 4100)
    assert (other["failure"], other["latency_ms"], other["settings"]) == ("timeout", 90_080, "not on record")
    assert Decimal(next(each["ordered_seconds"] for each in found["turns"] if each["ordered_seconds"])) > 0


def test_a_cycle_names_what_was_unequal(tmp_path: Path) -> None:
    class Unequal(Books):
        def book(self, cycles: int = 1) -> None:
            play = self.story.cycle

            def unequal() -> Any:
                record = play()
                first, *rest = record.turns
                assert first.asking is not None
                asking = replace(first.asking, prompt_hash="0" * 64, asked_at=first.asking.asked_at + timedelta(seconds=9))
                return replace(record, turns=(replace(first, asking=asking), *rest))

            self.story.cycle = unequal  # type: ignore[method-assign]
            super().book(cycles)

    books = Unequal(tmp_path / "arena.sqlite")
    books.open()
    books.book(1)
    with serving(source(books.path, TEST)) as client:
        ready(client)
        found = client.get("/cycles/1/fairness").json()
        assert [each["same_prompt"] for each in found["turns"]] == [False, True, True]
        assert found["sentence"] == "2 rules were broken in this cycle."
        assert any("LLM-A was sent another prompt" in text for text in found["broken"])
        assert any("not asked at the same time" in text for text in found["broken"])
    books.records.close()


def test_a_competitors_confidence_is_held_against_all_of_its_closed_trades(client: httpx.Client, books: Books) -> None:
    found = client.get("/competitors/LLM-A/calibration").json()
    closed = [row for row in books.rows("closed_trades") if row["llm_id"] == "LLM-A"]
    won = sum(Decimal(row["pnl"]) - Decimal(row["fees"]) - Decimal(row["funding"]) > 0 for row in closed)
    assert (found["trades"], found["unknown"]) == (len(closed), 0)
    assert sum(each["hits"] for each in found["buckets"]) == won > 0
    theses = [
        json.loads(row["thesis"]) for row in books.rows("positions") if (row["llm_id"], row["status"]) == ("LLM-A", "closed")
    ]
    for bucket in found["buckets"]:
        assert bucket["trades"] == sum(bucket["lowest"] <= each["confidence"] <= bucket["highest"] for each in theses)


@pytest.mark.parametrize(
    "path", ["/markets/ETHUSDT", "/cycles/7/competitors/LLM-B", "/cycles/7/fairness", "/competitors/LLM-A/calibration"]
)
def test_an_answer_is_sent_once(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/markets/DOGEUSDT", "DOGEUSDT is not traded in this season; there are BTCUSDT, ETHUSDT, SOLUSDT"),
        ("/cycles/61/fairness", "cycle 61 is not booked; the last one is 60"),
        ("/cycles/61/competitors/LLM-A", "cycle 61 is not booked"),
        ("/cycles/7/competitors/LLM-X", "there are LLM-A, LLM-B, LLM-C"),
        ("/competitors/LLM-X/calibration", "there are LLM-A, LLM-B, LLM-C"),
    ],
)
def test_what_is_not_there_is_a_problem_that_names_it(client: httpx.Client, path: str, said: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert said in answer.json()["detail"]


async def test_asking_again_and_again_keeps_one_answer(books: Books) -> None:
    app = create_app(source(books.path, TEST))
    watch = app.state.watch
    with SqliteRecords(books.path) as store:
        await watch.look(store)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for _ in range(3):
                assert (await client.get("/markets/BTCUSDT")).status_code == 200
    assert len([key for key in watch.answers if key.startswith("market")]) == 1
