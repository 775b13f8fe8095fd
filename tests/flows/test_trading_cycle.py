"""A whole cycle through Prefect, over the paper engine and a real SQLite file."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.fairness import read_fairness
from arena.application.language_model import LanguageModel
from arena.application.reconcile import summed_positions
from arena.application.record import CycleRecord
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.domain.competitor import SeasonId
from arena.domain.decision import Decision, InvalidDecision, NoAnswer
from arena.domain.order import OrderStatus, PositionSide
from arena.errors import ConfigurationError, CycleConflict, ModelFault
from arena.halting import halt
from arena.trading_cycle import run_cycle
from flows.trading_cycle import too_late
from tasks import artifacts
from tasks.cycle import OBSERVED
from tests.fakes.arena import Table
from tests.fakes.build import BAR
from tests.fakes.models import HOLD, ScriptedModel, answer, part

pytestmark = pytest.mark.usefixtures("prefect_server")

LONG = part("SOLUSDT", "open_long", stop_price=140, target_price=170)
SHORT = part("SOLUSDT", "open_short", stop_price=160, target_price=130)
SOL_LONG, SOL_SHORT = ("SOLUSDT", PositionSide.LONG), ("SOLUSDT", PositionSide.SHORT)


def table(tmp_path: Path, bars: Mapping[str, Any] | None = None, **models: LanguageModel) -> Table:
    return Table(tmp_path / "arena.sqlite", models, **({"bars": bars} if bars else {}))


async def cycle(at: Table) -> tuple[CycleRecord, dict[str, str]]:
    """Run a cycle as a flow; return its record and the final state of each task by name."""
    arena = await at.arena()

    @flow(name="cycle-under-test")
    async def run() -> tuple[CycleRecord, str]:
        return await run_cycle(arena, OBSERVED), str(flow_run.id)

    record, run_id = await run()
    return record, await task_states(run_id)


async def rows(at: Table, name: str) -> list[Mapping[str, Any]]:
    arena = await at.arena()
    return [row async for row in arena.records.rows(name, arena.season.season_id)]


async def task_states(run_id: str) -> dict[str, str]:
    """Return the tasks' final states; the server takes them in a little after the flow has ended."""
    final = {"Completed", "Failed", "Crashed"}
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id)]))
    async with get_client() as client:
        for _ in range(100):
            runs = await client.read_task_runs(flow_run_filter=chosen)
            states = {re.sub(r"-[0-9a-f]{3}$", "", run.name): str(run.state_name) for run in runs}
            if "notify" in states and final.issuperset(states.values()):
                return states
            await asyncio.sleep(0.1)
    raise AssertionError(f"the server never saw the end of {states}")


async def test_three_competitors_trade_and_every_book_agrees(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG), HOLD), B=ScriptedModel(answer(SHORT), HOLD), C=ScriptedModel(HOLD))
    record, _ = await cycle(at)
    held = {llm_id[-1]: set(ledger.positions) for llm_id, ledger in record.ledgers.items()}
    assert held == {"A": {SOL_LONG}, "B": {SOL_SHORT}, "C": set()}
    assert record.discrepancies == ()
    assert {key: bucket.signed_quantity for key, bucket in at.account.buckets.items()} == summed_positions(
        record.ledgers.values()
    )
    assert sum(point.wallet_balance for point in record.equity) == at.account.wallet_balance
    assert len(at.account.conditionals) == 4


async def test_the_prompts_of_a_cycle_are_byte_identical_but_for_the_own_account(tmp_path: Path) -> None:
    models = {
        letter: ScriptedModel(answer(say), HOLD)
        for letter, say in zip("ABC", (LONG, SHORT, part("SOLUSDT", "hold")), strict=True)
    }
    at = table(tmp_path, **models)
    for _ in range(2):
        await cycle(at)
        at.pass_time()
    for number in range(2):
        asked = [model.prompts[number] for model in models.values()]
        assert len({(prompt.static, prompt.market, str(prompt.schema)) for prompt in asked}) == 1
    accounts = {model.prompts[1].account for model in models.values()}
    assert len(accounts) == 3, "each competitor sees its own account"
    for letter, model in models.items():
        others = {f"LLM-{other}" for other in "ABC" if other != letter}
        assert not any(name in model.prompts[1].account for name in others)


