"""What a cycle leaves behind so that anybody can check afterwards that all competitors were treated alike."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from arena.application.schema import answer_schema
from arena.domain.competitor import Season
from arena.domain.money import plain
from arena.domain.risk import Limits

EQUAL_SETTINGS = ("max_tokens", "temperature", "thinking", "reasoning_effort")  # of a ModelSpec: the same for all


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How one competitor was asked in a cycle; times of the run's own clock.

    Attributes:
        prompt_hash: SHA-256 of what it was sent of the shared prompt.
        asked_at: When its first call began.
        deadline_at: Until when its answer was waited for.
        answered_at: When its decision, or its failure after all attempts, was in.
    """

    prompt_hash: str
    asked_at: datetime
    deadline_at: datetime
    answered_at: datetime


def configuration(season: Season, limits: Limits, rules: str, **terms: Any) -> str:
    """Return the one JSON text of everything that decides the contest and must be equal for all: no models, no secrets.

    Args:
        season: Its symbols, its venue and the settings that every model is sent.
        limits: Those that risk checks.
        rules: The prompt's static part; its SHA-256 is kept.
        terms: What else is in force, such as the interval and the deadline; JSON's own values, or decimals.
    """
    one = season.competitors[0]
    content = {
        **terms,
        **{name: getattr(one.model, name) for name in EQUAL_SETTINGS},
        **{each.name: getattr(limits, each.name) for each in fields(limits)},
        "environment": season.environment,
        "account_mode": season.account_mode,
        "strategy": season.strategy,
        "symbols": season.symbols,
        "capital": one.capital,
        "rules": hashlib.sha256(rules.encode()).hexdigest(),
        "answer_schema": answer_schema(len(season.symbols)),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=_text)


def _text(value: Any) -> str:
    return f"{value.total_seconds():g} s" if isinstance(value, timedelta) else plain(value)
