"""One fuzzed season in both engines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arena.replay.engine import play
from arena.replay.season import Season
from arena.replay.seat import LIQUIDATION
from arena.replay.tape import Tape, read_tape
from tests.replay.fuzzed import market, terms, wanted
from tests.replay.reference import Reference

BARS = 120
TOLERANCE = 1e-9  # of the largest equity


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a season had, and how the engines differ, in words."""

    trades: int = 0
    liquidations: int = 0
    refused: int = 0
    differences: tuple[str, ...] = ()

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            trades=self.trades + other.trades,
            liquidations=self.liquidations + other.liquidations,
            refused=self.refused + other.refused,
            differences=self.differences + other.differences,
        )


def compare(folder: Path, seed: int) -> Compared:
    """Play a season in both engines."""
    archive = market(folder, seed, BARS)
    tape, trader = read_tape(archive), terms(seed)
    wants = wanted(seed, BARS, len(tape.symbols), every=40 if seed % 4 == 0 else 6)  # some hold for long
    reference = Reference(archive, trader)
    reference.play(wants)
    (played,) = play(tape, [trader], [wants])
    return Compared(
        trades=len(played.fills),
        liquidations=int((played.fills[:, 2] == LIQUIDATION).sum()),
        refused=int(played.refused.sum()),
        differences=tuple(differences(tape, played, reference)),
    )


def differences(tape: Tape, played: Season, reference: Reference) -> list[str]:
    """Return how the engines differ, in words."""
    fills = [(bar, tape.symbols[symbol], why, steps, ticks) for bar, symbol, why, steps, ticks, _ in played.fills.tolist()]
    found = [f"trade {a}, and not {b}" for a, b in zip(fills, reference.fills(), strict=False) if a != b][:1]
    if len(fills) != len(reference.fills()):
        found.append(f"{len(fills)} trades, and not {len(reference.fills())}")
    expected = np.array([float(each) for each in reference.equity])
    allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    apart = float(np.abs(played.equity - expected).max())
    if apart > allowed:
        found.append(f"equities are {apart:.3g} USDT apart")
    if abs(played.funding - float(reference.funding())) > allowed:
        found.append(f"fundings of {played.funding}, and not {reference.funding()}")
    refused = {reason: reference.refused[reason] for reason in range(len(played.refused))}
    if dict(enumerate(played.refused.tolist())) != refused:
        found.append(f"refusals {played.refused.tolist()}, and not {refused}")
    return found
