"""A conversation with a model: what each call comes to, and what is kept of it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.application.calls import Purpose
from arena.application.deciding import CUT_OFF, Clock, Conversation, spent_budgets, unanswered, unrepaired
from arena.application.language_model import Completion, Prompt
from arena.application.repair import LONGEST_QUOTED, repair_of
from arena.domain.competitor import CompetitorId
from arena.domain.decision import Decision, InvalidDecision, NoAnswer
from arena.errors import ModelFault
from tests.fakes.models import HOLD, completion
from tests.unit.test_settlement import state

PROMPT = Prompt(static="rules\n", market="market\n", account="account\n", schema={})
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.clock = Clock(seconds=lambda: self.seconds, now=lambda: NOW + timedelta(seconds=self.seconds))


class Said:
    """Takes its time for each thing it says."""

    def __init__(self, hands: Hands, *script: tuple[float, Any]) -> None:
        self.hands, self.script, self.asked = hands, list(script), list[tuple[Prompt, float]]()

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        self.asked.append((prompt, timeout_seconds))
        seconds, said = self.script.pop(0)
        self.hands.seconds += seconds
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Completion) else completion(said)


def talk(*script: tuple[float, Any], deadline: float = 190) -> tuple[Conversation, Said, Hands]:
    hands = Hands()
    model = Said(hands, *script)
    return Conversation(model, PROMPT, ("BTCUSDT",), deadline, hands.clock), model, hands


def fault(kind: str, *, transient: bool = True, **more: Any) -> ModelFault:
    return ModelFault(f"it is {kind}", kind=kind, transient=transient, **more)


async def test_a_decision_is_one_call() -> None:
    conversation, model, _ = talk((4, HOLD))
    assert await conversation.ask() == Decision(symbols=())
    (call,) = conversation.calls
    assert (call.number, call.purpose, call.fault, call.error) == (1, Purpose.DECIDE, None, None)
    assert (call.begun_at, call.request_id) == (NOW + timedelta(seconds=100), "req")
    assert call.completion is not None and call.completion.text == HOLD
    assert model.asked == [(PROMPT, 90.0)]


@pytest.mark.parametrize("stop", ["length", "max_tokens", "model_context_window_exceeded"])
@pytest.mark.parametrize("text", [HOLD, f"{HOLD} but on second thought", '{"decisions": [{"sym'])
async def test_an_answer_that_was_cut_off_is_none_whatever_it_begins_with(stop: str, text: str) -> None:
    conversation, model, _ = talk((1, replace(completion(text), stop_reason=stop)), (1, HOLD))
    assert await conversation.ask() == InvalidDecision(error=CUT_OFF)
    assert await conversation.ask() == Decision(symbols=())
    assert model.asked[1][0].repair == repair_of(text, CUT_OFF)


async def test_the_repair_round_gets_what_is_left_of_the_deadline() -> None:
    conversation, model, _ = talk((60, "no"), (5, fault("overloaded")), (5, "{}"))
    first = await conversation.ask()
    assert isinstance(first, InvalidDecision)
    with pytest.raises(ModelFault):
        await conversation.ask()
    assert isinstance(await conversation.ask(), InvalidDecision)
    assert [seconds for _, seconds in model.asked] == [90, 30, 25]
    assert [prompt.repair for prompt, _ in model.asked] == [None, repair_of("no", first.error), repair_of("no", first.error)]
    assert [str(call.purpose) for call in conversation.calls] == ["decide", "repair", "repair"]


async def test_a_fault_keeps_what_the_provider_counted() -> None:
    paid = replace(completion("I would rather not."), request_id="req-9")
    conversation, _, _ = talk((2, fault("refused", transient=False, completion=paid)))
    with pytest.raises(ModelFault):
        await conversation.ask()
    (call,) = conversation.calls
    assert (call.fault, call.error, call.completion, call.request_id) == ("refused", "it is refused", paid, "req-9")


async def test_a_fault_without_an_answer_keeps_its_time_its_id_and_the_wish() -> None:
    wish = fault("rate_limited", retry_after=timedelta(milliseconds=2500), request_id="req-7")
    conversation, _, hands = talk((2, wish))
    with pytest.raises(ModelFault):
        await conversation.ask()
    (call,) = conversation.calls
    assert (call.latency_ms, call.retry_after_ms, call.request_id, call.completion) == (2000, 2500, "req-7", None)
    assert conversation.quiet_seconds() == 2.5
    hands.seconds += 3
    assert conversation.quiet_seconds() == 0


@pytest.mark.parametrize(("took", "kind"), [(30.0, "timeout"), (89.95, "late"), (90.2, "late")])
async def test_a_timeout_at_the_deadline_is_late_and_an_earlier_one_the_providers(took: float, kind: str) -> None:
    conversation, _, _ = talk((took, fault("timeout")))
    with pytest.raises(ModelFault) as caught:
        await conversation.ask()
    assert (caught.value.kind, caught.value.transient) == (kind, kind == "timeout")
    assert conversation.calls[0].fault == kind


async def test_an_answer_after_the_deadline_is_discarded_and_kept() -> None:
    conversation, _, _ = talk((91, HOLD))
    with pytest.raises(ModelFault) as caught:
        await conversation.ask()
    assert unanswered(caught.value) == NoAnswer(kind="late", error="the answer came after the deadline (LLM_DEADLINE_SECONDS)")
    assert conversation.calls[0].completion == completion(HOLD)


async def test_after_the_deadline_nobody_is_called() -> None:
    conversation, model, hands = talk((1, HOLD))
    hands.seconds = 190
    with pytest.raises(ModelFault) as caught:
        await conversation.ask()
    assert (caught.value.kind, model.asked, conversation.calls) == ("late", [], [])


async def test_a_defect_is_recorded_without_its_words() -> None:
    conversation, _, _ = talk((1, RuntimeError("sk-secret")))
    with pytest.raises(RuntimeError) as caught:
        await conversation.ask()
    assert unanswered(caught.value) == NoAnswer(kind="defect", error="the answer could not be handled (RuntimeError)")
    assert (conversation.calls[0].fault, "sk-" in repr(conversation.calls)) == ("defect", False)


async def test_failures_count_from_the_last_answer_on() -> None:
    conversation, _, _ = talk((1, fault("empty")), (1, fault("empty")), (1, "no"), (1, fault("empty")))
    counted = []
    for _ in range(4):
        with contextlib.suppress(ModelFault):
            await conversation.ask()
        counted.append(conversation.failures())
    assert counted == [1, 2, 0, 1]


async def test_a_pause_fits_that_ends_before_the_deadline() -> None:
    wish = fault("rate_limited", retry_after=timedelta(seconds=60))
    conversation, _, hands = talk((10, wish))
    assert conversation.fits(89) and not conversation.fits(90)
    with pytest.raises(ModelFault):
        await conversation.ask()
    assert conversation.fits(1) and not conversation.fits(80)
    hands.seconds += 21
    assert conversation.fits(1), "the wait has gone on meanwhile"
    late, _, _ = talk((40, wish))
    with pytest.raises(ModelFault):
        await late.ask()
    assert not late.fits(1), "60 s after 40 s are more than 90"


def test_what_goes_back_is_the_models_own_answer_cut_and_as_an_api_takes_it() -> None:
    quoted = repair_of("  a\ud800b\x00c\n" + "x" * 20_000, "it is wrong")
    assert quoted.text.startswith("a\ufffdb\ufffdc\nxxx") and quoted.text.endswith("x…") and len(quoted.text) == LONGEST_QUOTED
    quoted.text.encode()
    whole = repair_of("short\r\ntwo", "e")
    assert whole.text == "short\r\ntwo"


def test_messages_before_the_repair_are_the_same_to_the_byte() -> None:
    repairing = replace(PROMPT, repair=repair_of("no", "it is no JSON"))
    assert repairing.messages[:1] == PROMPT.messages == ({"role": "user", "content": "market\n\naccount\n"},)
    assert repairing.messages[1:] == (
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": "Your answer was not accepted: it is no JSON. Reply again with the whole JSON object."},
    )


def test_a_repair_round_without_an_answer_leaves_the_first_verdict() -> None:
    assert unrepaired(InvalidDecision(error="it is no JSON"), fault("late")).error == "it is no JSON (asked again: it is late)"


A, B = CompetitorId("LLM-A"), CompetitorId("LLM-B")
CENTS = st.decimals(0, 100, places=7)


@given(CENTS, CENTS, CENTS.filter(bool))
def test_a_competitor_is_asked_while_it_has_spent_less_than_the_budget(one: Decimal, other: Decimal, budget: Decimal) -> None:
    at = replace(state(), spent_today={A: one, B: other})
    kept = spent_budgets(at, budget)
    assert set(kept) == {llm_id for llm_id, spent in at.spent_today.items() if spent >= budget}
    assert all(isinstance(each.answer, NoAnswer) and each.answer.kind == "out_of_budget" for each in kept.values())
    assert all(each.calls == () and each.asking is None for each in kept.values())


def test_without_a_budget_everybody_is_asked() -> None:
    assert spent_budgets(replace(state(), spent_today={A: Decimal(10**6)}), None) == {}