async def test_what_the_cycles_leave_behind_shows_that_they_were_fair(tmp_path: Path) -> None:
    broken = ModelFault("the server answered 500", kind="server_error", transient=False)
    at = table(
        tmp_path, A=ScriptedModel(answer(LONG), HOLD, seconds=0.4), B=ScriptedModel(answer(SHORT), broken), C=ScriptedModel(HOLD)
    )
    for _ in range(3):
        await cycle(at)
        at.pass_time()
    found = await read_fairness((await at.arena()).records, SeasonId("test"))
    assert found.violations == ()
    assert (found.cycles, found.asked, set(found.first.values())) == (3, 9, {1})
    turns = {row["llm_id"]: row for row in await rows(at, "turns") if row["cycle"] == 1}
    answered = {llm_id: datetime.fromisoformat(row["answered_at"]) for llm_id, row in turns.items()}
    assert answered["LLM-A"] - datetime.fromisoformat(turns["LLM-A"]["asked_at"]) >= timedelta(seconds=0.4)
    assert datetime.fromisoformat(turns["LLM-B"]["ordered_at"]) >= max(answered.values())
    assert turns["LLM-C"]["ordered_at"] is None
    (told,) = await rows(at, "configurations")
    assert json.loads(told["text"])["deadline_seconds"] == 7
    at.settings = at.settings.model_copy(update={"max_leverage": 2})
    await cycle(at)
    (changed,) = (await read_fairness((await at.arena()).records, SeasonId("test"))).violations
    assert str(changed) == "cycle 4: the configuration changed: max_leverage from 5 to 2, the rules"


FAILURES = {
    "malformed": ("I would rather buy some SOL here.", InvalidDecision, "decide LLM-B", "Completed"),
    "timeout": (ModelFault("no answer in 5 s", kind="timeout", transient=False), NoAnswer, "decide LLM-B", "Failed"),
    "http_500": (ModelFault("the server answered 500", kind="server_error", transient=False), NoAnswer, "decide LLM-B", "Failed"),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_is_recorded_as_what_it_is_and_costs_nobody_else_anything(tmp_path: Path, name: str) -> None:
    said, kind, task, state = FAILURES[name]
    at = table(
        tmp_path, A=ScriptedModel(HOLD, answer(LONG)), B=ScriptedModel(answer(SHORT), said), C=ScriptedModel(HOLD, answer(LONG))
    )  # type: ignore[arg-type]
    before, _ = await cycle(at)
    at.pass_time()
    record, tasks = await cycle(at)
    answers = {turn.llm_id[-1]: turn.answer for turn in record.turns}
    assert isinstance(answers["B"], kind) and not isinstance(answers["B"], Decision)
    assert isinstance(answers["A"], Decision) and isinstance(answers["C"], Decision)
    assert tasks[task] == state
    assert all(SOL_LONG in record.ledgers[llm_id].positions for llm_id in record.ledgers if llm_id[-1] in "AC")
    kept = before.ledgers[record.turns[1].llm_id].positions[SOL_SHORT]
    assert record.ledgers[record.turns[1].llm_id].positions[SOL_SHORT].stop_order_id == kept.stop_order_id
    resting = [order.order.client_order_id for order in at.account.conditionals.values() if order.status == "NEW"]
    assert kept.stop_order_id in resting and kept.target_order_id in resting
    arena = await at.arena()
    kinds = [
        row["decision_type"]
        async for row in arena.records.rows("llm_decisions", arena.season.season_id)
        if row["cycle"] == 2 and row["llm_id"] == "LLM-B"
    ]
    assert kinds == ["invalid" if name == "malformed" else "no_answer"]


async def test_a_transient_fault_is_retried_within_the_deadline(tmp_path: Path) -> None:
    flaky = ScriptedModel(ModelFault("overloaded", kind="overloaded", transient=True), answer(LONG))
    record, tasks = await cycle(table(tmp_path, A=flaky))
    assert len(flaky.prompts) == 2
    assert isinstance(record.turns[0].answer, Decision) and len(record.turns[0].calls) == 2
    assert tasks["decide LLM-A"] == "Completed"


async def test_a_fault_that_cannot_pass_is_not_retried(tmp_path: Path) -> None:
    broken = ScriptedModel(ModelFault("no such model", kind="bad_request", transient=False))
    record, _ = await cycle(table(tmp_path, A=broken))
    assert len(broken.prompts) == 1
    assert record.turns[0].answer == NoAnswer(kind="bad_request", error="no such model")


async def test_nothing_is_sent_before_the_last_model_has_decided(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG)), B=ScriptedModel(answer(LONG), seconds=0.4))
    seen: list[int] = []

    class Watching(ScriptedModel):
        async def complete(self, prompt: Any, timeout_seconds: float) -> Any:
            said = await super().complete(prompt, timeout_seconds)
            seen.append(len(at.account.orders))
            return said

    at.models = {**at.models, next(i for i in at.models if i.endswith("B")): Watching(answer(LONG), seconds=0.4)}
    await cycle(at)
    assert seen == [0]
    assert len(at.account.orders) == 2


