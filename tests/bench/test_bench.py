"""That the command works; what it measures says nothing on a machine that runs tests."""

from __future__ import annotations

from tests.bench import __main__ as bench
from tests.bench.season import _per_flow


def test_a_short_season_is_measured_step_by_step() -> None:
    found = bench.measured(3, 5)
    assert found["flow"] > 0
    assert {"protect", "snapshot", "decide", "execute", "append", "notify", "show"} <= set(found["steps"])
    assert all(0 <= seconds <= 60 for seconds in found["steps"].values())


def test_a_step_that_many_do_at_once_lasts_from_the_first_to_the_last() -> None:
    assert sorted(_per_flow([("a", 1.0, 2.0), ("a", 1.5, 4.0), ("b", 7.0, 7.5)])) == [0.5, 3.0]
