"""How well each competitor has answered, and what its answers have cost: counted from the rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from arena.application.fairness_rules import NOT_ASKED
from arena.domain.money import ZERO
from arena.verdict.rows import Row, Tables

LATE = ("late", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """One competitor's answers.

    Attributes:
        asked: Turns in which the model was asked.  valid: Of these, with a valid decision.
        repairs: Calls that sent an answer back.  late: Turns without an answer in time.
        decided: Decisions about a symbol.  holds: Of these, to change nothing.
        rejected: By the rules of risk, by reason.
        calls, tokens, cost_usd: Of the model; cost None where a price is not known.
    """

    asked: int
    valid: int
    repairs: int
    late: int
    decided: int
    holds: int
    rejected: Mapping[str, int]
    calls: int
    tokens: int
    cost_usd: Decimal | None

    @property
    def valid_rate(self) -> float | None:
        """Fraction of the turns in which it was asked; None before the first."""
        return self.valid / self.asked if self.asked else None

    @property
    def hold_rate(self) -> float | None:
        """Fraction of the decisions about a symbol; None before the first."""
        return self.holds / self.decided if self.decided else None


def conducts(tables: Tables) -> dict[str, Conduct]:
    """Return every competitor's conduct, by llm_id."""
    turned = _counted(tables["turns"], "answer", "failure", "calls")
    refused = _counted(tables["rejections"], "reason")
    called = _counted(tables["model_calls"], "purpose")
    ids = [row["llm_id"] for row in tables["competitors"]]
    spent = {llm_id: [row for row in tables["model_calls"] if row["llm_id"] == llm_id] for llm_id in ids}
    return {
        llm_id: Conduct(
            **_turns(turned[llm_id]),
            repairs=called[llm_id][("repair",)],
            **_decisions([row for row in tables["decided"] if row["llm_id"] == llm_id and row["symbol"] is not None]),
            rejected={reason: count for (reason,), count in refused[llm_id].items()},
            calls=len(spent[llm_id]),
            tokens=sum((row["input_tokens"] or 0) + (row["output_tokens"] or 0) for row in spent[llm_id]),
            cost_usd=_cost(spent[llm_id]),
        )
        for llm_id in ids
    }


def _counted(rows: Sequence[Row], *names: str) -> defaultdict[str, Counter[tuple[Any, ...]]]:
    """Return how often each competitor has these values; a long season has a million rows, and few different ones."""
    found: defaultdict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    pick = itemgetter("llm_id", *names)
    for (llm_id, *values), count in Counter(map(pick, rows)).items():
        found[llm_id][tuple(values)] += count
    return found


def _turns(counted: Mapping[tuple[Any, ...], int]) -> dict[str, int]:
    asked = {key: count for key, count in counted.items() if key[2] and key[1] not in NOT_ASKED}
    return {
        "asked": sum(asked.values()),
        "valid": sum(count for (answer, _, _), count in asked.items() if answer == "decision"),
        "late": sum(count for (_, failure, _), count in asked.items() if failure in LATE),
    }


def _decisions(counted: Sequence[Row]) -> dict[str, int]:
    return {
        "decided": sum(row["count"] for row in counted),
        "holds": sum(row["count"] for row in counted if row["decision_type"] == "hold"),
    }


def _cost(calls: Sequence[Row]) -> Decimal | None:
    """Return the cost of calls; nothing is known of one that was not answered, and one without a price makes it None."""
    costs = [row["cost_usd"] for row in calls if row["input_tokens"] is not None]
    return None if None in costs else sum(map(Decimal, costs), ZERO)