async def test_the_order_of_execution_rotates(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(), B=ScriptedModel(), C=ScriptedModel())
    orders = []
    for _ in range(3):
        record, _ = await cycle(at)
        orders.append("".join(llm_id[-1] for llm_id in record.execution_order))
        at.pass_time()
    assert sorted(order[0] for order in orders) == ["A", "B", "C"]


async def test_a_stop_between_cycles_is_booked_before_the_next_decision_and_told(tmp_path: Path) -> None:
    bars = {"SOLUSDT": ["150 151 149 150"] * 11 + ["150 151 139 141"] + ["141 142 140 141"] * 5}
    model = ScriptedModel(answer(LONG), HOLD)
    at = table(tmp_path, bars, A=model)
    await cycle(at)
    at.pass_time(2)
    record, _ = await cycle(at)
    assert record.closed_trades == (), "it was booked before the models were asked"
    (trade,) = await rows(at, "closed_trades")
    assert Decimal(trade["exit_price"]) < 140 and trade["cause"] == "stop" and trade["booking"] == 2
    assert record.ledgers[trade["llm_id"]].positions == {}
    assert [order for order in at.account.conditionals.values() if order.status == "NEW"] == [], (
        "the target went with its position"
    )
    assert any("stopped out" in alert["text"] for alert in await rows(at, "alerts"))
    assert "was stopped out of long SOLUSDT at 139.97" in model.prompts[1].account


async def test_a_competitor_without_margin_is_liquidated_and_not_asked(tmp_path: Path) -> None:
    bars = {"SOLUSDT": ["150 151 149 150"] * 11 + ["105 106 104 105"] * 5}
    greedy = part("SOLUSDT", "open_long", size_percent=70, leverage=5, stop_price=10)
    model, calm = ScriptedModel(answer(greedy), HOLD), ScriptedModel(HOLD)
    at = table(tmp_path, bars, A=model, B=calm, C=ScriptedModel(HOLD), D=ScriptedModel(HOLD))
    await cycle(at)
    at.pass_time()
    record, _ = await cycle(at)
    assert len(model.prompts) == 1 and len(calm.prompts) == 2
    assert isinstance(record.turns[0].answer, NoAnswer) and record.turns[0].answer.kind == "liquidated"
    assert record.ledgers[record.turns[0].llm_id].positions == {}
    assert record.discrepancies == ()


