"""Was the contest fair? A clean season is, and each kind of tampering with one is found and named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.adapters.storage.booking_rows import booking_rows
from arena.adapters.storage.rows import season_rows
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.cycle import execution_order
from arena.application.evidence import configuration
from arena.application.fairness import Fairness, fairness, read_fairness
from arena.application.fairness_rules import SAME_TIME
from arena.application.leaderboard import read_leaderboard
from arena.application.record import CycleRecord
from arena.domain.competitor import Competitor, Provider, SeasonId
from arena.errors import ConfigurationError
from tests.fakes.season import LIMITS, Story, competitor, season
from tests.fakes.tampering import tamper
from tests.unit.test_cli import arena

CYCLES = 7
TEST = SeasonId("test")


async def book(path: Path, records: Sequence[CycleRecord], story: Story) -> None:
    with SqliteRecords(path) as store:
        await store.open_season(story.season)
        for record in records:
            await store.begin_cycle(record.season_id, record.number, record.scheduled_at)
            await store.append_intents(record.season_id, story.intents[record.number])
            await store.book(record)


async def look(path: Path) -> Fairness:
    with SqliteRecords(path) as store:
        return await read_fairness(store, TEST)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A season of seven cycles on file."""
    story = Story()
    await book(tmp_path / "arena.sqlite", story.play(CYCLES), story)
    return tmp_path / "arena.sqlite"


async def test_a_clean_season_is_fair_and_its_rotation_counted(path: Path) -> None:
    found = await look(path)
    assert found.violations == ()
    assert (found.cycles, found.lost, found.asked) == (CYCLES, 0, 3 * CYCLES)
    assert dict(found.first) == {"LLM-A": 2, "LLM-B": 3, "LLM-C": 2}
    assert found.sentence == (
        "Fair: rules of 7 cycles checked, none violated. max_tokens 2000 for all; no temperature for anybody"
    )


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE cycles SET prompt_hash = NULL WHERE number = 3", "cycle 3: the prompt hash is missing"),
        ("UPDATE cycles SET configuration_hash = NULL WHERE number = 3", "cycle 3: the configuration hash is missing"),
        ("UPDATE cycles SET snapshot_hash = '' WHERE number = 3", "cycle 3: the snapshot hash is missing"),
        ("UPDATE snapshots SET hash = 'other' WHERE cycle = 4", "cycle 4: the snapshot is not the one that the cycle names"),
        ("UPDATE snapshots SET as_of = '2025' WHERE cycle = 4", "cycle 4: the snapshot is not the one that the cycle names"),
        ("DELETE FROM snapshots WHERE cycle = 4", "cycle 4: the snapshot is not the one that the cycle names"),
        (
            "UPDATE turns SET prompt_hash = 'other' WHERE cycle = 2 AND llm_id = 'LLM-B'",
            "cycle 2: LLM-B was sent another prompt than the cycle's",
        ),
        (
            "UPDATE turns SET deadline_at = '2025-01-01T00:12:30.000000Z' WHERE cycle = 2 AND llm_id = 'LLM-C'",
            "cycle 2: the deadlines differ: LLM-A 2025-01-01T00:11:30.000000Z, LLM-B 2025-01-01T00:11:30.000000Z, "
            "LLM-C 2025-01-01T00:12:30.000000Z",
        ),
        (
            "UPDATE turns SET asked_at = '2025-01-01T00:09:57.000000Z' WHERE cycle = 2 AND llm_id = 'LLM-C'",
            "cycle 2: they were not asked at the same time: LLM-A 2025-01-01 00:10:00+00:00, LLM-B 2025-01-01 00:10:00+00:00, "
            "LLM-C 2025-01-01 00:09:57+00:00",
        ),
        ("DELETE FROM turns WHERE cycle = 5 AND llm_id = 'LLM-A'", "cycle 5: LLM-A has no turn, or more than one"),
        (
            "UPDATE turns SET asked_at = NULL WHERE cycle = 5 AND llm_id = 'LLM-A'",
            "cycle 5: it is not recorded how LLM-A was asked",
        ),
        (
            "UPDATE turns SET asked_at = NULL, failure = 'defect' WHERE cycle = 5 AND llm_id = 'LLM-A'",
            "cycle 5: it is not recorded how LLM-A was asked",
        ),
        (
            "UPDATE model_calls SET parameters = '{\"max_tokens\":4000}' WHERE cycle = 6 AND llm_id = 'LLM-C'",
            "cycle 6: they were not sent the same max tokens: LLM-A 2000, LLM-B 2000, LLM-C 4000",
        ),
        (
            "UPDATE model_calls SET parameters = json_set(parameters, '$.temperature', 0.2) WHERE cycle = 6 AND llm_id = 'LLM-B'",
            "cycle 6: they were not sent the same temperature: LLM-A none, LLM-B 0.2, LLM-C none",
        ),
        (
            "UPDATE cycles SET execution_order = '[\"LLM-A\"]' WHERE number = 6",
            "cycle 6: the execution order names LLM-A instead of every competitor once",
        ),
        (
            'UPDATE cycles SET execution_order = \'["LLM-A","LLM-B","LLM-C"]\'',
            "season: they were not first in the execution order equally often: LLM-A 7, LLM-B 0, LLM-C 0",
        ),
        (
            "UPDATE competitors SET capital = '400' WHERE llm_id = 'LLM-B'",
            "season: the competitors differ in capital: LLM-A 200, LLM-B 400, LLM-C 200",
        ),
        (
            "UPDATE competitors SET temperature = '0.7' WHERE llm_id = 'LLM-B'",
            "season: the competitors differ in temperature: LLM-A none, LLM-B 0.7, LLM-C none",
        ),
        (
            "UPDATE turns SET answered_at = '2025-01-01T00:05:09.000000Z' WHERE cycle = 1 AND llm_id = 'LLM-A'",
            "cycle 1: an order of LLM-C was sent 7990 ms before the answer of LLM-A was in",
        ),
        (
            "UPDATE turns SET ordered_at = '2025-01-01T00:05:02.000000Z' WHERE cycle = 1 AND llm_id = 'LLM-B'",
            "cycle 1: orders were not sent in the order LLM-B, LLM-C, LLM-A",
        ),
    ],
)
async def test_each_rule_that_is_broken_is_named(path: Path, sql: str, said: str) -> None:
    tamper(path, sql)
    found = await look(path)
    assert not found.fair
    assert said in [str(violation) for violation in found.violations]


