"""From what has been read of a season to what the API answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from arena.application.standing import SeasonStatus
from arena.application.tally import Standing, net_pnl
from arena.dashboard import answers
from arena.dashboard.curve import iso
from arena.dashboard.cycle_index import CycleRows
from arena.dashboard.season_view import SeasonView
from arena.dashboard.watch import Watch
from arena.domain.competitor import REPLAY
from arena.domain.money import plain, quantized

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = Mapping[str, Any]
Kind = Literal["generated", "recorded", "paper", "testnet", "mainnet"]

SHOWN_VIOLATIONS = 200
RECENT = 30  # of a competitor's decisions and trades on its page
_WARNINGS: Mapping[Kind, str] = {
    "generated": "these prices never existed",
    "recorded": "recorded prices, a simulated exchange",
    "paper": "live prices, accounts of the arena's own: nobody's money",
    "testnet": "the exchange's testnet: nobody's money",
    "mainnet": "",
}


def status(watch: Watch) -> answers.Status:
    """Return what happens now."""
    view, standing = watch.view, watch.standing
    season, cycles = view.season, view.cycles
    kind = _kind(season)
    return answers.Status(
        version=watch.version,
        season=view.season_id,
        state=standing.status.value,
        reason=standing.reason,
        since=iso(standing.time),
        market=season["market"],
        market_kind=kind,
        market_warning=_WARNINGS[kind],
        simulated_clock=_past(season) or season["environment"] == "demo",
        account_mode=season["account_mode"],
        strategy=season["strategy"],
        symbols=json.loads(season["symbols"]),
        interval_seconds=season["interval_seconds"],
        started_at=season["started_at"],
        cycles=len(cycles),
        lost=cycles.lost,
        last_cycle=_times(cycles.last),
        under_way=_times(cycles.begun),
        next_due_at=_next_due(watch),
        discrepancies=view.discrepancies,
        store_away=watch.away,
    )


def board(view: SeasonView, judged: answers.Judged | None = None, *, judging: bool = False) -> answers.Board:
    """Return the ranking.

    Args:
        judged: The newest judgement, whose headline is the verdict.
        judging: Whether one is being made.
    """
    found = view.leaderboard()
    ranking = [_ranked(rank, each) for rank, each in enumerate(found.competitors, 1)]
    fair = found.fairness
    return answers.Board(
        season=found.season,
        market=found.market,
        cycles=found.cycles,
        hours=plain(found.hours),
        verdict=judged.headline if judged else found.verdict,
        verdict_as_of=judged.as_of if judged else None,
        judging=judging,
        remark=_remark(ranking, found.cycles),
        fairness=answers.FairnessLine(fair=fair.fair, violations=len(fair.violations), sentence=fair.sentence),
        competitors=ranking,
    )


def verdict(view: SeasonView, judged: answers.Judged) -> answers.Verdict:
    """Return the newest judgement, and how old it is."""
    return answers.Verdict(**dict(judged), behind=max(0, len(view.cycles) - judged.cycles))


def unjudged(view: SeasonView, *, judging: bool) -> str:
    """Return why there is no judgement."""
    if not len(view.cycles):
        return "there is no verdict yet: no cycle has been booked"
    return "there is no verdict yet: " + ("the first one is being computed" if judging else "`arena verdict` makes one")


def accounts(view: SeasonView) -> list[answers.AccountRow]:
    """Return the wallets."""
    return [answers.AccountRow.model_validate(row) for row in view.accounts]


def positions(view: SeasonView) -> list[answers.Held]:
    """Return what is held."""
    return [answers.Held.model_validate(row) for row in view.holdings.positions(view.accounts, view.contracts)]


def trade(row: Row) -> answers.Trade:
    """Return a closed position with its net profit."""
    return answers.Trade.model_validate({**row, "net_pnl": net_pnl(row)})


def equity(view: SeasonView, since: datetime | None, until: datetime | None, most: int) -> answers.Equity:
    """Return the curves between two times."""
    curves = []
    for llm_id, curve in view.curves.items():
        points = curve.points(since, until, most)
        times, worths, falls = (list(each) for each in zip(*points, strict=True)) if points else ([], [], [])
        curves.append(answers.Curve(llm_id=llm_id, times=times, equity=worths, drawdown=falls))
    return answers.Equity(capital=view.accounts[0]["initial_balance"], curves=curves)


def story(view: SeasonView, found: CycleRows) -> answers.CycleStory:
    """Return a cycle, the competitors side by side in the season's order."""
    number = found.cycle["number"]
    before, after = view.cycles.neighbours(number)

    def of(table: str, llm_id: str) -> list[Row]:
        return [row for row in found.tables[table] if row["llm_id"] == llm_id]

    turns = [
        {**turn, "calls": of("model_calls", llm_id), "decisions": of("llm_decisions", llm_id), "fills": of("fills", llm_id)}
        for llm_id in (row["llm_id"] for row in view.competitors)
        for turn in of("turns", llm_id)
    ]
    order = json.loads(found.cycle["execution_order"])
    return answers.CycleStory.model_validate(
        {**found.cycle, "execution_order": order, "before": before, "after": after, "turns": turns}
    )


