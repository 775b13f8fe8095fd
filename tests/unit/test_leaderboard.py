"""The ranking: its order, its figures by hand, and the words around it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.fairness import Fairness
from arena.application.leaderboard import Leaderboard, read_leaderboard
from arena.application.leaderboard import leaderboard as ranked
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError
from tests.fakes.season import Story

FAIR = Fairness(season=SeasonId("s"), settings="Equal.", cycles=2, lost=0, asked=6, first={}, violations=())


def leaderboard(rows: dict[str, list[dict[str, Any]]]) -> Leaderboard:
    return ranked(rows, FAIR)


def tables(equities: dict[str, list[str]], **changes: Any) -> dict[str, list[dict[str, Any]]]:
    """Rows of a season in which each competitor's equity took these values, a cycle each."""
    cycles = max(len(each) for each in equities.values())
    return {
        "seasons": [{"season_id": "s", "market": "generated market, seed 7", "interval_seconds": 300}],
        "competitors": [
            {"llm_id": name, "provider": "claude", "model": f"model of {name}", "baseline": name == "LLM-C"} for name in equities
        ],
        "llm_accounts": [
            {
                "llm_id": name,
                "initial_balance": "200",
                "current_balance": "199.5",
                "unrealized_pnl": "1.5",
                "fees": "0.5",
                "funding": "-0.25",
                "total_trades": 3,
                "winning_trades": 1,
                "losing_trades": 2,
            }
            for name in equities
        ],
        "cycles": [
            {"number": n, "status": "booked", "scheduled_at": f"2025-01-01T00:{5 * (n - 1):02}:00.000000Z"}
            for n in range(1, cycles + 1)
        ],
        "equity_points": [{"llm_id": name, "equity": equity} for name, values in equities.items() for equity in values],
        "turns": [],
        "model_calls": [],
        **changes,
    }


COUNTS = {"input_tokens": 1000, "cached_tokens": 900, "output_tokens": 100}


def call(llm_id: str, **changes: object) -> dict[str, object]:
    usual = {"llm_id": llm_id, "purpose": "decide", "fault": None, "latency_ms": 2000, "cost_usd": "0", **COUNTS}
    return {**usual, **changes}


def test_the_best_is_first_and_ties_go_by_id() -> None:
    board = leaderboard(tables({"LLM-B": ["201"], "LLM-A": ["201"], "LLM-C": ["250"], "LLM-D": ["150"]}))
    assert [each.llm_id for each in board.competitors] == ["LLM-C", "LLM-A", "LLM-B", "LLM-D"]
    assert [each.roi for each in board.competitors] == [Decimal(text) for text in ("0.25", "0.005", "0.005", "-0.25")]


def test_figures_by_hand() -> None:
    turns = [
        {"llm_id": "LLM-A", "answer": answer, "calls": calls}
        for answer, calls in (("decision", 1), ("invalid", 1), ("no_answer", 2), ("decision", 2), ("no_answer", 0))
    ]
    calls = [
        call("LLM-A", cost_usd="0.01"),
        call("LLM-A", cost_usd="0.005", purpose="repair"),
        call("LLM-A", cost_usd="0.001", fault="refused", latency_ms=500),
        call("LLM-A", cost_usd=None, fault="rate_limited", latency_ms=100, **dict.fromkeys(COUNTS)),
    ]
    board = leaderboard(tables({"LLM-A": ["220", "165", "190", "201"]}, turns=turns, model_calls=calls))
    (only,) = board.competitors
    assert (only.equity, only.roi, only.wallet_balance, only.unrealized_pnl) == (
        201,
        Decimal("0.005"),
        Decimal("199.5"),
        Decimal("1.5"),
    )
    assert (only.fees, only.funding, only.trades) == (Decimal("0.5"), Decimal("-0.25"), 3)
    assert only.win_rate == Decimal("0.333333333333333333")
    assert (only.asked, only.valid_answers) == (4, Decimal("0.5"))
    assert only.model_cost_usd == Decimal("0.016"), "a refusal is paid for, a call that was not served is not"
    assert (only.calls, only.failed_calls, only.repairs) == (4, 2, 1)
    assert (only.input_tokens, only.cached_tokens, only.output_tokens) == (3000, 2700, 300)
    assert only.latency_seconds == Decimal("1.15")
    assert only.max_drawdown == Decimal("0.25")  # 220 to 165


def test_a_call_of_unknown_price_makes_the_cost_unknown() -> None:
    calls = [call("LLM-A", cost_usd=None), call("LLM-A", cost_usd="1"), call("LLM-B", cost_usd="1")]
    board = leaderboard(tables({"LLM-A": ["200"], "LLM-B": ["200"]}, model_calls=calls))
    assert [each.model_cost_usd for each in board.competitors] == [None, 1]


