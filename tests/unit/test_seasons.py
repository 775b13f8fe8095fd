"""`arena seasons`: one table over live seasons and replays, without what a model may know how it went on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.cutoffs import UNKNOWN, contamination, cutoff_of, first_unknown_day
from arena.application.seasons import Entrant, SeasonResult, several_seasons
from arena.cli import app
from arena.configuration import load_settings
from arena.domain.competitor import Environment, Season
from arena.errors import ConfigurationError
from tests.fakes.season import Story, season

RECORDED = "replay of recorded candles (5m, 2026-01-01 to 2026-10-31)"
CLAUDE, DEEPSEEK, RULE = "claude-sonnet-5-5", "deepseek-v4-pro", "mean-reversion (rule)"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own without a `.env`."""
    for name in os.environ:
        if name.startswith(("LLM_", "BINANCE_", "SUPABASE_", "DATABASE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(name: str, market: str, start: datetime, environment: Environment = Environment.PAPER) -> Season:
    """Return a season of two models at their providers' own endpoints and a rule."""
    made = season(name)
    own = tuple(replace(each, model=replace(each.model, base_url=None)) for each in made.competitors)
    return replace(made, competitors=own, market=market, started_at=start, environment=environment)


def store(made: Season, cycles: int = 3, seed: int = 7) -> None:
    """Play a season into its folder."""

    async def run() -> None:
        path = Path("runs") / made.season_id / "arena.sqlite"
        path.parent.mkdir(parents=True)
        with SqliteRecords(path, lasting=False) as records:
            story = Story(made, seed)
            await records.open_season(made)
            for number in range(1, cycles + 1):
                record = replace(story.cycle(), booking=number)
                await records.begin_cycle(record.season_id, number, record.scheduled_at)
                await records.append_intents(record.season_id, story.intents[number])
                await records.book(record)

    asyncio.run(run())


def shown(*names: str) -> dict[str, Any]:
    ended = CliRunner().invoke(app, ["seasons", *names, "--json"])
    assert ended.exit_code == 0, ended.output
    found: dict[str, Any] = json.loads(ended.output)
    return found


def counted(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {row["name"]: row["seasons"] for row in rows}


def test_what_a_model_may_know_is_kept_out_of_the_headline(home: Path) -> None:
    store(told("live", "Binance testnet", datetime(2026, 11, 1, tzinfo=UTC), Environment.TESTNET), seed=1)
    store(told("early", RECORDED, datetime(2026, 6, 30, tzinfo=UTC)), seed=2)
    store(told("later", RECORDED, datetime(2026, 7, 1, tzinfo=UTC)), seed=3)
    store(told("never", "replay of generated market, seed 3", datetime(2025, 1, 1, tzinfo=UTC)), seed=4)
    store(told("other", RECORDED, datetime(2025, 1, 1, tzinfo=UTC)), cycles=1)
    Path("runs/other").rename("runs/of-another-name")
    store(told("unbegun", RECORDED, datetime(2025, 1, 1, tzinfo=UTC)), cycles=0)
    found = shown()
    assert counted(found["headline"]) == {CLAUDE: 3, DEEPSEEK: 2, RULE: 4}
    assert counted(found["marked"]) == {f"{CLAUDE}: cut-off 2026-06": 1, f"{DEEPSEEK}: {UNKNOWN}": 2}
    assert [each["season"] for each in found["seasons"]] == ["early", "later", "live", "never"]
    early = {each["name"]: each for each in found["seasons"][0]["competitors"]}
    (marked,) = [row for row in found["marked"] if row["name"].startswith(CLAUDE)]
    place = sorted(early, key=lambda name: -early[name]["roi"]).index(CLAUDE) + 1
    assert (marked["mean_rank"], marked["median_roi"]) == (place, early[CLAUDE]["roi"]), "among all who played there"
    assert {name: each["mark"] for name, each in early.items()} == {CLAUDE: "cut-off 2026-06", DEEPSEEK: UNKNOWN, RULE: None}
    assert counted(shown("live", "never")["headline"]) == {CLAUDE: 2, DEEPSEEK: 2, RULE: 2}


def test_an_own_cut_off_wins_and_is_told_to_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(told("early", RECORDED, datetime(2026, 6, 1, tzinfo=UTC)))
    for letter, model, cutoff in (("A", CLAUDE, "2026-05"), ("B", DEEPSEEK, "2026-06-01")):
        for name, value in {"PROVIDER": "openai", "MODEL": model, "KNOWLEDGE_CUTOFF": cutoff}.items():
            monkeypatch.setenv(f"LLM_{letter}_{name}", value)
    found = shown("early")
    assert counted(found["headline"]) == {CLAUDE: 1, RULE: 1}
    assert counted(found["marked"]) == {f"{DEEPSEEK}: cut-off 2026-06-01": 1}
    monkeypatch.setenv("TOTAL_LLMS", "2")
    settings = load_settings()
    assert settings.llms["A"].knowledge_cutoff != settings.llms["B"].knowledge_cutoff, "no setting that is alike for all"
    assert "2026" not in f"{settings.competitors()} {settings.equal_settings()}"
    monkeypatch.setenv("LLM_A_KNOWLEDGE_CUTOFF", "May 2026")
    with pytest.raises(ConfigurationError, match="write a month or a day, such as 2026-06"):
        load_settings()


def test_the_table_for_people(home: Path) -> None:
    store(told("early", RECORDED, datetime(2026, 6, 1, tzinfo=UTC)))
    store(told("live", "Binance testnet", datetime(2026, 11, 1, tzinfo=UTC), Environment.TESTNET), seed=2)
    ended = CliRunner().invoke(app, ["seasons"])
    headline, _, marked = ended.output.partition("Do not count")
    assert "2 seasons, 1 of them replays" in headline and "Too few to say who is best" in headline
    assert "Strength %" in headline and f"{CLAUDE}: cut-off" not in headline
    assert f"{CLAUDE}: cut-off 2026-06" in marked and f"{DEEPSEEK}: {UNKNOWN}" in marked and "Strength" not in marked


def test_where_there_is_nothing_it_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, said in (([], "there is no season in runs/"), (["nobody"], "there is no book at runs/nobody/arena.sqlite")):
        ended = CliRunner().invoke(app, ["seasons", *arguments])
        assert isinstance(ended.exception, ConfigurationError) and said in str(ended.exception)
    monkeypatch.setenv("DATABASE_PATH", "books.sqlite")
    ended = CliRunner().invoke(app, ["seasons"])
    assert "name those that you want" in str(ended.exception)


def result(number: int, window: str = "", **returns: float) -> SeasonResult:
    entrants = tuple(Entrant(name=name, roi=roi, mark=None) for name, roi in returns.items())
    return SeasonResult(season=f"s{number}", market="live", window=window or f"s{number}", entrants=entrants)


def test_a_leader_is_named_only_where_the_intervals_part() -> None:
    clear = several_seasons([result(number, a=0.1, b=0.0, c=-0.1) for number in range(12)])
    assert clear.sentence == "a leads over 12 windows: its interval lies above everybody else's."
    even = several_seasons([result(number, a=(-1) ** number, b=0.0) for number in range(12)])
    assert even.sentence == "No leader over 12 windows: the intervals overlap."
    guest = several_seasons([result(number, a=0.1, b=0.0) for number in range(12)] + [result(12, new=0.2, a=0.1)])
    assert guest.headline[0].name == "new" and guest.headline[0].strength.value > 0.5, "one lucky season"
    assert guest.sentence.startswith("a leads over 13 windows") and guest.sentence.endswith(
        "; 1 with fewer than 5 windows left out."
    )
    seeds = several_seasons([result(number, window="one", a=0.1, b=0.0) for number in range(12)])
    assert seeds.sentence.startswith("Too few to say who is best: two have met in 1 window;")
    assert several_seasons([result(1, a=0.1)]).sentence == "Nothing can be said: no two have met in a season that counts."
    assert several_seasons([]).to_json()["headline"] == []


@pytest.mark.parametrize(
    ("model", "base_url", "known"),
    [
        ("claude-sonnet-5-5", None, "2026-06"),
        ("claude-sonnet-5", None, "2026-01"),
        ("claude-sonnet-4-20250514", None, "2025-03"),
        ("claude-sonnet-4-5-20250929", None, "2025-07"),
        ("gpt-6.1-terra-2026-08-06", None, "2026-06-01"),
        ("gpt-5-mini", None, None),
        ("gpt-6.1-terra", "http://127.0.0.1:1/v1", None),
        ("mine", "http://127.0.0.1:1/v1", "2024-01"),
    ],
)
def test_a_name_is_a_model_or_a_dated_snapshot_of_it(model: str, base_url: str | None, known: str | None) -> None:
    assert cutoff_of({"model": model, "base_url": base_url}, {"mine": "2024-01"}) == known


def test_a_month_is_known_to_its_end() -> None:
    assert first_unknown_day("2026-06") == date(2026, 7, 1) and first_unknown_day("2025-12") == date(2026, 1, 1)
    assert first_unknown_day("2026-06-15") == date(2026, 6, 16) and first_unknown_day("2024-02-29") == date(2024, 3, 1)
    for wrong in ("2026", "2026-13", "2026-02-30", "June 2026", "2026-6"):
        with pytest.raises(ValueError):
            first_unknown_day(wrong)


@pytest.mark.parametrize(
    ("market", "environment", "marked"),
    [
        (RECORDED, "paper", True),
        ("recorded candles (5m, 2026-01-01 to 2026-02-01) (simulator)", "demo", True),
        ("replay of generated market, seed 3", "paper", False),
        ("generated market, seed 3 (simulator)", "demo", False),
        ("paper on Binance USD-M futures", "paper", False),
        ("Binance USD-M futures", "mainnet", False),
    ],
)
def test_only_prices_that_were_there_before_can_be_known(market: str, environment: str, marked: bool) -> None:
    row = {"market": market, "environment": environment, "started_at": "2026-01-02T00:00:00.000000Z"}
    model = {"model": "anything", "base_url": None, "baseline": 0}
    assert (contamination(row, model, {}) is not None) == marked
    assert contamination(row, model | {"baseline": 1}, {}) is None
