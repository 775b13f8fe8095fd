"""What a cycle and a sweep have to tell, when they tell it, and that nobody waits for those who read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from arena.adapters.notifications.courier import Courier, read_waiting
from arena.adapters.notifications.destination import Destination
from arena.adapters.notifications.notifier import QueuedNotifier
from arena.application.notifier import Notifier
from arena.application.record import AlertKind, CycleRecord
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.errors import ModelFault
from arena.trading_cycle import run_cycle
from tasks import protection
from tests.fakes.arena import Table
from tests.fakes.models import HOLD, ScriptedModel, answer, part
from tests.fakes.told import Told
from tests.fakes.webhook import Webhook

LONG = answer(part("SOLUSDT", "open_long", stop_price=140, target_price=170))
FALLING = {"SOLUSDT": ["150 151 149 150"] * 11 + ["150 151 139 141"] + ["141 142 140 141"] * 20}
BROKEN = ModelFault("the server answered 500", kind="server_error", transient=False)
OUTBOX = Path("outbox.sqlite")


@pytest.fixture
def webhook(httpserver: HTTPServer) -> Iterator[Webhook]:
    there = Webhook(httpserver)
    yield there
    there.released.set()


async def cycle(at: Table, notifier: Notifier) -> CycleRecord:
    record = await run_cycle(replace(await at.arena(), notifier=notifier))
    assert record is not None
    return record


def sending_to(webhook: Webhook, patience_seconds: float = 0.3) -> QueuedNotifier:
    patient = SecretStr(f"{webhook.address}?rto=60")  # it waits longer for an answer than any test takes
    return QueuedNotifier([Courier(Destination("there", patient), OUTBOX)], patience_seconds)


def beginnings(webhook: Webhook) -> list[str]:
    """The first words of what arrived."""
    return [" ".join(text.split()[: 4 if text.startswith("a ") else 3]) for text in webhook.texts]


async def test_a_place_that_hangs_holds_no_cycle_up_and_gets_everything_later(tmp_path: Path, webhook: Webhook) -> None:
    """A cycle that waited for it would never end: the place answers only after the cycle is booked."""
    asked_before_the_models: list[bool] = []

    class Watching(ScriptedModel):
        async def complete(self, prompt: Any, timeout_seconds: float) -> Any:
            asked_before_the_models.append(webhook.asked.is_set())
            return await super().complete(prompt, timeout_seconds)

    at = Table(tmp_path / "arena.sqlite", {"A": Watching(LONG, LONG)}, FALLING)
    await cycle(at, Told())
    at.pass_time(2)
    webhook.released.clear()
    record = await cycle(at, sending_to(webhook))
    assert record.number == 2 and record.fills and asked_before_the_models == [False, False]
    assert webhook.asked.wait(10) and webhook.arrived == []
    webhook.released.set()
    while read_waiting(OUTBOX):
        await sending_to(webhook).deliver()
    assert beginnings(webhook) == ["LLM-A was stopped", "a cycle was missed:", "LLM-A opened long"]


async def test_a_sweep_looks_while_a_place_hangs_and_sends_what_a_cycle_has_left(tmp_path: Path, webhook: Webhook) -> None:
    at = Table(tmp_path / "arena.sqlite", {"A": ScriptedModel(LONG)}, FALLING)
    webhook.released.clear()
    await cycle(at, sending_to(webhook))
    at.pass_time(2)
    arena = replace(await at.arena(), notifier=sending_to(webhook))
    (done,) = await protection.watch(arena, 0)
    assert done.startswith("LLM-A was stopped out of long SOLUSDT at 139.97")
    assert webhook.arrived == [] and len(read_waiting(OUTBOX)) == 2
    webhook.released.set()
    while read_waiting(OUTBOX):
        await protection.watch(arena, 0)
    assert beginnings(webhook) == ["LLM-A opened long", "LLM-A was stopped"]


async def test_a_model_is_told_of_when_it_fails_for_the_third_time_in_a_row(tmp_path: Path) -> None:
    script = [BROKEN, BROKEN, HOLD, BROKEN, "nonsense", "nonsense", BROKEN, BROKEN]  # an answer that is none is asked for twice
    models = {"A": ScriptedModel(*script), "B": ScriptedModel(HOLD)}
    at, told, alerted = Table(tmp_path / "arena.sqlite", models), Told(), list[int]()
    for _ in range(7):
        record = await cycle(at, told)
        alerted += [record.number for alert in record.alerts if alert.kind is AlertKind.MODEL_FAILED]
        at.pass_time()
    assert alerted == [6]
    sentence = "LLM-A made no decision 3 times in a row; the last time: the server answered 500"
    assert told.texts(AlertKind.MODEL_FAILED) == [sentence]
    records = (await at.arena()).records
    failed = [row["cycle"] async for row in records.rows("turns", record.season_id) if row["error"]]
    assert failed == [1, 2, 4, 5, 6, 7], "every failure is on record"


async def test_a_spent_budget_is_told_once(tmp_path: Path) -> None:
    class Priced(ScriptedModel):
        async def complete(self, prompt: Any, timeout_seconds: float) -> Any:
            return replace(await super().complete(prompt, timeout_seconds), cost_usd=Decimal("0.03"))

    at = Table(tmp_path / "arena.sqlite", {"A": Priced(HOLD)}, llm_daily_budget_usd=Decimal("0.05"))
    told = Told()
    for _ in range(5):
        await cycle(at, told)
        at.pass_time()
    (text,) = told.texts(*AlertKind)
    assert text.startswith("LLM-A is out of budget: 0.0600 of 0.05 USD were spent")


async def test_missed_cycles_are_told_of_unless_the_season_was_halted(tmp_path: Path) -> None:
    at, told = Table(tmp_path / "arena.sqlite", {"A": ScriptedModel(HOLD)}), Told()
    await cycle(at, told)
    at.pass_time()
    await cycle(at, told)
    assert told.alerts == []
    at.pass_time(4)
    await cycle(at, told)
    (text,) = told.texts(AlertKind.MISSED)
    assert text == "3 cycles were missed: none began between 2025-01-01 12:55 and 2025-01-01 13:15 UTC"
    at.pass_time(4)
    arena = await at.arena()
    running = SeasonStanding(status=SeasonStatus.RUNNING, reason="by hand", time=datetime.now(UTC) - timedelta(seconds=1))
    await arena.records.stand(arena.season.season_id, running)
    await cycle(at, told)
    assert len(told.alerts) == 1


async def test_a_halt_of_a_cycle_is_told_with_the_cycle(tmp_path: Path, webhook: Webhook) -> None:
    at = Table(tmp_path / "arena.sqlite", {"A": ScriptedModel(LONG)})
    await cycle(at, Told())
    for key, bucket in at.account.buckets.items():
        at.account.buckets[key] = replace(bucket, signed_quantity=2 * bucket.signed_quantity)
    at.pass_time()
    assert await run_cycle(replace(await at.arena(), notifier=sending_to(webhook, 30))) is None
    assert webhook.texts[-1].startswith("test is halted: ") and webhook.arrived[-1]["type"] == "failure"
    assert len(webhook.texts) == 2, "the difference, and the halt"
