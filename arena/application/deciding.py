"""One competitor's answer: asked for under a deadline, read strictly, sent back once if it is no decision, recorded as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from arena.application.calls import ModelCall, Purpose
from arena.application.evidence import Asking
from arena.application.language_model import Completion, LanguageModel, Prompt
from arena.application.parsing import parse_decision
from arena.application.record import SeasonState
from arena.application.repair import Repair, repair_of
from arena.domain.competitor import CompetitorId
from arena.domain.decision import Answer, Decision, InvalidDecision, NoAnswer
from arena.errors import ModelFault

LATE = "late"
CLOSE_SECONDS = 0.1  # a call that is given up so shortly before the deadline was given up because of it
CUT_OFF = "the answer was cut off at the length limit (LLM_X_MAX_TOKENS), and nothing says what would have followed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What asking a competitor came to; without calls where its model was not asked.

    Attributes:
        asking: How it was asked; None where it was not.
    """

    answer: Answer
    calls: tuple[ModelCall, ...] = ()
    asking: Asking | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Both clocks of the machine.

    Attributes:
        seconds: Only runs forward; the deadline is on it.
        now: UTC.
    """

    seconds: Callable[[], float]
    now: Callable[[], datetime]


class Conversation:
    """One competitor's turn with its model; every call is kept.

    Args:
        model: The competitor's.
        prompt: The cycle's, with the competitor's own section.
        symbols: The season's; a decision on another symbol is left to risk, which rejects it by name.
        deadline: That all competitors share, on `clock.seconds`.

    Attributes:
        calls: So far, in order.
        quiet_until: Before this the provider wants no further call, on `clock.seconds`.
    """

    def __init__(self, model: LanguageModel, prompt: Prompt, symbols: Sequence[str], deadline: float, clock: Clock) -> None:
        self._model, self._prompt, self._symbols = model, prompt, symbols
        self._deadline, self._clock = deadline, clock
        self._repair: Repair | None = None
        self.calls: list[ModelCall] = []
        self.quiet_until = clock.seconds()

    async def ask(self) -> Decision | InvalidDecision:
        """Call the model once and read its answer; once an answer was not accepted, every further call is the repair round's.

        Raises:
            ModelFault: No answer; `transient` says whether asking again may help.
        """
        begun_at, began = self._clock.now(), self._clock.seconds()
        if began >= self._deadline:
            raise ModelFault("the deadline passed before an answer came", kind=LATE, transient=False)
        try:
            completion = await self._model.complete(replace(self._prompt, repair=self._repair), self._deadline - began)
        except ModelFault as fault:
            told = self._told(fault)
            self._keep(begun_at, began, fault=told)
            raise told from None
        except Exception as defect:
            self._keep(begun_at, began, fault=_defect(defect))
            raise
        if self._clock.seconds() > self._deadline + CLOSE_SECONDS:
            late = _late("the answer came", completion)
            self._keep(begun_at, began, fault=late)
            raise late
        answer = read_answer(completion, self._symbols)
        self._keep(begun_at, began, completion, error=answer.error if isinstance(answer, InvalidDecision) else None)
        if isinstance(answer, InvalidDecision):
            self._repair = repair_of(completion.text, answer.error)
        return answer

    def failures(self) -> int:
        """Return how many calls have failed one after the other by now."""
        answered = [call.number for call in self.calls if call.fault is None]
        return len(self.calls) - max(answered, default=0)

    def fits(self, pause_seconds: float) -> bool:
        """Return whether another call can be made before the deadline, after the pause and what the provider wishes."""
        return max(self._clock.seconds() + pause_seconds, self.quiet_until) < self._deadline

    def quiet_seconds(self) -> float:
        """Return how long the provider still wants no call, ≥ 0."""
        return max(0.0, self.quiet_until - self._clock.seconds())

    def _told(self, fault: ModelFault) -> ModelFault:
        """Return the fault, as a late answer where the deadline is what ended the call."""
        if fault.kind == "timeout" and self._clock.seconds() >= self._deadline - CLOSE_SECONDS:
            return _late(str(fault), fault.completion)
        return fault

    def _keep(
        self,
        begun_at: datetime,
        began: float,
        completion: Completion | None = None,
        *,
        error: str | None = None,
        fault: ModelFault | None = None,
    ) -> None:
        ended = self._clock.seconds()
        if fault is not None:
            completion, error = fault.completion, str(fault)
        wish = fault.retry_after if fault else None
        if wish is not None:
            self.quiet_until = ended + wish.total_seconds()
        self.calls.append(
            ModelCall(
                number=len(self.calls) + 1,
                purpose=Purpose.REPAIR if self._repair else Purpose.DECIDE,
                begun_at=begun_at,
                latency_ms=completion.latency_ms if completion else round((ended - began) * 1000),
                fault=fault.kind if fault else None,
                error=error,
                retry_after_ms=None if wish is None else wish // timedelta(milliseconds=1),
                request_id=completion.request_id if completion else (fault.request_id if fault else None),
                completion=completion,
            )
        )


def read_answer(completion: Completion, symbols: Sequence[str]) -> Decision | InvalidDecision:
    """Return what an answer says. One that was cut off says nothing, whatever its beginning holds: it may be a draft."""
    return InvalidDecision(error=CUT_OFF) if completion.cut_off else parse_decision(completion.text, symbols)


def unanswered(fault: BaseException) -> NoAnswer:
    """Return what a failed call is recorded as: never a hold."""
    told = fault if isinstance(fault, ModelFault) else _defect(fault)
    return NoAnswer(kind=told.kind, error=str(told))


def unrepaired(answer: InvalidDecision, fault: ModelFault) -> InvalidDecision:
    """Return what an invalid answer is recorded as whose repair round brought no other."""
    return InvalidDecision(error=f"{answer.error} (asked again: {fault})")


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


def _late(what: str, completion: Completion | None) -> ModelFault:
    sentence = f"{what} after the deadline" if completion else f"{what}, and the deadline passed"
    return ModelFault(f"{sentence} (LLM_DEADLINE_SECONDS)", kind=LATE, transient=False, completion=completion)


def _defect(error: BaseException) -> ModelFault:
    return ModelFault(f"the answer could not be handled ({type(error).__name__})", kind="defect", transient=False)
