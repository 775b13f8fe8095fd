"""The judge of make soak bites."""

from __future__ import annotations

from tests.soak.__main__ import WATCHED, growth


def samples(worker: tuple[float, ...]) -> dict[int, dict[str, float]]:
    return {100 * (number + 1): {**dict.fromkeys(WATCHED, 100.0), "worker": mb} for number, mb in enumerate(worker)}


def test_memory_is_held_against_what_it_was_once_the_season_had_settled() -> None:
    assert growth(samples((50, 100, 104, 103)))["worker"] == 0.04
    assert growth(samples((50, 100, 120, 100)))["worker"] == 0.2  # also where it has shrunk again
    assert growth(samples((50, 100, 120, 100)))["dashboard"] == 0
    assert growth(samples((90, 100, 80)))["worker"] == 0


def test_a_season_that_is_too_short_says_nothing() -> None:
    assert growth(samples((50,))) == {}
