"""Who is not asked, and what is recorded for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from arena.application.deciding import spent_budgets
from arena.domain.competitor import CompetitorId
from arena.domain.decision import NoAnswer
from tests.unit.test_settlement import state

A, B = CompetitorId("LLM-A"), CompetitorId("LLM-B")
CENTS = st.decimals(0, 100, places=7)


@given(CENTS, CENTS, CENTS.filter(bool))
def test_a_competitor_is_asked_while_it_has_spent_less_than_the_budget(one: Decimal, other: Decimal, budget: Decimal) -> None:
    at = replace(state(), spent_today={A: one, B: other})
    kept = spent_budgets(at, budget)
    assert set(kept) == {llm_id for llm_id, spent in at.spent_today.items() if spent >= budget}
    assert all(isinstance(each.answer, NoAnswer) and each.answer.kind == "out_of_budget" for each in kept.values())
    assert all(each.attempts == 0 and each.asking is None for each in kept.values())


def test_without_a_budget_everybody_is_asked() -> None:
    assert spent_budgets(replace(state(), spent_today={A: Decimal(10**6)}), None) == {}
