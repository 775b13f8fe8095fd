"""Margin by tier, and the price at which it runs out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Protocol

from arena.domain.instrument import Instrument, MarginTier
from arena.domain.money import ZERO, ceil_to, floor_to
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


class Held(Protocol):
    """One side of a symbol: base asset and USDT of cost, both with the side's sign."""

    @property
    def signed_quantity(self) -> Decimal:
        """Base asset, not zero."""
        ...

    @property
    def signed_cost(self) -> Decimal:
        """USDT."""
        ...


def liquidation_price(
    sides: Sequence[Held],
    *,
    mark_price: Decimal,
    margin_balance: Decimal,
    other_maintenance: Decimal,
    instrument: Instrument,
) -> Decimal | None:
    """Return the mark price of a symbol at which its account is liquidated while the marks of all other symbols stay put.

    LP = (B + Σcum − ΣQ·entry) / (Σ|Q|·MMR − ΣQ), with Q signed and the sums over the symbol's sides; searched tier by tier, since
    MMR and cum depend on the notional at the price sought. A notional that outgrows the last tier stays in it.

    Args:
        sides: What is held of the symbol; long and short at once in hedge mode, whose margins add up.
        mark_price: The present one, USDT.
        margin_balance: Wallet balance plus the other symbols' unrealised PnL, USDT.
        other_maintenance: The other symbols' maintenance margin, USDT.
        instrument: Whose tiers apply.

    Returns:
        USDT, on a tick: the first from the safe side that liquidates, so that one tick before it nothing happens yet. Of two, as
        long and short together may have them, the one nearer to the mark. None where no positive price is the border.

    Source: Binance, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts".
    """
    net = sum((side.signed_quantity for side in sides), ZERO)
    sizes = [abs(side.signed_quantity) for side in sides]
    free = margin_balance - other_maintenance - sum((side.signed_cost for side in sides), ZERO)
    found = []
    for tiers in product(instrument.tiers, repeat=len(sizes)):
        gain = net - sum((size * tier.maintenance_rate for size, tier in zip(sizes, tiers, strict=True)), ZERO)
        if gain == 0:
            continue
        border = -(free + sum((tier.maintenance_amount for tier in tiers), ZERO)) / gain
        if all(_holds(tier, size * border, instrument) for size, tier in zip(sizes, tiers, strict=True)):
            found.append((floor_to if gain > 0 else ceil_to)(border, instrument.tick_size))
    return min((price for price in found if price > 0), key=lambda price: abs(price - mark_price), default=None)


def _holds(tier: MarginTier, notional: Decimal, instrument: Instrument) -> bool:
    return tier.notional_floor <= notional and (notional <= tier.notional_cap or tier is instrument.tiers[-1])
