"""What a competitor may do: limits, sizing, and the reasons for a rejection.

Sizing is computed here and never by the model: it asks for a share of its equity, and gets the largest whole step that fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from arena.domain.competitor import CompetitorId
from arena.domain.decision import Action, SymbolDecision
from arena.domain.instrument import Instrument, TierNotFound
from arena.domain.ledger import Ledger
from arena.domain.market import MarketSnapshot, SymbolMarket
from arena.domain.money import ZERO
from arena.domain.order import OrderSide, PositionSide

PERCENT = Decimal("0.01")
SLIPPAGE_ALLOWANCE = Decimal("0.0005")  # of the price; what Binance adds to the last price in the margin of a market order


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The season's bounds, the same for all competitors and quoted in their prompt.

    Attributes:
        max_leverage: Whole multiple.
        max_open_positions: A competitor's, over all symbols.
        max_margin_usage: Largest share of equity bound as initial margin, fraction.
        margin_buffer: Free margin must exceed the required margin times this.
        stale_after: A symbol whose last closed candle ended longer ago is not opened.
    """

    max_leverage: int
    max_open_positions: int
    max_margin_usage: Decimal
    stale_after: timedelta
    margin_buffer: Decimal = Decimal("1.2")


class RejectionReason(StrEnum):
    """Why a part of a decision was not carried out."""

    NOT_IN_PLAYBOOK = "not_in_playbook"
    UNKNOWN_SYMBOL = "unknown_symbol"
    MISSING_DATA = "missing_data"
    STALE_DATA = "stale_data"
    NOT_TRADING = "not_trading"
    ALREADY_OPEN = "already_open"
    NO_POSITION = "no_position"
    LEVERAGE = "leverage"
    OPEN_POSITIONS = "open_positions"
    STOP_MISSING = "stop_missing"
    STOP_SIDE = "stop_side"
    TARGET_SIDE = "target_side"
    MARGIN = "margin"
    QUANTITY = "quantity"
    MIN_NOTIONAL = "min_notional"
    EXCHANGE = "exchange"
    EXIT_FAILED = "exit_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A part of a decision that was not carried out, and why; recorded, and shown to the competitor."""

    llm_id: CompetitorId
    symbol: str
    action: Action
    reason: RejectionReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginState:
    """A competitor's room to open, USDT, at the snapshot's marks and after the exits it has planned.

    Attributes:
        venue_available: What the venue's account could still bind; None where the competitor has an account of its own.
    """

    equity: Decimal
    used: Decimal
    open_positions: int
    venue_available: Decimal | None = None

    def largest_margin(self, limits: Limits) -> Decimal:
        """Return the largest initial margin that one more position may bind, USDT, ≥ 0 (the bound itself is excluded)."""
        free = (self.equity - self.used) / limits.margin_buffer
        usage = self.equity * limits.max_margin_usage - self.used
        room = [free, usage] if self.venue_available is None else [free, usage, self.venue_available / limits.margin_buffer]
        return max(ZERO, min(room))

    def after_opening(self, margin: Decimal, cost: Decimal) -> MarginState:
        """Return the room left once a position binding `margin` is open, which cost `cost` of equity to enter."""
        available = None if self.venue_available is None else self.venue_available - margin - cost
        return MarginState(
            equity=self.equity - cost,
            used=self.used + margin,
            open_positions=self.open_positions + 1,
            venue_available=available,
        )


def margin_state(ledger: Ledger, marks: Mapping[str, Decimal], venue_available: Decimal | None = None) -> MarginState:
    """Return a competitor's room to open at `marks`."""
    return MarginState(
        equity=ledger.equity(marks),
        used=ledger.used_margin(marks),
        open_positions=len(ledger.positions),
        venue_available=venue_available,
    )


def opening_price(market: SymbolMarket) -> Decimal:
    """Return the price that sizes an opening, USDT: the dearer of last and mark, so that neither can push it over a limit."""
    return max(market.last_price, market.mark_price)


def trading_cost(side: OrderSide, quantity: Decimal, market: SymbolMarket, instrument: Instrument) -> Decimal:
    """Return the equity that a market order takes at once, USDT, ≥ 0: fee, slippage, and the distance between last and mark.

    Equity counts a position at its mark, so what is bought above it (or sold below) is lost the moment it is traded.
    """
    distance = max(ZERO, side.sign * (market.last_price - market.mark_price))
    return quantity * (distance + market.last_price * (instrument.taker_fee_rate + SLIPPAGE_ALLOWANCE))


def stale(market: SymbolMarket, as_of: datetime, limits: Limits) -> str | None:
    """Return why the symbol's data cannot be acted on, or None."""
    if not market.candles:
        return "there are no candles"
    last = market.candles[-1]
    if as_of - last.close_time > limits.stale_after:
        return f"the last candle ended at {last.close_time.isoformat()}"
    if last.volume == 0:
        return "nothing was traded in the last candle"
    return None


