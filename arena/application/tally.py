"""One competitor's result, added up row by row: a long season is never read twice for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arena.domain.money import ZERO, plain, quantized

Row = Mapping[str, Any]

TALLIED = ("equity_points", "turns", "model_calls")  # the tables that are added up; what else counts is in the account


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


class Tally:
    """What one competitor's turns, calls and equity points have come to so far.

    Args:
        competitor: Its row.
        capital: USDT, > 0.
    """

    def __init__(self, competitor: Row, capital: Decimal) -> None:
        self._competitor = competitor
        self._capital = self._high = self._equity = capital
        self._max_drawdown = ZERO
        self._asked = self._valid = 0
        self._calls = self._failed = self._repairs = self._latency_ms = 0
        self._tokens = dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens"), 0)
        self._cost: Decimal | None = ZERO

    def add(self, table: str, row: Row) -> None:
        """Add a row of one of the tables of `TALLIED`, in booking order."""
        match table:
            case "equity_points":
                self._worth(Decimal(row["equity"]))
            case "turns":
                self._asked += row["calls"] > 0
                self._valid += row["calls"] > 0 and row["answer"] == "decision"
            case "model_calls":
                self._called(row)

    def _worth(self, equity: Decimal) -> None:
        self._equity = equity
        self._high = max(self._high, equity)
        self._max_drawdown = max(self._max_drawdown, (self._high - equity) / self._high)

    def _called(self, row: Row) -> None:
        self._calls += 1
        self._failed += row["fault"] is not None
        self._repairs += row["purpose"] == "repair"
        self._latency_ms += row["latency_ms"]
        for name in self._tokens:
            self._tokens[name] += row[name] or 0
        if row["input_tokens"] is not None and self._cost is not None:
            self._cost = None if row["cost_usd"] is None else self._cost + Decimal(row["cost_usd"])

    def standing(self, account: Row) -> Standing:
        """Return the result, with the competitor's account as it is now."""
        trades = account["total_trades"]
        return Standing(
            llm_id=self._competitor["llm_id"],
            provider=self._competitor["provider"],
            model=self._competitor["model"],
            baseline=self._competitor["baseline"],
            capital=self._capital,
            equity=self._equity,
            roi=quantized((self._equity - self._capital) / self._capital),
            wallet_balance=Decimal(account["current_balance"]),
            unrealized_pnl=Decimal(account["unrealized_pnl"]),
            fees=Decimal(account["fees"]),
            funding=Decimal(account["funding"]),
            trades=trades,
            win_rate=_share(account["winning_trades"], trades),
            asked=self._asked,
            valid_answers=_share(self._valid, self._asked),
            calls=self._calls,
            failed_calls=self._failed,
            repairs=self._repairs,
            latency_seconds=_share(self._latency_ms, 1000 * self._calls),
            **self._tokens,
            model_cost_usd=self._cost,
            max_drawdown=quantized(self._max_drawdown),
        )


def tallies_of(competitors: Sequence[Row], accounts: Sequence[Row]) -> dict[str, Tally]:
    """Return a tally for each competitor, with nothing added yet."""
    capitals = {row["llm_id"]: Decimal(row["initial_balance"]) for row in accounts}
    return {row["llm_id"]: Tally(row, capitals[row["llm_id"]]) for row in competitors}


def net_pnl(trade: Row) -> str:
    """Return what a closed trade has earned after fees and funding, USDT."""
    return plain(Decimal(trade["pnl"]) - Decimal(trade["fees"]) - Decimal(trade["funding"]))


def _share(part: int, whole: int) -> Decimal | None:
    return quantized(Decimal(part) / whole) if whole else None
