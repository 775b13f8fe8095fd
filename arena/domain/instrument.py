"""What may be traded: a perpetual contract, its filters and its margin tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from arena.domain.money import floor_to, nearest_to


class TierNotFound(ValueError):
    """A notional lies beyond the last margin tier: no position of that size can exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTier:
    """One bracket of maintenance margin.

    Attributes:
        notional_floor: Smallest notional of the tier, USDT, inclusive.
        notional_cap: Largest notional of the tier, USDT.
        maintenance_rate: Fraction of the notional (`maintMarginRatio`).
        maintenance_amount: Subtracted constant, USDT (`cum`), which makes the margin continuous across tiers.
        max_leverage: Highest leverage at which a position of the tier may be opened.
    """

    notional_floor: Decimal
    notional_cap: Decimal
    maintenance_rate: Decimal
    maintenance_amount: Decimal
    max_leverage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A USD-M perpetual with the filters that every order must pass.

    Attributes:
        tick_size: Price step, USDT.
        step_size: Quantity step, base asset.
        min_quantity, max_quantity: Bounds of a limit order's quantity, base asset.
        max_market_quantity: Upper bound of a market order's quantity, base asset.
        min_notional: Smallest notional of an order that opens, USDT.
        price_band: Largest relative distance of a limit price from the mark (0.05 is 5 %).
        maker_fee_rate, taker_fee_rate: Fractions of the fill's notional.
        tiers: Contiguous margin tiers sorted by `notional_floor`, length ≥ 1.
        trading: Whether the venue accepts orders for it now.

    Source: Binance USD-M `GET /fapi/v1/exchangeInfo`, `/fapi/v1/leverageBracket`, `/fapi/v1/commissionRate`.
    """

    symbol: str
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    max_market_quantity: Decimal
    min_notional: Decimal
    price_band: Decimal
    maker_fee_rate: Decimal
    taker_fee_rate: Decimal
    tiers: Sequence[MarginTier]
    trading: bool = True

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Return `quantity` cut to the step, never up."""
        return floor_to(quantity, self.step_size)

    def round_price(self, price: Decimal) -> Decimal:
        """Return `price` at the nearest tick."""
        return nearest_to(price, self.tick_size)

    def tier(self, notional: Decimal) -> MarginTier:
        """Return the tier that holds `notional` (USDT, ≥ 0).

        Raises:
            TierNotFound: `notional` exceeds the last bracket.
        """
        for tier in self.tiers:
            if notional <= tier.notional_cap:
                return tier
        raise TierNotFound(f"{self.symbol}: a notional of {notional} USDT exceeds the last margin tier")