async def test_the_hourly_limit_holds_over_restarts(tmp_path: Path) -> None:
    """Each cycle is a process of its own that knows nothing but the file; one that fails has used a turn up as well."""
    broken = ModelFault("the server answered 500", kind="server_error", transient=False)
    asked: list[int] = []
    for number in range(4):
        model = ScriptedModel(broken if number == 0 else HOLD)
        started = BAR * (10 + number)
        at = Table(tmp_path / "arena.sqlite", {"A": model}, started=started, llm_max_decisions_per_hour=2)
        record, _ = await cycle(at)
        asked.append(len(model.prompts))
    assert asked == [1, 1, 0, 0]
    assert record.turns[0].answer == NoAnswer(
        kind="hourly_limit", error="2 decisions were made within the hour (LLM_MAX_DECISIONS_PER_HOUR)"
    )
    later = Table(tmp_path / "arena.sqlite", {"A": ScriptedModel(HOLD)}, started=BAR * 22, llm_max_decisions_per_hour=2)
    record, _ = await cycle(later)
    assert isinstance(record.turns[0].answer, Decision), "the first of them is an hour ago"


async def test_a_spent_budget_holds_over_restarts_and_is_recorded_as_what_it_is(tmp_path: Path) -> None:
    class Priced(ScriptedModel):
        async def complete(self, prompt: Any, timeout_seconds: float) -> Any:
            return replace(await super().complete(prompt, timeout_seconds), cost_usd=Decimal("0.03"))

    asked: list[int] = []
    for number in range(4):
        models = {"A": Priced(HOLD), "B": ScriptedModel(HOLD)}
        at = Table(tmp_path / "arena.sqlite", models, started=BAR * (10 + number), llm_daily_budget_usd=Decimal("0.05"))
        record, _ = await cycle(at)
        asked.append(len(models["A"].prompts))
        assert len(models["B"].prompts) == 1, "what one has spent is nothing to the other"
    assert asked == [1, 1, 0, 0]
    sentence = "0.0600 of 0.05 USD were spent on this UTC day's calls (LLM_DAILY_BUDGET_USD)"
    assert record.turns[0].answer == NoAnswer(kind="out_of_budget", error=sentence)
    assert (await read_fairness((await at.arena()).records, SeasonId("test"))).violations == ()


async def test_a_crash_after_sending_loses_nothing(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG), HOLD))
    arena = await at.arena()

    @flow(name="crashing")
    async def crash() -> None:
        async def die(*_: object) -> CycleRecord:
            raise KeyboardInterrupt

        await run_cycle(arena, replace(OBSERVED, close=die))

    with pytest.raises(BaseException):  # noqa: B017  # whatever Prefect makes of a crash
        await crash()
    assert at.account.buckets[SOL_LONG].signed_quantity > 0
    at.pass_time()
    record, _ = await cycle(at)
    held = next(iter(record.ledgers.values())).positions[SOL_LONG]
    assert record.number == 2 and record.discrepancies == ()
    assert held.leverage == 2 and held.thesis is not None and held.stop_order_id is not None


async def test_a_cycle_is_claimed_once(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(HOLD))
    arena = await at.arena()
    await arena.records.begin_cycle(arena.season.season_id, 1, at.engine.now)
    with pytest.raises(CycleConflict):
        await arena.records.begin_cycle(arena.season.season_id, 1, at.engine.now + timedelta(seconds=1))


async def test_a_refused_order_is_recorded_with_the_venues_words(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG)))
    at.account.wallet_balance = Decimal(1)  # the venue knows of less than the books say
    record, _ = await cycle(at)
    assert record.turns[0].outcomes == () or record.turns[0].outcomes[0].status is OrderStatus.REFUSED
    assert at.account.buckets == {} and record.discrepancies == ()


async def test_equity_is_marked_at_the_same_instant_for_all(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG), HOLD), B=ScriptedModel(answer(SHORT), HOLD))
    at.pass_time()
    record, _ = await cycle(at)
    assert len({point.time for point in record.equity}) == 1
    assert record.closed_at >= max(booked.fill.time for booked in record.fills)
    assert record.closed_at - record.scheduled_at < BAR


