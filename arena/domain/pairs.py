"""Whether a pair can be a season's: what the venue lists, and what its smallest order asks of one competitor's capital."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

from arena.domain.instrument import MarginTier
from arena.domain.money import ZERO, ceil_to
from arena.domain.risk import Limits, MarginState

LEAST_PAIRS = 3  # with fewer there is nothing to choose between, and the models' decisions hardly differ
MANY_PAIRS = 8  # every pair adds its candles and indicators to every prompt of every cycle, at every competitor's price
SUGGESTIONS, LIKENESS = 3, 0.8  # at most; every symbol ends in USDT, so that below 0.8 of difflib's ratio all are alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A contract as the venue shows it to anybody, with its prices of this moment.

    Attributes:
        status, contract_type: The venue's words, such as TRADING and PERPETUAL.
        step_size, min_quantity: Base asset.
        min_notional: USDT.
        last_price, mark_price: USDT; None where the venue gives none.

    Source: Binance USD-M `GET /fapi/v1/exchangeInfo`, `/fapi/v2/ticker/price`, `/fapi/v1/premiumIndex`.
    """

    symbol: str
    status: str
    contract_type: str
    quote_asset: str
    margin_asset: str
    step_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    last_price: Decimal | None = None
    mark_price: Decimal | None = None

    @property
    def trading(self) -> bool:
        """Whether the venue accepts orders for it now."""
        return self.status == "TRADING"

    @property
    def perpetual(self) -> bool:
        """Whether it is a perpetual in USDT; contracts on shares and metals are of another type, with terms to sign first."""
        return self.contract_type == "PERPETUAL" and self.quote_asset == self.margin_asset == "USDT"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallestOrder:
    """The least that can be opened.

    Attributes:
        quantity: Base asset, a whole number of steps.
        notional: USDT, at the price that sizes an opening.
        margin: USDT it binds at the highest leverage.
    """

    quantity: Decimal
    notional: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCheck:
    """What was found about a pair.

    Attributes:
        last_price, mark_price: USDT; None where there are none.
        order: None where there is no price to size it by.
        share: Of one competitor's capital that the smallest order binds, fraction.
        faults: A sentence for each reason why it cannot be a season's pair.
    """

    symbol: str
    last_price: Decimal | None = None
    mark_price: Decimal | None = None
    order: SmallestOrder | None = None
    share: Decimal | None = None
    faults: tuple[str, ...] = ()


def check_pairs(
    symbols: Sequence[str],
    listings: Mapping[str, Listing],
    tiers: Mapping[str, Sequence[MarginTier]] | None,
    tradable: Sequence[str],
    capital: Decimal,
    limits: Limits,
) -> tuple[PairCheck, ...]:
    """Return a check for each of the symbols, each once.

    Args:
        listings: By symbol, as far as they are listed.
        tiers: Margin tiers by symbol; None where they are not known, then leverage is not checked.
        tradable: Every perpetual in USDT, to suggest close spellings from.
        capital: One competitor's, USDT, > 0.
        limits: Of the season.
    """
    return tuple(
        check_pair(listings[symbol], None if tiers is None else tiers.get(symbol, ()), capital, limits)
        if symbol in listings
        else PairCheck(symbol=symbol, faults=(_unlisted(symbol, tradable),))
        for symbol in dict.fromkeys(symbols)
    )


def check_pair(listing: Listing, tiers: Sequence[MarginTier] | None, capital: Decimal, limits: Limits) -> PairCheck:
    """Return whether a listed contract can be traded with one competitor's untouched capital; arguments as `check_pairs`."""
    faults = _listing_faults(listing)
    order = smallest_order(listing, limits.max_leverage)
    if order is not None:
        found = (_beyond_reach(listing.symbol, order, capital, limits), _leverage_fault(listing.symbol, order, tiers, limits))
        faults += [fault for fault in found if fault]
    return PairCheck(
        symbol=listing.symbol,
        last_price=listing.last_price,
        mark_price=listing.mark_price,
        order=order,
        share=None if order is None else order.margin / capital,
        faults=tuple(faults),
    )


