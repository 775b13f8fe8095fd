"""A market that moves: seeded random walks on ticks, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from arena.application.language_model import Prompt
from arena.application.prompt import render_prompt, static_prompt
from arena.application.prompt_account import account_section
from arena.application.prompt_market import market_section
from arena.application.record import PastTurn
from arena.application.study import study
from arena.domain.instrument import Instrument
from arena.domain.ledger import Ledger
from arena.domain.market import Candle, MarketSnapshot, SymbolMarket
from arena.domain.risk import Limits
from arena.strategies.playbook import Playbook
from arena.strategies.registry import PLAYBOOKS
from tests.fakes import build
from tests.fakes.season import season

BASES = {"BTCUSDT": "93500.1", "ETHUSDT": "3350.07", "SOLUSDT": "189.42", "DOGEUSDT": "0.14211"}
LIMITS = Limits(max_leverage=5, max_open_positions=5, max_margin_usage=Decimal("0.8"), stale_after=timedelta(minutes=10))


class Dice:
    """A linear congruential generator: needs no library whose versions differ."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 2_654_435_761 % 2**32 or 1

    def roll(self, sides: int) -> int:
        """Return 0 to sides − 1."""
        self._state = (self._state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        return (self._state >> 33) % sides


def walk(symbol: str, seed: int = 1, length: int = 499, end: datetime = build.NOON) -> tuple[Candle, ...]:
    """Return candles of five minutes that move some tenths of a percent each, with volume that varies."""
    dice, instrument = Dice(seed * 1000 + sum(symbol.encode())), build.instrument(symbol)
    price, closes = Decimal(BASES[symbol]), []
    for _ in range(length):
        price = instrument.round_price(price * (1 + Decimal(dice.roll(81) - 40) / 10_000))
        closes.append(price)
    return tuple(
        replace(
            candle,
            high=instrument.round_price(candle.high * (1 + Decimal(dice.roll(20)) / 10_000)),
            low=instrument.round_price(candle.low * (1 - Decimal(dice.roll(20)) / 10_000)),
            volume=Decimal(dice.roll(90_000) + 1_000) / 1000,
        )
        for candle in build.candles(closes, end)
    )


def moving_market(symbol: str, seed: int = 1, length: int = 499) -> SymbolMarket:
    """Return a symbol whose mark lies a tick above the last price."""
    candles = walk(symbol, seed, length)
    return SymbolMarket(
        symbol=symbol,
        candles=candles,
        last_price=candles[-1].close,
        mark_price=candles[-1].close + build.instrument(symbol).tick_size,
        funding_rate=Decimal("0.0001"),
        next_funding_time=build.NOON + timedelta(hours=4),
    )


def moving_snapshot(
    symbols: Iterable[str] = tuple(BASES), seed: int = 1, length: int = 499, missing: Mapping[str, str] | None = None
) -> MarketSnapshot:
    """Return a snapshot of walks."""
    return MarketSnapshot(
        as_of=build.NOON,
        symbols={symbol: moving_market(symbol, seed, length) for symbol in symbols},
        missing=missing or {},
    )


def prompt(
    taken: MarketSnapshot,
    ledger: Ledger,
    past: Iterable[PastTurn] = (),
    limits: Limits = LIMITS,
    instruments: Mapping[str, Instrument] | None = None,
    playbook: Playbook = PLAYBOOKS["free"],
) -> Prompt:
    """Return the prompt of one competitor, rendered as a cycle does."""
    known = instruments or build.instruments()
    named = replace(season(), symbols=tuple(sorted({*taken.symbols, *taken.missing})))
    computed = study(taken, playbook, known)
    return render_prompt(
        static=static_prompt(named, known, limits, playbook),
        market=market_section(taken, computed, known, playbook),
        account=account_section(ledger, taken, limits, known, tuple(past), taken.as_of, actions=playbook.actions),
        pairs=len(named.symbols),
    )


def text_of(asked: Prompt) -> str:
    """Return the prompt as a model receives it."""
    return f"{asked.static}\n{asked.user}"
