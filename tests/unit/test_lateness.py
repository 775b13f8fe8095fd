"""A machine that slept through ten cycles does one, whichever of the runs comes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from prefect.types._datetime import create_datetime_instance

from arena.application.lateness import left_out

NOON = datetime(2025, 1, 1, 12, 0, tzinfo=UTC)
INTERVAL = timedelta(minutes=5)


@given(st.permutations(range(10)), st.floats(0, 299), st.one_of(st.none(), st.floats(300, 10_000)))
def test_of_ten_missed_runs_one_does_a_cycle(order: list[int], woke_after: float, idle: float | None) -> None:
    """They start in any order, a second after each other at most, once the machine is awake."""
    woke = NOON + 9 * INTERVAL + timedelta(seconds=woke_after)
    begun = None if idle is None else NOON - timedelta(seconds=idle)
    done = []
    for number in order:
        now = woke + timedelta(milliseconds=50 * len(done))
        if left_out(NOON + number * INTERVAL, now, INTERVAL, None if begun is None else now - begun) is None:
            begun = now
            done.append(number)
    assert len(done) == 1


@given(st.floats(0, 200), st.floats(0.001, 95))
def test_a_run_in_time_does_its_cycle_after_one_that_began_in_the_interval_before(starts_after: float, before: float) -> None:
    now = NOON + timedelta(seconds=starts_after)
    assert left_out(NOON, now, INTERVAL, timedelta(seconds=starts_after + before)) is None


def test_a_clock_that_went_back_keeps_no_run_from_its_cycle() -> None:
    assert left_out(NOON, NOON - timedelta(hours=1), INTERVAL, timedelta(seconds=1)) is None
    assert left_out(NOON, NOON, INTERVAL, None) is None


def test_it_says_how_late_it_is_and_why_that_matters() -> None:
    why = left_out(NOON, NOON + timedelta(seconds=640), INTERVAL, timedelta(seconds=12))
    assert why == "640 s late, and the cycle of this interval began 12 s ago"


def test_a_time_of_prefects_is_as_good_as_any() -> None:
    """A run's scheduled time comes from pendulum, whose differences cannot be divided by a timedelta."""
    scheduled = create_datetime_instance(NOON)
    now = NOON + timedelta(seconds=7)
    assert left_out(scheduled, now, INTERVAL, None) is None
    assert left_out(scheduled, now, INTERVAL, timedelta(seconds=3)) == "7 s late, and the cycle of this interval began 3 s ago"
