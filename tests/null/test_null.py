"""The null test in small, and that it would notice a judge that invents winners, or one that never declares any."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from arena.replay.tape import OPEN
from tests.null.bounds import EQUALS, PLANTED, missed
from tests.null.judges import JUDGES, counted, leads, verdict
from tests.null.seasons import BARS_A_DAY, decisions, gains, market

FEW = 10


@pytest.fixture(scope="module")
def equals() -> dict:
    return counted(EQUALS, FEW, seed=1)


@pytest.fixture(scope="module")
def better() -> dict:
    """A trader who is right in 70 % is found within 30 days."""
    return counted(replace(PLANTED, skills=(0.7, 0.5, 0.5), days=30), FEW, seed=1)


def test_equals_have_no_winner_and_a_better_one_is_found(equals: dict, better: dict) -> None:
    found = missed(equals["the arena's verdict"], better["the arena's verdict"])
    assert not found.bounds
    assert found.counts["false_winners"] == 0 and found.counts["planted_wrong"] == 0
    assert found.counts["planted_found"] >= FEW - 1


def test_a_judge_that_always_names_the_leader_misses_the_bound(equals: dict, better: dict) -> None:
    assert missed(equals["leads"], better["leads"]).bounds == (f"{FEW} of {FEW} seasons of equals have a winner",)


def test_a_judge_that_never_names_anybody_misses_the_bound() -> None:
    silent = Counter({None: FEW})
    assert missed(silent, silent).bounds == (f"the better one is found in 0 of {FEW} seasons",)


def test_the_verdict_is_never_less_strict_than_one_of_its_parts(equals: dict, better: dict) -> None:
    for found in (equals, better):
        assert all(found["the arena's verdict"][None] >= found[name][None] for name in JUDGES)


def test_a_season_in_other_processes_is_the_same_season() -> None:
    short = replace(EQUALS, days=3)
    judges = {"leads": leads, "verdict": verdict}
    assert counted(short, 4, 9, judges) == counted(short, 4, 9, judges, processes=2)


def test_traders_are_right_as_often_as_their_skill_and_alike_as_wanted() -> None:
    tape = market(3, 30)
    game = replace(PLANTED, skills=(0.7, 0.5, 0.5), days=30, alike=0.6)
    wants = [each[:: game.holding] for each in decisions(tape, game, 3)]
    opens = tape.bars.field[:-1, :, OPEN].astype(np.int64)[:: game.holding]
    moves = np.sign(np.diff(opens, axis=0))
    hits = [(each[:-1] == moves)[moves != 0].mean() for each in wants]
    assert hits == pytest.approx([0.7, 0.5, 0.5], abs=0.05)  # of 1,080 decisions
    assert (wants[1] == wants[2]).mean() == pytest.approx(0.8, abs=0.05)  # the share, and half of the rest
    assert len(tape) == 30 * BARS_A_DAY


def test_a_day_of_a_leverage_of_two_varies_as_the_planning_assumes() -> None:
    days = np.concatenate([gains(EQUALS, seed).reshape(EQUALS.days, 24, 3).sum(axis=1) for seed in range(3)])
    assert days.std() == pytest.approx(0.032, abs=0.005)
