"""Figures as readers see them: rounded, with a true minus, and a dash for what is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

MEASURES = (
    ("sharpe", "Sharpe"),
    ("sortino", "Sortino"),
    ("calmar", "Calmar"),
    ("volatility", "Volatility"),
    ("drawdown", "Drawdown"),
    ("halved", "P(below half)"),
    ("win_rate", "Win rate"),
    ("profit_factor", "Profit factor"),
    ("exposure", "Exposure"),
    ("turnover", "Turnover a day"),
)  # name among a line's measures, heading
PERCENTS = frozenset({"volatility", "drawdown", "halved", "win_rate"})  # of these, fractions


def usd(text: str | None) -> str:
    """Return an amount with two places and thousands, `1,234.50`; a dash for None."""
    return "–" if text is None else _minus(f"{Decimal(text):,.2f}".replace("-0.00", "0.00"))


def signed(text: str | None) -> str:
    """Return an amount with two places and its sign, `+1.20`; zero has none."""
    if text is None:
        return "–"
    shown = f"{Decimal(text):+,.2f}"
    return "0.00" if shown in ("+0.00", "-0.00") else _minus(shown)


def percent(text: str | None, sign: bool = False) -> str:
    """Return a fraction as `12.3 %`, with its sign where asked; a dash for None."""
    if text is None:
        return "–"
    shown = f"{100 * Decimal(text):{'+' if sign else ''}.2f}"
    return ("0.00" if shown in ("+0.00", "-0.00") else _minus(shown)) + " %"


def price(text: str | None) -> str:
    """Return a price with the digits that matter, about seven: `93,500.1`, `0.14211`; a dash for None."""
    if text is None:
        return "–"
    value = Decimal(text)
    shown = f"{value:,.{max(2, 6 - value.adjusted())}f}"
    return _minus(shown.rstrip("0").rstrip("."))


def when(text: str | None) -> str:
    """Return an ISO time as `1 Jan 2025, 08:00`, UTC; a dash for None."""
    if text is None:
        return "–"
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def tone(text: str | None) -> str:
    """Return the class of a gain or a loss."""
    value = Decimal(text or 0)
    return "up" if value > 0 else "down" if value < 0 else ""


def words(name: str) -> str:
    """Return a name of the records as words: `open_long` is `open long`."""
    return name.replace("_", " ")


def number(text: str | None) -> str:
    """Return a figure with two places, `1.23`; a dash for None."""
    return "–" if text is None else _minus(f"{Decimal(text):,.2f}".replace("-0.00", "0.00"))


def between(estimate: Mapping[str, Any], show: Callable[[str], str] = number) -> str:
    """Return the interval of an estimate, `0.10 to 2.31`; empty where there is none."""
    if estimate["low"] is None or estimate["high"] is None:
        return ""
    return f"{show(estimate['low'])} to {show(estimate['high'])}"


def between_percent(estimate: Mapping[str, Any]) -> str:
    """Return the interval of a fraction, `−1.2 to +3.4 %`; empty where there is none. What cannot be negative has no signs."""
    low, high = estimate["low"], estimate["high"]
    if low is None or high is None:
        return ""
    sign = "+" if Decimal(low) < 0 else ""
    shown = [f"{100 * Decimal(end):{sign}.1f}" for end in (low, high)]
    return " to ".join("0.0" if text in ("+0.0", "-0.0") else _minus(text) for text in shown) + " %"


def points(text: str | None) -> str:
    """Return a fraction as percentage points with a sign, `+3.1`; a dash for None."""
    if text is None:
        return "–"
    shown = f"{100 * Decimal(text):+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else _minus(shown)


def _minus(text: str) -> str:
    return text.replace("-", "−")


FILTERS: Mapping[str, Callable[..., str]] = {
    each.__name__: each for each in (usd, signed, percent, price, when, tone, words, number, between, between_percent, points)
}
