"""Who is declared the winner, by the arena's judge and by each part of it alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from arena.analysis.inference import SIGNIFICANT, Contest, Pair, contest
from tests.null.seasons import Game, gains

REPETITIONS = 50  # of the bootstrap, which says how likely each is on top: no judge looks at that

Judge = Callable[[Contest], int | None]  # the column that is declared the winner; None where nobody is


def leads(found: Contest) -> int | None:
    """Declare whoever has the highest ROI, as a ranking does."""
    return found.leader


def alone(found: Contest) -> int | None:
    """Declare a leader who is alone in the 90 % Model Confidence Set."""
    kept = found.kept or ()
    return found.leader if found.leader is not None and sum(kept) == 1 and kept[found.leader] else None


def differs(found: Contest) -> int | None:
    """Declare a leader whose gains differ from everyone else's by a t test at 5 % each."""
    return _ahead(found, lambda pair: pair.p)


def differs_by_holm(found: Contest) -> int | None:
    """Declare a leader whose gains differ from everyone else's by t tests at 5 % together."""
    return _ahead(found, lambda pair: pair.adjusted)


def verdict(found: Contest) -> int | None:
    """Declare what the arena declares."""
    return found.winner


JUDGES: Mapping[str, Judge] = {
    "leads": leads,
    "alone in the confidence set": alone,
    "differs from all, each at 5 %": differs,
    "differs from all, Holm": differs_by_holm,
    "the arena's verdict": verdict,
}


def declared(game: Game, judges: Sequence[Judge], seed: int) -> list[int | None]:
    """Play a season and return whom each judge declares the winner."""
    found = contest(gains(game, seed), steps_a_day=24, days=game.days, seed=seed % 2**32, repetitions=REPETITIONS)
    return [judge(found) for judge in judges]


def counted(
    game: Game, seasons: int, seed: int, judges: Mapping[str, Judge] = JUDGES, *, processes: int = 1
) -> dict[str, Counter[int | None]]:
    """Return how often each judge declares each trader the winner, and nobody; other seeds have other seasons."""
    seeds = [int(each) for each in np.random.SeedSequence([seed, game.days]).generate_state(seasons, np.uint64)]
    one = partial(declared, game, list(judges.values()))
    if processes == 1:
        return _columns(judges, map(one, seeds))
    with ProcessPoolExecutor(processes) as pool:
        return _columns(judges, pool.map(one, seeds, chunksize=5))


def _columns(judges: Iterable[str], rows: Iterable[list[int | None]]) -> dict[str, Counter[int | None]]:
    return {name: Counter(column) for name, column in zip(judges, zip(*rows, strict=True), strict=True)}


def _ahead(found: Contest, p: Callable[[Pair], float]) -> int | None:
    its_own = [pair for pair in found.pairs if found.leader in (pair.first, pair.second)]
    return found.leader if its_own and all(p(pair) <= SIGNIFICANT for pair in its_own) else None