def test_before_the_first_cycle_everybody_has_the_capital() -> None:
    board = leaderboard(tables({"LLM-B": [], "LLM-A": []}))
    assert [(each.llm_id, each.equity, each.roi) for each in board.competitors] == [("LLM-A", 200, 0), ("LLM-B", 200, 0)]
    assert board.competitors[0].valid_answers is None
    assert board.verdict == "No winner yet: no cycle has been booked."


@pytest.mark.parametrize(
    ("cycles", "sentence"),
    [
        (1, "No winner yet: 1 cycle over 0.1 hours cannot tell these models apart."),
        (12, "No winner yet: 12 cycles over 1 hour cannot tell these models apart."),
        (6, "No winner yet: 6 cycles over 0.5 hours cannot tell these models apart."),
    ],
)
def test_the_verdict_names_no_winner(cycles: int, sentence: str) -> None:
    assert leaderboard(tables({"LLM-A": ["200"] * cycles})).verdict == sentence


def test_a_fall_starts_from_the_capital() -> None:
    (fell,) = leaderboard(tables({"LLM-A": ["150", "300", "270"]})).competitors
    (rose,) = leaderboard(tables({"LLM-A": ["201"]})).competitors
    assert (fell.max_drawdown, rose.max_drawdown) == (Decimal("0.25"), 0)


def test_the_json_is_an_object_of_strings_and_counts() -> None:
    board = leaderboard(tables({"LLM-A": ["201.10"], "LLM-C": ["250.000000000000000001"]})).to_json()
    assert json.loads(json.dumps(board)) == board
    assert board["season"] == "s"
    assert board["market"] == "generated market, seed 7"
    sentence = "Fair: rules of 2 cycles checked, none violated. Equal."
    assert board["fairness"] == {"fair": True, "violations": 0, "sentence": sentence}
    best, second = board["competitors"]
    assert (best["rank"], best["llm_id"], best["baseline"], best["equity"]) == (1, "LLM-C", True, "250.000000000000000001")
    assert second == {
        "rank": 2,
        "llm_id": "LLM-A",
        "provider": "claude",
        "model": "model of LLM-A",
        "baseline": False,
        "capital": "200",
        "equity": "201.1",
        "roi": "0.0055",
        "wallet_balance": "199.5",
        "unrealized_pnl": "1.5",
        "fees": "0.5",
        "funding": "-0.25",
        "trades": 3,
        "win_rate": "0.333333333333333333",
        "asked": 0,
        "valid_answers": None,
        "calls": 0,
        "failed_calls": 0,
        "repairs": 0,
        "latency_seconds": None,
        "input_tokens": 0,
        "cached_tokens": 0,
        "output_tokens": 0,
        "model_cost_usd": "0",
        "max_drawdown": "0",
    }


async def test_it_is_read_from_the_records(tmp_path: Path) -> None:
    records, story = SqliteRecords(tmp_path / "arena.db"), Story()
    await records.open_season(story.season)
    for record in story.play(24):
        await records.begin_cycle(record.season_id, record.number, record.scheduled_at)
        await records.book(record)
    board = await read_leaderboard(records, SeasonId("test"))
    assert {each.llm_id: each.equity for each in board.competitors} == {
        name: ledger.equity(story.prices) for name, ledger in story.ledgers.items()
    }
    assert [each.roi for each in board.competitors] == sorted((each.roi for each in board.competitors), reverse=True)
    assert {each.llm_id: each.baseline for each in board.competitors} == {"LLM-A": False, "LLM-B": False, "LLM-C": True}
    assert {each.llm_id: each.valid_answers for each in board.competitors}["LLM-B"] == Decimal("0.583333333333333333")  # 14 of 24
    assert board.verdict == "No winner yet: 24 cycles over 2 hours cannot tell these models apart."


async def test_an_unknown_season_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no season winter"):
        await read_leaderboard(SqliteRecords(tmp_path / "arena.db"), SeasonId("winter"))


class Counting(SqliteRecords):
    """Counts how often a table is read."""

    read: Counter[str]

    async def columns(
        self, table: str, season_id: SeasonId, names: Sequence[str], *, without: tuple[str, str] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        self.read[table] += 1
        return await super().columns(table, season_id, names, without=without)


async def test_a_table_is_read_once(tmp_path: Path) -> None:
    """In a long season each takes seconds."""
    records, story = Counting(tmp_path / "arena.db"), Story()
    records.read = Counter()
    await records.open_season(story.season)
    await read_leaderboard(records, SeasonId("test"))
    assert records.read["turns"] == 1 and set(records.read.values()) == {1}
