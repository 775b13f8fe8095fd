"""A live market as the paper engine's feed: what lies between two looks at it, and the present at the second one.

- The account lives through one bar a minute and symbol, of the last price and of the mark. The first and the last bar are cut off
  at the looks. So stops, fundings and liquidations keep their order however long nobody looked.
- The bar of the minute in which the first look lay opens at the price seen then. An extreme of that minute counts only where it
  goes beyond what the minute had shown by then: no order is triggered by a price from before it was placed.
- The minute of the second look counts as far as it has come; what it has shown is remembered for the next look.
- A minute without volume trades nothing. Between two looks within one minute, what was traded since the first one counts.
- At the second look the last price is the close of the newest minute. Where neither the running minute nor the one before it has
  volume, there is nobody to trade with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from arena.domain.market import Bar, BarStep, Candle, FundingRate
from arena.domain.money import ZERO

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FUNDING_CHECKS = tuple(timedelta(seconds=seconds) for seconds in (0, 10, 30, 60, 120, 300))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What a symbol had shown when it was last looked at.

    Attributes:
        minute: Its newest minute as far as it had come; the closes are the last price and the mark.
        lately: Traded in the running minute and the one before it, base asset.
    """

    minute: Bar
    lately: Decimal


class LiveFeed:
    """Satisfies BarFeed between two looks.

    Args:
        listed: Symbols that may be traded.
        since, until: The looks; nothing lies between them where they are the same.
        seen: At the first look, by symbol.
        minutes: Bars of one minute by symbol, oldest first, from the minute before the first look to that of the second one,
            which may still be forming.
        fundings: That took place and were not charged yet, oldest first.

    Attributes:
        glimpses: What is known of each symbol at the second look.
    """

    def __init__(
        self,
        listed: Collection[str],
        since: datetime,
        until: datetime,
        seen: Mapping[str, Glimpse],
        minutes: Mapping[str, Sequence[Bar]],
        fundings: Sequence[FundingRate] = (),
    ) -> None:
        self._listed = tuple(listed)
        self._since, self._until = since, until
        self._seen = seen
        self._minutes = {
            symbol: {bar.trade.open_time: bar for bar in bars if bar.trade.open_time <= until} for symbol, bars in minutes.items()
        }
        self._fundings = tuple(fundings)
        looked = {symbol: self._look(seen.get(symbol), bars) for symbol, bars in self._minutes.items()}
        self.glimpses = {**seen, **{symbol: glimpse for symbol, glimpse in looked.items() if glimpse is not None}}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that may be traded."""
        return self._listed

    def steps(self, after: datetime, until: datetime) -> Iterator[BarStep]:
        """Yield the minutes between the looks; only symbols that were seen at the first one have bars."""
        opened = start_of(MINUTE, after)
        while max(opened, after) < until:
            opens, closes = max(opened, after), min(opened + MINUTE, until)
            bars = {symbol: _cut(bar, opens, closes) for symbol in self._seen if (bar := self._bar(symbol, opened)) is not None}
            if bars:
                yield BarStep(open_time=opens, close_time=closes, bars=bars)
            opened += MINUTE

    def current(self, symbol: str, at: datetime) -> Bar | None:
        """Return the present of the second look, in which nothing moves; None for a symbol that nothing is known of."""
        if symbol not in self.glimpses:
            return None
        glimpse = self.glimpses[symbol]
        return Bar(trade=_still(glimpse.minute.trade, glimpse.lately), mark=_still(glimpse.minute.mark, glimpse.lately))

    def fundings(self, after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """Return the fundings up to `until` that were not charged yet, late ones first."""
        return tuple(rate for rate in self._fundings if rate.time <= until)

    def _bar(self, symbol: str, opened: datetime) -> Bar | None:
        """Return the bar of a minute, without what of it was seen at the first look."""
        bar, seen = self._minutes.get(symbol, {}).get(opened), self._seen[symbol].minute
        if (
            bar is None or seen.trade.open_time != opened or opened == self._since
        ):  # all of it came after a look on the full minute
            return bar
        return Bar(trade=_since(seen.trade, bar.trade), mark=_since(seen.mark, bar.mark))

    def _look(self, before: Glimpse | None, bars: Mapping[datetime, Bar]) -> Glimpse | None:
        """Return what is known at the second look; an answer that is older than what was seen changes nothing of that."""
        recent = start_of(MINUTE, self._until) - MINUTE
        lately = sum((bar.trade.volume for opened, bar in bars.items() if opened >= recent), ZERO)
        newest = bars[max(bars)] if bars else None
        if before is None:
            return None if newest is None else Glimpse(minute=newest, lately=lately)
        if newest is None or newest.trade.open_time < before.minute.trade.open_time:
            return replace(before, lately=lately)
        if newest.trade.open_time > before.minute.trade.open_time:
            return Glimpse(minute=newest, lately=lately)
        known = before.minute
        minute = Bar(trade=_both(known.trade, newest.trade), mark=_both(known.mark, newest.mark))
        return Glimpse(minute=minute, lately=lately)


def start_of(span: timedelta, moment: datetime) -> datetime:
    """Return the start of the minute or hour that contains a moment."""
    return moment - (moment - _EPOCH) % span


def fundings_from(since: datetime, until: datetime) -> datetime | None:
    """Return from where on to ask for fundings when a look at `since` is followed by one at `until`; None for no need to.

    Fundings take place on full hours, and become known some seconds later: they are asked for when the hour is over, and again at
    each of `FUNDING_CHECKS` after it. What was charged already comes again and has to be left out.
    """
    hour = start_of(HOUR, until)
    if not any(since < hour + wait <= until for wait in FUNDING_CHECKS):
        return None
    return start_of(HOUR, since) - MINUTE  # the hour before the first look may have become known since


def _since(seen: Candle, candle: Candle) -> Candle:
    """Return what a minute did after it was seen: from the price seen on, with the extremes that are new."""
    ends = (seen.close, candle.close)
    return replace(
        candle,
        open=seen.close,
        high=candle.high if candle.high > seen.high else max(ends),
        low=candle.low if candle.low < seen.low else min(ends),
        volume=max(ZERO, candle.volume - seen.volume),
    )


def _both(seen: Candle, candle: Candle) -> Candle:
    """Return a minute with everything that it has shown."""
    high, low, volume = max(seen.high, candle.high), min(seen.low, candle.low), max(seen.volume, candle.volume)
    return replace(candle, high=high, low=low, volume=volume)


def _cut(bar: Bar, opens: datetime, closes: datetime) -> Bar:
    trade, mark = (replace(candle, open_time=opens, close_time=closes) for candle in (bar.trade, bar.mark))
    return Bar(trade=trade, mark=mark)


def _still(candle: Candle, volume: Decimal) -> Candle:
    close = candle.close
    return replace(candle, open=close, high=close, low=close, volume=volume)