async def test_a_changed_configuration_is_named_with_its_cycle_and_what_changed(tmp_path: Path) -> None:
    story = Story()
    records = story.play(5)
    tighter = configuration(
        story.season, replace(LIMITS, max_leverage=3), "other rules", interval_seconds=300, deadline_seconds=60
    )
    records[3:] = [replace(record, configuration=tighter) for record in records[3:]]
    await book(tmp_path / "arena.sqlite", records, story)
    (only,) = (await look(tmp_path / "arena.sqlite")).violations
    assert str(only) == "cycle 4: the configuration changed: deadline_seconds from 90 to 60, max_leverage from 5 to 3, the rules"


async def test_a_rule_of_all_may_keep_one_from_being_asked(path: Path) -> None:
    for kind in ("hourly_limit", "liquidated", "out_of_budget"):
        tamper(
            path,
            "UPDATE turns SET answer = 'no_answer', prompt_hash = NULL, asked_at = NULL, deadline_at = NULL, "
            f"answered_at = NULL, ordered_at = NULL, failure = '{kind}' WHERE cycle = 3 AND llm_id = 'LLM-B'",
        )
        tamper(path, "UPDATE model_calls SET request_id = request_id")
        assert (await look(path)).violations == ()


async def test_seeds_may_differ_and_the_same_settings_may_be_in_other_words(path: Path) -> None:
    for llm_id, sent in (
        (
            "LLM-A",
            {"model": "a", "max_tokens": 2000, "effort": "high", "thinking": {"type": "adaptive"}, "format": "json_schema"},
        ),
        ("LLM-B", {"model": "b", "max_completion_tokens": 2000, "reasoning_effort": "high", "seed": 7}),
        ("LLM-C", {"model": "c", "max_tokens": 2000, "thinking": {"type": "enabled"}, "reasoning_effort": "high", "seed": 8}),
    ):
        tamper(path, f"UPDATE model_calls SET parameters = '{json.dumps(sent)}' WHERE llm_id = '{llm_id}'")
    assert (await look(path)).violations == ()


async def test_a_cycle_that_was_lost_explains_as_much_of_the_rotation(tmp_path: Path) -> None:
    """Cycles 1 and 4 begin with LLM-B; runs that were killed in them leave it behind by two."""
    story = Story()
    await book(tmp_path / "arena.sqlite", story.play(CYCLES), story)
    tamper(tmp_path / "arena.sqlite", "UPDATE cycles SET status = 'begun' WHERE number IN (1, 4, 7)")
    found = await look(tmp_path / "arena.sqlite")
    assert dict(found.first) == {"LLM-A": 2, "LLM-B": 0, "LLM-C": 2} and found.lost == 3
    assert found.violations == ()


