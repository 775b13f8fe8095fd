"""One competitor's part of a cycle in full, how a cycle treated all, and what stated confidences were worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from arena.application.fairness_rules import settings_of
from arena.dashboard.answers.cycle import Asked, BucketRow, Calibrated, CycleFairness, TurnInFull
from arena.dashboard.cycle_index import CycleRows
from arena.dashboard.season_view import SeasonView
from arena.dashboard.telling import as_row

Row = Mapping[str, Any]

UNRECORDED = "not on record"


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
        {**cycle, **given, "broken": broken, "sentence": _sentence(asked, broken), "turns": asked}
    )


def calibration(view: SeasonView, llm_id: str) -> Calibrated:
    """Return what a competitor's confidences have been worth."""
    found = view.confidences.of(llm_id)
    buckets = [BucketRow.model_validate({**as_row(each), "enough": each.enough}) for each in found.buckets]
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
    return "; ".join(dict.fromkeys(filter(None, words))) or UNRECORDED


def _sentence(asked: list[Asked], broken: list[str]) -> str:
    if broken:
        return f"{'A rule was' if len(broken) == 1 else f'{len(broken)} rules were'} broken in this cycle."
    times = [moment for each in asked if (moment := _time(each.asked_at))]
    idle = [each.llm_id for each in asked if each.asked_at is None]
    if not times:
        return "Nobody was asked in this cycle, by a rule that holds for all."
    spread = (max(times) - min(times)) / timedelta(milliseconds=1)
    left = f" {', '.join(idle)} {'was' if len(idle) == 1 else 'were'} not asked, by a rule that holds for all." if idle else ""
    silent = [each.llm_id for each in asked if each.asked_at is not None and each.settings == UNRECORDED]
    unknown = f" What settings {', '.join(silent)} got is not on record." if silent else ""
    return (
        f"Fair: {len(times)} of {len(asked)} were asked within {spread:.0f} ms, with the same prompt, settings and deadline; "
        f"no order was sent before the last answer was in.{left}{unknown}"
    )


def _between(start: datetime | None, end: datetime | None) -> str | None:
    return None if start is None or end is None else f"{(end - start) / timedelta(seconds=1):.3f}"


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
