"""Equity curves with their names, and as a picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from arena.analysis.charts import Curve, equity_picture
from arena.application.store import Records
from arena.domain.competitor import SeasonId

Row = Mapping[str, Any]
Points = Mapping[str, Sequence[tuple[str, str]]]  # (time, equity) by llm_id, in time order

LONGEST_NAME = 20


def points_of(rows: Sequence[Row]) -> Points:
    """Return every competitor's worth by time, of rows of `equity_points`."""
    equity: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        equity[row["llm_id"]].append((row["time"], row["equity"]))
    return equity


async def season_picture(records: Records, season_id: SeasonId) -> bytes | None:
    """Return the equity curves so far as a PNG; None before the first point."""
    equity = points_of(await records.columns("equity_points", season_id, ("llm_id", "time", "equity")))
    if not equity:
        return None
    competitors = [row async for row in records.rows("competitors", season_id)]
    return equity_picture(curves_of(competitors, equity), float(competitors[0]["capital"]))


def curves_of(competitors: Sequence[Row], equity: Points) -> list[Curve]:
    """Return every competitor's curve by name."""
    return [
        Curve(
            label=label_of(row, competitors),
            style=index,
            times=[datetime.fromisoformat(time) for time, _ in equity.get(row["llm_id"], ())],
            equity=[float(worth) for _, worth in equity.get(row["llm_id"], ())],
        )
        for index, row in enumerate(competitors)
    ]


def label_of(row: Row, competitors: Sequence[Row]) -> str:
    """Return a competitor's model, shortened, with the competitor where others have the same one."""
    model = str(row["model"])
    shared = sum(each["model"] == model for each in competitors) > 1
    short = model if len(model) <= LONGEST_NAME else f"{model[: LONGEST_NAME - 1]}…"
    return f"{row['llm_id']} {short}" if shared else short
