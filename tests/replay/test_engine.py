"""The compiled engine makes the paper engine's trades, to the tick and the step, and has its equity."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import talib

from arena.replay.decisions import HOLD
from arena.replay.engine import play
from arena.replay.rules import buys_weakness, relative_strength
from arena.replay.tape import read_tape
from tests.replay.fuzzed import market, terms, wanted
from tests.replay.seasons import BARS, Compared, compare

ROOT = Path(__file__).resolve().parents[2]
SEASONS = 40  # here; `python -m tests.replay` does 300
PLAIN = """
import sys; sys.modules["numba"] = None
from pathlib import Path
from tests.replay.seasons import compare
found = compare(Path(sys.argv[1]), 3)
assert found.trades > 20 and not found.differences, found
"""


def test_fuzzed_seasons_are_the_paper_engines(tmp_path: Path) -> None:
    total = Compared()
    for seed in range(SEASONS):
        found = compare(tmp_path / str(seed), seed)
        assert not found.differences, f"seed {seed}: {found.differences}"
        total += found
    assert total.trades > 1000 and total.liquidations > 10 and total.refused > 300, "or it says little"


def test_without_numba_the_trades_are_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(tmp_path)], capture_output=True, text=True, check=False, timeout=300, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_many_at_once_are_each_as_alone(tmp_path: Path) -> None:
    tape = read_tape(market(tmp_path, 5, BARS))
    traders, wants = [terms(seed) for seed in range(8)], [wanted(seed, BARS, len(tape.symbols)) for seed in range(8)]
    together = play(tape, traders, wants, every=7)
    for trader, want, found in zip(traders, wants, together, strict=True):
        (alone,) = play(tape, [trader], [want])
        assert found.fills.tolist() == alone.fills.tolist()
        assert found.equity.tolist() == [*alone.equity[:-1:7].tolist(), alone.equity[-1]]


def test_what_is_wanted_of_a_bar_knows_only_closes_before_it() -> None:
    close = np.cumsum(np.random.default_rng(1).normal(0, 1, (300, 2)), axis=0) + 100
    later = close.copy()
    later[200:] += 50
    assert (buys_weakness(close)[:201] == buys_weakness(later)[:201]).all()
    assert (buys_weakness(close) != HOLD).any()


def test_relative_strength_is_wilders() -> None:
    close = np.cumsum(np.random.default_rng(2).normal(0, 1, 800)) + 200
    np.testing.assert_allclose(relative_strength(close, 14), talib.RSI(close, 14), atol=1e-9)
