"""Fuzzed seasons: markets with gaps, crashes, bars without volume, marks of their own, fundings; traders who go too far."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from arena.adapters.recorded import CandleArchive
from arena.replay.decisions import HOLD, Wants
from arena.replay.seat import Terms
from tests.fakes.candles import BAR, START, write_candles, write_funding, write_mark

PRICES = {"BTCUSDT": (50_000.0, 1), "DOGEUSDT": (0.3, 5), "ABCUSDT": (12.0, 3)}  # the last one is known to no table: narrow tiers


def market(folder: Path, seed: int, bars: int) -> CandleArchive:
    """Write a market's files and return them as an archive."""
    dice = np.random.default_rng(seed)
    marks = dice.random() < 0.5
    for symbol, (price, digits) in PRICES.items():
        rows = _rows(dice, price, digits, bars)
        write_candles(folder / "5m", symbol, rows)
        hours = bars // 12 + 1
        if marks:
            write_mark(folder / "mark-1h", symbol, [_hour(rows[12 * hour :], price, dice, digits) for hour in range(hours)])
        write_funding(folder / "funding", symbol, _rates(dice, bars))
    return CandleArchive(folder / "5m")


def wanted(seed: int, bars: int, symbols: int, every: int = 6) -> Wants:
    """Return what somebody without a plan wants: a change in so many bars on average."""
    dice = np.random.default_rng(seed)
    wants = dice.integers(-1, 2, (bars, symbols)).astype(np.int8)
    wants[dice.random(wants.shape) > 1 / every] = HOLD
    return wants


def terms(seed: int) -> Terms:
    """Return how somebody trades: small or large, with care or, every third, as close to a liquidation as the venue lets him."""
    dice = np.random.default_rng(seed)
    capital, slippage = float(dice.choice([200, 5_000, 60_000])), int(dice.choice([0, 200, 1234]))
    target = int(dice.choice([0, 50, 400]))
    if seed % 3 == 0:
        leverage = int(dice.choice([20, 50]))
        return Terms(capital, leverage, 0.0, 0.3 * leverage, 0, target, slippage)
    leverage = int(dice.choice([1, 5, 20, 75]))
    value, share = (0.0, float(dice.choice([0.3, 0.9, 4.0]))) if dice.random() < 0.7 else (capital / 4, 0.0)
    return Terms(capital, leverage, value, share, int(dice.choice([0, 30, 200])), target, slippage)


def _rows(dice: np.random.Generator, price: float, digits: int, bars: int) -> list[str | None]:
    rows: list[str | None] = []
    tick = 10.0**-digits
    for bar in range(bars):
        if dice.random() < 0.03:
            price *= float(np.exp(dice.normal(0, 0.2)))  # crashes and their opposite
        opened = max(tick, round(price * float(np.exp(dice.normal(0, 0.002))), digits))
        closed = max(tick, round(opened * float(np.exp(dice.normal(0, 0.01))), digits))
        high = round(max(opened, closed) * (1 + abs(dice.normal(0, 0.005))), digits)
        low = max(tick, round(min(opened, closed) * (1 - min(0.9, abs(dice.normal(0, 0.005)))), digits))
        volume = 0 if dice.random() < 0.05 else 10
        gap = bar not in (0, bars - 1) and dice.random() < 0.05
        rows.append(None if gap else f"{opened} {max(high, opened, closed)} {min(low, opened, closed)} {closed} {volume}")
        price = closed
    return rows


def _hour(rows: list[str | None], price: float, dice: np.random.Generator, digits: int) -> str:
    """Return the mark of the hour that begins with these rows: mostly inside of what was traded."""
    known = [[float(value) for value in row.split()] for row in rows[:12] if row is not None] or [[price] * 5]
    low, high = min(row[2] for row in known), max(row[1] for row in known)
    narrow, wide = low + (high - low) * dice.uniform(0, 0.3), high - (high - low) * dice.uniform(0, 0.3)
    opened = min(max(known[0][0], narrow), wide)
    return " ".join(f"{round(value, digits)}" for value in (opened, wide, narrow, opened))


def _rates(dice: np.random.Generator, bars: int) -> dict[datetime, float]:
    """Return fundings at bars' opens, and some between."""
    moments = [START + BAR * int(bar) for bar in dice.choice(bars, bars // 12, replace=False)]
    moments += [START + BAR * int(bar) + timedelta(seconds=77) for bar in dice.choice(bars, 3, replace=False)]
    return {moment: round(float(dice.normal(0, 0.002)), 8) for moment in sorted(moments)}
