"""What is computed of a snapshot, once, for all competitors: what the playbook shows, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from arena.analysis.figures import Spread, against_basket, figures, ranks, spreads
from arena.analysis.indicators import Indicators, indicators
from arena.domain.instrument import Instrument
from arena.domain.market import MarketSnapshot
from arena.domain.money import ceil_to
from arena.strategies import layout
from arena.strategies.playbook import Playbook

DEFAULT_STOP_FROM = "atr14"
RANKED_BY = "change_4h_percent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is computed of a snapshot.

    Attributes:
        indicators: By symbol.
        figures: By symbol and label; None where a figure is not known.
        spreads: Between the pairs, where the playbook shows them.
        default_stops: How far from the price an opening without a stop gets one, USDT on the tick, by symbol where it is known.
    """

    indicators: Mapping[str, Indicators] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    spreads: tuple[Spread, ...] = ()
    default_stops: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, symbol: str) -> Indicators:
        """Return a symbol's indicators, empty ones where it has none."""
        return self.indicators.get(symbol, Indicators())

    def figure(self, symbol: str, label: str) -> float | None:
        """Return a single figure of a symbol."""
        if label in layout.OWN or label in layout.AGAINST_OTHERS:
            return self.figures.get(symbol, {}).get(label)
        found = self.of(symbol)
        value: float | None = getattr(found.long_window if label in layout.LONG_WINDOW else found, label)
        return value


def study(snapshot: MarketSnapshot, playbook: Playbook, instruments: Mapping[str, Instrument]) -> Study:
    """Return what the playbook shows of a snapshot, and the default stops that prompt and planning share."""
    shown = playbook.shown
    wanted = shown | {DEFAULT_STOP_FROM} | ({RANKED_BY} if "momentum_rank" in shown else set())
    candles = {symbol: market.candles for symbol, market in snapshot.symbols.items()}
    computed = {symbol: indicators(series, wanted) for symbol, series in candles.items()}
    own = {symbol: figures(series) if shown & set(layout.OWN) and series else {} for symbol, series in candles.items()}
    basket = against_basket(candles) if any(label.startswith("basket_") for label in shown) else {}
    ranked = ranks({symbol: found.long_window.change_4h_percent for symbol, found in computed.items()})
    return Study(
        indicators=computed,
        figures={symbol: {**own[symbol], **basket.get(symbol, {}), "momentum_rank": ranked[symbol]} for symbol in candles},
        spreads=spreads(candles) if playbook.spreads else (),
        default_stops=_default_stops(computed, instruments, playbook),
    )


def _default_stops(
    computed: Mapping[str, Indicators], instruments: Mapping[str, Instrument], playbook: Playbook
) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for symbol, seen in computed.items():
        atr = seen.atr14[-1] if seen.atr14 else None
        if atr is not None and atr > 0 and symbol in instruments:
            found[symbol] = ceil_to(Decimal(atr) * playbook.stop_atr, instruments[symbol].tick_size)
    return found
