"""What may be traded, as arrays: one row a symbol, quantities in steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from arena.adapters.recorded.files import Floats
from arena.domain.instrument import Instrument

UNIT, SMALLEST, LARGEST, LEAST, FEE = range(5)  # columns of `filters`
CAP, RATE, AMOUNT, CEILING = range(4)  # of `tiers`


class Contracts(NamedTuple):
    """The filters and margin tiers of a tape's symbols; a NamedTuple, because compiled code takes it as it is.

    Attributes:
        filters: Shape (S, 5): USDT of one step at one tick; bounds of a market order, steps; smallest notional of an opening,
            USDT; the taker's fee, fraction of the notional.
        tiers: Shape (S, K, 4): largest notional, USDT; maintenance rate; constant, USDT; highest leverage. The last tier goes on
            beyond its notional, at a leverage of 0: such a position can be held, not opened.
    """

    filters: Floats
    tiers: Floats


def contracts_of(symbols: Sequence[str], instruments: Mapping[str, Instrument]) -> Contracts:
    """Return the contracts of a tape's symbols."""
    found = [instruments[symbol] for symbol in symbols]
    most = max(len(each.tiers) for each in found) + 1
    tiers = np.array(
        [[_tier(each, min(row, len(each.tiers) - 1), beyond=row >= len(each.tiers)) for row in range(most)] for each in found]
    )
    return Contracts(filters=np.array([_filters(each) for each in found]), tiers=tiers)


def _filters(contract: Instrument) -> list[float]:
    bounds = (contract.min_quantity / contract.step_size, contract.max_market_quantity / contract.step_size)
    unit = contract.tick_size * contract.step_size
    return [float(each) for each in (unit, *bounds, contract.min_notional, contract.taker_fee_rate)]


def _tier(contract: Instrument, row: int, *, beyond: bool) -> list[float]:
    tier = contract.tiers[row]
    cap, ceiling = (np.inf, 0) if beyond else (float(tier.notional_cap), tier.max_leverage)
    return [cap, float(tier.maintenance_rate), float(tier.maintenance_amount), ceiling]
