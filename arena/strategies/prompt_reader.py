"""Reading the prompt back as a program: the baselines see the very text that the language models see, and nothing else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from arena.domain.order import PositionSide
from arena.strategies import layout

Values = tuple[Decimal | None, ...]
_Part = Mapping[str, str]
_SECONDS = re.compile(r"(T[0-9]{2}:[0-9]{2}):[0-9]{2}Z")


class UnreadablePrompt(ValueError):
    """The text is not a prompt of the arena."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSymbol:
    """One symbol of the market section.

    Attributes:
        venue_max_leverage: Of the smallest positions; the season's limit may be lower.
        default_stop: Distance of the stop that an opening without one gets, USDT.
        series: By label, oldest first; None where the prompt says `n/a`, absent where the playbook does not show it.
        figures: By label, likewise.
    """

    symbol: str
    last: Decimal
    mark: Decimal
    funding_rate: Decimal | None
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    venue_max_leverage: int
    default_stop: Decimal | None
    series: Mapping[str, Values | None]
    figures: Mapping[str, Decimal | None]

    def newest(self, label: str) -> Decimal | None:
        """Return the last value of a series; None where it is not known or not shown."""
        values = self.series.get(label)
        return values[-1] if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSpread:
    """One line of the spreads section."""

    first: str
    second: str
    hedge_ratio: Decimal
    zscore: Decimal | None
    half_life: Decimal | None
    correlation: Decimal

    @property
    def name(self) -> str:
        """As the prompt names it."""
        return f"{self.first} {self.second}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPosition:
    """One open position of the account section; prices in USDT, None where nothing rests or is known."""

    symbol: str
    side: PositionSide
    quantity: Decimal
    entry: Decimal
    mark: Decimal | None
    unrealized_pnl: Decimal | None
    leverage: int
    stop: Decimal | None
    target: Decimal | None
    liquidation_price: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPrompt:
    """What a prompt says.

    Attributes:
        digest: SHA-256 of the text with times to the minute, hex: the only source of chance for a rule. A cycle that starts a few
            seconds later on a slower machine throws the same dice.
        missing: Symbols without data, with the reason.
        equity, largest_margin: USDT.
        largest_size_percent: Of equity, what one more position may bind as margin.
        actions: What is possible, by symbol.
    """

    digest: str
    max_leverage: int
    max_open_positions: int
    symbols: Mapping[str, ReadSymbol]
    missing: Mapping[str, str]
    spreads: tuple[ReadSpread, ...]
    equity: Decimal
    largest_margin: Decimal
    largest_size_percent: int
    positions: Mapping[str, ReadPosition]
    actions: Mapping[str, tuple[str, ...]]


def read_prompt(text: str) -> ReadPrompt:
    """Return what a prompt says, all of its parts together as the model received them.

    Raises:
        UnreadablePrompt: A section or a value that every prompt has is not there.
    """
    sections = _sections(text)
    try:
        market, positions = sections[layout.MARKET], sections[layout.POSITIONS]
        limits, account = sections[layout.LIMITS][""], sections[layout.ACCOUNT][""]
        contracts = {symbol: _pairs(text) for symbol, text in sections[layout.CONTRACTS][""].items()}
        parts = {symbol: part for symbol, part in market.items() if symbol}
        return ReadPrompt(
            digest=hashlib.sha256(_SECONDS.sub(r"\1Z", text).encode("utf-8", "replace")).hexdigest(),
            max_leverage=int(limits[layout.MAX_LEVERAGE]),
            max_open_positions=int(limits[layout.MAX_OPEN_POSITIONS]),
            symbols={
                symbol: _symbol(symbol, part, contracts[symbol]) for symbol, part in parts.items() if layout.NO_DATA not in part
            },
            missing={symbol: part[layout.NO_DATA] for symbol, part in parts.items() if layout.NO_DATA in part},
            spreads=tuple(_spread(name, _pairs(text)) for name, text in sections.get(layout.SPREADS, {"": {}})[""].items()),
            equity=Decimal(account[layout.EQUITY]),
            largest_margin=Decimal(account[layout.LARGEST_MARGIN]),
            largest_size_percent=int(account[layout.LARGEST_SIZE]),
            positions={title.split()[0]: _position(title, part) for title, part in positions.items() if title},
            actions={symbol: tuple(listed.split(layout.SEPARATOR)) for symbol, listed in sections[layout.ACTIONS][""].items()},
        )
    except (KeyError, ValueError, InvalidOperation) as error:
        raise UnreadablePrompt(f"this is not a prompt of the arena: {type(error).__name__} at {error}") from None


