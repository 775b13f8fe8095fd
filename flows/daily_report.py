"""The report of the day: written, shown in the Prefect UI, and told to people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from arena.application.notifier import Receipt
from arena.configuration import load_settings
from arena.daily_report import daily_report as write_report
from arena.season_start import has_begun
from tasks.artifacts import key
from tasks.logs import begin_logging


@flow(name="daily-report")
async def daily_report(season: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,40}$")] = "") -> State[None]:
    """Write the report of a season as an HTML file, and tell who leads.

    Args:
        season: The season's name; the one that `.env` names where empty.
    """
    settings = load_settings()
    begin_logging(settings)
    if not season and not await has_begun(settings):
        return Completed(message="the season has not begun")
    report = await write_report(settings, season, datetime.now(UTC))
    found = report.verdict
    description = f"{found['season']}: {found['cycles']} cycles, {found['market']}. {found['headline']}"
    await acreate_table_artifact(table=report.rows, key=key(found["season"], "report"), description=description)
    await acreate_markdown_artifact(report.text, key=key(found["season"], "verdict"), description=found["headline"])
    return Completed(message=f"{report.path} is written, {_in_words(report.receipt)}")


def _in_words(receipt: Receipt) -> str:
    if receipt.waiting:
        return "and the next run tells it" if not receipt.sent else "and it was told to some, the next run tells the others"
    return "and it was told" if receipt.sent else "nobody was told"
