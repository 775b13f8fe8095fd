"""What is told of each competitor beside its result: where its profit came from, and how it answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from arena.analysis.attribution import PARTS, Attribution
from arena.analysis.calibration import reliability
from arena.application.calibration import Confidences
from arena.verdict.conduct import Conduct, conducts
from arena.verdict.contestants import Contestant
from arena.verdict.judgement import Chance, Confidence, Part, Subject
from arena.verdict.rows import Row, Tables

LIQUIDATION = "liquidation"


def subjects(
    tables: Tables,
    playing: Sequence[Contestant],
    sources: Mapping[str, Attribution],
    chances: Mapping[str, Chance],
    days: float,
) -> tuple[Subject, ...]:
    """Return what is told of each competitor, in the season's order.

    Args:
        tables: Rows of the season, see `rows.read_rows`.
        playing: Its contestants.
        sources: Of the competitors' profits, by llm_id.
        chances: By llm_id.
        days: Of the season, with data.
    """
    names = {llm_id: each.name for each in playing for llm_id in each.llm_ids}
    answers, stated = conducts(tables), _confidences(tables)
    return tuple(
        _subject(
            row,
            names.get(row["llm_id"]) or row["model"],
            sources[row["llm_id"]],
            answers[row["llm_id"]],
            chance=chances[row["llm_id"]],
            confidence=_confidence(*stated.pairs(row["llm_id"])),
            liquidated=_liquidated(tables, row["llm_id"]),
            days=days,
        )
        for row in tables["competitors"]
    )


def _subject(
    row: Row,
    contestant: str,
    source: Attribution,
    answers: Conduct,
    *,
    chance: Chance,
    confidence: Confidence,
    liquidated: tuple[datetime, ...],
    days: float,
) -> Subject:
    cost = answers.cost_usd
    return Subject(
        llm_id=row["llm_id"],
        model=row["model"],
        contestant=contestant,
        pnl=source.pnl,
        parts=tuple(
            Part(symbol=share.symbol, side=share.side, **{part: getattr(share, part) for part in PARTS}, total=share.total)
            for share in source.shares
        ),
        chance=chance,
        confidence=confidence,
        asked=answers.asked,
        valid_rate=answers.valid_rate,
        repairs=answers.repairs,
        late=answers.late,
        hold_rate=answers.hold_rate,
        rejected=answers.rejected,
        calls=answers.calls,
        tokens=answers.tokens,
        cost_usd=cost,
        cost_usd_a_day=None if cost is None or not days else float(cost) / days,
        liquidated=liquidated,
    )


def _confidences(tables: Tables) -> Confidences:
    """Return what was stated at openings, with what came of the trades that closed since."""
    found = Confidences(timedelta(seconds=tables["seasons"][0]["interval_seconds"]))
    for row in tables["llm_decisions"]:
        found.decided(row)
    for row in tables["closed_trades"]:
        found.closed(row)
    return found


def _confidence(stated: Sequence[int], hits: Sequence[bool]) -> Confidence:
    found = reliability([each / 100 for each in stated], hits)
    if found is None:
        sentence = "No trade has been closed whose confidence is on record."
        return Confidence(trades=0, brier=None, error=None, expected=None, most=None, sentence=sentence, groups=())
    return Confidence(
        trades=found.trades,
        brier=found.brier,
        error=found.error,
        expected=found.expected,
        most=found.most,
        sentence=found.sentence,
        groups=found.groups,
    )


def _liquidated(tables: Tables, llm_id: str) -> tuple[datetime, ...]:
    return tuple(
        datetime.fromisoformat(row["closed_at"])
        for row in tables["closed_trades"]
        if row["llm_id"] == llm_id and row["cause"] == LIQUIDATION
    )
