"""What lies between two looks at a live market."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from arena.adapters.paper.live_feed import MINUTE, Glimpse, LiveFeed, fundings_from
from arena.domain.market import Bar, Candle
from tests.fakes.build import NOON

D = Decimal
SECOND = timedelta(seconds=1)


def bar(minute: int, text: str, mark: str = "") -> Bar:
    """`open high low close volume` of the minute after NOON of that number."""
    opened = NOON + minute * MINUTE
    trade, marked = (
        Candle(
            open_time=opened,
            close_time=opened + MINUTE,
            open=D(o),
            high=D(high),
            low=D(low),
            close=D(close),
            volume=D(volume),
        )
        for o, high, low, close, volume in (text.split(), (mark or text).split())
    )
    return Bar(trade=trade, mark=marked)


def seen(minute: int, text: str, lately: str = "1") -> dict[str, Glimpse]:
    return {"X": Glimpse(minute=bar(minute, text), lately=D(lately))}


def between(since: float, until: float, before: dict[str, Glimpse], *minutes: Bar) -> LiveFeed:
    """Seconds after NOON."""
    return LiveFeed(["X"], NOON + since * SECOND, NOON + until * SECOND, before, {"X": minutes})


def lived(feed: LiveFeed, since: float, until: float) -> list[tuple[float, float, str]]:
    steps = feed.steps(NOON + since * SECOND, NOON + until * SECOND)
    return [
        (
            (step.open_time - NOON).total_seconds(),
            (step.close_time - NOON).total_seconds(),
            " ".join(str(getattr(step.bars["X"].trade, name)) for name in ("open", "high", "low", "close", "volume")),
        )
        for step in steps
    ]


def test_within_one_minute_only_new_extremes_and_new_volume_count() -> None:
    feed = between(10, 20, seen(0, "100 105 95 101 3"), bar(0, "100 105 94 102 5"))
    assert lived(feed, 10, 20) == [(10, 20, "101 102 94 102 2")]


def test_the_extremes_of_before_the_first_look_do_not_count() -> None:
    feed = between(10, 20, seen(0, "100 105 95 101 3"), bar(0, "100 105 95 102 5"))
    assert lived(feed, 10, 20) == [(10, 20, "101 102 101 102 2")]


def test_every_minute_between_is_a_bar_of_its_own_and_the_ends_are_cut_off() -> None:
    minutes = [bar(0, "100 106 95 103 4"), bar(1, "103 110 90 104 7"), bar(2, "104 104 99 100 2")]
    feed = between(30, 130, seen(0, "100 105 95 101 3"), *minutes)
    assert lived(feed, 30, 130) == [(30, 60, "101 106 101 103 1"), (60, 120, "103 110 90 104 7"), (120, 130, "104 104 99 100 2")]
    assert feed.glimpses["X"] == Glimpse(minute=minutes[2], lately=D(9))


def test_a_look_on_the_full_minute_leaves_that_minute_to_the_next_one() -> None:
    feed = between(30, 60, seen(0, "100 105 95 101 3"), bar(0, "100 105 95 103 4"), bar(1, "104 104 104 104 0"))
    assert lived(feed, 30, 60) == [(30, 60, "101 103 101 103 1")]
    present = feed.current("X", NOON + MINUTE)
    assert present is not None and (present.trade.open, present.trade.volume) == (D(104), D(4))


def test_what_a_minute_showed_stays_known_where_a_later_answer_is_older() -> None:
    """Binance answers from several machines, of which one may lag behind."""
    feed = between(10, 20, seen(0, "100 105 95 101 3"), bar(0, "100 103 97 100 2"))
    assert lived(feed, 10, 20) == [(10, 20, "101 101 100 100 0")]
    minute = feed.glimpses["X"].minute.trade
    assert (minute.high, minute.low, minute.volume) == (D(105), D(95), D(3))


def test_a_minute_that_is_missing_is_no_bar_and_after_two_of_them_nobody_trades() -> None:
    feed = between(30, 250, seen(0, "100 105 95 101 3"), bar(0, "100 105 95 103 4"), bar(2, "104 104 104 104 1"))
    assert [start for start, *_ in lived(feed, 30, 250)] == [30, 120]
    present = feed.current("X", NOON + 250 * SECOND)
    assert present is not None and (present.trade.open, present.trade.volume) == (D(104), D(0))


def test_two_looks_at_one_instant_have_nothing_between_them() -> None:
    now = NOON + 10 * SECOND
    feed = LiveFeed(["X"], now, now, seen(0, "100 105 95 101 3"), {})
    assert lived(feed, 10, 10) == []
    assert feed.glimpses == seen(0, "100 105 95 101 3")


def test_a_symbol_that_was_not_seen_has_a_present_and_no_past() -> None:
    feed = between(10, 20, {}, bar(-1, "99 99 98 98 2"), bar(0, "98 98 97 97 1"))
    assert lived(feed, 10, 20) == []
    present = feed.current("X", NOON + 20 * SECOND)
    assert present is not None and (present.trade.open, present.trade.volume) == (D(97), D(3))
    assert feed.current("Y", NOON) is None


def test_the_mark_has_extremes_of_its_own() -> None:
    before = {"X": Glimpse(minute=bar(0, "100 105 95 101 3", "100 104 96 100 0"), lately=D(3))}
    feed = between(10, 20, before, bar(0, "100 109 91 102 5", "100 104 96 101 0"))
    (step,) = feed.steps(NOON + 10 * SECOND, NOON + 20 * SECOND)
    mark = step.bars["X"].mark
    assert (mark.open, mark.high, mark.low, mark.close) == (D(100), D(101), D(100), D(101))


EIGHT = datetime.fromisoformat("2025-01-01T08:00:00+00:00")


@pytest.mark.parametrize(
    ("since", "until", "start"),
    [
        (-20, -10, None),
        (-10, 0, -3660),  # the hour is over
        (1, 5, None),
        (5, 12, -60),  # it may have become known late
        (12, 25, None),
        (25, 40, -60),
        (100, 130, -60),
        (280, 300, -60),
        (300, 3000, None),
        (300, 4000, -60),  # the next hour; the one before is asked for again
        (-8000, 4000, -10860),  # hours later
    ],
)
def test_fundings_are_asked_for_after_a_full_hour_and_some_times_again(since: int, until: int, start: int | None) -> None:
    found = fundings_from(EIGHT + since * SECOND, EIGHT + until * SECOND)
    assert (found - EIGHT).total_seconds() == start if found else start is None