@given(st.integers(1, 52), st.integers(0, 200))
def test_the_rotation_puts_everybody_first_equally_often(size: int, cycles: int) -> None:
    rows: list[Competitor] = [competitor(f"LLM-{n}", Provider.OPENAI, "m") for n in range(size)]
    firsts = [execution_order(rows, number)[0] for number in range(1, cycles + 1)]
    counts = [firsts.count(each.llm_id) for each in rows]
    assert max(counts) - min(counts) <= 1
    assert all(sorted(execution_order(rows, n)) == sorted(e.llm_id for e in rows) for n in range(min(cycles, 3)))


def rows_of(story: Story, cycles: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of a season as any store yields them."""
    found: dict[str, list[dict[str, Any]]] = {name: list(rows) for name, rows in season_rows(story.season).items()}
    for record in story.play(cycles):
        for name, rows in booking_rows(record).items():
            found.setdefault(name, []).extend({"parameters": None, **row} if name == "model_calls" else row for row in rows)
    return found


CLEAN = rows_of(Story(), CYCLES)
SHIFTS = st.integers(1, 10**9).map(lambda ms: timedelta(milliseconds=ms))


@given(
    turn=st.integers(0, 3 * CYCLES - 1),
    change=st.one_of(
        st.tuples(st.just("prompt_hash"), st.text(max_size=64)),
        st.tuples(st.just("deadline_at"), SHIFTS),
        st.tuples(st.just("asked_at"), SHIFTS.map(lambda shift: shift + SAME_TIME)),
        st.tuples(st.just("answered_at"), SHIFTS.map(lambda shift: shift + timedelta(seconds=2))),
    ),
)
def test_a_single_turn_that_was_treated_otherwise_is_always_found(turn: int, change: tuple[str, str | timedelta]) -> None:
    column, value = change
    row = CLEAN["turns"][turn]
    ordered = any(other["ordered_at"] for other in CLEAN["turns"] if other["cycle"] == row["cycle"])
    if isinstance(value, timedelta):
        value = (datetime.fromisoformat(row[column]) + value).isoformat()
    turns = [*CLEAN["turns"][:turn], {**row, column: value}, *CLEAN["turns"][turn + 1 :]]
    assert fairness(CLEAN).violations == ()
    found = {violation.cycle for violation in fairness({**CLEAN, "turns": turns}).violations}
    assert found == (set() if column == "answered_at" and not ordered else {row["cycle"]})


def test_the_configuration_names_neither_models_nor_secrets() -> None:
    told = configuration(season(), LIMITS, "rules", interval_seconds=300, deadline_seconds=90)
    assert json.loads(told)["max_leverage"] == 5 and json.loads(told)["capital"] == "200"
    assert "claude" not in told and "127.0.0.1" not in told and "key" not in told.lower()
    other = replace(season(), competitors=tuple(reversed(season().competitors)))
    assert configuration(other, LIMITS, "rules", interval_seconds=300, deadline_seconds=90) == told


async def test_the_leaderboard_shows_it_in_a_line(path: Path) -> None:
    tamper(path, "UPDATE turns SET prompt_hash = 'other' WHERE cycle = 2 AND llm_id = 'LLM-B'")
    with SqliteRecords(path) as store:
        board = await read_leaderboard(store, TEST)
    assert board.fairness.sentence.startswith("NOT FAIR: rules of 7 cycles checked, 1 violation (see arena fairness). max_tokens")
    assert board.to_json()["fairness"]["violations"] == 1


async def test_an_unknown_season_is_a_fault(path: Path) -> None:
    with SqliteRecords(path) as store, pytest.raises(ConfigurationError, match="no season winter"):
        await read_fairness(store, SeasonId("winter"))


@pytest.mark.slow
async def test_the_command_ends_with_one_where_a_rule_is_broken(path: Path) -> None:
    fair = arena(path.parent, "fairness", "--season", "test", DATABASE_PATH=str(path))
    assert fair.returncode == 0 and fair.stdout.startswith("Fair: rules of 7 cycles checked, none violated."), fair.stderr
    tamper(path, "UPDATE turns SET prompt_hash = 'other' WHERE cycle = 2 AND llm_id = 'LLM-B'")
    unfair = arena(path.parent, "fairness", "--season", "test", DATABASE_PATH=str(path))
    assert unfair.returncode == 1 and "cycle 2: LLM-B was sent another prompt than the cycle's" in unfair.stdout
    told = json.loads(arena(path.parent, "fairness", "--season", "test", "--json", DATABASE_PATH=str(path)).stdout)
    assert told["violations"] == [{"cycle": 2, "text": "LLM-B was sent another prompt than the cycle's"}]
