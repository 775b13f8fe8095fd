"""Seasons of traders by dice, played by the compiled engine over generated markets, fees and fundings included.

At instants a holding time apart a trader is long or short of every symbol. One of skill p knows the sign of each price's move up
to its next instant and goes with it with probability p: at 50 % that is a coin. An opening has the same worth all season, and the
account holds `MARGIN` times the capital that gains are measured by, so that nobody is refused, liquidated or broke: what is under
test is the judge, not the venue.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from arena.adapters.recorded import CandleArchive, generate_market
from arena.adapters.recorded.files import Floats
from arena.replay.decisions import HOLD, LONG, SHORT, Wants
from arena.replay.engine import play
from arena.replay.seat import LIQUIDATION, Terms
from arena.replay.tape import OPEN, Tape, read_tape

BARS_A_DAY, BARS_AN_HOUR = 288, 12
CAPITAL = 60_000.0  # USDT: an opening has hundreds of steps of quantity, and fewer than a market order may have
MARGIN = 10.0  # times the capital is in the account
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)

Instants = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """Who trades how.

    Attributes:
        skills: Of each trader, probability of being right, 0 to 1.
        days: Length of the season.
        together: All decide at the same instants; else each begins at an instant of its own.
        alike: Share of the decisions in which all throw the same die, 0 to 1: the correlation of two equal traders' directions,
            where they decide together. Models that read the same prompt do agree; traders by dice of their own (0) do not.
        holding: Bars between two decisions.
        leverage: Of all positions together.
    """

    skills: tuple[float, ...]
    days: int
    together: bool = True
    alike: float = 0.0
    holding: int = 48
    leverage: float = 2.0


def gains(game: Game, seed: int) -> Floats:
    """Return a season's hourly gains, shape (24 · days, traders), fractions of the capital; the same seed plays the same one.

    Raises:
        RuntimeError: Somebody was refused an opening or liquidated, so that the gains are not those of the dice.
    """
    tape = market(seed, game.days)
    value = CAPITAL * game.leverage / len(tape.symbols)
    terms = Terms(CAPITAL * MARGIN, round(MARGIN), value, 0.0, 0, 0, 0)  # the fee alone is 5 basis points a side
    seasons = play(tape, [terms] * len(game.skills), decisions(tape, game, seed), every=BARS_AN_HOUR)
    if any(each.refused.any() or (each.fills[:, 2] == LIQUIDATION).any() for each in seasons):
        raise RuntimeError(f"season {seed}: a trader met the venue's limits")
    return np.diff(np.column_stack([each.equity for each in seasons]), axis=0) / CAPITAL


def market(seed: int, days: int) -> Tape:
    """Return a generated market of six perpetuals: 50 to 100 % of volatility a year, 75 % of it shared."""
    with tempfile.TemporaryDirectory(prefix="arena-null-") as folder:
        candles = generate_market(Path(folder), seed, start=BEGAN, bars=days * BARS_A_DAY)
        return read_tape(CandleArchive(candles))


def decisions(tape: Tape, game: Game, seed: int) -> list[Wants]:
    """Return what each trader wants, shape (T, S)."""
    most = len(tape) // game.holding + 1
    dice = np.random.default_rng([seed, 1])
    shape = (most, len(tape.symbols))
    common, agreed = dice.random(shape), dice.random(shape) < game.alike
    found = []
    for skill in game.skills:
        begins = 0 if game.together else int(dice.integers(game.holding))
        thrown = np.where(agreed, common, dice.random(shape))
        found.append(_wanted(tape, np.arange(begins, len(tape), game.holding), thrown, skill))
    return found


def _wanted(tape: Tape, at: Instants, thrown: Floats, skill: float) -> Wants:
    """Return what is wanted by a trader who decides at these bars and is right where its die is below its skill."""
    opens = tape.bars.field[:-1, :, OPEN].astype(np.int64)
    begin, end = opens[at], opens[np.append(at[1:], len(opens) - 1)]
    rising, right = end > begin, thrown[: len(at)] < skill
    wants = np.full(opens.shape, HOLD, np.int8)
    wants[at] = np.where(rising == right, LONG, SHORT)
    return wants
