"""The report of the day: the season as an HTML file, and who leads in a few lines."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from arena.application.leaderboard import Leaderboard, read_leaderboard
from arena.application.record import Alert, AlertKind
from arena.application.season_report import season_report
from arena.application.tally import Standing
from arena.connections import open_book, open_notifier
from arena.domain.competitor import SeasonId
from arena.domain.money import plain
from arena.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """A season on one day.

    Attributes:
        path: Of the HTML file.
        told: Whether the alert arrived.
    """

    board: Leaderboard
    path: Path
    told: bool

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
    """Write runs/SEASON/reports/DATE.html, and tell who leads.

    Args:
        season: SEASON's where empty.
        now: UTC; its date names the file, which a second report of that day replaces.

    Raises:
        ConfigurationError: There is no such season, or alerts are wanted and cannot be sent.
    """
    name = SeasonId(season or settings.season)
    async with AsyncExitStack() as closing:
        records = open_book(settings, closing, name)
        board, html = await read_leaderboard(records, name), await season_report(records, name)
    path = Path("runs") / name / "reports" / f"{now:%Y-%m-%d}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    alert = Alert(kind=AlertKind.REPORT, llm_id=None, text=in_lines(board), time=now)
    return DailyReport(board=board, path=path, told=await open_notifier(settings).notify([alert]) == 1)


def in_lines(board: Leaderboard) -> str:
    """Return who leads, a line for each competitor, and what may be said about it."""
    standings = (f"{rank}. {_line(each)}" for rank, each in enumerate(board.competitors, 1))
    unfair = () if board.fairness.fair else (board.fairness.sentence,)
    return "\n".join((f"{board.season}: {board.cycles} cycles, {plain(board.hours)} h", *standings, board.verdict, *unfair))


def _line(standing: Standing) -> str:
    return f"{standing.llm_id} ({standing.model}) {standing.equity:.2f} USDT, {standing.roi * 100:+.2f} %"
