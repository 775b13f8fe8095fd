"""The rules of a fair contest, each on the rows of one cycle or of the season: what breaks one is a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from arena.application.evidence import EQUAL_SETTINGS

Row = Mapping[str, Any]

NOT_ASKED = frozenset({"hourly_limit", "liquidated", "out_of_budget"})  # failures by which the rules of all keep one from a call
SAME_TIME = timedelta(seconds=1)  # within which all are asked; they are microseconds apart
_UNREADABLE = ("rules", "answer_schema")  # what changed of them is in the prompts


def broken(
    cycle: Row, ids: Sequence[str], order: Sequence[str], *, snapshots: Sequence[Row], turns: Sequence[Row], calls: Sequence[Row]
) -> Iterator[str]:
    """Yield what was unequal in a booked cycle.

    Args:
        ids: All competitors.  order: In which the cycle's orders were sent.
        snapshots, turns, calls: The cycle's rows.
    """
    yield from _missing_hashes(cycle, snapshots)
    yield from _uneven_asking(cycle, ids, turns)
    yield from _unequal_settings(calls)
    yield from _early_orders(turns, order)
    yield from _wrong_order(order, ids)


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


def unequal_terms(competitors: Sequence[Row]) -> Iterator[str]:
    """Yield in what the competitors differ that must be alike for all."""
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


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return in words what changed between two configurations."""
    names = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    told = (f"{name} from {old.get(name)} to {new.get(name)}" if name not in _UNREADABLE else f"the {name}" for name in names)
    return ", ".join(told) or "to one that is not recorded"


def uneven_rotation(first: Mapping[str, int], lost: int) -> Iterator[str]:
    """Yield where not each was first equally often, to within one and to within the cycles that were begun but never booked."""
    if first and max(first.values()) - min(first.values()) > 1 + lost:
        yield f"they were not first in the execution order equally often: {_listed(first)}"


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'none' if value is None else value}" for name, value in values.items())
