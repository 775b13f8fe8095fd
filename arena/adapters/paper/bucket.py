"""What one side of one symbol holds at the paper venue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arena.domain.money import ZERO, quantized


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What one side of one symbol holds: base asset and USDT of cost, both with the side's sign; zeros when flat."""

    signed_quantity: Decimal = ZERO
    signed_cost: Decimal = ZERO

    @property
    def quantity(self) -> Decimal:
        """Base asset, ≥ 0."""
        return abs(self.signed_quantity)

    @property
    def entry_price(self) -> Decimal:
        """Average open price, USDT; zero when flat."""
        return self.signed_cost / self.signed_quantity if self.signed_quantity else ZERO

    def unrealized_pnl(self, mark: Decimal) -> Decimal:
        """Return signed_quantity × (mark − entry), USDT."""
        return self.signed_quantity * mark - self.signed_cost

    def after(self, moved: Decimal, price: Decimal) -> tuple[Bucket, Decimal]:
        """Return the bucket after a trade of `moved` (signed, never beyond flat) and the profit it realised, USDT.

        A reduction releases the same share of cost as of quantity, quantised; what is left keeps the rest.
        """
        rest = self.signed_quantity + moved
        if self.signed_quantity * moved >= 0:
            return Bucket(signed_quantity=rest, signed_cost=self.signed_cost + moved * price), ZERO
        if rest == 0:
            return Bucket(), -moved * price - self.signed_cost
        released = quantized(self.signed_cost * -moved / self.signed_quantity)
        return Bucket(signed_quantity=rest, signed_cost=self.signed_cost - released), -moved * price - released


FLAT = Bucket()
