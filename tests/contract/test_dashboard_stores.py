"""A season is shown alike from every store, as the settings open it for who looks on."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from arena.adapters.storage.spool_file import SpoolFile
from arena.adapters.storage.spooled import SpooledRecords
from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.supabase import SupabaseRecords
from arena.application.store import Following, Records
from arena.dashboard import markets, telling, turns
from arena.dashboard.candles import Shown
from arena.dashboard.season_view import SeasonView
from arena.dashboard_cli import source_of
from arena.domain.competitor import SeasonId
from arena.settings import Settings
from scripts.supabase_local.stack import Stack
from tests.fakes.season import START, Story

TEST = SeasonId("test")
CYCLES = 12
AWAY = Shown(candles=None, reason="away", read_at=None, asked_at=START)


async def played(records: Records) -> None:
    story = Story()
    await records.open_season(story.season)
    for record in story.play(CYCLES):
        await records.begin_cycle(TEST, record.number, record.scheduled_at)
        await records.append_intents(TEST, story.intents[record.number])
        await records.book(record)


async def shown(store: Following) -> dict[str, Any]:
    view = await SeasonView.begin(store, TEST)
    assert view is not None
    while await view.advance():
        pass
    await view.look()
    cycles = [await view.cycles.read(store, TEST, number) for number in (1, 5, CYCLES)]
    pages = [await feed.page(store, TEST, 9, 5) for feed in (view.decisions, view.trades, view.alerts)]
    return {
        "board": telling.board(view),
        "positions": telling.positions(view),
        "fairness": telling.fairness(view),
        "equity": telling.equity(view, None, None, 100),
        "stories": [telling.story(view, each) for each in cycles if each],
        "pages": pages,
        "turn": [await turns.turn(view, each, "LLM-B") for each in cycles if each],
        "fairness of cycles": [turns.cycle_fairness(view, each) for each in cycles if each],
        "calibration": turns.calibration(view, "LLM-A"),
        "market": await markets.market(view, "BTCUSDT", AWAY),
        "no prompt": await view.prompt("market", "0" * 64),
    }


async def test_supabase_shows_what_a_file_shows_and_nothing_is_delivered_for_it(supabase: Stack, tmp_path: Path) -> None:
    file, spool = SqliteRecords(tmp_path / "arena.sqlite"), SpoolFile(tmp_path / "spool.sqlite")
    remote = SpooledRecords(SupabaseRecords(supabase.url, supabase.service_key), spool)
    await played(file)
    await played(remote)
    settings = Settings(_env_file=None, season="test", supabase_url=supabase.url, supabase_key=supabase.service_key)
    async with AsyncExitStack() as closing:
        store = source_of(settings).open(closing)
        assert await shown(store) == await shown(file)
        told = await shown(store)
        assert len(told["stories"]) == 3 and told["no prompt"] is None
        assert told["market"].seen is not None and all(each.market_prompt for each in told["turn"])
    assert not (Path("runs") / "test" / "spool.sqlite").exists()
    remote.close()
    file.close()
