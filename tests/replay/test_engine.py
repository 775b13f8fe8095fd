"""The compiled engine makes the paper engine's trades, to the tick and the step, and has its equity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from arena.replay.engine import play
from arena.replay.tape import read_tape
from tests.replay.reference import Reference
from tests.replay.seasons import market, terms, wanted

BARS = 120
SEASONS = 300
GROUPS = 10


def agree(folder: Path, seed: int) -> int:
    """Play a season in both; return how many trades it had."""
    archive = market(folder, seed, BARS)
    tape, trader = read_tape(archive), terms(seed)
    wants = wanted(seed, BARS, len(tape.symbols))
    reference = Reference(archive, trader)
    reference.play(wants)
    (played,) = play(tape, [trader], [wants])
    fills = [(bar, tape.symbols[symbol], why, steps, ticks) for bar, symbol, why, steps, ticks, _ in played.fills.tolist()]
    assert fills == reference.fills(), f"seed {seed}"
    scale = max(1.0, *(abs(float(each)) for each in reference.equity))
    np.testing.assert_allclose(played.equity, [float(each) for each in reference.equity], rtol=0, atol=1e-9 * scale)
    assert dict(enumerate(played.refused.tolist())) == {reason: reference.refused[reason] for reason in range(5)}
    assert played.funding == pytest.approx(float(reference.funding()), abs=1e-9 * scale)
    return len(fills)


@pytest.mark.parametrize("group", range(GROUPS))
def test_fuzzed_seasons_are_the_paper_engines(tmp_path: Path, group: int) -> None:
    for seed in range(group, SEASONS, GROUPS):
        agree(tmp_path / str(seed), seed)
