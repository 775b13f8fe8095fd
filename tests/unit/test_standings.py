"""Halting, resuming and ending a season: the file first, then the store, which other machines ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.standing import SeasonStatus
from arena.errors import ArenaError, ConfigurationError
from arena.halting import halt, halted
from arena.settings import VenueSettings
from arena.standings import end_season, halt_season, lift_halt, read_standing
from tests.fakes.season import Story


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VenueSettings:
    monkeypatch.chdir(tmp_path)
    return VenueSettings(_env_file=None, season="test", database_path=tmp_path / "arena.sqlite")


async def begun(settings: VenueSettings, cycles: int = 0) -> Story:
    story = Story()
    with SqliteRecords(settings.database()) as records:
        await records.open_season(story.season)
        for record in story.play(cycles):
            await records.begin_cycle(story.season.season_id, record.number, record.scheduled_at)
            await records.append_intents(story.season.season_id, story.intents[record.number])
            await records.book(record)
    return story


async def in_the_store(settings: VenueSettings) -> SeasonStatus | None:
    with SqliteRecords(settings.database()) as records:
        found = await records.standing(Story().season.season_id)
    return found.status if found else None


async def test_a_halt_is_in_the_file_and_in_the_store_and_so_is_its_end(settings: VenueSettings) -> None:
    await begun(settings)
    assert await halt_season(settings, "a look at the books") is None
    assert halted(settings) == "a look at the books" and await in_the_store(settings) is SeasonStatus.HALTED
    assert await lift_halt(settings, "they are well") is True
    assert halted(settings) is None and await in_the_store(settings) is SeasonStatus.RUNNING
    assert await lift_halt(settings, "again") is False


async def test_either_of_the_two_halts_and_resuming_lifts_both(settings: VenueSettings) -> None:
    await begun(settings)
    halt(settings, "without any server")
    assert (await read_standing(settings)).reason == "without any server"
    assert await lift_halt(settings, "by hand") is True and halted(settings) is None
    await halt_season(settings, "on another machine")
    settings.halt_file.unlink()
    assert (await read_standing(settings)).status is SeasonStatus.HALTED
    assert await lift_halt(settings, "by hand") is True
    assert (await read_standing(settings)).status is SeasonStatus.RUNNING


async def test_before_it_has_begun_a_season_is_halted_by_the_file_alone(settings: VenueSettings) -> None:
    assert await read_standing(settings) is None
    assert await halt_season(settings, "not yet") is None
    assert halted(settings) == "not yet" and not settings.database().exists()
    assert await lift_halt(settings, "now") is True and await read_standing(settings) is None


async def test_a_store_that_cannot_be_told_halts_all_the_same(settings: VenueSettings) -> None:
    settings.database().write_text("no database at all")
    assert "other machines do not know of it" in (await halt_season(settings, "now") or "")
    assert halted(settings) == "now"
    with pytest.raises(ArenaError):
        await lift_halt(settings, "by hand")
    assert halted(settings) == "now", "nobody knows whether it may go on"


async def test_a_season_ends_flat_and_for_good(settings: VenueSettings) -> None:
    story = await begun(settings, cycles=12)
    assert any(ledger.positions for ledger in story.ledgers.values())
    with pytest.raises(ConfigurationError, match=r"still holds LLM-. .*arena shutdown"):
        await end_season(settings, "over")
    settings = settings.model_copy(update={"database_path": settings.database().with_name("flat.sqlite")})
    with pytest.raises(ConfigurationError, match="has not begun"):
        await end_season(settings, "over")
    await begun(settings)
    await end_season(settings, "over")
    assert (await read_standing(settings)).why_halted() == "the season has ended (over)"
    with pytest.raises(ArenaError, match="has ended"):
        await lift_halt(settings, "by hand")
