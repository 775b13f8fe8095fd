"""The tape: what time it is at the paper venue, and what everything costs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from arena.adapters.paper.feed import BarFeed
from arena.adapters.paper.refusal import Refusal, Refused
from arena.domain.market import Bar, BarStep


class Tape:
    """Prices of a feed at `now`; they move at bar boundaries only.

    Args:
        feed: Prices.
        listed: The symbols that have an instrument.
        start: The first instant.
    """

    def __init__(self, feed: BarFeed, listed: Collection[str], start: datetime) -> None:
        self._feed = feed
        self._symbols = tuple(symbol for symbol in feed.symbols if symbol in listed)
        self._now = start
        self._past: dict[str, Bar] = {}  # the last complete bar of each symbol
        self._present: dict[str, Bar | None] = {}  # the bars that contain `now`, as far as they were asked for

    @property
    def now(self) -> datetime:
        """The venue's clock, UTC."""
        return self._now

    def bar(self, symbol: str) -> Bar | None:
        """Return the bar that contains `now`, or None in a gap.

        Raises:
            Refused: UNKNOWN_SYMBOL.
        """
        if symbol not in self._symbols:
            raise Refused(Refusal.UNKNOWN_SYMBOL, f"{symbol} is not listed")
        if symbol not in self._present:
            self._present[symbol] = self._feed.current(symbol, self._now)
        return self._present[symbol]

    def last_price(self, symbol: str) -> Decimal:
        """Return the last price, USDT: the open of the present bar, or the close of the last one.

        Raises:
            Refused: UNKNOWN_SYMBOL; NO_LIQUIDITY where the symbol has had no price yet.
        """
        bar = self.bar(symbol)
        return bar.trade.open if bar is not None else self._past_bar(symbol).trade.close

    def mark_price(self, symbol: str) -> Decimal:
        """Return the mark price, USDT, by the same rule.

        Raises:
            Refused: UNKNOWN_SYMBOL; NO_LIQUIDITY where the symbol has had no price yet.
        """
        bar = self.bar(symbol)
        return bar.mark.open if bar is not None else self._past_bar(symbol).mark.close

    def marks(self) -> dict[str, Decimal]:
        """Return the mark prices, USDT, of all symbols that have had one."""
        return {symbol: self.mark_price(symbol) for symbol in self._symbols if self.bar(symbol) or symbol in self._past}

    def last_marks(self) -> dict[str, Decimal]:
        """Return the closing marks, USDT, of the last complete bars."""
        return {symbol: bar.mark.close for symbol, bar in self._past.items()}

    def move_to(self, time: datetime, step: BarStep | None = None) -> None:
        """Set the clock; `step` is the one that has just become complete."""
        self._now = time
        self._present.clear()
        if step is not None:
            self._past.update(step.bars)

    def recall(self, bars: Mapping[str, Bar]) -> None:
        """Remember bars that were complete before the start."""
        self._past.update(bars)

    def _past_bar(self, symbol: str) -> Bar:
        if symbol not in self._past:
            raise Refused(Refusal.NO_LIQUIDITY, f"{symbol} has had no price yet")
        return self._past[symbol]
