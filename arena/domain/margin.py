"""Margin by tier, and the price at which it runs out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from arena.domain.instrument import Instrument
from arena.domain.money import ZERO
from arena.domain.position import Position


def maintenance_margin(notional: Decimal, instrument: Instrument) -> Decimal:
    """Return the equity below which a position of this size is liquidated.

    notional × rate − amount, with rate and amount from the tier that holds `notional`.

    Args:
        notional: Absolute position value at mark price, USDT, ≥ 0.
        instrument: Whose tiers apply.

    Returns:
        Maintenance margin, USDT, unrounded.

    Raises:
        TierNotFound: `notional` exceeds the last bracket.

    Source: Binance USD-M `GET /fapi/v1/leverageBracket` (`maintMarginRatio`, `cum`).
    """
    tier = instrument.tier(notional)
    return notional * tier.maintenance_rate - tier.maintenance_amount


def total_maintenance(
    positions: Iterable[Position], marks: Mapping[str, Decimal], instruments: Mapping[str, Instrument]
) -> Decimal:
    """Return the maintenance margin of all positions at `marks`, USDT; hedge-mode sides are not netted."""
    return sum((maintenance_margin(p.notional(marks[p.symbol]), instruments[p.symbol]) for p in positions), ZERO)


def liquidatable(equity: Decimal, maintenance: Decimal) -> bool:
    """Return whether the margin ratio has reached 1, or nothing is left to cover the positions."""
    return maintenance > 0 and equity <= maintenance


def liquidation_price(
    *, signed_quantity: Decimal, entry_price: Decimal, margin_balance: Decimal, other_maintenance: Decimal, instrument: Instrument
) -> Decimal | None:
    """Return the mark price at which this position liquidates its account while the other positions stay put.

    LP = (B + cum − Q·entry) / (|Q|·MMR − Q), with Q signed; searched tier by tier, since MMR and cum depend on the notional
    at the price sought.

    Args:
        signed_quantity: Base asset, not zero.
        entry_price: USDT.
        margin_balance: Wallet balance plus the other positions' unrealised PnL, USDT.
        other_maintenance: The other positions' maintenance margin, USDT.
        instrument: Whose tiers apply.

    Returns:
        USDT, unrounded; None where no positive price liquidates it.

    Source: Binance, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts".
    """
    size = abs(signed_quantity)
    for tier in instrument.tiers:
        divisor = size * tier.maintenance_rate - signed_quantity
        if divisor == 0:
            continue
        price = (margin_balance - other_maintenance + tier.maintenance_amount - signed_quantity * entry_price) / divisor
        if price > 0 and tier.notional_floor <= size * price <= tier.notional_cap:
            return price
    return None
