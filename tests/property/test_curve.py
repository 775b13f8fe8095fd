"""However a curve is thinned, for display or to fit in memory: its ends, its high, its low and its deepest fall are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from arena.dashboard import curve as curve_module
from arena.dashboard.curve import FEWEST, EquityCurve, iso

START = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
CAPITAL = Decimal(200)

moves = st.integers(min_value=-90, max_value=100).map(Decimal)
walks = st.lists(moves, min_size=1, max_size=120).map(lambda each: list(accumulate(each, initial=CAPITAL)))


def curve_of(equity: Sequence[Decimal]) -> EquityCurve:
    curve = EquityCurve(str(CAPITAL))
    for number, worth in enumerate(equity):
        curve.add((START + number * STEP).isoformat(), str(worth))
    return curve


def all_points(equity: Sequence[Decimal]) -> list[tuple[str, str, str]]:
    """What nobody has thinned: time, equity, and how far it lies below the highest so far."""
    high, found = CAPITAL, []
    for number, worth in enumerate(equity):
        high = max(high, worth)
        found.append((iso(START + number * STEP), str(worth), f"{100 * (worth - high) / high:.4f}"))
    return found


def keeps_what_matters(shown: list[tuple[str, str, str]], whole: list[tuple[str, str, str]]) -> None:
    assert set(shown) <= set(whole) and shown == sorted(shown), "points that were, in their order"
    assert (shown[0], shown[-1]) == (whole[0], whole[-1])
    for pick in (max, min):
        assert pick(Decimal(worth) for _, worth, _ in shown) == pick(Decimal(worth) for _, worth, _ in whole)
    assert min(float(fall) for *_, fall in shown) == min(float(fall) for *_, fall in whole)


@given(walks, st.integers(min_value=FEWEST, max_value=30), st.data())
def test_a_curve_thinned_for_display_keeps_what_matters(equity: list[Decimal], most: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(equity) - 1))
    end = data.draw(st.integers(start, len(equity) - 1))
    shown = curve_of(equity).points(START + start * STEP, START + end * STEP, most)
    whole = all_points(equity)[start : end + 1]
    assert len(shown) <= most
    keeps_what_matters(shown, whole)
    assert len(whole) > most or shown == whole


@given(walks, st.integers(min_value=2 * FEWEST, max_value=60))
def test_a_curve_thinned_to_fit_in_memory_keeps_what_matters(equity: list[Decimal], most: int) -> None:
    with patch.object(curve_module, "MOST", most):
        curve = curve_of(equity)
    assert len(curve) <= most
    keeps_what_matters(curve.points(None, None, most), all_points(equity))


def test_what_lies_outside_is_nothing() -> None:
    curve = curve_of([CAPITAL])
    assert curve.points(START + STEP, None, FEWEST) == curve.points(None, START - STEP, FEWEST) == []
    assert curve.points(START + STEP, START - STEP, FEWEST) == []
