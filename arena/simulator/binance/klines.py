"""Candles on the wire; the one that is still forming shows nothing that has not happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from arena.domain.instrument import Instrument
from arena.domain.market import Candle
from arena.simulator.binance.call import Call, Endpoint, public
from arena.simulator.binance.refusals import WireError
from arena.simulator.binance.wire import EPOCH, Parameters, at, to_ms
from arena.simulator.venue import Venue

INTERVALS = {
    f"{number}{letter}": number * unit
    for letter, unit, numbers in (
        ("m", timedelta(minutes=1), (1, 3, 5, 15, 30)),
        ("h", timedelta(hours=1), (1, 2, 4, 6, 8, 12)),
        ("d", timedelta(days=1), (1,)),
    )
    for number in numbers
}
DEFAULT_LIMIT, LARGEST_LIMIT = 500, 1500
_WEIGHTS = ((100, 1), (500, 2), (1001, 5))  # of fewer rows than that; 10 for more

Row = list[Any]


def klines(mark: bool) -> Callable[[Call], list[Row]]:
    """Return the handler of GET /klines, or of GET /markPriceKlines."""

    def handle(call: Call) -> list[Row]:
        instrument = call.instrument()
        interval = INTERVALS.get(call.parameters.text("interval"))
        limit = call.parameters.limit(DEFAULT_LIMIT, LARGEST_LIMIT)
        if interval is None:
            raise WireError(-1120, "Invalid interval.")
        try:
            return _rows(call, instrument, interval, limit, mark)
        except ValueError as error:
            raise WireError(-1120, f"Invalid interval: {error}.") from error

    return handle


def _rows(call: Call, instrument: Instrument, interval: timedelta, limit: int, mark: bool) -> list[Row]:
    """Return candles that open within startTime to endTime: with a start the oldest, without one the newest."""
    now = call.venue.engine.now
    start, end = call.parameters.moment("startTime"), call.parameters.moment("endTime")
    archive, symbol = call.venue.archive, instrument.symbol
    if start is not None:
        past = archive.candles(symbol, interval, now, limit, mark=mark, since=start)
        rows = [_row(candle, instrument) for candle in past]
    else:
        later = -((end - now) // interval) + 1 if end is not None and end < now else 0
        rows = _closed(call.venue, instrument, interval, limit + later, mark)
    forming = archive.forming(symbol, interval, now, mark=mark)
    if forming is not None and (start is None or forming.open_time >= start):
        rows = [*rows, _row(forming, instrument)]
    if end is not None:
        rows = [row for row in rows if row[0] <= to_ms(end)]
    return rows[:limit] if start is not None else rows[-limit:]


def _closed(venue: Venue, instrument: Instrument, interval: timedelta, wanted: int, mark: bool) -> list[Row]:
    """Return the last closed candles; those that were sent before are not put together again."""
    until = venue.engine.now - (venue.engine.now - EPOCH) % interval
    key = (instrument.symbol, interval, mark)
    sent_until, sent = venue.sent_klines.get(key, (until, []))

    def last(count: int) -> list[Row]:
        candles = venue.archive.candles(instrument.symbol, interval, until, count, mark=mark)
        return [_row(candle, instrument) for candle in candles]

    passed = (until - sent_until) // interval
    fresh = [row for row in last(passed) if row[0] >= to_ms(sent_until)] if passed <= wanted else []
    rows = [*sent, *fresh] if passed <= wanted else []
    if len(rows) < wanted:
        rows = last(wanted)
    venue.sent_klines[key] = until, rows[-LARGEST_LIMIT:]
    return rows[-wanted:] if wanted else []


def _row(candle: Candle, instrument: Instrument) -> Row:
    """Return a candle's row; quote volume and trade counts are not in the data and are zero."""
    tick = instrument.tick_size
    return [
        to_ms(candle.open_time),
        at(candle.open, tick),
        at(candle.high, tick),
        at(candle.low, tick),
        at(candle.close, tick),
        at(candle.volume, instrument.step_size),
        to_ms(candle.close_time) - 1,
        "0",
        0,
        "0",
        "0",
        "0",
    ]


def _weight(parameters: Parameters) -> int:
    limit = parameters.limit(DEFAULT_LIMIT, LARGEST_LIMIT)
    return next((weight for rows, weight in _WEIGHTS if limit < rows), 10)


ENDPOINTS: tuple[Endpoint, ...] = (
    public("/fapi/v1/klines", klines(mark=False), _weight),
    public("/fapi/v1/markPriceKlines", klines(mark=True), _weight),
)