def read_market(text: str) -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, Mapping[str, str]]]:
    """Return what a prompt's market part says, to the letter: its lines by symbol and label, and its spreads by pairs and label.

    What stands before the first symbol is under the empty one. Nothing is found in a text that is no market part.
    """
    sections = _sections(text)
    spreads = sections.get(layout.SPREADS, {"": {}})[""]
    return sections.get(layout.MARKET, {}), {pairs: _pairs(figures) for pairs, figures in spreads.items()}


def _sections(text: str) -> dict[str, dict[str, dict[str, str]]]:
    """Return the values by section, part (empty before the first) and label."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    section = found.setdefault("", {})
    part = section.setdefault("", {})
    for line in text.split("\n"):
        if line.startswith(layout.PART):
            part = section.setdefault(line.removeprefix(layout.PART), {})
        elif line.startswith(layout.SECTION):
            section = found.setdefault(line, {})
            part = section.setdefault("", {})
        else:
            label, colon, value = line.partition(": ")
            if colon:
                part[label] = value
    return found


def _pairs(text: str) -> dict[str, str]:
    """Return `label value, label value` by label."""
    return dict(pair.split(" ", 1) for pair in text.split(layout.SEPARATOR))


def _symbol(symbol: str, part: _Part, contract: _Part) -> ReadSymbol:
    return ReadSymbol(
        symbol=symbol,
        last=Decimal(part[layout.LAST]),
        mark=Decimal(part[layout.MARK]),
        funding_rate=_number(part[layout.FUNDING_RATE]),
        tick=Decimal(contract[layout.TICK]),
        step=Decimal(contract[layout.STEP]),
        min_quantity=Decimal(contract[layout.MIN_QUANTITY]),
        min_notional=Decimal(contract[layout.MIN_NOTIONAL]),
        venue_max_leverage=int(contract[layout.VENUE_MAX_LEVERAGE]),
        default_stop=_number(part[layout.DEFAULT_STOP]),
        series={label: _series(part[label]) for label in layout.SERIES if label in part},
        figures={label: _number(part[label]) for label in layout.FIGURES if label in part},
    )


def _spread(name: str, figures: _Part) -> ReadSpread:
    first, second = name.split()
    return ReadSpread(
        first=first,
        second=second,
        hedge_ratio=Decimal(figures[layout.HEDGE_RATIO]),
        zscore=_number(figures[layout.ZSCORE]),
        half_life=_number(figures[layout.HALF_LIFE]),
        correlation=Decimal(figures[layout.CORRELATION]),
    )


def _position(title: str, part: _Part) -> ReadPosition:
    symbol, side = title.split()
    return ReadPosition(
        symbol=symbol,
        side=PositionSide(side),
        quantity=Decimal(part[layout.QUANTITY]),
        entry=Decimal(part[layout.ENTRY]),
        mark=_number(part[layout.MARK]),
        unrealized_pnl=_number(part[layout.UNREALIZED]),
        leverage=int(part[layout.LEVERAGE]),
        stop=_number(part[layout.STOP]),
        target=_number(part[layout.TARGET]),
        liquidation_price=_number(part[layout.LIQUIDATION]),
        reason=part[layout.REASON],
    )


def _number(text: str) -> Decimal | None:
    return None if text in (layout.MISSING, layout.NONE) else Decimal(text)


def _series(text: str) -> Values | None:
    return None if text == layout.MISSING else tuple(_number(value) for value in text.split(layout.SEPARATOR))
