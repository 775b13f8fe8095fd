"""The judgement of seasons as they come: short, silent, alone, ruined, interrupted; and what it says in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arena.adapters.storage.sqlite import SqliteRecords
from arena.analysis.inference import Contest, Pair, contest
from arena.analysis.performance import measured
from arena.analysis.trading import traded
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError
from arena.report.files import check_kind, write_report
from arena.report.html import to_html
from arena.report.markdown import cell, to_markdown
from arena.verdict.contestants import contestants, gains_of, replicas
from arena.verdict.frame import Unknown
from arena.verdict.hours import Hours, hours
from arena.verdict.judge import comparison, grid_of, ground_of, judge, measurement
from arena.verdict.judgement import Judgement
from arena.verdict.lines import Figures
from arena.verdict.trading import trades_of
from arena.verdict.words import details, headline
from tests.fakes import reckless
from tests.fakes.judged import judged
from tests.fakes.season import START, STEP, Story, competitor, season

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]
COMPETITORS = [{"llm_id": f"LLM-{letter}", "capital": "200"} for letter in "AB"]


def cycle(at: datetime, status: str = "booked") -> Row:
    return {"status": status, "scheduled_at": at.isoformat()}


def point(llm_id: str, at: datetime, equity: float) -> Row:
    return {"llm_id": llm_id, "time": at.isoformat(), "equity": str(equity)}


def played(equities: Sequence[tuple[float, float]], every: timedelta = STEP, begin: datetime = START) -> Hours:
    at = [begin + number * every for number in range(len(equities))]
    points = [
        point(row["llm_id"], time + timedelta(seconds=4), worth)
        for time, each in zip(at, equities, strict=True)
        for row, worth in zip(COMPETITORS, each, strict=True)
    ]
    return hours([cycle(time) for time in at], points, COMPETITORS, every)


def test_the_gains_of_a_grid_add_up_to_the_returns() -> None:
    dice = np.random.default_rng(3)
    grid = played([(200 + a, 200 + b) for a, b in dice.normal(0, 9, (200, 2)).cumsum(axis=0).tolist()])
    assert grid.times[0] == START and grid.times[-1] == START + 200 * STEP and len(grid.times) == 18
    assert grid.gains.sum(axis=0) == pytest.approx((grid.equity[-1] - 200) / 200, abs=1e-12)
    assert (grid.steps_a_day, grid.days, grid.gaps) == (24, pytest.approx(200 * 5 / 1440), ())


def test_what_is_known_at_an_hour_is_what_was_booked_before_it() -> None:
    grid = played([(200.0 + number, 200.0) for number in range(30)])
    assert grid.equity[:, 0].tolist() == [200.0, 211.0, 223.0, 229.0]  # at 0, 60, 120 and 150 minutes


def test_one_cycle_is_one_step_and_none_is_no_grid() -> None:
    assert played([(199.0, 201.0)]).equity.tolist() == [[200.0, 200.0], [199.0, 201.0]]
    empty = hours([cycle(START, "begun")], [], COMPETITORS, STEP)
    assert empty.times == () and empty.gains.shape == (0, 2) and empty.days == 0


def test_a_day_without_cycles_is_a_gap_and_no_day_of_the_season() -> None:
    before = [START + number * STEP for number in range(288)]
    after = [before[-1] + timedelta(days=1) + number * STEP for number in range(288)]
    points = [point("LLM-A", at, 190 if at in after else 200) for at in (*before, *after)]
    grid = hours([cycle(at) for at in (*before, *after)], points, COMPETITORS, STEP)
    (gap,) = grid.gaps
    assert (gap.since, gap.until) == (before[-1] + STEP, after[0])
    assert grid.days == pytest.approx(2)
    assert np.flatnonzero(grid.gains[:, 0]).size == 1 and grid.gains[:, 1].tolist() == [0.0] * (len(grid.times) - 1)


def test_a_model_that_plays_twice_is_one_contestant_and_rules_only_play_among_themselves() -> None:
    def row(letter: str, model: str, baseline: bool = False, provider: str = "openai") -> Row:
        return {"llm_id": f"LLM-{letter}", "provider": provider, "model": model, "baseline": baseline}

    playing = contestants(
        [row("A", "x"), row("B", "momentum", True), row("C", "x"), row("D", "y"), row("E", "y", provider="claude")]
    )
    assert [(each.name, each.llm_ids) for each in playing] == [
        ("x", ("LLM-A", "LLM-C")),
        ("y (openai)", ("LLM-D",)),
        ("y (claude)", ("LLM-E",)),
    ]
    gains = np.array([[0.1, 9.0, 0.3, 0.0, -0.1]])
    assert gains_of(playing, gains).tolist() == [[pytest.approx(0.2), 0.0, -0.1]]
    (twice,) = replicas(playing, gains[0])
    assert (twice.name, twice.within, twice.between) == ("x", pytest.approx(0.2), pytest.approx(0.3))
    assert [each.name for each in contestants([row("A", "momentum", True), row("B", "random", True)])] == ["momentum", "random"]


def told(**changed: Any) -> Contest:
    pair = Pair(first=0, second=1, difference=0.031, low=-0.1, high=0.2, p=0.2, adjusted=0.4, days=50.0)
    usual = Contest(
        days=12.0, leader=0, top=(0.6, 0.4), kept=(True, True), pairs=(pair,), luck=0.41, winner=None, days_needed=50.0
    )
    return replace(usual, **changed)


def said(found: Contest | None, **changed: Any) -> str:
    usual: dict[str, Any] = {"names": ["Claude", "DeepSeek"], "roi": [0.064, 0.033], "cycles": 3456, "traded": True}
    return headline(found, **(usual | changed))


def test_the_verdict_in_words() -> None:
    gap = "No winner yet. Claude leads DeepSeek by 3.1 points; two equal models would show a gap this wide in 41 of 100 seasons."
    assert said(told()) == gap
    assert "in fewer than 1 of 100 seasons" in said(told(luck=0.004))
    assert said(told(winner=0, days=41)) == "The winner is Claude: +6.4 % in 41 days."
    assert said(told(leader=None), roi=[0.0, 0.0]) == "No winner yet: Claude and DeepSeek are level at 0.0 %."
    assert said(told(), traded=False) == "No winner yet: nobody has traded in 3,456 cycles."
    short = "No winner yet: 1 cycle over 53 seconds cannot tell these models apart."
    assert said(told(days=53 / 86_400, luck=None), cycles=1) == short
    assert said(None) == said(told(), cycles=0) == "No winner yet: no cycle has been booked."
    alone = said(told(pairs=(), days=2.2), names=["Claude"], roi=[-0.027])
    assert alone == "No contest: Claude competes alone. It stands at −2.7 % after 2 days."


def test_what_is_missing_is_named() -> None:
    names = ["Claude", "DeepSeek"]
    early = details(told(), names)
    assert early[0] == "The season has 12 days of the 30 days that a winner needs."
    assert early[1] == "About 38 more days would settle a lead of this size."
    assert early[2] == "90 % Model Confidence Set: Claude, DeepSeek."
    assert early[3].endswith("these end on top: Claude 60, DeepSeek 40.")
    late = details(told(days=60, days_needed=59.5), names)
    assert late[0] == "Its difference to DeepSeek (p = 0.40) may be chance; below 0.05 is needed against everybody."
    assert not any("would settle" in sentence for sentence in late)
    assert "A lead of this size would take more than ten years to settle." in details(told(days_needed=9e4), names)
    assert details(told(winner=0, kept=(True, False)), names)[0] == "90 % Model Confidence Set: Claude."
    assert details(None, names) == ()


async def book(
    path: Path, story: Story, cycles: int, change: Callable[[Story, int], None] = lambda story, number: None
) -> SqliteRecords:
    records = SqliteRecords(path)
    await records.open_season(story.season)
    for number in range(cycles):
        change(story, number)
        record = story.cycle()
        await records.begin_cycle(record.season_id, record.number, record.scheduled_at)
        await records.append_intents(record.season_id, story.intents[record.number])
        await records.book(record)
    return records


def whole(found: Judgement) -> None:
    """What holds for every judgement: it can be told, its parts add up, and its curves fit its times."""
    told = json.loads(json.dumps(found.to_json()))
    assert told["season"] == found.season and "nan" not in json.dumps(told)
    for subject in found.subjects:
        assert sum((part.total for part in subject.parts), Decimal(0)) == subject.pnl
    for line in found.lines:
        assert len(line.drawn) == len(found.times)
        assert line.roi.low is None or (line.roi.high is not None and line.roi.low <= line.roi.high)


async def test_a_season_of_one_cycle_says_that_it_says_nothing(tmp_path: Path) -> None:
    records = await book(tmp_path / "arena.db", Story(), 1)
    found = (await judged(records, SeasonId("test"))).judgement
    whole(found)
    assert found.headline == "No winner yet: 1 cycle over 5 minutes cannot tell these models apart."
    assert found.winner is found.kept is found.top is found.days_needed is None
    assert all(line.roi.low is None for line in found.lines) and found.lines[-1].name == "cash"
    records.close()


async def test_a_season_without_trades_has_no_leader(tmp_path: Path) -> None:
    def nobody(tables: Tables) -> Tables:
        empty = ("fills", "closed_trades", "positions", "position_points", "funding", "ledger_entries", "intents")
        flat = [{**row, "equity": "200"} for row in tables["equity_points"]]
        accounts = [{**row, "equity": "200"} for row in tables["llm_accounts"]]
        return {**tables, **{name: [] for name in empty}, "equity_points": flat, "llm_accounts": accounts}

    records = await book(tmp_path / "arena.db", Story(), 620)
    both = await judged(records, SeasonId("test"), change=nobody)
    whole(both.judgement)
    assert both.judgement.headline == "No winner yet: nobody has traded in 620 cycles."
    assert both.judgement.leader is both.judgement.winner is None
    assert "It has not traded." in to_html(both.report) and "## Where the profit came from" in to_markdown(both.report)
    records.close()


async def test_a_lone_competitor_has_no_rival_and_no_winner(tmp_path: Path) -> None:
    records = await book(tmp_path / "arena.db", Story(season(competitors=1)), 700)
    found = (await judged(records, SeasonId("test"))).judgement
    whole(found)
    assert found.headline.startswith("No contest: claude-sonnet-5-5 competes alone.")
    assert (found.winner, found.versus, found.details) == (None, (), ())
    assert found.lines[0].roi.low is not None and found.lines[0].roi.low <= (found.lines[0].roi.value or 0)
    records.close()


async def test_a_liquidated_competitor_is_named_and_its_parts_still_add_up(tmp_path: Path) -> None:
    records = await reckless.play(tmp_path, 5, 120)
    both = await judged(records, SeasonId(reckless.SEASON))
    whole(both.judgement)
    ruined = [each.llm_id for each in both.judgement.subjects if each.liquidated]
    assert "LLM-A" in ruined
    assert any(sentence.startswith("LLM-A (gambler-A) was liquidated on ") for sentence in both.judgement.remarks)
    assert "Insurance" in to_html(both.report)
    records.close()


async def test_a_gap_is_told_and_two_replicas_are_one_model(tmp_path: Path) -> None:
    twins = tuple(
        competitor(f"LLM-{letter}", each.model.provider, model)
        for letter, each, model in zip("ABC", season().competitors, ("one", "other", "one"), strict=True)
    )
    twins = (twins[0], twins[1], replace(twins[2], model=replace(twins[0].model, model="one")))
    story = Story(replace(season(), competitors=twins))

    def pause(story: Story, number: int) -> None:
        if number == 400:
            story.season = replace(story.season, started_at=story.season.started_at + timedelta(days=1))  # nobody plays for a day

    records = await book(tmp_path / "arena.db", story, 800, pause)
    both = await judged(records, SeasonId("test"))
    found = both.judgement
    whole(found)
    assert set(found.contestants) == {"one", "other"} and len(found.versus) == 1
    (twin,) = found.replicas
    assert (twin.name, twin.llm_ids) == ("one", ("LLM-A", "LLM-C")) and twin.within > 0
    (gap,) = found.gaps
    assert gap.until - gap.since == 288 * STEP and found.days == pytest.approx(800 / 288, abs=0.01)
    assert any(sentence.startswith("No cycle was booked for 24 hours in all") for sentence in found.remarks)
    assert "differs from itself by" in to_html(both.report)
    records.close()


async def test_a_season_that_has_not_begun_can_be_judged(tmp_path: Path) -> None:
    records = await book(tmp_path / "arena.db", Story(), 0)
    both = await judged(records, SeasonId("test"))
    whole(both.judgement)
    assert both.judgement.headline == "No winner yet: no cycle has been booked." and both.judgement.lines == ()
    assert "no cycle has been booked" in to_markdown(both.report)
    records.close()


async def test_a_report_is_of_the_kind_that_its_name_asks_for(tmp_path: Path) -> None:
    hostile = "a|b <script>x</script> $\\frac **bold** ünïcode 模型"
    story = Story(
        replace(
            season(), competitors=tuple(replace(each, model=replace(each.model, model=hostile)) for each in season().competitors)
        )
    )
    records = await book(tmp_path / "arena.db", story, 30)
    found = (await judged(records, SeasonId("test"))).report
    for kind, begins in ((".html", b"<!doctype html>"), (".md", b"# test: "), (".pdf", b"%PDF-")):
        path = tmp_path / "new" / f"report{kind}"
        write_report(path, found)
        assert path.read_bytes().startswith(begins)
    assert b"<script>x" not in (tmp_path / "new" / "report.html").read_bytes()
    with pytest.raises(ConfigurationError, match=r"a report is \.html, \.md or \.pdf, and report\.docx is none of these"):
        check_kind(tmp_path / "report.docx")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_report(tmp_path / "arena.db" / "report.md", found)
    records.close()


def test_names_cannot_break_a_table() -> None:
    assert cell("a|b\n<c> *d* [e](f) `g`") == r"a\|b \<c\> \*d\* \[e\](f) \`g\`"


def test_the_same_season_is_judged_the_same() -> None:
    tables = _small()
    grid = grid_of(tables)
    ground = ground_of(tables, grid, Unknown(reason="-"))
    once, again = (
        judge(
            tables,
            grid,
            ground,
            contest(**comparison(tables, grid, repetitions=300)),
            Figures(
                measures=[
                    each
                    for equity in (grid.equity, ground.beside)
                    for each in measured(**measurement(tables, grid, equity, repetitions=300))
                ],
                trading=[traded(**each) for each in trades_of(tables, grid)],
            ),
        ).to_json()
        for _ in range(2)
    )
    assert once == again and once["kept"] is not None


def _small() -> Tables:
    dice = np.random.default_rng(5)
    walk = 200 + dice.normal(0, 1, (24 * 9, 2)).cumsum(axis=0)
    times = [START + number * timedelta(hours=1) for number in range(len(walk))]
    names = ("fills", "closed_trades", "positions", "position_points", "funding", "ledger_entries", "intents")
    rest: dict[str, list[Row]] = {name: [] for name in (*names, "turns", "model_calls", "llm_decisions", "rejections", "decided")}
    return {
        **rest,
        "seasons": [{"season_id": "small", "market": "m", "interval_seconds": 3600, "symbols": '["BTCUSDT"]'}],
        "competitors": [{**row, "provider": "openai", "model": row["llm_id"].lower(), "baseline": False} for row in COMPETITORS],
        "llm_accounts": [
            {"llm_id": row["llm_id"], "initial_balance": "200", "equity": str(walk[-1, column])}
            for column, row in enumerate(COMPETITORS)
        ],
        "cycles": [cycle(at) for at in times],
        "equity_points": [
            point(row["llm_id"], at, worth)
            for at, each in zip(times, walk.tolist(), strict=True)
            for row, worth in zip(COMPETITORS, each, strict=True)
        ],
    }
