"""The rows that are always there: cash, holding BTC, holding everything, EMA cross, RSI and MACD, played by the compiled engine.

Each symbol has an equal share of the capital, and what it has made of that is its own: shares are not evened out later, and none
lends to another. Leverage is 1 and nobody sells short. Orders trade at a bar's open, worse by the paper engine's usual slippage
and with the taker's fee; fundings are paid. What a share does not buy, since the venue's smallest order costs more, stays cash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from arena.adapters.paper.engine import DEFAULT_SLIPPAGE_BPS
from arena.adapters.recorded.files import Floats
from arena.replay.contracts import FEE, UNIT, contracts_of
from arena.replay.decisions import Wants
from arena.replay.engine import play
from arena.replay.season import Season
from arena.replay.seat import NO_MARKET, OPENED, Terms
from arena.replay.tape import OPEN, Tape, part_of
from arena.verdict.frame import Frame
from arena.verdict.market import Market
from arena.verdict.signals import RULES, acted_upon, held, traded

BITCOIN = "BTCUSDT"
SLIPPAGE = int(DEFAULT_SLIPPAGE_BPS * 100)  # hundredths of a basis point
_SYMBOL, _WHY, _STEPS, _PRICE = 1, 2, 3, 4  # of a fill
_ROUNDING = 1e-9  # of a share, which doubles must not make a step too dear


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """One who competes without a model.

    Attributes:
        words: How it trades, in one sentence.
        times: See `Frame.times`; length N.
        equity: USDT, net of fees and fundings, what is held at its mark; shape (N,).
        trades: Positions that were opened.
        fees, funding: USDT, positive is paid.
        refused: Openings that the venue's limits refused, such as the smallest notional.
    """

    name: str
    words: str
    times: tuple[datetime, ...]
    equity: Floats
    trades: int = 0
    fees: float = 0.0
    funding: float = 0.0
    refused: int = 0


def cash(frame: Frame) -> Baseline:
    """Return the row of who does nothing, which needs no candles."""
    times = frame.times()
    return Baseline(name="cash", words="holds USDT and never trades", times=times, equity=np.full(len(times), frame.capital))


def baselines(market: Market) -> tuple[Baseline, ...]:
    """Return every row of a season: cash, one symbol held, all held, EMA cross, RSI, MACD."""
    symbols, capital = market.tape.symbols, market.frame.capital
    one = BITCOIN if BITCOIN in symbols else symbols[0]
    share = capital / len(symbols)
    pockets = [part_of(market.tape, [symbol]) for symbol in symbols]
    keeping = [held(each, 0, market.decisions) for each in pockets]
    alone = symbols.index(one)
    found = [
        cash(market.frame),
        _row(
            market,
            f"{one.removesuffix('USDT')} hold",
            f"buys {one} with all of its capital at the first cycle and keeps it",
            [_played(pockets[alone], keeping[alone], capital)],
        ),
        _row(
            market,
            "equal weight",
            "buys every symbol with an equal share of the capital at the first cycle and keeps them",
            [_played(pocket, wants, share) for pocket, wants in zip(pockets, keeping, strict=True)],
        ),
    ]
    for name, (rule, words) in RULES.items():
        wanted = [
            acted_upon(rule, market.archive.series(symbol), pocket, 0, market.decisions)
            for symbol, pocket in zip(symbols, pockets, strict=True)
        ]
        played = [_played(pocket, wants, share) for pocket, wants in zip(pockets, wanted, strict=True)]
        found.append(_row(market, name, f"in every symbol, with an equal share of the capital: {words}", played))
    return tuple(found)


def fees(season: Season, tape: Tape) -> float:
    """Return what a season's trades have cost, USDT."""
    filters, fills = contracts_of(tape.symbols, tape.instruments).filters, season.fills
    worth = np.abs(fills[:, _STEPS]) * fills[:, _PRICE] * filters[fills[:, _SYMBOL], UNIT]
    return float((worth * filters[fills[:, _SYMBOL], FEE]).sum())


def refusals(season: Season) -> int:
    """Return how many openings the venue's limits have refused."""
    return int(season.refused[NO_MARKET + 1 :].sum())


def openings(season: Season) -> int:
    """Return how many positions were opened."""
    return int((season.fills[:, _WHY] == OPENED).sum())


def _played(pocket: Tape, wants: Wants, capital: float) -> tuple[Tape, Season]:
    """Play the market of one symbol, in which every opening is worth all that there is."""
    terms = Terms(capital=capital, leverage=1, value=0.0, share=_affordable(pocket), stop=0, target=0, slippage=SLIPPAGE)
    (season,) = play(pocket, [terms], [wants[:, None]])
    return pocket, season


def _affordable(pocket: Tape) -> float:
    """Return the share of an equity that may be bought so that slippage, a tick of rounding and the fee can be paid as well."""
    opens = pocket.bars.field[:-1, 0, OPEN][traded(pocket, 0)]
    fee = float(pocket.instruments[pocket.symbols[0]].taker_fee_rate)
    tick = 1 / opens.min() if len(opens) else 0.0
    return float((1 - _ROUNDING) / ((1 + SLIPPAGE / 1e6 + tick) * (1 + fee)))


def _row(market: Market, name: str, words: str, played: Sequence[tuple[Tape, Season]]) -> Baseline:
    """Return the sum of what the shares have come to."""
    return Baseline(
        name=name,
        words=words,
        times=market.times,
        equity=market.told(np.sum([season.equity for _, season in played], axis=0)),
        trades=sum(openings(season) for _, season in played),
        fees=sum(fees(season, tape) for tape, season in played),
        funding=sum(season.funding for _, season in played),
        refused=sum(refusals(season) for _, season in played),
    )
