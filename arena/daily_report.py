"""The report of the day: the season as an HTML file, and who leads in a few lines with a picture."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from arena.alerting import open_notifier
from arena.application.leaderboard import Leaderboard, read_leaderboard
from arena.application.notifier import Receipt
from arena.application.record import Alert, AlertKind
from arena.application.season_report import season_picture, season_report
from arena.application.tally import Standing
from arena.connections import open_book
from arena.domain.competitor import SeasonId
from arena.domain.money import plain
from arena.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """A season on one day.

    Attributes:
        path: Of the HTML file.
        receipt: What came of telling it.
    """

    board: Leaderboard
    path: Path
    receipt: Receipt

    @property
    def rows(self) -> list[dict[str, str]]:
        """The ranking as a table, best first."""
        return [
            {
                "#": str(rank),
                "competitor": each.llm_id,
                "model": each.model,
                "equity, USDT": f"{each.equity:.2f}",
                "ROI": f"{each.roi * 100:+.2f} %",
                "max drawdown": f"{each.max_drawdown * 100:.2f} %",
                "fees, USDT": f"{each.fees:.2f}",
                "trades": str(each.trades),
            }
            for rank, each in enumerate(self.board.competitors, 1)
        ]


async def daily_report(settings: Settings, season: str, now: datetime) -> DailyReport:
    """Write runs/SEASON/reports/DATE.html, draw the curves into DATE.png, and tell who leads.

    Args:
        season: SEASON's where empty.
        now: UTC; its date names the files, which a second report of that day replaces.

    Raises:
        ConfigurationError: There is no such season, or alerts are wanted and cannot be sent.
    """
    name = SeasonId(season or settings.season)
    async with AsyncExitStack() as closing:
        records = open_book(settings, closing, name)
        board, html = await read_leaderboard(records, name), await season_report(records, name)
        drawn = await season_picture(records, name)
    path = Path("runs") / name / "reports" / f"{now:%Y-%m-%d}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    picture = path.with_suffix(".png") if drawn else None
    if picture and drawn:
        picture.write_bytes(drawn)
    alert = Alert(kind=AlertKind.REPORT, llm_id=None, text=in_lines(board), time=now)
    receipt = await open_notifier(settings, settings.outboxes).notify([alert], picture)
    return DailyReport(board=board, path=path, receipt=receipt)


def in_lines(board: Leaderboard) -> str:
    """Return who leads, a line for each competitor, and what may be said about it."""
    standings = (f"{rank}. {_line(each)}" for rank, each in enumerate(board.competitors, 1))
    unfair = () if board.fairness.fair else (board.fairness.sentence,)
    return "\n".join((f"{board.season}: {board.cycles} cycles, {plain(board.hours)} h", *standings, board.verdict, *unfair))


def _line(standing: Standing) -> str:
    return f"{standing.llm_id} ({standing.model}) {standing.equity:.2f} USDT, {standing.roi * 100:+.2f} %"
