"""What luck alone makes of a competitor's trades: a thousand traders make them, each at instants of its own, drawn at random.

They have its symbols, sides, holding times, number of trades, usual leverage, slippage and mean size, and pay the taker's fee.
Who beats few of them had no better instants than chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from arena.adapters.paper.engine import DEFAULT_SLIPPAGE_BPS
from arena.adapters.recorded.files import Floats
from arena.replay.matched import Trades, percentile, random_outcomes, random_season
from arena.replay.season import Season
from arena.replay.seat import Terms
from arena.verdict.baselines import Baseline, fees, openings, refusals
from arena.verdict.frame import Unknown
from arena.verdict.market import Market
from arena.verdict.rows import Row
from arena.verdict.traded import read_traded

TRADERS = 1000
NAME = "matched random, median"


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """A competitor among those who make its trades by chance.

    Attributes:
        percentile: How many of them it leaves behind, 0 to 100.
        low, median, high: The 5th, 50th and 95th percentile of what they have at the end, USDT.
        outcomes: What each of them has, USDT; shape (traders,).
        terms, trades, seed: Of which any of them can be played again.
    """

    percentile: float
    low: float
    median: float
    high: float
    outcomes: Floats
    terms: Terms
    trades: Trades
    seed: int


def luck(
    market: Market,
    rows: Iterable[Row],
    final: float,
    *,
    slippage_bps: float = float(DEFAULT_SLIPPAGE_BPS),
    traders: int = TRADERS,
    seed: int = 0,
) -> Luck | Unknown:
    """Return where a competitor stands among those who make its trades by chance.

    Args:
        market: The season's.
        rows: The competitor's of the tables closed_trades and positions.
        final: What it has at the end, USDT.
        slippage_bps: By which its orders traded worse than the market, on average.
        traders: How many, ≥ 1.
        seed: ≥ 0; the same one draws the same traders.

    Returns:
        Unknown where it has no trades, or so many that the season's bars have no room to move them about.
    """
    tape = market.tape
    made = read_traded(rows, tape.symbols, market.archive.interval, market.frame.end)
    if made is None:
        return Unknown(reason="it has not traded")
    terms = Terms(
        capital=market.frame.capital,
        leverage=made.leverage,
        value=float(made.worth),
        share=0.0,
        stop=0,
        target=0,
        slippage=round(slippage_bps * 100),
    )
    try:
        outcomes = random_outcomes(tape, terms, made.trades, traders=traders, seed=seed)
    except ValueError as error:
        return Unknown(reason=f"its trades leave chance no room: {error}")
    low, median, high = np.percentile(outcomes, (5, 50, 95)).tolist()
    return Luck(
        percentile=percentile(final, outcomes),
        low=low,
        median=median,
        high=high,
        outcomes=outcomes,
        terms=terms,
        trades=made.trades,
        seed=seed,
    )


def median_row(market: Market, lucks: Mapping[str, Luck]) -> Baseline | Unknown:
    """Return the row of the trader by chance who is nearest to the median of all competitors' traders together.

    Args:
        market: The season's.
        lucks: By the competitor's name for people.
    """
    if not lucks:
        return Unknown(reason="nobody's trades could be made by chance")
    median = float(np.median(np.concatenate([each.outcomes for each in lucks.values()])))
    nearest = {name: float(np.abs(each.outcomes - median).min()) for name, each in lucks.items()}
    chosen = lucks[min(nearest, key=lambda name: nearest[name])]
    played = _season_of(market, chosen, median)
    beaten = ", ".join(
        f"{name} {'beats ' if not number else ''}{each.percentile:.0f} %" for number, (name, each) in enumerate(lucks.items())
    )
    traders = max(len(each.outcomes) for each in lucks.values())
    return Baseline(
        name=NAME,
        words=f"makes a competitor's trades at random instants; of {traders:,} such traders each, {beaten}",
        times=market.times,
        equity=market.told(played.equity),
        trades=openings(played),
        fees=fees(played, market.tape),
        funding=played.funding,
        refused=refusals(played),
    )


def median_curve(market: Market, found: Luck) -> Floats:
    """Return the equity, at the market's times, of the trader who is nearest to a competitor's median; shape (N,), USDT."""
    return market.told(_season_of(market, found, found.median).equity)


def _season_of(market: Market, found: Luck, outcome: float) -> Season:
    """Play the trader again who came nearest to an outcome."""
    number = int(np.abs(found.outcomes - outcome).argmin())
    return random_season(market.tape, found.terms, found.trades, number=number, seed=found.seed)
