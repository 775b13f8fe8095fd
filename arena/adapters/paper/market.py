"""The MarketData port over the paper engine's feed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from arena.adapters.paper.engine import PaperEngine, Refused
from arena.domain.instrument import Instrument
from arena.domain.market import Candle, FundingRate, MarketSnapshot, SymbolMarket
from arena.errors import MarketDataError

DEFAULT_WINDOW = 499  # as many candles as the Binance adapter reads
_FUNDING_INTERVAL = timedelta(hours=8)  # Binance's usual one
_FUNDING_MEMORY = 3 * _FUNDING_INTERVAL


class PaperMarket:
    """What a competitor may know at the engine's present: closed candles, prices now, past fundings.

    Args:
        engine: The venue.
        label: Where the prices come from, in words.
        interval: Of the feed's candles.
        window: How many closed candles a snapshot has at most.
    """

    def __init__(self, engine: PaperEngine, *, label: str, interval: timedelta, window: int = DEFAULT_WINDOW) -> None:
        self._engine = engine
        self._label = label
        self._window = window
        self._candles: dict[str, deque[Candle]] = {}
        self._read_until = engine.now - 2 * window * interval  # twice, since there may be gaps

    async def time(self) -> datetime:
        """Return the engine's clock, UTC."""
        return self._engine.now

    async def label(self) -> str:
        """Return where the prices come from, in words."""
        return self._label

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Return the contracts; an unknown symbol is left out."""
        listed = self._engine.instruments
        return {symbol: listed[symbol] for symbol in symbols if symbol in listed and symbol in self._engine.feed.symbols}

    async def snapshot(self, symbols: Sequence[str], as_of: datetime) -> MarketSnapshot:
        """Return the market now; a symbol without a price is in `missing`.

        Raises:
            MarketDataError: `as_of` is not the engine's present, or no symbol has a price.
        """
        if as_of != self._engine.now:
            raise MarketDataError(f"the paper market stands at {self._engine.now.isoformat()}, not at {as_of.isoformat()}")
        self._read(as_of)
        funded = self._engine.feed.fundings(as_of - _FUNDING_MEMORY, as_of)
        markets: dict[str, SymbolMarket] = {}
        missing: dict[str, str] = {}
        for symbol in symbols:
            try:
                markets[symbol] = self._symbol(symbol, [rate for rate in funded if rate.symbol == symbol])
            except Refused as refusal:
                missing[symbol] = refusal.message
        if not markets:
            raise MarketDataError(f"no symbol could be read: {'; '.join(missing.values())}")
        return MarketSnapshot(as_of=as_of, symbols=markets, missing=missing)

    async def fundings(self, symbols: Sequence[str], after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """Return the fundings with after < time ≤ until, oldest first."""
        return tuple(rate for rate in self._engine.feed.fundings(after, until) if rate.symbol in symbols)

    def _read(self, until: datetime) -> None:
        for step in self._engine.feed.steps(self._read_until, until):
            for symbol, bar in step.bars.items():
                self._candles.setdefault(symbol, deque(maxlen=self._window)).append(bar.trade)
        self._read_until = until

    def _symbol(self, symbol: str, past: Sequence[FundingRate]) -> SymbolMarket:
        """Return one symbol; the rate expected next is the last of the past ones, which is all that can be known."""
        pause = past[-1].time - past[-2].time if len(past) > 1 else _FUNDING_INTERVAL
        return SymbolMarket(
            symbol=symbol,
            candles=tuple(self._candles.get(symbol, ())),
            last_price=self._engine.last_price(symbol),
            mark_price=self._engine.mark_price(symbol),
            funding_rate=past[-1].rate if past else None,
            next_funding_time=past[-1].time + pause if past else None,
        )
