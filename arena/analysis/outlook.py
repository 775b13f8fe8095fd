"""A planned season's prospects in figures and in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from arena.analysis.inference import SHORTEST
from arena.analysis.power import (
    DAY_S,
    Prospect,
    break_even,
    calls_drag,
    daily_sigma,
    pair_days,
    pair_power,
    remedies,
    winner_days,
    winner_power,
)

CAPITAL = 200.0  # USDT of a competitor, as the arena gives it
HOUR_S = 3600.0
HOLDINGS = {"1 h": HOUR_S, "4 h": 4 * HOUR_S, "a day": DAY_S}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A season before it is played.

    Attributes:
        days: Its length.
        competitors: Models, ≥ 2.
        interval_s: Between two cycles, seconds.
        leverage: Of all positions together.
        difference, correlation: See `power.Prospect`.
        call_cost: Of one answer, USD.
    """

    days: float
    competitors: int
    interval_s: float
    leverage: float
    difference: float
    correlation: float
    call_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the season finds as planned, or otherwise.

    Attributes:
        what: In words.
        pair, winner: Probabilities of telling two given models apart, and of declaring the best one, 0 to 1.
        pair_days, winner_days: Until these are 80 %, whole days.
    """

    what: str
    pair: float
    pair_days: int
    winner: float
    winner_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What can be said of a plan.

    Attributes:
        sigma: Of a model's return of a day, fraction of the capital.
        cases: The plan itself first.
        calls: What a competitor's answers cost a day, fraction of its capital.
        break_even: How often a trade must be right to pay its cost, by how long it is held, in words; above 1 where it cannot.
        sentences: All of it for people.
    """

    plan: Plan
    title: str
    sigma: float
    cases: tuple[Case, ...]
    calls: float
    break_even: dict[str, float]
    sentences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as `json` takes it."""
        return asdict(self)


def outlook(plan: Plan) -> Outlook:
    """Return what a season will be able to tell."""
    prospect = Prospect(
        competitors=plan.competitors,
        difference=plan.difference,
        sigma=daily_sigma(plan.leverage),
        correlation=plan.correlation,
    )
    cases = [_case("as planned", plan.days, prospect)]
    cases += [_case(what, plan.days, other) for what, other in remedies(prospect).items()]
    cases.append(_case("each decides at instants of its own, correlation 0", plan.days, replace(prospect, correlation=0.0)))
    holdings = {_span(plan.interval_s): plan.interval_s} | {
        name: held for name, held in HOLDINGS.items() if held > plan.interval_s
    }
    needed = {name: break_even(each) for name, each in holdings.items()}
    calls = calls_drag(plan.interval_s, plan.call_cost, CAPITAL)
    return Outlook(
        plan=plan,
        title=f"{plan.competitors} competitors, {plan.days:g} days, a difference of {100 * plan.difference:g} % a day",
        sigma=prospect.sigma,
        cases=tuple(cases),
        calls=calls,
        break_even=needed,
        sentences=tuple(_sentences(plan, prospect.sigma, cases, calls, needed)),
    )


def _case(what: str, days: float, prospect: Prospect) -> Case:
    return Case(
        what=what,
        pair=pair_power(prospect, days),
        pair_days=ceil(pair_days(prospect)),
        winner=winner_power(prospect, days),
        winner_days=ceil(winner_days(prospect)),
    )


def _sentences(plan: Plan, sigma: float, cases: list[Case], calls: float, needed: dict[str, float]) -> list[str]:
    planned, *others = cases
    sooner = sorted((case for case in others if case.winner_days < planned.winner_days), key=lambda case: case.winner_days)
    found = [
        f"With {plan.competitors} competitors and {plan.days:g} days, a model that is ahead of every other by "
        f"{100 * plan.difference:g} % a day is declared the winner in {100 * planned.winner:.0f} of 100 seasons; "
        f"80 of 100 need {planned.winner_days:,} days."
    ]
    if plan.days < SHORTEST:
        found.append(f"No winner is declared before day {SHORTEST:.0f}, whatever the gains.")
    if sooner:
        found.append("What helps: " + "; ".join(f"{case.what} ({case.winner_days:,} days)" for case in sooner) + ".")
    found.append(
        f"Assumed: a model's return varies by {100 * sigma:.1f} % a day (six symbols at 75 % a year, long or short of each by "
        f"itself, leverage {plan.leverage:g}), two models' correlate by {plan.correlation:g}. Leverage multiplies luck and "
        "difference alike: it does not help."
    )
    return [*found, *_costs(plan, calls, needed)]


def _costs(plan: Plan, calls: float, needed: dict[str, float]) -> list[str]:
    shares = ", ".join(f"{name} {100 * share:.1f} %" if share <= 1 else f"{name} never" for name, share in needed.items())
    asked = f"{DAY_S / plan.interval_s:,.0f} answers a day at {plan.call_cost:g} USD"
    than = "more" if calls > plan.difference else "no more"
    costs = f"{asked} cost {100 * calls:.2f} % of {CAPITAL:g} USDT a day, {than} than the difference that is looked for"
    if plan.interval_s < HOUR_S:
        costs += f"; asked every hour, {100 * calls * plan.interval_s / HOUR_S:.2f} %"
    return [
        f"How often a trade must be right to pay a round trip of 0.1 %, by how long it is held: {shares}.",
        f"{costs}. Cost hides no difference, for all pay it; it decides whether any of them earns something.",
    ]


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds < HOUR_S else f"{seconds / HOUR_S:g} h"
