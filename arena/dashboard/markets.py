"""One symbol: as the models saw it, as the venue's candles show it, and what everybody did in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from arena.dashboard.answers import Answer, Figure, Fraction, Held, MachineTime, Price, Quantity, Side, Time, Usdt
from arena.dashboard.candles import Shown
from arena.dashboard.curve import iso
from arena.dashboard.season_view import SeasonView
from arena.dashboard.telling import positions
from arena.domain.market import Candle
from arena.domain.money import plain
from arena.strategies import layout
from arena.strategies.prompt_reader import read_market

Lines = Mapping[str, str]

_SERIES = frozenset(layout.SERIES)
_FIGURES = frozenset(layout.FIGURES)


class Reading(Answer):
    """One figure of a prompt, to the letter."""

    label: str
    value: Figure | None


class SeriesSeen(Answer):
    """One series of a prompt, to the letter."""

    label: str
    values: list[Figure | None]


class SpreadSeen(Answer):
    """What a prompt said of two symbols together."""

    pairs: str
    figures: list[Reading]


class Seen(Answer):
    """A symbol as every model saw it, to the letter of the prompt; what the season's playbook does not show is not there."""

    cycle: int
    as_of: Time | None
    last_price: Price | None
    mark_price: Price | None = Field(description="The venue's mark at that time; null where the prompt says n/a.")
    funding_rate: Fraction | None
    next_funding_time: Time | None
    default_stop_distance: Price | None
    interval: str | None
    series_first: Time | None
    series_last: Time | None
    series: list[SeriesSeen]
    figures: list[Reading]
    spreads: list[SpreadSeen]


class CandleRow(Answer):
    """A closed candle of the venue."""

    open_time: Time
    close_time: Time
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity


class Executed(Answer):
    """A fill, as a chart marks it."""

    booked_cycle: int
    llm_id: str
    time: Time
    entry: bool
    side: Literal["BUY", "SELL"]
    position_side: Side
    quantity: Quantity
    price: Price
    fee: Usdt
    realized_pnl: Usdt
    cause: str


class Market(Answer):
    """One symbol of the season."""

    symbol: str
    seen: Seen | None
    seen_reason: str
    candles: list[CandleRow] | None
    candles_reason: str
    candles_read_at: MachineTime | None
    positions: list[Held] = Field(description="What is held of it now.")
    fills: list[Executed] = Field(description="The newest 500 executions in it, oldest first.")


async def market(view: SeasonView, symbol: str, shown: Shown) -> Market:
    """Return one symbol of the season."""
    seen, reason = await _seen(view, symbol)
    fills = [{**row, "entry": (row["side"] == "BUY") == (row["position_side"] == "LONG")} for row in view.executions.of(symbol)]
    return Market(
        symbol=symbol,
        seen=seen,
        seen_reason=reason,
        candles=None if shown.candles is None else [_candle(each) for each in shown.candles],
        candles_reason=shown.reason,
        candles_read_at=shown.read_at and iso(shown.read_at),
        positions=[each for each in positions(view) if each.symbol == symbol],
        fills=[Executed.model_validate(each) for each in fills],
    )


async def _seen(view: SeasonView, symbol: str) -> tuple[Seen | None, str]:
    """Return what the newest booked cycle's prompt says of a symbol, or why it says nothing."""
    cycle = view.cycles.last
    if cycle is None:
        return None, "no cycle has been booked yet"
    text = await view.prompt("market", cycle["market_prompt_hash"])
    if text is None:
        return None, f"the prompt of cycle {cycle['number']} is not in the store any more (arena db prune)"
    return seen_in(text, cycle["number"], symbol)


def seen_in(text: str, number: int, symbol: str) -> tuple[Seen | None, str]:
    """Return what a cycle's market prompt says of a symbol, or why it says nothing."""
    parts, spreads = read_market(text)
    lines = parts.get(symbol)
    if lines is None:
        return None, f"the prompt of cycle {number} said nothing of it"
    if layout.NO_DATA in lines:
        return None, f"the models were told in cycle {number} that there is no data: {lines[layout.NO_DATA]}"
    named = {layout.AS_OF: parts.get("", {}).get(layout.AS_OF, layout.MISSING), **lines}
    return _told(number, named, {pairs: figures for pairs, figures in spreads.items() if symbol in pairs.split()}), ""


def _told(number: int, lines: Lines, spreads: Mapping[str, Lines]) -> Seen:
    def value(label: str) -> str | None:
        return _known(lines.get(label, layout.MISSING))

    return Seen(
        cycle=number,
        as_of=value(layout.AS_OF),
        last_price=value(layout.LAST),
        mark_price=value(layout.MARK),
        funding_rate=value(layout.FUNDING_RATE),
        next_funding_time=value(layout.NEXT_FUNDING),
        default_stop_distance=value(layout.DEFAULT_STOP),
        interval=value(layout.INTERVAL),
        series_first=value(layout.SERIES_FIRST),
        series_last=value(layout.SERIES_LAST),
        series=[SeriesSeen(label=label, values=_values(text)) for label, text in lines.items() if label in _SERIES],
        figures=_readings({label: text for label, text in lines.items() if label in _FIGURES}),
        spreads=[SpreadSeen(pairs=pairs, figures=_readings(figures)) for pairs, figures in spreads.items()],
    )


def _readings(lines: Lines) -> list[Reading]:
    return [Reading(label=label, value=_known(text)) for label, text in lines.items()]


def _values(text: str) -> list[str | None]:
    return [] if text == layout.MISSING else [_known(each) for each in text.split(layout.SEPARATOR)]


def _known(text: str) -> str | None:
    return None if text == layout.MISSING else text


def _candle(candle: Candle) -> CandleRow:
    prices = {name: plain(getattr(candle, name)) for name in ("open", "high", "low", "close", "volume")}
    return CandleRow(open_time=iso(candle.open_time), close_time=iso(candle.close_time), **prices)
