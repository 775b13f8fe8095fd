"""What `arena power` says, against the figures of simulated contests and against contests that are drawn here."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from math import pi, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm
from typer.testing import CliRunner

from arena.analysis.inference import SIGNIFICANT, holm
from arena.analysis.outlook import Plan, outlook
from arena.analysis.power import (
    Prospect,
    break_even,
    calls_drag,
    daily_sigma,
    pair_days,
    pair_power,
    remedies,
    winner_days,
    winner_power,
)
from arena.cli import app

THREE = Prospect(competitors=3, difference=0.003, sigma=0.03, correlation=0.0)
PLAN = Plan(
    days=30,
    competitors=3,
    interval_s=300,
    leverage=2,
    difference=0.003,
    correlation=0.7,
    call_cost=0.01,
)


@pytest.mark.parametrize(("correlation", "days"), [(0, 2095), (0.9, 210), (0.98, 42)])
def test_three_models_need_the_days_that_are_known(correlation: float, days: int) -> None:
    prospect = replace(THREE, correlation=correlation)
    assert pair_days(prospect) == pytest.approx(days, rel=0.005)  # known with z's of three decimals, and rounded up
    assert pair_power(prospect, pair_days(prospect)) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("correlation", "simulated"), [(0.0, (0.08, 0.13, 0.34, 0.65)), (0.7, (0.23, 0.45, 0.90, 0.99))], ids=["apart", "together"]
)
def test_power_is_roughly_that_of_simulated_contests(correlation: float, simulated: tuple[float, ...]) -> None:
    # hit rates of 55 and 52 %, six decisions a day, leverage 2: the mean move of a holding time, so many times
    move = 0.75 * sqrt(4 / 24 / 365) * sqrt(2 / pi)
    prospect = Prospect(competitors=3, difference=2 * (0.55 - 0.52) * move * 2 * 6, sigma=daily_sigma(2), correlation=correlation)
    for days, known in zip((14, 30, 90, 180), simulated, strict=True):
        assert pair_power(prospect, days) == pytest.approx(known, abs=0.1), days


@pytest.mark.parametrize("competitors", [2, 3, 5])
@pytest.mark.parametrize("days", [60, 240])
def test_a_winner_is_declared_as_often_as_in_drawn_contests(competitors: int, days: int) -> None:
    prospect = Prospect(competitors=competitors, difference=0.003, sigma=0.03, correlation=0.8)
    dice = np.random.default_rng(competitors * days)
    own = dice.normal(0, prospect.sigma * sqrt(1 - prospect.correlation), (4000, competitors)) / sqrt(days)
    own[:, 0] += prospect.difference  # what all share cancels
    first, second = np.triu_indices(competitors, 1)
    error = prospect.sigma * sqrt(2 * (1 - prospect.correlation) / days)
    p = 2 * norm.sf(np.abs(own[:, first] - own[:, second]) / error)
    ahead = own.argmax(axis=1) == 0
    declared = [all(adjusted <= SIGNIFICANT for adjusted in holm(row)[: competitors - 1]) for row in p]
    assert winner_power(prospect, days) == pytest.approx((ahead & declared).mean(), abs=0.03)


def test_no_winner_before_day_thirty_and_eighty_of_a_hundred_after_the_days_that_are_said() -> None:
    near = replace(THREE, correlation=0.999)
    assert winner_power(near, 29.9) == 0 and winner_power(near, 30) > 0.99 and winner_days(near) == 30
    assert winner_power(THREE, winner_days(THREE)) == pytest.approx(0.8, abs=1e-4)
    two = replace(THREE, competitors=2)
    assert winner_days(two) == pytest.approx(pair_days(two), abs=0.1)


def test_everything_that_is_said_to_help_helps_and_replicas_divide_the_days() -> None:
    assert all(winner_days(other) < winner_days(THREE) for other in remedies(THREE).values())
    assert pair_days(replace(THREE, replicas=4)) == pytest.approx(pair_days(THREE) / 4)


@pytest.mark.parametrize(("hours", "percent"), [(1 / 12, 77.0), (1, 57.8), (4, 53.9), (24, 51.6)])
def test_break_even_hit_rates_that_are_known(hours: float, percent: float) -> None:
    assert 100 * break_even(3600 * hours) == pytest.approx(percent, abs=0.15)


def test_answers_every_five_minutes_eat_an_account_of_two_hundred() -> None:
    assert calls_drag(300, 0.01, 200) == pytest.approx(0.0144)
    assert any("288 answers a day at 0.01 USD cost 1.44 %" in sentence for sentence in outlook(PLAN).sentences)
    dear = outlook(replace(PLAN, interval_s=30))
    assert dear.break_even["0.5 min"] > 1 and any("0.5 min never" in sentence for sentence in dear.sentences)


def test_a_short_season_is_told_that_it_has_no_verdict() -> None:
    short, long = outlook(replace(PLAN, days=20)), outlook(replace(PLAN, days=20_000))
    assert any("before day 30" in sentence for sentence in short.sentences) and short.cases[0].winner == 0
    assert not any("before day 30" in sentence for sentence in long.sentences)
    assert "in 100 of 100 seasons" in long.sentences[0]


def test_the_command_says_the_same_in_words_and_as_json() -> None:
    options = ["power", "--days", "90", "--competitors", "4", "--interval", "3600", "--leverage", "1", "--edge", "0.5"]
    words, figures = (CliRunner().invoke(app, [*options, *more]) for more in ([], ["--json"]))
    assert words.exit_code == figures.exit_code == 0, (words.output, figures.output)
    told = json.loads(figures.output)
    expected = outlook(replace(PLAN, days=90, competitors=4, interval_s=3600, leverage=1, difference=0.005))
    assert told == json.loads(json.dumps(expected.to_json()))
    said = " ".join(words.output.split())
    assert all(sentence in said for sentence in expected.sentences)


def test_the_command_needs_no_statistics_library() -> None:
    code = "import sys; from arena.cli import app; app(['power'], standalone_mode=False)\n"
    code += "print(*(set(sys.modules) & {'scipy', 'arch', 'pandas'}))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