def check_market(
    decision: SymbolDecision, snapshot: MarketSnapshot, instruments: Mapping[str, Instrument], limits: Limits
) -> tuple[RejectionReason, str] | None:
    """Return why the symbol cannot be opened now, or None."""
    symbol = decision.symbol
    if symbol not in instruments or (symbol not in snapshot.symbols and symbol not in snapshot.missing):
        return RejectionReason.UNKNOWN_SYMBOL, f"{symbol} is not one of this season's pairs"
    if symbol in snapshot.missing:
        return RejectionReason.MISSING_DATA, f"no market data for {symbol}: {snapshot.missing[symbol]}"
    if not instruments[symbol].trading:
        return RejectionReason.NOT_TRADING, f"{symbol} is not trading at the venue"
    why = stale(snapshot.symbols[symbol], snapshot.as_of, limits)
    return None if why is None else (RejectionReason.STALE_DATA, why)


def check_terms(
    decision: SymbolDecision, side: PositionSide, market: SymbolMarket, limits: Limits
) -> tuple[RejectionReason, str] | None:
    """Return what is wrong with the leverage, stop or target of an opening, or None."""
    if not 1 <= decision.leverage <= limits.max_leverage:
        return RejectionReason.LEVERAGE, f"leverage {decision.leverage} is outside 1 to {limits.max_leverage}"
    if decision.stop_price is None or decision.stop_price <= 0:
        return RejectionReason.STOP_MISSING, "an opening needs a stop price"
    prices = (market.last_price, market.mark_price)
    if not all((price - decision.stop_price) * side.sign > 0 for price in prices):
        where = "below" if side is PositionSide.LONG else "above"
        return RejectionReason.STOP_SIDE, f"the stop of a {side.lower()} must be {where} the price {market.last_price}"
    if decision.target_price is not None and not all((decision.target_price - price) * side.sign > 0 for price in prices):
        where = "above" if side is PositionSide.LONG else "below"
        return RejectionReason.TARGET_SIDE, f"the target of a {side.lower()} must be {where} the price {market.last_price}"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A size that passes every limit.

    Attributes:
        quantity: Base asset, a multiple of the step.  margin: USDT it binds.  cost: USDT of equity that entering takes.
        cut: Whether limits allowed less than was asked for.
    """

    quantity: Decimal
    margin: Decimal
    cost: Decimal
    cut: bool


def size_opening(
    decision: SymbolDecision, side: PositionSide, market: SymbolMarket, instrument: Instrument, room: MarginState, limits: Limits
) -> Size | tuple[RejectionReason, str]:
    """Return the size an opening gets: what it asks for, cut to what fits, in whole steps; or why nothing fits."""
    if room.open_positions >= limits.max_open_positions:
        return (
            RejectionReason.OPEN_POSITIONS,
            f"{room.open_positions} positions are open, the limit is {limits.max_open_positions}",
        )
    largest = room.largest_margin(limits)
    if largest == 0:
        return RejectionReason.MARGIN, f"no margin is free: the equity is {room.equity:.2f} USDT, {room.used:.2f} are bound"
    price = opening_price(market)
    asked = room.equity * decision.size_percent * PERCENT
    quantity = instrument.round_quantity(min(asked, largest) * decision.leverage / price)
    if quantity > 0 and quantity * price / decision.leverage >= largest:
        quantity -= instrument.step_size  # `free margin > required × buffer` excludes the bound itself
    quantity = min(quantity, instrument.round_quantity(instrument.max_market_quantity))
    floor_price = min(market.last_price, market.mark_price)
    if quantity < instrument.min_quantity or quantity * floor_price < instrument.min_notional:
        return _too_small(quantity, floor_price, instrument, asked > largest, largest)
    notional = quantity * price
    try:
        tier = instrument.tier(notional)
    except TierNotFound as error:
        return RejectionReason.QUANTITY, str(error)
    if limits.max_leverage > tier.max_leverage:  # the venue's leverage is the account's, not the competitor's
        detail = f"{notional:.2f} USDT of {market.symbol} allow leverage {tier.max_leverage} at most, the account has"
        return RejectionReason.LEVERAGE, f"{detail} {limits.max_leverage}"
    cost = trading_cost(side.opening_side, quantity, market, instrument)
    return Size(quantity=quantity, margin=notional / decision.leverage, cost=cost, cut=asked > largest)


def _too_small(
    quantity: Decimal, price: Decimal, instrument: Instrument, limited: bool, largest: Decimal
) -> tuple[RejectionReason, str]:
    least = max(instrument.min_notional, instrument.min_quantity * price)
    if limited:
        return RejectionReason.MARGIN, f"only {largest:.2f} USDT of margin is free, the smallest order is {least:.2f} USDT"
    return RejectionReason.MIN_NOTIONAL, f"the size comes to {quantity * price:.2f} USDT, the smallest order is {least:.2f} USDT"
