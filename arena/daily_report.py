"""The report of the day: the season as an HTML file, and the verdict in a few lines with a picture."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from arena.alerting import open_notifier
from arena.application.notifier import Receipt
from arena.application.record import Alert, AlertKind
from arena.connections import open_book
from arena.domain.competitor import SeasonId
from arena.judging import Judged, judge_season
from arena.report.curves import season_picture
from arena.report.figures import between_percent, percent, usd
from arena.report.html import to_html
from arena.report.markdown import to_markdown
from arena.settings import Settings
from arena.verdict.words import in_cycles, span

MEASURES = 2  # baselines that are told beside the competitors


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """A season on one day.

    Attributes:
        verdict: The object of `verdict.json`.
        text: The report as Markdown.
        path: Of the HTML file.
        receipt: What came of telling it.
    """

    verdict: Mapping[str, Any]
    text: str
    path: Path
    receipt: Receipt

    @property
    def rows(self) -> list[dict[str, str]]:
        """The comparison as a table."""
        return [
            {
                "#": "" if line["kind"] == "baseline" else str(rank),
                "competitor": line["name"],
                "model": line["label"],
                "equity, USDT": usd(line["equity"]),
                "ROI": percent(line["roi"]["value"], sign=True),
                "90 % interval": between_percent(line["roi"]) or "–",
                "max drawdown": percent(line["measures"]["drawdown"]["value"]),
                "trades": str(line["trades"]),
            }
            for rank, line in enumerate(self.verdict["lines"], 1)
        ]


async def daily_report(settings: Settings, season: str, now: datetime) -> DailyReport:
    """Write runs/SEASON/reports/DATE.html, draw the curves into DATE.png, and tell the verdict.

    Args:
        settings: Where the season is, and whom to tell.
        season: SEASON's where empty.
        now: UTC; its date names the files, which a second report of that day replaces.

    Raises:
        ConfigurationError: There is no such season, or alerts are wanted and cannot be sent.
    """
    name = SeasonId(season or settings.season)
    async with AsyncExitStack() as closing:
        records = open_book(settings, closing, name)
        judged = await judge_season(settings, records, name)
        drawn = await season_picture(records, name)
    path = Path("runs") / name / "reports" / f"{now:%Y-%m-%d}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_html(judged.report), encoding="utf-8")
    picture = path.with_suffix(".png") if drawn else None
    if picture and drawn:
        picture.write_bytes(drawn)
    alert = Alert(kind=AlertKind.REPORT, llm_id=None, text=in_lines(judged), time=now)
    receipt = await open_notifier(settings, settings.outboxes).notify([alert], picture)
    return DailyReport(verdict=judged.report.verdict, text=to_markdown(judged.report), path=path, receipt=receipt)


def in_lines(judged: Judged) -> str:
    """Return what a day's message says, five lines: the season, the verdict, what it lacks, who stands where, and beside whom.

    A sixth says that the season was not fair, where it was not.
    """
    verdict, fairness = judged.report.verdict, judged.report.leaderboard["fairness"]
    competing = [line for line in verdict["lines"] if line["kind"] != "baseline"]
    beside = [line for line in verdict["lines"] if line["kind"] == "baseline" and line["name"] != "cash"]
    lines = (
        f"{verdict['season']}: {in_cycles(verdict['cycles'])}, {span(judged.judgement.days)}",
        verdict["headline"],
        *verdict["details"][:1],
        ", ".join(f"{rank}. {line['label']} {_told(line)}" for rank, line in enumerate(competing, 1)),
        ", ".join(f"{line['name']} {_told(line)}" for line in (*beside[:MEASURES], *beside[MEASURES:][-1:])),
        "" if fairness["fair"] else fairness["sentence"],
    )
    return "\n".join(line for line in lines if line)


def _told(line: Mapping[str, Any]) -> str:
    return percent(line["roi"]["value"], sign=True)
