"""The verdict in words: what the data says, and what is missing until it says more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from arena.analysis.inference import SHORTEST, SIGNIFICANT, Contest, Pair
from arena.verdict.hours import Gap
from arena.verdict.judgement import Subject

NEVER_DAYS = 3650  # what takes longer is not worth a number
_NEARLY = 1e-6  # days that are lost where hours are added up as doubles
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def headline(contest: Contest | None, names: Sequence[str], roi: Sequence[float], *, cycles: int, traded: bool) -> str:
    """Return the verdict in a sentence or two.

    Args:
        contest: What the comparison came to; None before the first cycle.
        names, roi: Of the contestants, in its order; ROIs as fractions.
        cycles: Booked ones.
        traded: Whether anybody has.
    """
    if contest is None or not cycles:
        return "No winner yet: no cycle has been booked."
    if len(names) == 1:
        return f"No contest: {names[0]} competes alone. It stands at {_percent(roi[0])} after {span(contest.days)}."
    if not traded:
        return f"No winner yet: nobody has traded in {in_cycles(cycles)}."
    if contest.winner is not None:
        return f"The winner is {names[contest.winner]}: {_percent(roi[contest.winner])} in {span(contest.days)}."
    return _no_winner(contest, names, roi, cycles)


def _no_winner(contest: Contest, names: Sequence[str], roi: Sequence[float], cycles: int) -> str:
    if contest.leader is None:
        level = [name for name, each in zip(names, roi, strict=True) if each == max(roi)]
        return f"No winner yet: {_listed(level)} are level at {_percent(max(roi))}."
    if contest.luck is None:
        return f"No winner yet: {in_cycles(cycles)} over {span(contest.days)} cannot tell these models apart."
    return f"No winner yet. {_lead(names, roi)}; {_luck(contest.luck, len(names))}."


def details(contest: Contest | None, names: Sequence[str]) -> tuple[str, ...]:
    """Return what supports the verdict, a sentence each: what is missing, the confidence set, how likely each is on top."""
    if contest is None or len(names) == 1:
        return ()
    found = [*_missing(contest, names)]
    if contest.kept is not None:
        kept = [name for name, inside in zip(names, contest.kept, strict=True) if inside]
        found.append(f"90 % Model Confidence Set: {', '.join(kept)}.")
    if contest.top is not None:
        order = sorted(zip(names, contest.top, strict=True), key=lambda each: -each[1])
        told = ", ".join(f"{name} {100 * share:.0f}" for name, share in order)
        found.append(f"Of 100 seasons put together from blocks of this one, these end on top: {told}.")
    return tuple(found)


def remarks(subjects: Sequence[Subject], gaps: Sequence[Gap], why: str, *, rules: bool) -> tuple[str, ...]:
    """Return what a reader must know besides, a sentence each.

    Args:
        subjects: Of the competitors.
        gaps: Of the season.
        why: What is missing of the baselines, without a full stop; empty where nothing is.
        rules: Whether all competitors are rules.
    """
    found = [
        f"{each.llm_id} ({each.model}) was liquidated on {_day(each.liquidated[0])}." for each in subjects if each.liquidated
    ]
    if gaps:
        hours = sum((gap.until - gap.since).total_seconds() for gap in gaps) / 3600
        longest = max(gaps, key=lambda gap: gap.until - gap.since)
        found.append(
            f"No cycle was booked for {hours:.0f} hours in all, longest from {_day(longest.since)} on: they do not count as days "
            "of the season, and what positions made of them falls on the hour after."
        )
    if why:
        found.append(f"Baselines and matched random are missing: {why}.")
    if rules:
        found.append("All competitors here are baseline rules, none is an LLM.")
    return tuple(found)


def _missing(contest: Contest, names: Sequence[str]) -> tuple[str, ...]:
    """Return which conditions of a winner do not hold."""
    if contest.winner is not None or contest.leader is None:
        return ()
    found = []
    if contest.days < SHORTEST:
        found.append(f"The season has {span(contest.days)} of the {SHORTEST:.0f} days that a winner needs.")
    rivals = [pair for pair in contest.pairs if contest.leader in (pair.first, pair.second) and pair.adjusted > SIGNIFICANT]
    if rivals and contest.days >= SHORTEST:
        told = ", ".join(f"{names[_rival(pair, contest.leader)]} (p = {pair.adjusted:.2f})" for pair in rivals)
        found.append(f"Its difference to {told} may be chance; below 0.05 is needed against everybody.")
    return (*found, *_patience(contest))


def _patience(contest: Contest) -> tuple[str, ...]:
    needed = contest.days_needed
    if needed is None:
        return ()
    more = ceil(needed - contest.days)
    if needed > NEVER_DAYS:
        return ("A lead of this size would take more than ten years to settle.",)
    if more <= 0:
        return ()
    return (f"About {more:,} more {'day' if more == 1 else 'days'} would settle a lead of this size.",)


def _rival(pair: Pair, leader: int) -> int:
    return pair.second if pair.first == leader else pair.first


def _lead(names: Sequence[str], roi: Sequence[float]) -> str:
    first, second = sorted(range(len(roi)), key=lambda each: -roi[each])[:2]
    points = 100 * (roi[first] - roi[second])
    return f"{names[first]} leads {names[second]} by {points:.1f} {'point' if f'{points:.1f}' == '1.0' else 'points'}"


def _luck(luck: float, contestants: int) -> str:
    count = _NUMBERS[contestants] if contestants < len(_NUMBERS) else str(contestants)
    share = 100 * luck
    if share < 1:
        return f"{count} equal models would show a gap this wide in fewer than 1 of 100 seasons"
    return f"{count} equal models would show a gap this wide in {share:.0f} of 100 seasons"


def span(days: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, length in (("day", 1.0), ("hour", 1 / 24), ("minute", 1 / 1440)):
        count = days / length + _NEARLY
        if count >= (2 if unit == "day" else 1):
            shown = f"{count:.0f}" if unit != "hour" or count >= 10 else f"{count:.1f}".removesuffix(".0")
            return f"{shown} {unit}{'' if shown == '1' else 's'}"
    return f"{days * 86_400:.0f} seconds"


def in_cycles(count: int) -> str:
    """Return a number of cycles."""
    return f"{count:,} {'cycle' if count == 1 else 'cycles'}"


def _percent(fraction: float) -> str:
    shown = f"{100 * fraction:+.1f}".replace("-", "−")
    return ("0.0" if shown in ("+0.0", "−0.0") else shown) + " %"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"
