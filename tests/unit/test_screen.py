"""What the terminal shows of a season, in a narrow one too, whatever a model writes."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from arena.adapters.recorded.instruments import known_instruments
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.dashboard.glance import Glance, look_once
from arena.dashboard.judging import JudgementFile
from arena.errors import ConfigurationError
from arena.screen import screen
from tests.fakes.dashboard import Books, serving, source
from tests.fakes.judgement import HEADLINE, judgement, write_judgement
from tests.fakes.season import STEP, Story

HALTED = SeasonStanding(status=SeasonStatus.HALTED, reason="by hand", time=datetime(2025, 1, 1, 1, tzinfo=UTC))


@pytest.fixture
def books(tmp_path: Path) -> Books:
    books = Books(tmp_path / "arena.sqlite", Story(text="\x1b[2J\x1b]0;owned\x07 [bold]RSI[/bold]\r\nlow " + "and long " * 40))
    books.open()
    books.book(9)
    return books


def glance(books: Books, halted: SeasonStanding | None = None, judged: Path = Path("none")) -> Glance:
    watched = replace(source(books.path, books.season_id, halted), contracts=known_instruments, judgement=JudgementFile(judged))
    return asyncio.run(look_once(watched))


def shown(found: Glance, width: int = 80, height: int | None = None, now: datetime | None = None) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, height=height, highlight=False).print(screen(found, now or datetime.now(UTC), height))
    return out.getvalue().splitlines()


def test_what_a_model_writes_commands_no_terminal(books: Books) -> None:
    text = "\n".join(shown(glance(books), width=200))
    assert "[bold]RSI[/bold]" in text and "owned" in text
    assert not any(ord(each) < 32 for each in text.replace("\n", ""))


@pytest.mark.parametrize("height", [24, 60])
def test_it_fits_into_eighty_columns_and_the_figures_stay_whole(books: Books, height: int) -> None:
    found = glance(books)
    lines = shown(found, height=height)
    assert max(map(len, lines)) <= 80
    for position in found.positions:
        line = next(
            line
            for line in lines
            if line.startswith(position.llm_id) and position.symbol in line and position.entry_price in line
        )
        figures = (position.mark_price, position.stop_price, position.target_price, position.liquidation_price)
        assert all(figure is None or figure in line for figure in figures)
        assert f"{Decimal(position.unrealized_pnl or 0):+.2f}".replace("+0.00", "0.00") in line
    assert any(position.liquidation_price for position in found.positions)
    assert len(shown(found, height=60)) <= 60


def test_it_says_why_nothing_goes_on_and_what_cannot_be_relied_on(books: Books) -> None:
    found = glance(books, HALTED)
    assert "HALTED since 01:00:00 UTC: by hand" in shown(found)[0] and "No next cycle is due" in "\n".join(shown(found))
    away = found.model_copy(update={"status": found.status.model_copy(update={"store_away": True})})
    assert "THE STORE IS AWAY" in "\n".join(shown(away))
    bare = [each.model_copy(update={"protected": False}) for each in found.positions]
    assert f"{bare[0].stop_price} !" in "\n".join(shown(found.model_copy(update={"positions": bare})))


def test_the_next_cycle_is_counted_down_to_where_the_clock_is_the_days(books: Books) -> None:
    found = glance(books)
    assert "of the simulated clock" in "\n".join(shown(found))
    real = found.model_copy(update={"status": found.status.model_copy(update={"simulated_clock": False})})
    due = books.story.season.started_at + STEP * 10
    assert "Next cycle in 2:05" in "\n".join(shown(real, now=due - timedelta(seconds=125)))
    assert f"Next cycle due since {due:%H:%M:%S} UTC" in "\n".join(shown(real, now=due + timedelta(seconds=3)))


def test_the_step_is_what_the_store_says_of_the_cycle_under_way(books: Books) -> None:
    assert glance(books).step is None
    books.begin()
    assert glance(books).step == "asking the models"
    books.story.number -= 1
    books.story.cycle()
    written = books.story.intents[books.story.number]
    assert written, "the story opens or closes something in this cycle"
    asyncio.run(books.records.append_intents(books.season_id, written))
    assert glance(books).step == "sending orders"


def test_terminal_and_page_say_the_same(books: Books) -> None:
    found = glance(books).model_dump(mode="json")
    with serving(replace(source(books.path, books.season_id), contracts=known_instruments)) as client:
        while not client.get("/health").json()["ready"]:
            pass
        told = {name: client.get(f"/{name}").json() for name in ("status", "leaderboard", "positions", "alerts")}
    assert {**told["status"], "version": 0} == {**found["status"], "version": 0}
    assert (told["leaderboard"], told["positions"]) == (found["leaderboard"], found["positions"])
    assert told["alerts"]["alerts"][:20] == found["alerts"]


@pytest.mark.parametrize("height", [24, 60])
def test_the_verdict_is_the_judged_one_where_there_is_one(books: Books, tmp_path: Path, height: int) -> None:
    write_judgement(tmp_path / "verdict.json", judgement(9))
    lines = shown(glance(books, judged=tmp_path / "verdict.json"), height=height)
    told = " ".join(line.strip() for line in lines)
    assert f"{HEADLINE} (judged as of 2025-01-01 00:50:00 UTC)" in told and "cannot tell these models apart" not in told
    assert max(map(len, lines)) <= 80 and len(shown(glance(books, judged=tmp_path / "verdict.json"), height=60)) <= 60


def test_a_season_that_has_not_begun_is_one_sentence(tmp_path: Path) -> None:
    books = Books(tmp_path / "arena.sqlite")
    with pytest.raises(ConfigurationError, match="the season test has not begun"):
        glance(books)
