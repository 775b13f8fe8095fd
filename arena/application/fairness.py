"""Was the contest fair? Looked up in what every cycle has recorded, rule by rule; a violation is named in a sentence.

The same prompt, configuration, snapshot, settings and deadline for all; asked at the same time; no order before the last decision
was in; each first in the execution order equally often; one configuration for the whole season. Provider, model and seed may
differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from arena.application.evidence import EQUAL_SETTINGS
from arena.application.ports import Records
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

NOT_ASKED = frozenset({"hourly_limit", "liquidated", "out_of_budget"})  # failures by which the rules of all keep one from a call
_UNREADABLE = ("rules", "answer_schema")  # what changed of them is in the prompts
SAME_TIME = timedelta(seconds=1)  # within which all are asked; they are microseconds apart

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


async def read_columns(records: Records, season_id: SeasonId, columns: Mapping[str, Sequence[str]]) -> Tables:
    """Return these columns of a season's tables, `seasons` among them.

    Raises:
        ConfigurationError: The records know no such season.
    """
    tables = {
        name: [{column: row[column] for column in wanted} async for row in records.rows(name, season_id)]
        for name, wanted in columns.items()
    }
    if not tables["seasons"]:
        raise ConfigurationError(f"there is no season {season_id} in the records")
    return tables


def fairness(tables: Tables) -> Fairness:
    """Check every rule on the rows of one season, with the columns of `COLUMNS` at least."""
    ids = [row["llm_id"] for row in tables["competitors"]]
    booked = [row for row in tables["cycles"] if row["status"] == "booked"]
    lost = len(tables["cycles"]) - len(booked)
    turns, calls = _by_cycle(tables["turns"]), _by_cycle(tables["model_calls"])
    orders = {row["number"]: json.loads(row["execution_order"]) for row in booked}
    first = {llm_id: sum(order[:1] == [llm_id] for order in orders.values()) for llm_id in ids}
    found = [Violation(cycle=None, text=text) for text in _unequal_terms(tables["competitors"])]
    snapshots = _by_cycle(tables["snapshots"])
    for cycle in booked:
        number = cycle["number"]
        texts = (
            *_missing_hashes(cycle, snapshots.get(number, ())),
            *_uneven_asking(cycle, ids, turns.get(number, ())),
            *_unequal_settings(calls.get(number, ())),
            *_early_orders(turns.get(number, ()), orders[number]),
            *_wrong_order(orders[number], ids),
        )
        found += [Violation(cycle=number, text=text) for text in texts]
    found += _changes(booked, {row["hash"]: row["text"] for row in tables["configurations"]})
    found += [Violation(cycle=None, text=text) for text in _uneven_rotation(first, lost)]
    season = tables["seasons"][0]
    return Fairness(
        season=SeasonId(season["season_id"]),
        settings=season["settings"],
        cycles=len(booked),
        lost=lost,
        asked=sum(row["asked_at"] is not None for row in tables["turns"]),
        first=first,
        violations=tuple(found),
    )


def settings_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a call's parameters mean, whichever provider's words they are in; what may differ is left out.

    An effort is thinking, and the effort `none` is none.
    """
    thinking, effort = parameters.get("thinking"), parameters.get("reasoning_effort", parameters.get("effort"))
    off = effort == "none" or (thinking is not None and thinking["type"] == "disabled")
    return {
        "max_tokens": parameters.get("max_tokens", parameters.get("max_completion_tokens")),
        "temperature": parameters.get("temperature"),
        "thinking": "off" if off else "on" if thinking is not None or effort is not None else None,
        "reasoning effort": None if off else effort,
    }


def _unequal_terms(competitors: Sequence[Row]) -> Iterator[str]:
    for column in ("capital", *EQUAL_SETTINGS):
        values = {row["llm_id"]: row[column] for row in competitors}
        if len(set(values.values())) > 1:
            yield f"the competitors differ in {column.replace('_', ' ')}: {_listed(values)}"


