"""One symbol: as the models saw it, as the venue shows it, and what was done in it."""

from __future__ import annotations

from pydantic import Field

from arena.dashboard.answers.trading import Fill, Held
from arena.dashboard.answers.units import Answer, Figure, Fraction, MachineTime, Price, Quantity, Time


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


class Executed(Fill):
    """A fill, as a chart marks it."""

    booked_cycle: int
    llm_id: str
    entry: bool


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
