"""Was the contest fair? Looked up in what every cycle has recorded, rule by rule; a violation is named in a sentence.

The same prompt, configuration, snapshot, settings and deadline for all; asked at the same time; no order before the last decision
was in; each first in the execution order equally often; one configuration for the whole season. Provider, model and seed may
differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arena.application.evidence import EQUAL_SETTINGS
from arena.application.fairness_rules import broken, difference, unequal_terms, uneven_rotation
from arena.application.store import Records
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

COLUMNS: dict[str, tuple[str, ...]] = {  # prompts and answers stay in the store
    "seasons": ("season_id", "settings"),
    "competitors": ("llm_id", "capital", *EQUAL_SETTINGS),
    "cycles": ("number", "status", "scheduled_at", "prompt_hash", "snapshot_hash", "configuration_hash", "execution_order"),
    "configurations": ("hash", "text"),
    "snapshots": ("cycle", "hash", "as_of"),
    "turns": ("cycle", "llm_id", "failure", "prompt_hash", "asked_at", "deadline_at", "answered_at", "ordered_at"),
    "model_calls": ("cycle", "llm_id", "parameters"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that was broken; `cycle` is None where it concerns the season."""

    cycle: int | None
    text: str

    def __str__(self) -> str:
        return f"{'season' if self.cycle is None else f'cycle {self.cycle}'}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """What was found.

    Attributes:
        settings: What every competitor was sent, and what none was and why, in words.
        cycles: Booked ones.  lost: Those that were begun and never booked.  asked: Turns in which a model was asked.
        first: How often each competitor was first in the execution order.
    """

    season: SeasonId
    settings: str
    cycles: int
    lost: int
    asked: int
    first: Mapping[str, int]
    violations: tuple[Violation, ...]

    @property
    def fair(self) -> bool:
        """Whether nothing was violated."""
        return not self.violations

    @property
    def sentence(self) -> str:
        """The line of the leaderboard."""
        count = len(self.violations)
        found = f"{count} {'violation' if count == 1 else 'violations'} (see arena fairness)" if count else "none violated"
        return f"{'Fair' if self.fair else 'NOT FAIR'}: rules of {self.cycles} cycles checked, {found}. {self.settings}"

    def to_json(self) -> dict[str, Any]:
        """Return what was found as an object."""
        return {
            "season": self.season,
            "fair": self.fair,
            "settings": self.settings,
            "cycles": self.cycles,
            "lost": self.lost,
            "asked": self.asked,
            "first": dict(self.first),
            "violations": [{"cycle": each.cycle, "text": each.text} for each in self.violations],
        }


async def read_fairness(records: Records, season_id: SeasonId) -> Fairness:
    """Return what a season's records show now.

    Raises:
        ConfigurationError: The records know no such season.
    """
    return fairness(await read_columns(records, season_id, COLUMNS))


def merged(*wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the columns by table that all of these name together."""
    names = [name for each in wanted for name in each]
    return {name: tuple(sorted({column for each in wanted for column in each.get(name, ())})) for name in names}


async def read_columns(records: Records, season_id: SeasonId, columns: Mapping[str, Sequence[str]]) -> Tables:
    """Return these columns of a season's tables, `seasons` among them.

    Raises:
        ConfigurationError: The records know no such season.
    """
    tables = {name: await records.columns(name, season_id, wanted) for name, wanted in columns.items()}
    if not tables["seasons"]:
        raise ConfigurationError(f"there is no season {season_id} in the records")
    return tables


def fairness(tables: Tables) -> Fairness:
    """Check every rule on the rows of one season, with the columns of `COLUMNS` at least."""
    check = FairnessCheck(tables["seasons"][0], tables["competitors"])
    snapshots, turns, calls = (_by_cycle(tables[name]) for name in ("snapshots", "turns", "model_calls"))
    booked = [row for row in tables["cycles"] if row["status"] == "booked"]
    for cycle in booked:
        check.add(cycle, *(rows.get(cycle["number"], ()) for rows in (snapshots, turns, calls)))
    texts = {row["hash"]: row["text"] for row in tables["configurations"]}
    return check.result(lost=len(tables["cycles"]) - len(booked), texts=texts)


class FairnessCheck:
    """The rules, cycle by cycle as they are booked.

    Args:
        season, competitors: Their rows.
    """

    def __init__(self, season: Row, competitors: Sequence[Row]) -> None:
        self._season = season
        self._ids = [row["llm_id"] for row in competitors]
        self._first = dict.fromkeys(self._ids, 0)
        self._terms = [Violation(cycle=None, text=text) for text in unequal_terms(competitors)]
        self._found: list[Violation] = []
        self._changes: list[tuple[int, str, str]] = []  # cycle, hash of the configuration before and in it
        self._configuration: str | None = None
        self._cycles = self._asked = 0

    def add(self, cycle: Row, snapshots: Sequence[Row], turns: Sequence[Row], calls: Sequence[Row]) -> None:
        """Check the next booked cycle on its rows."""
        number, order = cycle["number"], json.loads(cycle["execution_order"])
        texts = broken(cycle, self._ids, order, snapshots=snapshots, turns=turns, calls=calls)
        self._found += [Violation(cycle=number, text=text) for text in texts]
        if order and order[0] in self._first:
            self._first[order[0]] += 1
        before, now = self._configuration, cycle["configuration_hash"]
        if before and now and before != now:
            self._changes.append((number, before, now))
        self._configuration = now
        self._cycles += 1
        self._asked += sum(row["asked_at"] is not None for row in turns)

    def result(self, lost: int, texts: Mapping[str, str]) -> Fairness:
        """Return what was found so far.

        Args:
            lost: Cycles that were begun and never booked.
            texts: The configurations, by hash.
        """
        changed = (
            (number, difference(json.loads(texts.get(old, "{}")), json.loads(texts.get(new, "{}"))))
            for number, old, new in self._changes
        )
        return Fairness(
            season=SeasonId(self._season["season_id"]),
            settings=self._season["settings"],
            cycles=self._cycles,
            lost=lost,
            asked=self._asked,
            first=dict(self._first),
            violations=(
                *self._terms,
                *self._found,
                *(Violation(cycle=number, text=f"the configuration changed: {what}") for number, what in changed),
                *(Violation(cycle=None, text=text) for text in uneven_rotation(self._first, lost)),
            ),
        )


def _by_cycle(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["cycle"], []).append(row)
    return found
