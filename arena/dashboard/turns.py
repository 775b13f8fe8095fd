"""One competitor's part of a cycle in full, how a cycle treated all, and what stated confidences were worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from arena.application.fairness_rules import settings_of
from arena.dashboard.answers import Answer, Fraction, Time, Usd
from arena.dashboard.cycle_index import CycleRows
from arena.dashboard.season_view import SeasonView
from arena.domain.money import plain

Row = Mapping[str, Any]
OwnTime = Annotated[str, Field(description="ISO 8601, UTC, by the clock of the machine that ran the cycle.")]
Seconds = Annotated[str, Field(description="Seconds, to the millisecond.")]


class CallInFull(Answer):
    """A call of a model, with what came back to the letter."""

    number: int = Field(description="Within the cycle, from 1.")
    purpose: Literal["decide", "repair"] = Field(description="A repair sends an answer back once, with what is wrong with it.")
    begun_at: OwnTime
    latency_ms: int = Field(description="Milliseconds.")
    fault: str | None = Field(description="Why there was no answer.")
    error: str | None = Field(description="What is wrong with the answer, or what the fault says.")
    retry_after_ms: int | None = Field(description="How long the provider asked to wait, milliseconds.")
    request_id: str | None = Field(description="The provider's own name of the call.")
    model: str | None = Field(description="As the provider names what has answered.")
    stop_reason: str | None = Field(description="Why the answer ended, in the provider's word.")
    input_tokens: int | None = Field(description="Cached ones with them.")
    cached_tokens: int | None = Field(description="Of the input.")
    output_tokens: int | None = Field(description="Thinking with them, where the provider counts it.")
    cost_usd: Usd | None
    parameters: str | None = Field(description="What was sent beside the prompt, as JSON.")
    text: str | None = Field(description="The answer to the letter. A model wrote it: show it as text.")


class TurnInFull(Answer):
    """What one competitor was sent in a cycle, and what came back."""

    number: int = Field(description="Of the cycle.")
    scheduled_at: Time
    llm_id: str = Field(description="Whose part it is.")
    before: int | None = Field(description="The booked cycle before.")
    after: int | None = Field(description="The booked cycle after.")
    prompt_hash: str | None = Field(
        description="SHA-256 of what all share of the prompt, as it was sent to this one; null where it was not asked."
    )
    static_prompt: str | None = Field(description="The season's rules; null where they are not in the store any more.")
    market_prompt: str | None = Field(description="The cycle's market; null where `arena db prune` has let go of it.")
    account_prompt: str = Field(description="Its own account.")
    answer: Literal["decision", "invalid", "no_answer"] = Field(description="What the answer was.")
    failure: str | None = Field(description="Why there was no answer.")
    error: str | None = Field(description="What was wrong, in a sentence.")
    summary: str = Field(description="What came of it, in a line.")
    calls: list[CallInFull] = Field(description="Repetitions and repairs with them; none where it was not asked.")


class Asked(Answer):
    """How one competitor was asked in a cycle."""

    llm_id: str = Field(description="Who was asked.")
    prompt_hash: str | None = Field(
        description="SHA-256 of what all share of the prompt, as it was sent; null where it was not asked."
    )
    same_prompt: bool | None = Field(description="It is the cycle's; null where it was not asked.")
    settings: str = Field(description="What it was sent beside the prompt, in words that do not depend on the provider.")
    asked_at: OwnTime | None
    answered_seconds: Seconds | None = Field(
        description="From the question to the answer or the failure, all attempts with it, seconds."
    )
    deadline_seconds: Seconds | None = Field(description="From the question to the deadline, seconds.")
    ordered_seconds: Seconds | None = Field(
        description="From the last answer of all to its first order, seconds; null without one."
    )
    latency_ms: int = Field(description="Of all its calls together, milliseconds.")
    failure: str | None = Field(description="Why there was no answer, or why it was not asked.")


class CycleFairness(Answer):
    """How one cycle treated all."""

    number: int = Field(description="Of the cycle.")
    scheduled_at: Time
    before: int | None = Field(description="The booked cycle before.")
    after: int | None = Field(description="The booked cycle after.")
    sentence: str = Field(description="What was found, in words.")
    violations: list[str] = Field(description="The rules that were broken; none where it was fair.")
    prompt_hash: str = Field(description="SHA-256 of what all share of the prompt: rules, market and the answer's schema.")
    snapshot_hash: str = Field(description="SHA-256 of the market's data that the prompt was made of.")
    configuration_hash: str = Field(description="SHA-256 of limits, settings and whatever else decides the contest.")
    execution_order: list[str] = Field(description="In which orders were sent; it changes from cycle to cycle.")
    asked: list[Asked] = Field(description="Everybody, in the season's order.")


class BucketRow(Answer):
    """The closed trades that were opened with about the same confidence."""

    lowest: int = Field(description="Stated confidence, percent; with it.")
    highest: int = Field(description="Stated confidence, percent; with it.")
    trades: int = Field(description="Closed ones.")
    hits: int = Field(description="Of these, those with a profit after fees and funding.")
    stated: Fraction | None = Field(description="Mean of the stated confidences, fraction of 1; null without a trade.")
    hit_rate: Fraction | None = Field(description="Fraction of 1; null without a trade.")
    enough: bool = Field(description="There are enough trades for the rate to say something: 20.")


class Calibrated(Answer):
    """Stated confidence against what came of the trade."""

    llm_id: str = Field(description="Whose confidence.")
    sentence: str = Field(description="What may be said about it.")
    trades: int = Field(description="In the buckets.")
    unknown: int = Field(description="Closed trades without an opening on record that states a confidence.")
    buckets: list[BucketRow] = Field(description="By confidence, the lowest first.")


async def turn(view: SeasonView, found: CycleRows, llm_id: str) -> TurnInFull | None:
    """Return a competitor's part of a cycle; None where it has none."""
    own = next((row for row in found.tables["turns"] if row["llm_id"] == llm_id), None)
    if own is None:
        return None
    cycle = found.cycle
    before, after = view.cycles.neighbours(cycle["number"])
    texts = {f"{part}_prompt": await view.prompt(part, cycle[f"{part}_prompt_hash"]) for part in ("static", "market")}
    calls = [row for row in found.tables["model_calls"] if row["llm_id"] == llm_id]
    place = {"number": cycle["number"], "scheduled_at": cycle["scheduled_at"], "before": before, "after": after}
    return TurnInFull.model_validate({**own, **place, **texts, "calls": calls})


