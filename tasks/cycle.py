"""The steps of a cycle as Prefect's tasks."""

from __future__ import annotations

from arena.steps import Steps
from tasks import decisions, market, notifications, orders, protection, records

OBSERVED = Steps(
    protect=protection.protect,
    begin=records.begin,
    snapshot=market.snapshot,
    indicators=market.indicators,
    decide=decisions.decide,
    repair=decisions.repair,
    settle=orders.settle,
    plan=orders.plan,
    write_intents=records.write_intents,
    execute=orders.execute,
    close=orders.close,
    append=records.append,
    notify=notifications.notify,
)
