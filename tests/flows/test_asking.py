"""Asking the models through Prefect: as long as the slowest, never past the deadline, and every call on record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from arena.adapters.llm.build import build_model
from arena.application.cycle import open_cycle
from arena.application.deciding import Asked
from arena.application.language_model import Completion, LanguageModel, Prompt
from arena.application.study import study
from arena.domain.competitor import ModelSpec, Provider
from arena.domain.decision import Decision, InvalidDecision, NoAnswer
from arena.errors import ModelFault
from arena.trading_cycle import ask_all, run_cycle
from tasks.cycle import OBSERVED
from tests.fakes.arena import Table
from tests.fakes.models import HOLD, ScriptedModel, answer, completion, part
from tests.fakes.rules import served_rules
from tests.flows.test_trading_cycle import cycle, rows, table

pytestmark = pytest.mark.usefixtures("prefect_server")

LONG = answer(part("SOLUSDT", "open_long", stop_price=140, target_price=170))
PROSE = "I would rather buy some SOL here."
NO_JSON = 'the answer holds no JSON object with a list of "decisions"'
EARLY_MS = 100  # that an alarm of the event loop, or the rounding of two clocks, may come before its time
PROVIDERS = (Provider.CLAUDE, Provider.DEEPSEEK, Provider.OPENAI)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served_rules() as served:
        yield served


@asynccontextmanager
async def served(url: str, *names: str) -> AsyncIterator[dict[str, LanguageModel]]:
    """The three SDKs, each asking the server for one of the models."""
    models = {}
    for letter, provider, name in zip("ABC", PROVIDERS, names, strict=False):
        base = url if provider is Provider.CLAUDE else f"{url}/v1"
        spec = ModelSpec(provider=provider, model=name, max_tokens=4000, temperature=None, base_url=base, baseline=True)
        models[letter] = build_model(spec, "sk-any")
    try:
        yield models
    finally:
        for model in models.values():
            await model.close()


async def timed(at: Table) -> tuple[dict[str, Asked], float]:
    """Run the decision step alone; return what came of it by letter, and its seconds."""
    arena = await at.arena()
    opening = await open_cycle(arena.season.season_id, arena.venue.market, arena.records)
    snapshot = await arena.venue.market.snapshot(arena.season.symbols, opening.as_of)
    prompts = arena.prompts(opening, snapshot, study(snapshot, arena.playbook, arena.venue.instruments))

    @flow(name="asking-under-test")
    async def run() -> tuple[dict[Any, Asked], float]:
        began = time.perf_counter()
        asked = await ask_all(arena, OBSERVED, opening, prompts)
        return asked, time.perf_counter() - began

    asked, took = await run()
    return {llm_id[-1]: each for llm_id, each in asked.items()}, took


async def test_the_step_takes_as_long_as_the_slowest_model(tmp_path: Path, url: str) -> None:
    names = [f"buy-and-hold?seconds={seconds}" for seconds in (1, 5, 20)]
    async with served(url, *names) as models:
        asked, took = await timed(Table(tmp_path / "arena.sqlite", models, llm_deadline_seconds=60))
    assert all(isinstance(each.answer, Decision) for each in asked.values())
    assert 20 <= took < 20.5
    for letter, seconds in zip("ABC", (1, 5, 20), strict=True):
        (call,) = asked[letter].calls
        assert seconds * 1000 - EARLY_MS <= call.latency_ms < (seconds + 0.5) * 1000


async def test_the_step_ends_at_the_deadline_and_a_late_answer_is_recorded_as_late(tmp_path: Path, url: str) -> None:
    async with served(url, "buy-and-hold?seconds=1", "buy-and-hold?seconds=6", "buy-and-hold?seconds=9") as models:
        asked, took = await timed(Table(tmp_path / "arena.sqlite", models, llm_deadline_seconds=3))
    assert 3 <= took < 3.5
    assert isinstance(asked["A"].answer, Decision)
    for letter in "BC":
        said, (call,) = asked[letter].answer, asked[letter].calls
        assert isinstance(said, NoAnswer) and said.kind == "late" and "LLM_DEADLINE_SECONDS" in said.error
        assert (call.fault, call.error, call.completion) == ("late", said.error, None)
        assert 3000 - EARLY_MS <= call.latency_ms < 3500


class Deaf(ScriptedModel):
    """Answers when it is done, whatever it was told about the time."""

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        await asyncio.sleep(timeout_seconds + 0.2)
        return completion(LONG)


async def test_an_answer_that_comes_after_the_deadline_is_discarded_and_kept_on_record(tmp_path: Path) -> None:
    at = Table(tmp_path / "arena.sqlite", {"A": Deaf()}, llm_deadline_seconds=1)
    record, _ = await cycle(at)
    assert isinstance(record.turns[0].answer, NoAnswer) and record.turns[0].answer.kind == "late"
    assert at.account.buckets == {}, "a late order is no order"
    (row,) = await rows(at, "model_calls")
    assert (row["fault"], row["text"], row["input_tokens"], row["cost_usd"]) == ("late", LONG, 100, "0")


async def test_an_answer_that_is_no_decision_goes_back_once_with_the_reason(tmp_path: Path) -> None:
    model = ScriptedModel(PROSE, LONG)
    at = table(tmp_path, A=model)
    record, tasks = await cycle(at)
    assert isinstance(record.turns[0].answer, Decision) and at.account.buckets
    first, second = model.prompts
    assert (second.static, second.market, second.account, second.schema) == (
        first.static,
        first.market,
        first.account,
        first.schema,
    )
    assert first.repair is None and second.repair is not None
    told = f"Your answer was not accepted: {NO_JSON}. Reply again with the whole JSON object."
    assert (second.repair.text, second.repair.request) == (PROSE, told)
    assert (tasks["decide LLM-A"], tasks["repair LLM-A"]) == ("Completed", "Completed")
    calls = await rows(at, "model_calls")
    assert [(row["number"], row["purpose"], row["fault"], row["error"], row["text"]) for row in calls] == [
        (1, "decide", None, NO_JSON, PROSE),
        (2, "repair", None, None, LONG),
    ]


async def test_a_second_invalid_answer_is_a_failure(tmp_path: Path) -> None:
    model = ScriptedModel(PROSE, '{"decisions": [7]}', LONG)
    record, tasks = await cycle(table(tmp_path, A=model))
    assert record.turns[0].answer == InvalidDecision(error="decisions[0]: 7 is not an object")
    assert len(model.prompts) == 2 and tasks["repair LLM-A"] == "Completed"
    assert record.ledgers[record.turns[0].llm_id].positions == {}


OVERLOADED = ModelFault("overloaded", kind="overloaded", transient=True)
REFUSED = ModelFault("declined", kind="refused", transient=False)
DECIDE, REPAIR = "decide", "repair"
ROUNDS: Mapping[str, tuple[list[Any], list[tuple[str, str | None]], type, str]] = {
    "a fault before the answer": (
        [OVERLOADED, PROSE, LONG],
        [(DECIDE, "overloaded"), (DECIDE, None), (REPAIR, None)],
        Decision,
        "Completed",
    ),
    "a fault in the repair round": (
        [PROSE, OVERLOADED, LONG],
        [(DECIDE, None), (REPAIR, "overloaded"), (REPAIR, None)],
        Decision,
        "Completed",
    ),
    "a repair round that fails": ([PROSE, REFUSED, LONG], [(DECIDE, None), (REPAIR, "refused")], InvalidDecision, "Failed"),
}


@pytest.mark.parametrize("name", ROUNDS)
async def test_faults_and_the_repair_round_meet_in_one_turn_and_no_call_is_lost(tmp_path: Path, name: str) -> None:
    script, expected, kind, state = ROUNDS[name]
    at = table(tmp_path, A=ScriptedModel(*script))
    record, tasks = await cycle(at)
    assert isinstance(record.turns[0].answer, kind)
    assert tasks["repair LLM-A"] == state
    assert [(row["purpose"], row["fault"]) for row in await rows(at, "model_calls")] == expected
    if isinstance(record.turns[0].answer, InvalidDecision):
        assert record.turns[0].answer.error == f"{NO_JSON} (asked again: declined)"


async def test_a_providers_wish_to_wait_is_obeyed_where_it_fits(tmp_path: Path) -> None:
    wish = ModelFault("slow down", kind="rate_limited", transient=True, retry_after=timedelta(seconds=3))
    record, _ = await cycle(table(tmp_path, A=ScriptedModel(wish, HOLD)))
    first, second = record.turns[0].calls
    assert first.retry_after_ms == 3000
    waited = second.begun_at - first.begun_at
    assert timedelta(seconds=3) <= waited < timedelta(seconds=4.5)
    assert datetime.now(UTC) - second.begun_at < timedelta(minutes=1)


async def test_a_wish_that_does_not_fit_into_the_deadline_is_given_up_at_once(tmp_path: Path) -> None:
    wish = ModelFault("slow down", kind="rate_limited", transient=True, retry_after=timedelta(minutes=1))
    model = ScriptedModel(wish, HOLD)
    at = table(tmp_path, A=model)
    asked, took = await timed(at)
    assert len(model.prompts) == 1 and took < 2
    assert asked["A"].answer == NoAnswer(kind="rate_limited", error="slow down")
    assert [call.retry_after_ms for call in asked["A"].calls] == [60_000]


async def test_faults_that_do_not_pass_are_repeated_with_pauses_that_grow_and_vary(tmp_path: Path) -> None:
    at = Table(
        tmp_path / "arena.sqlite", {"A": ScriptedModel(OVERLOADED), "B": ScriptedModel(OVERLOADED)}, llm_deadline_seconds=9
    )
    asked, took = await timed(at)
    pauses = []
    for each in asked.values():
        assert each.answer == NoAnswer(kind="overloaded", error="overloaded")
        begun = [call.begun_at for call in each.calls]
        assert len(begun) == 3, "a third pause would end after the deadline"
        pauses.append([(later - earlier).total_seconds() for earlier, later in pairwise(begun)])
    assert all(0.4 < first < 2 and 1.4 < second < 5 for first, second in pauses)
    assert pauses[0] != pauses[1]
    assert took < 7


async def test_without_prefect_the_same_rule_holds(tmp_path: Path) -> None:
    record = await run_cycle(await table(tmp_path, A=ScriptedModel(OVERLOADED, PROSE, LONG)).arena())
    assert record is not None
    assert [(str(call.purpose), call.fault) for call in record.turns[0].calls] == [
        ("decide", "overloaded"),
        ("decide", None),
        ("repair", None),
    ]
