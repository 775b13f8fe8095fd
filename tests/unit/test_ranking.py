"""Ranks and strengths where not everybody plays everywhere: against choix, and against what made the seasons."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from arena.analysis.ranking import FEWEST, LEVEL, PRIOR, ranking, strengths

NAMES = ("a", "b", "c", "d")


def drawn(weights: dict[str, float], seasons: int, seed: int, field: int = 0) -> list[dict[str, float]]:
    """Return seasons whose order follows Plackett and Luce; of `field` of them each, drawn at random, or of all."""
    dice = np.random.default_rng(seed)
    found = []
    for _ in range(seasons):
        names = list(dice.choice(sorted(weights), field, replace=False)) if field else sorted(weights)
        found.append({str(name): float(np.log(weights[name]) + dice.gumbel()) for name in names})
    return found


def test_ranks_of_those_who_were_there() -> None:
    seasons = [{"a": 0.1, "b": 0.05, "c": -0.2}, {"b": 0.3, "a": 0.1}, {"c": 0.5}, {"a": 0.0, "b": 0.0, "c": -1.0}]
    found = {each.name: each for each in ranking(seasons)}
    assert list(found) == ["a", "b", "c"], "of equal mean rank, by the median return"
    assert found["a"].ranks == (1, 2, 1.5) and found["b"].ranks == (2, 1, 1.5) and found["c"].ranks == (3, 3)
    assert (found["a"].firsts, found["b"].firsts, found["c"].firsts) == (1, 1, 0), "alone in a season is no first"
    assert found["c"].returns == (-0.2, 0.5, -1.0) and found["c"].median_return == -0.2
    (alone,) = ranking([{"a": 0.4}, {"a": -0.1}])
    assert (alone.mean_rank, alone.firsts, alone.strength, len(alone.returns)) == (None, 0, None, 2)
    assert ranking([]) == ()


def test_strengths_are_those_of_choix() -> None:
    import choix

    seasons = drawn({"a": 4.0, "b": 2.0, "c": 1.0, "d": 1.0}, 40, seed=3, field=3)
    orders = [tuple(NAMES.index(name) for name in sorted(played, key=played.get, reverse=True)) for played in seasons]
    weights = np.exp(choix.mm_rankings(4, orders, alpha=PRIOR))
    found = strengths(seasons, repetitions=20)
    assert [found[name].value for name in NAMES] == pytest.approx((weights / weights.sum()).tolist(), abs=1e-4)


def test_what_made_the_seasons_is_found_and_lies_in_the_interval() -> None:
    weights = {"a": 4.0, "b": 2.0, "c": 1.0, "d": 1.0}
    inside = []
    for seed in range(6):
        found = strengths(drawn(weights, 40, seed, field=3), repetitions=40)
        inside += [found[name].lowest <= weights[name] / 8 <= found[name].highest for name in NAMES]
        assert sum(each.value for each in found.values()) == pytest.approx(1)
    assert np.mean(inside) >= LEVEL - 0.1


def test_who_always_wins_has_a_strength_below_one_that_grows_with_the_seasons() -> None:
    values = [strengths([{"a": 1.0, "b": 0.0}] * seasons)["a"].value for seasons in (1, 4, 30)]
    assert values == sorted(values) and values[0] == pytest.approx(0.75, abs=0.01) and 0.95 < values[2] < 1


def test_those_of_equal_return_are_equally_strong() -> None:
    found = strengths([{"a": 0.0, "b": 0.0, "c": 0.0, "d": -1.0}, {"a": 1.0, "b": 1.0, "c": 1.0, "d": 2.0}])
    assert found["a"].value == pytest.approx(found["b"].value, rel=1e-4) == pytest.approx(found["c"].value, rel=1e-4)
    assert found["d"].value == pytest.approx(found["a"].value, rel=0.3)


def test_no_interval_from_few_windows() -> None:
    few = strengths([{"a": 1.0, "b": 0.0}] * (FEWEST - 1))
    assert few["a"].lowest is None and not few["b"].beneath(few["a"])
    guest = strengths([{"a": 1.0, "b": 0.0}] * FEWEST + [{"new": 1.0, "a": 0.0}])
    assert guest["a"].lowest is not None and guest["new"].lowest is None, "one lucky season bounds nothing"
    enough = strengths([{"a": 1.0, "b": 0.0}] * FEWEST)
    assert enough["b"].beneath(enough["a"]) and not enough["a"].beneath(enough["b"])
    repeated = strengths([{"a": 1.0, "b": 0.0}] * FEWEST * 3, windows=[0, 1, 2] * FEWEST)
    assert repeated["a"].lowest is None, "seeds of a window are no windows"


def test_seasons_of_one_window_share_their_luck() -> None:
    """Twenty seeds of six windows: as one draw each they tell six times something, not 120 times."""
    dice = np.random.default_rng(1)
    luck = [{"a": 1.0, "b": 0.0} if dice.random() < 0.5 else {"a": 0.0, "b": 1.0} for _ in range(6)]
    seasons, windows = zip(*((luck[window], window) for window, _ in product(range(6), range(20))), strict=True)
    apart, together = strengths(seasons, repetitions=40), strengths(seasons, windows, repetitions=40)
    assert apart["a"].value == pytest.approx(together["a"].value, abs=1e-4)
    assert together["a"].highest - together["a"].lowest > 3 * (apart["a"].highest - apart["a"].lowest)


def test_the_same_seed_draws_the_same_interval() -> None:
    seasons = drawn({"a": 2.0, "b": 1.0}, 12, seed=1)
    assert strengths(seasons, repetitions=20) == strengths(seasons, repetitions=20)