@pytest.mark.parametrize("where", ["file", "store", "nobody knows"])
async def test_a_halt_before_the_orders_opens_nothing_but_lets_exits_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    reason = "while the models were thinking"
    leave = answer(part("SOLUSDT", "close"), part("BTCUSDT", "open_long", size_percent=50, leverage=5, stop_price=55000))
    at = table(tmp_path, A=ScriptedModel(answer(LONG), leave))
    await cycle(at)
    at.pass_time()

    async def refuse(*_: object) -> None:
        raise ConfigurationError("the store's key may not read")

    class HaltingModel(ScriptedModel):
        async def complete(self, prompt: Any, timeout_seconds: float) -> Any:
            if where == "file":
                halt(at.settings, reason)
            elif where == "nobody knows":
                monkeypatch.setattr(SqliteRecords, "standing", refuse)
            else:  # on another machine
                arena = await at.arena()
                halted = SeasonStanding(status=SeasonStatus.HALTED, reason=reason, time=at.engine.now)
                await arena.records.stand(arena.season.season_id, halted)
            return await super().complete(prompt, timeout_seconds)

    at.models = {llm_id: HaltingModel(leave) for llm_id in at.models}
    record, _ = await cycle(at)
    assert next(iter(record.ledgers.values())).positions == {}
    assert at.account.buckets == {} and record.discrepancies == ()
    halted = "the store's key may not read" if where == "nobody knows" else f"the season is halted ({reason})"
    why = f"nothing was opened: {halted}"
    assert record.turns[0].skipped == {"BTCUSDT": why}


async def test_a_late_run_of_the_schedule_does_the_cycle_of_now_once(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(HOLD))
    arena = await at.arena()
    late_by = timedelta(minutes=33)  # three into the interval

    @flow(name="late-run")
    async def run(auto_scheduled: bool, run_count: int) -> str | None:
        mine = FlowRunContext.get().flow_run
        mine.auto_scheduled, mine.run_count = auto_scheduled, run_count
        mine.expected_start_time = datetime.now(UTC) - late_by
        return await too_late(arena)

    assert await run(True, 1) is None, "nobody has done this interval's cycle"
    await cycle(at)
    assert "late, and the cycle of this interval began" in (await run(True, 1) or "")
    assert await run(False, 1) is None and await run(True, 2) is None, "somebody wants it"
    at.pass_time()
    assert await run(True, 1) is None, "the next interval"


async def test_a_cycle_shows_what_it_came_to_in_the_ui(tmp_path: Path) -> None:
    at = table(tmp_path, A=ScriptedModel(answer(LONG)), B=ScriptedModel("no decision at all"))

    @flow(name="shown")
    async def run() -> None:
        arena = await at.arena()
        await artifacts.show(arena, await run_cycle(arena, OBSERVED))

    await run()
    async with get_client() as client:
        found = {each.key: each for each in await client.read_latest_artifacts() if str(each.key).startswith("test-")}
    assert set(found) == {"test-leaderboard", "test-decisions", "test-equity"}
    assert {row["competitor"] for row in json.loads(str(found["test-leaderboard"].data))} == {"LLM-A", "LLM-B"}
    assert "## LLM-B\ninvalid answer" in str(found["test-decisions"].data)
    assert str(found["test-equity"].data).startswith("![equity](data:image/png;base64,")
    assert [number for number in range(1, 26) if artifacts.hourly((await at.arena()).season, number)] == [1, 13, 25]


async def test_a_cycle_that_cannot_be_shown_has_still_been_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    async def fail(*_: object, **__: object) -> None:
        raise OSError("no server")

    monkeypatch.setattr(artifacts, "acreate_table_artifact", hang)
    monkeypatch.setattr(artifacts, "acreate_markdown_artifact", fail)
    monkeypatch.setattr(artifacts, "PATIENCE_SECONDS", 0.1)
    at = table(tmp_path, A=ScriptedModel(HOLD))

    @flow(name="not-shown")
    async def run() -> int:
        arena = await at.arena()
        record = await run_cycle(arena, OBSERVED)
        await artifacts.show(arena, record)
        return record.number

    assert await run() == 1