def cycle_fairness(view: SeasonView, found: CycleRows) -> CycleFairness:
    """Return how a cycle treated all."""
    cycle = found.cycle
    before, after = view.cycles.neighbours(cycle["number"])
    broken = [each.text for each in view.fairness().violations if each.cycle == cycle["number"]]
    turns = {row["llm_id"]: row for row in found.tables["turns"]}
    answered = [moment for row in turns.values() if (moment := _time(row["answered_at"]))]
    asked = [
        _asked(turns[row["llm_id"]], found, max(answered, default=None)) for row in view.competitors if row["llm_id"] in turns
    ]
    given = {"before": before, "after": after, "execution_order": json.loads(cycle["execution_order"])}
    return CycleFairness.model_validate(
        {**cycle, **given, "violations": broken, "sentence": _sentence(asked, broken), "asked": asked}
    )


def calibration(view: SeasonView, llm_id: str) -> Calibrated:
    """Return what a competitor's confidences have been worth."""
    found = view.confidences.of(llm_id)
    buckets = [
        BucketRow(
            **{name: getattr(each, name) for name in ("lowest", "highest", "trades", "hits", "enough")},
            stated=_text(each.stated),
            hit_rate=_text(each.hit_rate),
        )
        for each in found.buckets
    ]
    return Calibrated(llm_id=llm_id, sentence=found.sentence, trades=found.trades, unknown=found.unknown, buckets=buckets)


def _asked(row: Row, found: CycleRows, last_answer: datetime | None) -> Asked:
    calls = [call for call in found.tables["model_calls"] if call["llm_id"] == row["llm_id"]]
    began = _time(row["asked_at"])
    return Asked(
        llm_id=row["llm_id"],
        prompt_hash=row["prompt_hash"],
        same_prompt=None if row["prompt_hash"] is None else row["prompt_hash"] == found.cycle["prompt_hash"],
        settings=_settings(calls),
        asked_at=row["asked_at"],
        answered_seconds=_between(began, _time(row["answered_at"])),
        deadline_seconds=_between(began, _time(row["deadline_at"])),
        ordered_seconds=_between(last_answer, _time(row["ordered_at"])),
        latency_ms=sum(call["latency_ms"] for call in calls),
        failure=row["failure"],
    )


def _settings(calls: list[Row]) -> str:
    """Return what the calls were sent, in words; the providers' own words for it differ."""
    told = (settings_of(parameters) for call in calls if (parameters := json.loads(call["parameters"] or "{}")))
    words = (", ".join(f"{name} {value}" for name, value in each.items() if value is not None) for each in told)
    return "; ".join(dict.fromkeys(filter(None, words))) or "not on record"


def _sentence(asked: list[Asked], broken: list[str]) -> str:
    if broken:
        return f"{'A rule was' if len(broken) == 1 else f'{len(broken)} rules were'} broken in this cycle."
    times = [moment for each in asked if (moment := _time(each.asked_at))]
    idle = [each.llm_id for each in asked if each.asked_at is None]
    if not times:
        return "Nobody was asked in this cycle, by a rule that holds for all."
    spread = (max(times) - min(times)) / timedelta(milliseconds=1)
    left = f" {', '.join(idle)} {'was' if len(idle) == 1 else 'were'} not asked, by a rule that holds for all." if idle else ""
    return (
        f"Fair: {len(times)} of {len(asked)} were asked within {spread:.0f} ms, with the same prompt, settings and deadline; "
        f"no order was sent before the last answer was in.{left}"
    )


def _between(start: datetime | None, end: datetime | None) -> str | None:
    return None if start is None or end is None else f"{(end - start) / timedelta(seconds=1):.3f}"


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
