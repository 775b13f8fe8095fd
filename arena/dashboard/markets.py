"""One symbol: as the models saw it, as the venue's candles show it, and what everybody did in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from arena.dashboard.answers import Answer, Fraction, Held, Price, Quantity, Side, Time, Usdt
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
Label = Annotated[str, Field(description="As the prompt names it; the prompt itself says what it means.")]


class Reading(Answer):
    """One figure of the prompt."""

    label: Label
    value: str | None = Field(description="To the letter, in the unit that its label says; null where the prompt says n/a.")


class SeriesSeen(Answer):
    """One series of the prompt."""

    label: Label
    values: list[str | None] = Field(description="Oldest first, to the letter; the last one belongs to `series_last`.")


class SpreadSeen(Answer):
    """What the prompt said of two symbols together."""

    pairs: str = Field(description="The two symbols.")
    figures: list[Reading] = Field(description="Without a unit, but for half_life, which is in candles.")


class Seen(Answer):
    """A symbol as every model saw it, to the letter of the prompt."""

    cycle: int = Field(description="Whose prompt it is: the newest booked one.")
    as_of: Time | None
    last_price: Price | None
    mark_price: Price | None
    funding_rate: Fraction | None = Field(description="Expected at `next_funding_time`, fraction of 1; positive: paid by longs.")
    next_funding_time: Time | None
    default_stop_distance: Price | None = Field(description="Of an opening without a stop, USDT.")
    interval: str | None = Field(description="Of the candles that the series are computed of.")
    series_first: Time | None
    series_last: Time | None
    series: list[SeriesSeen] = Field(description="Those that the season's playbook shows.")
    figures: list[Reading] = Field(description="Likewise.")
    spreads: list[SpreadSeen] = Field(description="Likewise, with this symbol in them.")


class CandleRow(Answer):
    """A closed candle of the venue."""

    open_time: Time
    close_time: Time = Field(description="The first instant after it; ISO 8601, UTC, by the venue's clock.")
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity


class Executed(Answer):
    """A fill that a chart marks."""

    booked_cycle: int = Field(description="The cycle with which it was booked, or after which a sweep booked it.")
    llm_id: str = Field(description="Whose it is.")
    time: Time
    entry: bool = Field(description="It opens or enlarges a position; else it shrinks or closes one.")
    side: Literal["BUY", "SELL"] = Field(description="Of the order.")
    position_side: Side = Field(description="Of the position.")
    quantity: Quantity
    price: Price
    fee: Usdt
    realized_pnl: Usdt = Field(description="Before fees and funding, USDT.")
    cause: str = Field(description="Why: decision, stop, target, liquidation and so on.")


class Market(Answer):
    """One symbol of the season."""

    symbol: str = Field(description="As the venue names it.", examples=["BTCUSDT"])
    seen: Seen | None = Field(description="As the models saw it; null where that is not known.")
    seen_reason: str = Field(description="Why `seen` is null; empty where it is not.")
    candles: list[CandleRow] | None = Field(
        description="Closed ones of the venue, oldest first; null where they could not be read."
    )
    candles_reason: str = Field(description="Why there are none, or none newer; empty where all is well.")
    candles_read_at: Time | None = Field(description="When they were read, by this machine's clock; ISO 8601, UTC.")
    positions: list[Held] = Field(description="What is held of it now.")
    fills: list[Executed] = Field(description="The newest 500, oldest first.")


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
    number = cycle["number"]
    text = await view.prompt("market", cycle["market_prompt_hash"])
    if text is None:
        return None, f"the prompt of cycle {number} is not in the store any more (arena db prune)"
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
