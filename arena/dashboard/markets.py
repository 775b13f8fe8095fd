"""One symbol: as the models saw it, as the venue's candles show it, and what everybody did in it."""

from __future__ import annotations

from collections.abc import Mapping

from arena.dashboard.answers.market import CandleRow, Executed, Market, Reading, Seen, SeriesSeen, SpreadSeen
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
