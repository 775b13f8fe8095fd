"""Who plays in a replay in the place of the settings' models: a season's competitors once more, or the like of them by chance."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from arena.adapters.llm.planned import PlannedModel, PlannedTrade
from arena.adapters.llm.recorded import RecordedModel
from arena.application.language_model import Completion, Models
from arena.connections import open_book
from arena.domain.competitor import CompetitorId, Provider, SeasonId
from arena.domain.order import PositionSide
from arena.errors import ConfigurationError
from arena.llm_settings import CompetitorSettings
from arena.replay.matched import instants
from arena.settings import Settings
from arena.verdict.traded import read_traded

Row = Mapping[str, Any]
Now = Callable[[], datetime]  # the instant of the cycle, UTC

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES = ("competitors", "cycles", "model_calls", "closed_trades")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Competitors.

    Attributes:
        llms: As the settings would have them, by letter.
        models: Who decides for them.
    """

    llms: Mapping[str, CompetitorSettings]
    models: Callable[[Now], Models]


async def field_of(settings: Settings, wanted: str, start: datetime, cycles: int, every: timedelta, seed: int) -> Field:
    """Return the field that a person asks for: answers-of=SEASON or random-of=SEASON.

    Raises:
        ConfigurationError: It is neither, or as `recorded_field` and `matched_field`.
    """
    kind, _, season = wanted.partition("=")
    if kind == "answers-of":
        return await recorded_field(settings, season, every)
    if kind == "random-of":
        return await matched_field(settings, season, start, cycles, every, seed)
    raise ConfigurationError(f"there is no field {kind}=: name rules, answers-of=SEASON or random-of=SEASON")


async def recorded_field(settings: Settings, season: str, every: timedelta) -> Field:
    """Return a season's competitors, who decide again what they decided at the same instants.

    Args:
        settings: Where the store is.
        season: Its name.
        every: Between two cycles; an answer belongs to the instant of the grid at or before its cycle.

    Raises:
        ConfigurationError: There is no such season, or it has no answers.
    """
    tables = await _read(settings, season)
    begun = {row["number"]: _slot(_time(row["scheduled_at"]), every) for row in tables["cycles"]}
    said: dict[str, dict[tuple[datetime, bool], Completion]] = {row["llm_id"]: {} for row in tables["competitors"]}
    for row in tables["model_calls"]:
        if row["text"] is not None and row["fault"] is None:
            said[row["llm_id"]][begun[row["cycle"]], row["purpose"] == "repair"] = _completion(row)
    if not any(said.values()):
        raise ConfigurationError(f"season {season} has no answers to replay")
    llms = {
        _letter(row): CompetitorSettings(provider=Provider(row["provider"]), model=row["model"]) for row in tables["competitors"]
    }
    return Field(llms=llms, models=lambda now: {CompetitorId(name): RecordedModel(own, now) for name, own in said.items()})


async def matched_field(settings: Settings, season: str, start: datetime, cycles: int, every: timedelta, seed: int) -> Field:
    """Return for each of a season's competitors one who makes its closed trades, each at an instant drawn at random.

    Args:
        settings: Where the store is.
        season: Its name.
        start: Of the replay, UTC.
        cycles: Of the replay.
        every: Between two of them.
        seed: ≥ 0; the same one draws the same instants.

    Raises:
        ConfigurationError: There is no such season, it has no closed trade, or the replay is too short for as many.
    """
    tables = await _read(settings, season)
    if not tables["closed_trades"]:
        raise ConfigurationError(f"season {season} has no closed trade to match")
    planned: dict[str, Sequence[PlannedTrade]] = {}
    for number, row in enumerate(tables["competitors"]):
        name = row["llm_id"]
        own = [trade for trade in tables["closed_trades"] if trade["llm_id"] == name]
        try:
            planned[name] = _drawn(own, start, cycles, every, np.random.default_rng([seed, number]))
        except ValueError as error:
            raise ConfigurationError(f"the trades of {name} do not fit into {cycles} cycles: {error}") from error
    llms = {
        _letter(row): CompetitorSettings(provider=Provider.OPENAI, model=f"random?like={row['llm_id']}")
        for row in tables["competitors"]
    }
    return Field(llms=llms, models=lambda now: {CompetitorId(name): PlannedModel(own, now) for name, own in planned.items()})


async def _read(settings: Settings, season: str) -> dict[str, list[Row]]:
    async with AsyncExitStack() as closing:
        records = open_book(settings, closing, season)
        return {name: [row async for row in records.rows(name, SeasonId(season))] for name in _TABLES}


def _letter(row: Row) -> str:
    return str(row["llm_id"]).removeprefix("LLM-")


def _slot(moment: datetime, every: timedelta) -> datetime:
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


def _drawn(
    rows: Sequence[Row], start: datetime, cycles: int, every: timedelta, dice: np.random.Generator
) -> tuple[PlannedTrade, ...]:
    """Return trades in a random order at random instants; what belongs to one is drawn with it."""
    symbols = sorted({row["symbol"] for row in rows})
    made = read_traded(rows, symbols, every)
    if made is None:
        return ()
    placed, begins = instants(made.trades, cycles, dice)
    return tuple(
        PlannedTrade(
            symbol=symbols[column],
            side=PositionSide.LONG if side > 0 else PositionSide.SHORT,
            begin=start + int(begin) * every,
            end=start + int(begin + bars) * every,
            notional=made.worth,
            leverage=made.leverage,
        )
        for column, side, bars, begin in zip(*placed, begins, strict=True)
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
