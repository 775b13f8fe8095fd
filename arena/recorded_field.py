"""The competitors of a season that is over, with what they answered: who plays in a replay of their decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.adapters.llm.recorded import Said
from arena.application.language_model import Completion
from arena.connections import open_book
from arena.domain.competitor import CompetitorId, Provider, SeasonId
from arena.errors import ConfigurationError
from arena.llm_settings import CompetitorSettings
from arena.settings import Settings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedField:
    """A season's competitors.

    Attributes:
        llms: Provider and model by letter.
        said: Answers by competitor; instants are those of the grid of cycles.
    """

    llms: Mapping[str, CompetitorSettings]
    said: Mapping[CompetitorId, Said]


async def read_field(settings: Settings, season: str, every: timedelta) -> RecordedField:
    """Read a season's answers.

    Args:
        settings: Where the store is.
        season: Its name.
        every: Between two cycles; an answer belongs to the instant of the grid at or before its cycle.

    Raises:
        ConfigurationError: There is no such season, or it has no answers.
    """
    said: dict[CompetitorId, dict[tuple[datetime, bool], Completion]] = {}
    async with AsyncExitStack() as closing:
        records, season_id = open_book(settings, closing, season), SeasonId(season)
        competitors = [row async for row in records.rows("competitors", season_id)]
        begun = {row["number"]: _slot(row["scheduled_at"], every) async for row in records.rows("cycles", season_id)}
        async for row in records.rows("model_calls", season_id):
            if row["text"] is not None and row["fault"] is None:
                key = (begun[row["cycle"]], row["purpose"] == "repair")
                said.setdefault(CompetitorId(row["llm_id"]), {})[key] = _completion(row)
    if not said:
        raise ConfigurationError(f"season {season} has no answers to replay")
    llms = {
        row["llm_id"].removeprefix("LLM-"): CompetitorSettings(provider=Provider(row["provider"]), model=row["model"])
        for row in competitors
    }
    return RecordedField(llms=llms, said=said)


def _slot(time: str, every: timedelta) -> datetime:
    moment = datetime.fromisoformat(time)
    return moment - (moment - _EPOCH) % every


def _completion(row: Mapping[str, Any]) -> Completion:
    return Completion(
        text=row["text"],
        model=row["model"] or "",
        request_id=row["request_id"],
        stop_reason=row["stop_reason"],
        input_tokens=row["input_tokens"] or 0,
        cached_tokens=row["cached_tokens"] or 0,
        output_tokens=row["output_tokens"] or 0,
        latency_ms=row["latency_ms"],
        parameters=json.loads(row["parameters"]) if isinstance(row["parameters"], str) else row["parameters"] or {},
        cost_usd=None if row["cost_usd"] is None else Decimal(row["cost_usd"]),
    )