def _missing_hashes(cycle: Row, snapshots: Sequence[Row]) -> Iterator[str]:
    for name in ("prompt_hash", "configuration_hash", "snapshot_hash"):
        if not cycle[name]:
            yield f"the {name.replace('_', ' ')} is missing"
    seen = {(row["hash"], row["as_of"]) for row in snapshots}
    if cycle["snapshot_hash"] and seen != {(cycle["snapshot_hash"], cycle["scheduled_at"])}:
        yield "the snapshot is not the one that the cycle names"


def _uneven_asking(cycle: Row, ids: Sequence[str], turns: Sequence[Row]) -> Iterator[str]:
    """Everybody was asked, unless a rule kept it from a call: the same prompt at the same time until the same deadline."""
    for llm_id in ids:
        if sum(row["llm_id"] == llm_id for row in turns) != 1:
            yield f"{llm_id} has no turn, or more than one"
    for row in turns:
        if row["asked_at"] is None and row["failure"] not in NOT_ASKED:
            yield f"it is not recorded how {row['llm_id']} was asked"
        elif row["asked_at"] is not None and row["prompt_hash"] != cycle["prompt_hash"]:
            yield f"{row['llm_id']} was sent another prompt than the cycle's"
    asked = [row for row in turns if row["asked_at"] is not None]
    deadlines = {row["llm_id"]: row["deadline_at"] for row in asked}
    if len(set(deadlines.values())) > 1:
        yield f"the deadlines differ: {_listed(deadlines)}"
    times = {row["llm_id"]: datetime.fromisoformat(row["asked_at"]) for row in asked}
    if times and max(times.values()) - min(times.values()) > SAME_TIME:
        yield f"they were not asked at the same time: {_listed(times)}"


def _unequal_settings(calls: Sequence[Row]) -> Iterator[str]:
    sent = [(row["llm_id"], settings_of(parameters)) for row in calls if (parameters := json.loads(row["parameters"] or "{}"))]
    for name in sent[0][1] if sent else ():
        values = {llm_id: settings[name] for llm_id, settings in sent}
        if len({settings[name] for _, settings in sent}) > 1:
            yield f"they were not sent the same {name.replace('_', ' ')}: {_listed(values)}"


def _early_orders(turns: Sequence[Row], order: Sequence[str]) -> Iterator[str]:
    answered = [(datetime.fromisoformat(row["answered_at"]), row["llm_id"]) for row in turns if row["answered_at"]]
    sent = {row["llm_id"]: datetime.fromisoformat(row["ordered_at"]) for row in turns if row["ordered_at"]}
    if answered:
        last, who = max(answered)
        for llm_id, time in sent.items():
            if time < last:
                early = (last - time) / timedelta(milliseconds=1)
                yield f"an order of {llm_id} was sent {early:.0f} ms before the answer of {who} was in"
    if sorted(sent, key=sent.__getitem__) != [llm_id for llm_id in order if llm_id in sent]:
        yield f"orders were not sent in the order {', '.join(order)}"


def _wrong_order(order: Sequence[str], ids: Sequence[str]) -> Iterator[str]:
    if sorted(order) != sorted(ids):
        yield f"the execution order names {', '.join(order) or 'nobody'} instead of every competitor once"


def _changes(booked: Sequence[Row], texts: Mapping[str, str]) -> Iterator[Violation]:
    for before, after in pairwise(booked):
        old, new = before["configuration_hash"], after["configuration_hash"]
        if old and new and old != new:
            what = _difference(json.loads(texts.get(old, "{}")), json.loads(texts.get(new, "{}")))
            yield Violation(cycle=after["number"], text=f"the configuration changed: {what}")


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    names = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    told = (f"{name} from {old.get(name)} to {new.get(name)}" if name not in _UNREADABLE else f"the {name}" for name in names)
    return ", ".join(told) or "to one that is not recorded"


def _uneven_rotation(first: Mapping[str, int], lost: int) -> Iterator[str]:
    """Each is first equally often, to within one, and to within the cycles that were begun but never booked."""
    if first and max(first.values()) - min(first.values()) > 1 + lost:
        yield f"they were not first in the execution order equally often: {_listed(first)}"


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'none' if value is None else value}" for name, value in values.items())


def _by_cycle(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["cycle"], []).append(row)
    return found
