"""The `arena replay` command."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from arena.replaying import Replay, Window
    from arena.settings import Settings


def replay(
    data: Annotated[Path, typer.Option("--data", help="Folder of candles, see docs/candles.md.")],
    season: Annotated[str, typer.Option("--season", help="Name of the season that comes of it.")] = "replay",
    start: Annotated[
        datetime | None, typer.Option("--from", help="First cycle, UTC; 500 candles into the data where left out.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", help="No cycle from then on, UTC; the data's end where left out.")
    ] = None,
    interval: Annotated[
        int, typer.Option("--interval", min=0, help="Seconds between cycles; LLM_DECISION_INTERVAL_SECONDS where left out.")
    ] = 0,
    field: Annotated[
        str,
        typer.Option("--field", help="Who plays, not .env's models: momentum,random or answers-of=SEASON or random-of=SEASON."),
    ] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the dice of rules, and of random-of.")] = 0,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="File of what models have answered; runs/answers.sqlite where left out.")
    ] = None,
) -> None:
    """Play a season in a market's past, with the live cycle; the same command goes on where an earlier one has stopped."""
    from arena.adapters.recorded import CandleArchive
    from arena.configuration import load_settings
    from arena.logs import configure_logging
    from arena.replaying import ANSWERS, settings_of, window_of

    loaded = load_settings()
    every = timedelta(seconds=interval or loaded.llm_decision_interval_seconds)
    rules = () if "=" in field else tuple(name.strip() for name in field.split(",") if name.strip())
    settings = settings_of(loaded, season, every, rules, seed)
    configure_logging(settings.model_copy(update={"log_level": "ERROR", "debug": False}))
    window = window_of(CandleArchive(data, settings.available_pairs), _utc(start), _utc(end), every)
    asyncio.run(_play(settings, window, answers or ANSWERS, field, seed))


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


async def _play(settings: Settings, window: Window, answers: Path, wanted: str, seed: int) -> None:
    """Play until the end, or until Ctrl-C and the end of the cycle that is running then; show what came of it."""
    from arena.application.leaderboard import read_leaderboard
    from arena.replay_field import field_of
    from arena.replaying import open_replay
    from arena.terminal import print_leaderboard

    stopped = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # a system without signals in the loop stops in the middle, which is safe too
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)
    field = await field_of(settings, wanted, window.start, len(window), window.every, seed) if "=" in wanted else None
    if field is not None:
        settings = settings.model_copy(update={"llms": dict(field.llms), "total_llms": len(field.llms)})
    async with open_replay(settings, window, answers, field.models if field else None) as replay:
        left = len(window) - await _followed(replay, stopped)
        print_leaderboard(await read_leaderboard(replay.arena.records, replay.arena.season.season_id))
        if replay.models:
            asked, known = (sum(getattr(model, name) for model in replay.models) for name in ("asked", "remembered"))
            typer.echo(f"{asked} answers were asked for, {known} were known from earlier replays ({answers})")
    if left:
        typer.echo(f"stopped with {left} of {len(window)} cycles left: the same command goes on")
    typer.echo(f"arena report, verify, export, dashboard --season {settings.season} show the rest")


async def _followed(replay: Replay, stopped: asyncio.Event) -> int:
    """Play, and tell now and then how much time is left; return how many cycles of the window have been played."""
    from arena.progress import Progress

    done = replay.done
    progress = Progress(len(replay.window) - done, typer.echo)
    async for record in replay.cycles():
        done += 1
        worth = "  ".join(f"{point.llm_id} {point.equity:.2f}" for point in record.equity)
        progress.add(1, f"{record.scheduled_at:%Y-%m-%d %H:%M} UTC, cycle {done} of {len(replay.window)}  {worth}")
        if stopped.is_set():
            break
    return done
