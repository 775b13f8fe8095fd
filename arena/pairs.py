"""`arena pairs`: whether pairs can be a season's, and writing them into `.env` and README.md."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from arena.adapters.binance.listings import BinanceListings
from arena.bootstrap import limits_of
from arena.configuration import environment_file, load_limit_settings
from arena.connections import open_listings
from arena.domain.instrument import MarginTier
from arena.domain.money import plain
from arena.domain.pairs import PairCheck, check_pairs, list_faults, list_warnings
from arena.env_file import read_text, replace_file, with_variable
from arena.errors import ConfigurationError
from arena.settings import split_pairs

PRESETS: Mapping[str, tuple[str, ...]] = {
    # The largest contracts: the deepest books, so the least slippage, and the ones that models know most about. One step of
    # BTCUSDT (0.001) costs some 100 USDT: with 200 USDT of capital its sizes are coarse.
    "major": ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "DOGEUSDT"),
    # A unit costs cents to a few USDT, so the smallest order is Binance's least notional of 5 USDT: 1 USDT of margin at leverage
    # 5, half a percent of 200 USDT, and sizes follow what a model asks for closely. All of them listed for years.
    "low-price": ("DOGEUSDT", "XRPUSDT", "ADAUSDT", "TRXUSDT", "XLMUSDT", "HBARUSDT"),
}
README = Path("README.md")
EXAMPLE = Path(".env.example")
SECTION_START, SECTION_END = "<!-- pairs -->", "<!-- /pairs -->"
SECRETS_MODE = 0o600  # `.env` holds keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found about a list of pairs.

    Attributes:
        market: The venue, or what the simulator plays.
        as_of: The venue's time of the prices, UTC.
        capital: One competitor's, USDT.
        leverage: MAX_LEVERAGE.
        checks: One a pair.
        faults, warnings: Of the list as a list.
        unchecked: Why the margin tiers were not looked at; empty where they were.
    """

    market: str
    as_of: datetime
    capital: Decimal
    leverage: int
    checks: tuple[PairCheck, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    unchecked: str = ""

    @property
    def title(self) -> str:
        """Where and when, and for whose capital."""
        return f"{self.market}, {self.as_of:%Y-%m-%d %H:%M} UTC; {self.capital:.2f} USDT a competitor"

    @property
    def every_fault(self) -> tuple[str, ...]:
        """What keeps these pairs from being a season's, in sentences."""
        return (*self.faults, *(fault for check in self.checks for fault in check.faults))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a table of the pairs does not show."""
        return (*self.faults, *self.warnings, *([self.unchecked] if self.unchecked else []))

    def to_json(self) -> dict[str, Any]:
        """Return what `arena pairs check --json` prints; decimals are strings."""
        return {
            "market": self.market,
            "as_of": self.as_of.isoformat(),
            "capital": plain(self.capital),
            "leverage": self.leverage,
            "well": not self.every_fault,
            "pairs": [_object(check) for check in self.checks],
            "faults": list(self.faults),
            "warnings": list(self.warnings),
            "unchecked": self.unchecked or None,
        }


def chosen(names: Sequence[str], preset: str) -> tuple[str, ...]:
    """Return the pairs that a command line names, in capitals.

    Args:
        names: Arguments such as `BTCUSDT,ETHUSDT`; several where someone wrote blanks between them.
        preset: One of `PRESETS`, or empty.

    Raises:
        ConfigurationError: It names both, neither, or an unknown preset.
    """
    if bool(names) == bool(preset):
        raise ConfigurationError(f"name either pairs (A,B,C) or a preset ({', '.join(PRESETS)})")
    if preset and preset not in PRESETS:
        raise ConfigurationError(f"there is no preset {preset}: there are {' and '.join(PRESETS)}")
    return PRESETS[preset] if preset else split_pairs(",".join(names))


async def examine(pairs: Sequence[str]) -> Examination:
    """Look pairs up at the venue and check them against the capital and the limits of `.env`.

    Raises:
        ConfigurationError, ExchangeError: They could not be checked.
    """
    settings = load_limit_settings()
    async with AsyncExitStack() as closing:
        market = open_listings(settings, closing)
        as_of = await market.time()
        listings = await market.listings(pairs)
        tiers, unchecked = await _tiers(market, pairs)
        capital = settings.initial_balance_per_llm
        return Examination(
            market=await market.label(),
            as_of=as_of,
            capital=capital,
            leverage=settings.max_leverage,
            checks=check_pairs(pairs, listings, tiers, await market.tradable(), capital, limits_of(settings)),
            faults=list_faults(pairs),
            warnings=list_warnings(pairs),
            unchecked=unchecked,
        )


async def _tiers(market: BinanceListings, pairs: Sequence[str]) -> tuple[Mapping[str, Sequence[MarginTier]] | None, str]:
    """Return the margin tiers, or why there are none: the venue shows them to keys only, and all else can be checked without."""
    untested = "whether the margin tiers allow MAX_LEVERAGE was not checked"
    try:
        tiers = await market.tiers(pairs)
    except ConfigurationError as error:
        return None, f"{untested}: {error}"
    return tiers, "" if tiers is not None else f"{untested}: it needs the venue's API key, and there is none for this ENVIRONMENT"


def write(found: Examination) -> tuple[str, ...]:
    """Write pairs that were found well into `.env`, made from `.env.example` where there is none, and README.md.

    Returns:
        What was done, in sentences.

    Raises:
        ConfigurationError: `.env` cannot be written; it is as it was.
    """
    assert not found.every_fault  # `.env` takes no pair that a season could not start with
    pairs = ",".join(check.symbol for check in found.checks)
    done = [_write_environment(pairs), _write_readme(found)]
    if os.environ.get("AVAILABLE_PAIRS", pairs) not in ("", pairs):
        done.append("the environment sets AVAILABLE_PAIRS too and wins over the file: unset it there")
    return (*done, "a season that has begun keeps its pairs: name a new SEASON for these")


def _write_environment(pairs: str) -> str:
    path, source = environment_file(), ""
    text = read_text(path)
    if text is None:
        text = read_text(EXAMPLE)
        source = f", made from {EXAMPLE}" if text is not None else ", made with nothing else in it"
    replace_file(path, with_variable(text or "", "AVAILABLE_PAIRS", pairs), SECRETS_MODE)
    return f"{path}{source}: AVAILABLE_PAIRS={pairs}"


def _write_readme(found: Examination) -> str:
    try:
        text = read_text(README)
        if text is None:
            return f"{README} is not here: no table of pairs was written"
        changed = with_section(text, section(found))
        if changed is None:
            return f"{README} has no section between {SECTION_START} and {SECTION_END}: it was left as it is"
        replace_file(README, changed, 0o644)
    except ConfigurationError as error:
        return f"the table of pairs was not written: {error}"  # the pairs themselves are
    return f"{README}: the table of pairs was written"


def section(found: Examination) -> str:
    """Return README's table of the pairs."""
    rows = [f"| {check.symbol} | {check.order.notional:.2f} |" for check in found.checks if check.order is not None]
    title = f"The default pairs; the smallest orders are those of {found.as_of:%Y-%m-%d}, {found.market}:"
    return "\n".join([title, "", "| pair | smallest order, USDT |", "|---|---:|", *rows])


def with_section(readme: str, content: str) -> str | None:
    """Return a README with `content` between the markers and all else the same to the byte; None where they are not there."""
    before, start, rest = readme.partition(SECTION_START)
    _, end, after = rest.partition(SECTION_END)
    if not start or not end:
        return None
    line_end = "\r\n" if "\r\n" in readme else "\n"
    inner = line_end.join(["", *content.split("\n"), ""])
    return f"{before}{start}{inner}{end}{after}"


def _object(check: PairCheck) -> dict[str, Any]:
    order = check.order
    return {
        "pair": check.symbol,
        "price": _shown(check.last_price),
        "mark_price": _shown(check.mark_price),
        "smallest_quantity": _shown(order.quantity if order else None),
        "smallest_order_usdt": _shown(order.notional if order else None),
        "margin_usdt": _shown(order.margin if order else None),
        "share_of_capital": _shown(check.share),
        "well": not check.faults,
        "faults": list(check.faults),
    }


def _shown(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
