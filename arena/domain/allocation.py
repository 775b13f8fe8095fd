"""Whose part of a shared bucket was closed by an order that is nobody's: the venue's liquidation or ADL, the emergency exit.

The bucket is one position to the venue. What is taken from it is taken from all who hold it, in proportion, in whole steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from arena.domain.competitor import CompetitorId
from arena.domain.money import ZERO, floor_to, quantized
from arena.domain.order import Fill


def in_proportion(quantity: Decimal, held: Mapping[CompetitorId, Decimal]) -> dict[CompetitorId, Decimal]:
    """Return how much of `quantity` each holder gives; the parts add up to it exactly, or to all that is held if that is less.

    Args:
        quantity: Base asset, ≥ 0.
        held: What each holds, base asset, > 0.
    """
    total = sum(held.values(), ZERO)
    wanted = min(quantity, total)
    if wanted == total:
        return dict(held)
    unit = _unit([wanted, *held.values()])
    parts = {llm_id: floor_to(wanted * own / total, unit) for llm_id, own in held.items()}
    rest = wanted - sum(parts.values(), ZERO)
    for llm_id in sorted(held, key=lambda each: (parts[each] - held[each], each)):  # who has most left gives the remainder
        more = min(rest, held[llm_id] - parts[llm_id])
        parts[llm_id] += more
        rest -= more
    return {llm_id: part for llm_id, part in parts.items() if part}


def divided(fill: Fill, parts: Mapping[CompetitorId, Decimal]) -> dict[CompetitorId, Fill]:
    """Return the fill in parts whose quantities are given and whose fees add up to its own.

    Args:
        fill: Whose quantity is at least the sum of the parts; the fee of what is beyond stays with nobody.
        parts: Base asset, > 0.
    """
    whole = sum(parts.values(), ZERO)
    fee = fill.fee if whole == fill.quantity else quantized(fill.fee * whole / fill.quantity)
    shares = {llm_id: quantized(fee * part / whole) for llm_id, part in parts.items()}
    last = next(reversed(shares))
    shares[last] += fee - sum(shares.values(), ZERO)
    return {llm_id: replace(fill, quantity=part, fee=shares[llm_id]) for llm_id, part in parts.items()}


def _unit(quantities: list[Decimal]) -> Decimal:
    """Return the power of ten that all the quantities are multiples of: never finer than the contract's step."""
    finest = min(int(quantity.normalize().as_tuple().exponent) for quantity in quantities)
    return Decimal(1).scaleb(finest)
