"""Many replays of one field: every playbook, window and seed is a season of its own, and a file says what came of it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from arena.adapters.recorded import CandleArchive
from arena.analysis.ranking import ranking
from arena.application.leaderboard import read_leaderboard
from arena.application.seasons import ranking_row
from arena.configuration import load_settings
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError
from arena.replaying import ANSWERS, open_replay, settings_of, window_of
from arena.strategies.registry import PLAYBOOKS, RULES


class Tournament(BaseModel):
    """What is to be played: windows one after the other, each with every playbook and every seed."""

    model_config = ConfigDict(frozen=True)

    data: Path = Field(description="Folder of candles, see docs/candles.md.")
    name: str = Field(default="tournament", pattern=r"^[A-Za-z0-9._]{1,12}$", description="Results lie in runs/NAME.")
    playbooks: tuple[str, ...] = Field(default=("free",), min_length=1, description="Names of playbooks.")
    rules: tuple[str, ...] = Field(default=(), description="That compete in place of the models of .env, such as momentum.")
    seeds: tuple[Annotated[int, Field(ge=0, le=9999)], ...] = Field(
        default=(0,), min_length=1, description="Of whoever plays with dice: rules, and models with a LLM_X_SEED."
    )
    start: AwareDatetime | None = Field(default=None, description="Of the first window; 500 candles into the data where empty.")
    windows: int = Field(default=10, ge=1, description="At most so many; the candles may end before.")
    hours: float = Field(default=24.0, gt=0, description="Length of a window.")
    interval_seconds: int = Field(default=300, ge=10, description="Between two cycles.")

    def shards(self) -> tuple[Shard, ...]:
        """Return the seasons.

        Raises:
            ConfigurationError: Not one window lies within the candles, or there is no such playbook or rule.
        """
        every, length = timedelta(seconds=self.interval_seconds), timedelta(hours=self.hours)
        for kind, names, known in (("playbook", self.playbooks, PLAYBOOKS), ("rule", self.rules, RULES)):
            if unknown := [name for name in names if name not in known]:
                raise ConfigurationError(f"there is no {kind} {unknown[0]}; there are {', '.join(known)}")
        archive = CandleArchive(self.data)
        first = window_of(archive, self.start, None, every).start
        starts = [at for number in range(self.windows) if (at := first + number * length) + length <= archive.end]
        if not starts:
            raise ConfigurationError(
                f"no window of {self.hours:g} hours from {first:%Y-%m-%d %H:%M} on lies within the candles, which end at "
                f"{archive.end:%Y-%m-%d %H:%M} UTC: shorten it, or begin earlier"
            )
        return tuple(
            Shard(tournament=self, playbook=playbook, start=at, end=at + length, seed=seed)
            for at in starts
            for playbook in self.playbooks
            for seed in self.seeds
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One season of a tournament.

    Attributes:
        start, end: Of the window, UTC.
        seed: Of whoever plays with dice.
    """

    tournament: Tournament
    playbook: str
    start: datetime
    end: datetime
    seed: int

    @property
    def season(self) -> str:
        """Its season's name, of at most 40 characters as all are."""
        return f"{self.tournament.name}-{self.playbook[:10]}-{self.start:%y%m%d%H%M}-{self.seed}"

    @property
    def result(self) -> Path:
        """The file that is there once it has been played."""
        return Path("runs") / self.tournament.name / f"{self.season}.json"


def play_shard(shard: Shard) -> dict[str, Any]:
    """Play a season, or go on with it, and return its leaderboard; one that has been played is not played again.

    Raises:
        ArenaError: It cannot be played.
    """
    if shard.result.exists():
        found: dict[str, Any] = json.loads(shard.result.read_text(encoding="utf-8"))
        return found
    board = asyncio.run(_played(shard))
    shard.result.parent.mkdir(parents=True, exist_ok=True)
    beside = shard.result.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(board), encoding="utf-8")
    beside.replace(shard.result)
    return board


async def _played(shard: Shard) -> dict[str, Any]:
    wanted, every = shard.tournament, timedelta(seconds=shard.tournament.interval_seconds)
    loaded = load_settings().model_copy(update={"strategy": shard.playbook})
    settings = settings_of(loaded, shard.season, every, wanted.rules, shard.seed)
    window = window_of(CandleArchive(wanted.data, settings.available_pairs), shard.start, shard.end, every)
    async with open_replay(settings, window, ANSWERS) as replay:
        async for _ in replay.cycles():
            pass
        return (await read_leaderboard(replay.arena.records, SeasonId(shard.season))).to_json()


def returns_of(results: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Return every competitor's returns, a season each, in percent; by its mean rank."""
    return {each.name: [100 * value for value in each.returns] for each in ranking(_played_in(results), repetitions=0)}


def table_of(results: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a row for each competitor, by its mean rank, as `ranking_row` has it."""
    windows = [str(board["season"]).split("-")[-2] for board in results]
    return [ranking_row(each) for each in ranking(_played_in(results), windows)]


def _played_in(results: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Return the returns of each season by competitor, fractions of the capital."""
    return [{f"{each['llm_id']} {each['model']}": float(each["roi"]) for each in board["competitors"]} for board in results]
