"""Brier score, reliability curve and calibration error: against scikit-learn, and against what chance alone shows."""

from __future__ import annotations

import numpy as np
import pytest

from arena.analysis.calibration import FEWEST, GROUPS, Reliability, reliability


def judged(stated: object, hits: object, **options: int) -> Reliability:
    found = reliability(np.asarray(stated, dtype=float), np.asarray(hits), **options)
    assert found is not None
    return found


@pytest.mark.parametrize("draw", ["anything", "round numbers", "two values"])
def test_it_is_what_scikit_learn_says(draw: str) -> None:
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import brier_score_loss

    dice = np.random.default_rng(5)
    stated = {
        "anything": dice.random(300),
        "round numbers": dice.choice(np.arange(40, 95, 5), 300) / 100,
        "two values": dice.choice([0.55, 0.8], 300, p=[0.9, 0.1]),
    }[draw]
    hits = dice.random(300) < stated**2
    found = judged(stated, hits, repetitions=10)
    rates, means = calibration_curve(hits, stated, n_bins=GROUPS, strategy="quantile")
    assert found.brier == pytest.approx(brier_score_loss(hits, stated))
    assert [group.hit_rate for group in found.groups] == pytest.approx(rates.tolist())
    assert [group.stated for group in found.groups] == pytest.approx(means.tolist())
    sizes = np.array([group.trades for group in found.groups])
    assert sizes.sum() == 300 and found.error == pytest.approx(float(sizes @ abs(rates - means)) / 300)


def test_a_calibrated_model_shows_0_15_at_50_trades_and_is_not_blamed() -> None:
    """EVALUATION: 0.150 at n = 50. Ten groups of equal size, confidences of 50 to 95 percent."""
    dice = np.random.default_rng(1)
    seasons = []
    for _ in range(300):
        stated = dice.integers(50, 96, 50) / 100
        seasons.append(judged(stated, dice.random(50) < stated, repetitions=300))
    assert np.mean([each.error for each in seasons]) == pytest.approx(0.15, abs=0.01)
    assert np.mean([each.expected for each in seasons]) == pytest.approx(0.15, abs=0.01)
    assert np.mean([each.within for each in seasons]) == pytest.approx(0.95, abs=0.04)
    groups = [group.within for each in seasons for group in each.groups]
    assert np.mean(groups) > 0.94, "the band of a group is at least as wide as it says"


def test_who_is_too_sure_is_found_out_once_there_are_trades_enough() -> None:
    dice = np.random.default_rng(2)
    stated = dice.choice([0.65, 0.7, 0.75, 0.8, 0.85], 2000)
    hits = dice.random(2000) < stated - 0.2
    few, many = judged(stated[:25], dice.random(25) < stated[:25] - 0.05), judged(stated, hits)
    assert few.within and few.sentence.endswith("no miscalibration can be shown.")
    assert not many.within and not any(group.within for group in many.groups)
    assert "up to 0.0" in many.sentence and many.sentence.endswith("21 points too sure on average.")
    shy = judged(1 - stated, ~hits)
    assert "21 points too shy" in shy.sentence


def test_few_trades_no_trade_and_certainty() -> None:
    assert reliability([], []) is None
    one = judged([0.7], [True])
    assert (one.trades, one.brier, one.error) == (1, pytest.approx(0.09), pytest.approx(0.3))
    assert one.sentence == f"Too few to say whether its confidence means anything: 1 closed trade, and {FEWEST} are needed."
    sure = judged([1.0] * 30, [True] * 30)
    assert (sure.brier, sure.error, sure.most, sure.within) == (0, 0, 0, True)
    wrong = judged([1.0] * 30, [True] * 29 + [False])
    assert not wrong.within, "who is certain may never be wrong"


def test_the_same_seed_finds_the_same_band() -> None:
    stated, hits = [0.6, 0.7, 0.8, 0.9] * 10, [True, False] * 20
    assert judged(stated, hits) == judged(stated, hits)
    assert judged(stated, hits).expected != judged(stated, hits, seed=2).expected