def smallest_order(listing: Listing, leverage: int) -> SmallestOrder | None:
    """Return the least that `size_opening` gives; None without both prices.

    As there, the notional must hold at the cheaper of last and mark price, and the dearer one sizes the margin.
    """
    prices = [price for price in (listing.last_price, listing.mark_price) if price]
    if len(prices) < 2:
        return None
    quantity = ceil_to(max(listing.min_quantity, listing.min_notional / min(prices)), listing.step_size)
    notional = quantity * max(prices)
    return SmallestOrder(quantity=quantity, notional=notional, margin=notional / leverage)


def list_faults(symbols: Sequence[str]) -> tuple[str, ...]:
    """Return what is wrong with a list of pairs as a list, whatever the venue says of each."""
    counts = Counter(symbols)
    faults = [f"{symbol} is named {count} times" for symbol, count in counts.items() if count > 1]
    faults += [f"{symbol} has other characters than letters and digits" for symbol in counts if not _writable(symbol)]
    if len(counts) < LEAST_PAIRS:
        named = {0: "no pair is named", 1: "only 1 pair is named"}.get(len(counts), f"only {len(counts)} pairs are named")
        faults.append(f"{named}, a season needs {LEAST_PAIRS} at least")
    return tuple(faults)


def list_warnings(symbols: Sequence[str]) -> tuple[str, ...]:
    """Return what is allowed but should be known."""
    count = len(set(symbols))
    if count <= MANY_PAIRS:
        return ()
    return (f"{count} pairs are many: each lengthens every prompt and so the price of every decision; {MANY_PAIRS} are enough",)


def _writable(symbol: str) -> bool:
    return symbol.isascii() and symbol.isalnum()  # what AVAILABLE_PAIRS takes; the venue lists a few with other letters


def _unlisted(symbol: str, tradable: Sequence[str]) -> str:
    """Say that there is no such contract, and which ones are spelt like it."""
    close = get_close_matches(symbol, [name for name in tradable if _writable(name)], SUGGESTIONS, LIKENESS)
    whole = f"{symbol}USDT"
    if whole in tradable:
        close = [whole]
    return f"{symbol} is not listed" + (f" (did you mean {' or '.join(close)}?)" if close else "")


def _listing_faults(listing: Listing) -> list[str]:
    symbol, faults = listing.symbol, []
    if not listing.perpetual:
        kind = f"{listing.contract_type or 'no type'}, quoted in {listing.quote_asset}, margin in {listing.margin_asset}"
        faults.append(f"{symbol} is not a perpetual contract in USDT ({kind})")
    if not listing.trading:
        faults.append(f"{symbol} is not trading ({listing.status})")
    if not listing.last_price or not listing.mark_price:
        faults.append(f"{symbol} has no price")
    return faults


def _beyond_reach(symbol: str, order: SmallestOrder, capital: Decimal, limits: Limits) -> str:
    largest = MarginState(equity=capital, used=ZERO, open_positions=0).largest_margin(limits)
    if order.margin < largest:  # the bound itself is excluded, as in sizing
        return ""
    return (
        f"the smallest order of {symbol} is {order.notional:.2f} USDT and binds {order.margin:.2f} at leverage "
        f"{limits.max_leverage}, of a capital of {capital:.2f} less than {largest:.2f} may be bound"
    )


def _leverage_fault(symbol: str, order: SmallestOrder, tiers: Sequence[MarginTier] | None, limits: Limits) -> str:
    if tiers is None:
        return ""
    tier = next((tier for tier in tiers if order.notional <= tier.notional_cap), None)
    if tier is None:
        return f"the venue has no margin tier for {order.notional:.2f} USDT of {symbol}"
    if limits.max_leverage <= tier.max_leverage:
        return ""
    return (
        f"{order.notional:.2f} USDT of {symbol} allow leverage {tier.max_leverage} at most, MAX_LEVERAGE is {limits.max_leverage}"
    )