async def competitor(view: SeasonView, llm_id: str) -> answers.Competitor:
    """Return one competitor that there is."""
    row = next(row for row in view.competitors if row["llm_id"] == llm_id)

    def own(each: Row) -> bool:
        return bool(each["llm_id"] == llm_id)

    decisions, trades = [await feed.page(view.store, view.season_id, None, RECENT, own) for feed in (view.decisions, view.trades)]
    return answers.Competitor(
        standing=next(each for each in board(view).competitors if each.llm_id == llm_id),
        base_url_host=urlsplit(row["base_url"]).hostname if row["base_url"] else None,
        **{name: row[name] for name in ("max_tokens", "temperature", "thinking", "reasoning_effort", "seed")},
        positions=[each for each in positions(view) if each.llm_id == llm_id],
        decisions=[answers.Decided.model_validate(each) for each in decisions.rows],
        trades=[trade(each) for each in trades.rows],
    )


def costs(view: SeasonView) -> answers.Costs:
    """Return what the season has cost."""
    found = view.leaderboard()
    spent = [each.model_cost_usd for each in found.competitors]
    known = [each for each in spent if each is not None]
    rows = [
        answers.Cost.model_validate(as_row(each) | {"model_cost_per_cycle_usd": _share(each.model_cost_usd, found.cycles)})
        for each in sorted(found.competitors, key=lambda each: each.llm_id)
    ]
    whole = plain(sum(known, Decimal(0))) if len(known) == len(spent) else None
    return answers.Costs(cycles=found.cycles, model_cost_usd=whole, competitors=rows)


def fairness(view: SeasonView) -> answers.FairnessFound:
    """Return whether all were treated alike."""
    found = view.fairness()
    shown = found.to_json()["violations"][:SHOWN_VIOLATIONS]
    return answers.FairnessFound.model_validate(
        {**found.to_json(), "sentence": found.sentence, "violations": len(found.violations), "shown": shown}
    )


def _kind(season: Row) -> Kind:
    if "generated" in season["market"].lower():
        return "generated"
    found: Kind = "recorded" if _past(season) or season["environment"] == "demo" else season["environment"]
    return found


def _past(season: Row) -> bool:
    """Return whether a season is a replay."""
    return bool(season["market"].startswith(REPLAY))


def _times(cycle: Row | None) -> answers.CycleTimes | None:
    return None if cycle is None else answers.CycleTimes.model_validate(cycle)


def _next_due(watch: Watch) -> str | None:
    """Return when the next cycle is due, by the schedule; None while none will begin."""
    last = watch.view.cycles.begun or watch.view.cycles.last
    if watch.standing.status is not SeasonStatus.RUNNING or last is None or _past(watch.view.season):
        return None
    return iso(datetime.fromisoformat(last["scheduled_at"]) + timedelta(seconds=watch.view.season["interval_seconds"]))


def _ranked(rank: int, standing: Standing) -> answers.Ranked:
    earned = standing.equity - standing.capital
    cost = standing.model_cost_usd
    shares = {
        "roi_gross": _share(earned + standing.fees + standing.funding, standing.capital),
        "roi_after_model_cost": None if cost is None else _share(earned - cost, standing.capital),
    }
    return answers.Ranked.model_validate({"rank": rank, **as_row(standing), **shares})


def as_row(found: DataclassInstance) -> dict[str, Any]:
    """Return an object's fields with amounts as text."""
    values = ((each.name, getattr(found, each.name)) for each in fields(found))
    return {name: plain(value) if isinstance(value, Decimal) else value for name, value in values}


def _share(part: Decimal | None, whole: Decimal | int) -> str | None:
    return plain(quantized(part / whole)) if part is not None and whole else None


def _remark(ranking: list[answers.Ranked], cycles: int) -> str:
    said = []
    if len(ranking) > 1 and cycles:
        said.append("The order is by ROI after fees and funding. A ranking is what happened, not who is better.")
    if ranking and all(each.baseline for each in ranking):
        said.append("All competitors here are baseline rules, none is an LLM.")
    return " ".join(said)
