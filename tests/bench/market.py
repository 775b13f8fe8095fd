"""The market that the engines play: recorded candles where there are any, and else a generated one; and who trades it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from arena.adapters.recorded import CandleArchive, generate_market
from arena.replay.decisions import HOLD, Wants
from arena.replay.tape import MARK, Bars, Tape, read_tape

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT", "DOGEUSDT")  # in the peers' order
RECORDED = 96_480  # bars of the recorded year, from this instant on
SINCE = datetime(2024, 12, 31, tzinfo=UTC)
SELDOM = 24  # bars between two changes of mind, on average
DRAWN_ROWS = 4096  # bars at a time: what is drawn takes eight times as much memory as what is kept


@contextmanager
def candles(bars: int = RECORDED) -> Iterator[Path]:
    """Yield a folder of five-minute candles: DATA, the recorded ones of this machine, or generated ones."""
    from tests.conftest import SHARED  # here, since it takes longer to import than a cold process may need

    recorded = Path(os.environ.get("DATA") or SHARED / "marketdata" / "5m")
    if os.environ.get("DATA") or recorded.is_dir():
        yield recorded
        return
    with TemporaryDirectory(prefix="arena-bench-") as folder:
        yield generate_market(Path(folder), 7, SYMBOLS, start=SINCE, bars=bars)


def tape_of(folder: Path, symbols: int, times: int = 1) -> Tape:
    """Return the first so many symbols' market, as long as it is or a multiple of it."""
    tape = read_tape(CandleArchive(folder, SYMBOLS[:symbols]))
    return tape if times == 1 else stretched(tape, times * len(tape))


def stretched(tape: Tape, length: int) -> Tape:
    """Return a market that begins anew when it is over, until it has so many bars."""
    bars, times = tape.bars, -(-length // len(tape))
    field = np.concatenate([*(bars.field[:-1] for _ in range(times)), bars.field[-1:]])[: length + 1].copy()
    field[length] = 0
    field[length, :, MARK] = bars.field[(length - 1) % len(tape) + 1, :, MARK]
    opens = bars.open_ms[0] + tape.interval_ms * np.arange(length)
    span = tape.interval_ms * len(tape)
    funding = np.concatenate([bars.funding + np.array([span * each, 0, 0]) for each in range(times)])
    kept = funding[:, 0] <= opens[-1] + tape.interval_ms
    again = Bars(field, opens, funding[kept], np.tile(bars.funding_rate, times)[kept])
    close = np.asfortranarray(np.concatenate([tape.close] * times)[:length])
    return Tape(symbols=tape.symbols, instruments=tape.instruments, interval_ms=tape.interval_ms, bars=again, close=close)


def is_recorded(tape: Tape) -> bool:
    """Return whether this is the year whose trades are known."""
    return len(tape) == RECORDED and tape.bars.open_ms[0] == 1000 * SINCE.timestamp()


def decisions(tape: Tape, competitors: int, seed: int = 7) -> Wants:
    """Return what competitors want who change their minds by dice, shape (competitors, T, S).

    The same numbers as the peers draw, who draw them all at once, competitor by competitor, in their order of the symbols.
    """
    dice = np.random.default_rng(seed)
    wants = np.empty((competitors, len(tape), len(tape.symbols)), np.int8)
    columns = [SYMBOLS.index(symbol) for symbol in tape.symbols]
    blocks = [slice(begin, begin + DRAWN_ROWS) for begin in range(0, len(tape), DRAWN_ROWS)]

    def drawn(values: np.ndarray) -> np.ndarray:
        return values.reshape(-1, competitors, len(columns))[:, :, columns].transpose(1, 0, 2)

    for block in blocks:
        rows = wants[:, block].shape[1]
        wants[:, block] = drawn(dice.integers(-1, 2, (rows, competitors * len(columns))))
    for block in blocks:
        rows = wants[:, block].shape[1]
        wants[:, block][drawn(dice.random((rows, competitors * len(columns)))) > 1 / SELDOM] = HOLD
    return wants
