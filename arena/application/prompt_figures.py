"""How numbers, times and foreign words are written in a prompt."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from arena.domain.money import floor_to, plain
from arena.strategies.layout import MISSING

CENT = Decimal("0.01")
FINER = 2  # digits that an average, which need not lie on a tick, gets more than a price


def line(label: str, value: str) -> str:
    """Return one `label: value` line."""
    return f"{label}: {value}"


def tick_decimals(tick: Decimal) -> int:
    """Return how many decimals a price at this tick has."""
    return max(0, -int(tick.normalize().as_tuple().exponent))


def price(value: Decimal | None, tick: Decimal) -> str:
    """Return a price with all decimals of its tick (`0.14211`, `93500.0`); what lies between ticks gets two more."""
    if value is None:
        return MISSING
    decimals = tick_decimals(tick) + (0 if floor_to(value, tick) == value else FINER)
    return f"{value:.{decimals}f}"


def amount(value: Decimal) -> str:
    """Return USDT to the cent, never more than there is."""
    return f"{value.quantize(CENT, rounding=ROUND_FLOOR) + 0:f}"  # the sum turns -0.00 into 0.00


def percent(fraction: Decimal) -> str:
    """Return a fraction as an exact percentage without the sign."""
    return plain(fraction * 100)


def rounded(value: float | None, decimals: int) -> str:
    """Return an indicator with a fixed number of decimals; what is not known is not zero."""
    if value is None:
        return MISSING
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def instant(time: datetime | None) -> str:
    """Return an aware UTC time to the second, `2025-01-01T12:00:00Z`."""
    return MISSING if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")


def one_line(text: str, longest: int) -> str:
    """Return foreign text as it may stand behind a label: in one line, without control characters, cut to `longest`."""
    clean = " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
