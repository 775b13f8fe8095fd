"""A booked cycle for people who read it in passing: who stands where, what each decided and why, what came of it."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from arena.application.past import summary
from arena.application.record import CycleRecord, Discrepancy, Turn
from arena.domain.competitor import Season
from arena.domain.decision import Decision
from arena.domain.money import plain

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


def leaderboard_rows(season: Season, record: CycleRecord) -> list[dict[str, str]]:
    """Return who is worth what after the cycle, the richest first; not yet a ranking that the data support."""
    points = {point.llm_id: point for point in record.equity}
    rows = []
    for each in sorted(season.competitors, key=lambda each: -points[each.llm_id].equity):
        point, ledger = points[each.llm_id], record.ledgers[each.llm_id]
        rows.append(
            {
                "competitor": each.llm_id,
                "model": f"{each.model.model} (baseline rule)" if each.model.baseline else each.model.model,
                "equity, USDT": f"{point.equity:.2f}",
                "ROI, %": f"{100 * (point.equity / each.capital - 1):+.2f}",
                "unrealised, USDT": f"{point.unrealized_pnl:+.2f}",
                "positions": ", ".join(f"{side.lower()} {symbol}" for symbol, side in sorted(ledger.positions)) or "none",
            }
        )
    return rows


def decisions_text(record: CycleRecord) -> str:
    """Return in Markdown what every competitor decided, its reasons and what came of it, and the cycle's alerts."""
    parts = [f"# Cycle {record.number}, {record.scheduled_at:%Y-%m-%d %H:%M:%S} UTC"]
    for turn in record.turns:
        parts.append(f"## {turn.llm_id}\n{escaped(summary(turn, record.fills))}")
        parts.extend(_reasons(turn))
    if record.alerts:
        parts.append("## Alerts\n" + "\n".join(f"- {escaped(alert.text)}" for alert in record.alerts))
    return "\n\n".join(parts)


def discrepancy_rows(found: Sequence[Discrepancy]) -> list[dict[str, str]]:
    """Return where books and venue differ."""
    return [
        {
            "account": each.account,
            "bucket": f"{each.symbol} {each.position_side}",
            "competitors' books": plain(each.ledgers),
            "by hand": plain(each.foreign_quantity),
            "at the venue": plain(each.venue),
        }
        for each in found
    ]


def escaped(text: str) -> str:
    """Return a text that a model may have written as Markdown that shows it, and does nothing else."""
    return _MARKDOWN.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _reasons(turn: Turn) -> list[str]:
    if not isinstance(turn.answer, Decision):
        return []
    return [f"> **{each.symbol}** {escaped(each.reason)}" for each in turn.answer.symbols if each.reason]
