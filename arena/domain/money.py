"""Exact amounts.

Decimals come from strings and integers, never from floats. Sums and products are exact within 28 digits; the one place where
a division enters a balance (the share of the entry cost that a partial close releases) is quantised to `AMOUNT_QUANTUM`, so that
what leaves one side arrives on the other to the last digit. Prices and quantities are rounded only when an order is formed.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal("0.0001")
AMOUNT_QUANTUM = Decimal("1e-18")  # the scale of numeric(38,18), in which the stores keep amounts


def quantized(amount: Decimal) -> Decimal:
    """Return `amount` at the scale the stores keep, half to even."""
    return amount.quantize(AMOUNT_QUANTUM, rounding=ROUND_HALF_EVEN)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value`."""
    return (value / step).to_integral_value(rounding=ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` that is not below `value`."""
    return (value / step).to_integral_value(rounding=ROUND_CEILING) * step


def nearest_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the multiple of `step` nearest to `value`, half to even."""
    return (value / step).to_integral_value(rounding=ROUND_HALF_EVEN) * step


def plain(value: Decimal) -> str:
    """Return `value` as an exact decimal string without exponent or trailing zeros, the form of every wire, file and prompt."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
