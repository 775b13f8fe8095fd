"""The ranking of a season, and what may be said about it: a ranking is not yet a winner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from arena.application.fairness import COLUMNS, Fairness, fairness, read_columns
from arena.application.ports import Records
from arena.domain.competitor import SeasonId
from arena.domain.money import ZERO, plain, quantized

Row = Mapping[str, Any]

_COLUMNS: dict[str, tuple[str, ...]] = {  # what the ranking needs; a long season's prompts and answers stay in the store
    "seasons": ("season_id", "market", "interval_seconds"),
    "competitors": ("llm_id", "provider", "model", "baseline"),
    "llm_accounts": (
        "llm_id",
        "initial_balance",
        "current_balance",
        "unrealized_pnl",
        "fees",
        "funding",
        "total_trades",
        "winning_trades",
    ),
    "cycles": ("status", "scheduled_at"),
    "equity_points": ("llm_id", "equity"),
    "turns": ("llm_id", "answer", "calls"),
    "model_calls": (
        "llm_id",
        "purpose",
        "fault",
        "latency_ms",
        "input_tokens",
        "cached_tokens",
        "output_tokens",
        "cost_usd",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One competitor's result; USDT unless said otherwise.

    Attributes:
        baseline: A deterministic rule, not an LLM.
        roi: Fraction of the capital, after fees and funding, before the model's own cost.
        trades: Positions closed.  win_rate: Fraction of them with a profit after fees and funding; None before the first.
        asked: Turns in which the model was asked.  valid_answers: Fraction of them with a valid decision; None before the first.
        calls: Of its model, repetitions and repair rounds with it.  failed_calls: Of these, those without an answer in time.
        repairs: Calls of repair rounds.
        latency_seconds: Mean of a call, failed ones with it; None before the first.
        input_tokens, cached_tokens, output_tokens: Of all calls; cached ones are among the input. What a provider counted
            for a call that was broken off is not known and not in it.
        model_cost_usd: US dollars, of all calls that were answered; None where the price of one is not known.
        max_drawdown: Largest fall from an earlier high, fraction of that high, ≥ 0.
    """

    llm_id: str
    provider: str
    model: str
    baseline: bool
    capital: Decimal
    equity: Decimal
    roi: Decimal
    wallet_balance: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    funding: Decimal
    trades: int
    win_rate: Decimal | None
    asked: int
    valid_answers: Decimal | None
    calls: int
    failed_calls: int
    repairs: int
    latency_seconds: Decimal | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    model_cost_usd: Decimal | None
    max_drawdown: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """A season's competitors, best first.

    Attributes:
        market: Where the prices come from, in words.
        cycles: Booked ones.
        hours: From the first cycle to the end of the last one's interval.
        verdict: What the data can say, in a sentence.
        fairness: Whether all were treated alike, and what all were sent.
    """

    season: SeasonId
    market: str
    cycles: int
    hours: Decimal
    verdict: str
    fairness: Fairness
    competitors: tuple[Standing, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object of `leaderboard.json`: `season`, and `competitors` as a list, best first; decimals are strings."""
        shown = {name: _shown(getattr(self, name)) for name in ("season", "market", "cycles", "hours", "verdict")}
        shown["fairness"] = {
            "fair": self.fairness.fair,
            "violations": len(self.fairness.violations),
            "sentence": self.fairness.sentence,
        }
        return {**shown, "competitors": [{"rank": rank, **_object(each)} for rank, each in enumerate(self.competitors, 1)]}


async def read_leaderboard(records: Records, season_id: SeasonId) -> Leaderboard:
    """Return a season's leaderboard as the records have it now.

    Raises:
        ConfigurationError: The records know no such season.
    """
    names = _COLUMNS | COLUMNS
    columns = {name: sorted({*_COLUMNS.get(name, ()), *COLUMNS.get(name, ())}) for name in names}
    tables = await read_columns(records, season_id, columns)  # once: a long season takes seconds
    return leaderboard(tables, fairness(tables))


def leaderboard(tables: Mapping[str, Sequence[Row]], found: Fairness) -> Leaderboard:
    """Return the leaderboard of one season's rows.

    Args:
        tables: Rows in booking order by table, with the columns of `_COLUMNS` at least.
        found: How fair the same season was.
    """
    season = tables["seasons"][0]
    accounts = {row["llm_id"]: row for row in tables["llm_accounts"]}
    standings = [_standing(row, accounts[row["llm_id"]], tables) for row in tables["competitors"]]
    booked = [row for row in tables["cycles"] if row["status"] == "booked"]
    hours = _hours(booked, season["interval_seconds"])
    return Leaderboard(
        season=SeasonId(season["season_id"]),
        market=season["market"],
        cycles=len(booked),
        hours=hours,
        verdict=_verdict(len(booked), hours),
        fairness=found,
        competitors=tuple(sorted(standings, key=lambda each: (-each.roi, each.llm_id))),
    )


def max_drawdown(equities: Iterable[Decimal], start: Decimal) -> Decimal:
    """Return the largest fall from an earlier high, as a fraction of that high; `start` (> 0) is the first high."""
    high, worst = start, ZERO
    for equity in equities:
        high = max(high, equity)
        worst = max(worst, (high - equity) / high)
    return quantized(worst)


def _standing(competitor: Row, account: Row, tables: Mapping[str, Sequence[Row]]) -> Standing:
    def own(table: str) -> list[Row]:
        return [row for row in tables[table] if row["llm_id"] == competitor["llm_id"]]

    capital = Decimal(account["initial_balance"])
    points = [Decimal(row["equity"]) for row in own("equity_points")]
    equity = points[-1] if points else capital
    asked = [row for row in own("turns") if row["calls"] > 0]
    calls = own("model_calls")
    return Standing(
        llm_id=competitor["llm_id"],
        provider=competitor["provider"],
        model=competitor["model"],
        baseline=competitor["baseline"],
        capital=capital,
        equity=equity,
        roi=quantized((equity - capital) / capital),
        wallet_balance=Decimal(account["current_balance"]),
        unrealized_pnl=Decimal(account["unrealized_pnl"]),
        fees=Decimal(account["fees"]),
        funding=Decimal(account["funding"]),
        trades=account["total_trades"],
        win_rate=_share(account["winning_trades"], account["total_trades"]),
        asked=len(asked),
        valid_answers=_share(sum(row["answer"] == "decision" for row in asked), len(asked)),
        calls=len(calls),
        failed_calls=sum(row["fault"] is not None for row in calls),
        repairs=sum(row["purpose"] == "repair" for row in calls),
        latency_seconds=_share(sum(row["latency_ms"] for row in calls), 1000 * len(calls)),
        input_tokens=_total("input_tokens", calls),
        cached_tokens=_total("cached_tokens", calls),
        output_tokens=_total("output_tokens", calls),
        model_cost_usd=_cost(calls),
        max_drawdown=max_drawdown(points, capital),
    )


def _share(part: int, whole: int) -> Decimal | None:
    return quantized(Decimal(part) / whole) if whole else None


def _total(column: str, calls: Sequence[Row]) -> int:
    return sum(row[column] or 0 for row in calls)


def _cost(calls: Sequence[Row]) -> Decimal | None:
    prices = [row["cost_usd"] for row in calls if row["input_tokens"] is not None]
    return None if None in prices else sum((Decimal(price) for price in prices), ZERO)


def _hours(booked: Sequence[Row], interval_seconds: int) -> Decimal:
    if not booked:
        return ZERO
    first, last = (datetime.fromisoformat(row["scheduled_at"]) for row in (booked[0], booked[-1]))
    seconds = (last - first) // timedelta(seconds=1) + interval_seconds
    return (Decimal(seconds) / 3600).quantize(Decimal("0.1"))


def _verdict(cycles: int, hours: Decimal) -> str:
    if not cycles:
        return "No winner yet: no cycle has been booked."
    counted = f"{cycles:,} {'cycle' if cycles == 1 else 'cycles'} over {plain(hours)} {'hour' if hours == 1 else 'hours'}"
    return f"No winner yet: {counted} cannot tell these models apart."


def _object(standing: Standing) -> dict[str, Any]:
    return {each.name: _shown(getattr(standing, each.name)) for each in fields(standing)}


def _shown(value: object) -> object:
    return plain(value) if isinstance(value, Decimal) else value
