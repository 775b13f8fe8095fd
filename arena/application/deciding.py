"""One competitor's answer: asked under a deadline, read strictly, recorded as what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from arena.application.evidence import Asking
from arena.application.parsing import parse_decision
from arena.application.ports import Completion, LanguageModel, Prompt
from arena.application.record import SeasonState
from arena.domain.competitor import CompetitorId
from arena.domain.decision import Answer, NoAnswer
from arena.errors import ModelFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What asking a competitor came to.

    Attributes:
        attempts: How often its model was called; 0 where it was not.
        asking: How it was asked; None where it was not.
    """

    answer: Answer
    completion: Completion | None = None
    attempts: int = 0
    asking: Asking | None = None


async def ask(model: LanguageModel, prompt: Prompt, symbols: Sequence[str], seconds_left: float, attempt: int) -> Asked:
    """Ask a model once and read its answer.

    Args:
        model: The competitor's.
        prompt: The cycle's, with the competitor's own section.
        symbols: The season's; a decision on another symbol is left to risk, which rejects it by name.
        seconds_left: Until the deadline that all competitors share.
        attempt: Counts the calls of this cycle from 1.

    Raises:
        ModelFault: There is no completion; `attempts` says how often it was asked.
    """
    if seconds_left <= 0:
        raise ModelFault("the deadline passed before an answer came", kind="deadline", transient=False, attempts=attempt - 1)
    try:
        completion = await model.complete(prompt, seconds_left)
    except ModelFault as fault:
        fault.attempts = attempt
        raise
    return Asked(answer=parse_decision(completion.text, symbols), completion=completion, attempts=attempt)


def unanswered(fault: BaseException) -> Asked:
    """Return what a failed call is recorded as: never a hold."""
    if isinstance(fault, ModelFault):
        return Asked(answer=NoAnswer(kind=fault.kind, error=str(fault)), attempts=fault.attempts)
    return Asked(answer=NoAnswer(kind="defect", error=f"the answer could not be handled ({type(fault).__name__})"), attempts=1)


def spent_hours(state: SeasonState, as_of: datetime, most: int) -> Mapping[CompetitorId, Asked]:
    """Return the competitors that have used up their decisions of the last hour, with what is recorded for them.

    A decision counts until half an interval before its hour is over, so that a cycle that starts some seconds early or late
    does not cost anybody its turn.
    """
    hour = timedelta(hours=1) - timedelta(seconds=state.season.interval_seconds / 2)
    spent = NoAnswer(kind="hourly_limit", error=f"{most} decisions were made within the hour (LLM_MAX_DECISIONS_PER_HOUR)")
    return {
        llm_id: Asked(answer=spent)
        for llm_id, times in state.decided_at.items()
        if sum(as_of - time < hour for time in times) >= most
    }


def spent_budgets(state: SeasonState, budget: Decimal | None) -> Mapping[CompetitorId, Asked]:
    """Return the competitors whose calls of the UTC day have cost the budget (USD; None: there is none) or more.

    Who has spent less is asked, so that a day may end beyond the budget by what one cycle costs: what a call will cost is not
    known before, and its largest possible cost, with max_tokens, is many times the usual.
    """
    if budget is None:
        return {}
    return {
        llm_id: Asked(
            answer=NoAnswer(
                kind="out_of_budget",
                error=f"{spent:.4f} of {budget} USD were spent on this UTC day's calls (LLM_DAILY_BUDGET_USD)",
            )
        )
        for llm_id, spent in state.spent_today.items()
        if spent >= budget
    }
