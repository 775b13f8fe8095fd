"""`arena verdict` and `arena report`: what a season's records say about who is better."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from arena.judging import Judged

Season = Annotated[str, typer.Option("--season", help="The season's name; SEASON of .env where left out.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the season's candles; found by themselves where left out.")]


def verdict(
    season: Season = "",
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing; runs/SEASON/verdict.json has it.")] = False,
) -> None:
    """Say who leads, how sure that is, and when it will be known; takes some seconds."""
    from arena.terminal import tell
    from arena.verdict_table import print_verdict

    found = _judged(season, data).judgement
    if not quiet:
        tell(found, print_verdict, as_json=as_json)


def report(
    out: Annotated[Path, typer.Option("--out", help="The file to write: .html, .pdf or .md.")] = Path("report.html"),
    season: Season = "",
    data: Data = None,
) -> None:
    """Write a season's report as one self-contained file, the verdict first."""
    from arena.report.files import check_kind, write_report

    check_kind(out)
    write_report(out, _judged(season, data).report)
    typer.echo(str(out))


def _judged(season: str, data: Path | None) -> Judged:
    from arena.configuration import load_settings
    from arena.connections import open_book
    from arena.domain.competitor import SeasonId
    from arena.judging import judge_season

    async def run() -> Judged:
        settings = load_settings()
        async with AsyncExitStack() as closing:
            records = open_book(settings, closing, season)
            return await judge_season(settings, records, SeasonId(season or settings.season), data)

    return asyncio.run(run())
