"""What of a unit of work is worth telling a person, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from types import MappingProxyType

from arena.application.fairness_rules import NOT_ASKED
from arena.application.past import failure_in
from arena.application.reconcile import in_words
from arena.application.record import Alert, AlertKind, BookedFill, Discrepancy, PastTurn, Turn
from arena.application.sending import Execution
from arena.application.settlement import Settlement
from arena.domain.client_id import parse_client_order_id
from arena.domain.competitor import CompetitorId, SeasonId
from arena.domain.decision import InvalidDecision, NoAnswer
from arena.domain.ledger import ClosedTrade
from arena.domain.money import plain
from arena.domain.order import Cause, Leg

_CENT = Decimal("0.01")
_WAYS = {
    Cause.DECISION: "closed",
    Cause.STOP: "was stopped out of",
    Cause.TARGET: "reached the target of",
    Cause.ARENA: "was taken by the arena out of",
    Cause.LIQUIDATION: "was liquidated out of",
    Cause.ADL: "was auto-deleveraged by the venue out of",
    Cause.DELIVERY: "was settled by the venue out of",
    Cause.SHUTDOWN: "was taken by the emergency shutdown out of",
    Cause.MANUAL: "was taken by an order of nobody's out of",
}
_KINDS = {Cause.STOP: AlertKind.STOPPED, Cause.LIQUIDATION: AlertKind.LIQUIDATED, Cause.MANUAL: AlertKind.DISCREPANCY}

FAILURES_TOLD = 3
_SPENT = "out_of_budget"

Past = Mapping[CompetitorId, Sequence[PastTurn]]
Told = tuple[AlertKind, CompetitorId | None, str]


def alerts_of(
    settlement: Settlement,
    executions: Iterable[Execution],
    differences: Iterable[Discrepancy],
    at: datetime,
    turns: Iterable[Turn] = (),
    past: Past = MappingProxyType({}),
) -> tuple[Alert, ...]:
    """Return the alerts: trades, models that fail again and again, positions without a stop, books that disagree.

    Args:
        settlement, executions, differences: Of the unit of work.
        at: When it ended.
        turns: Of a cycle.
        past: The turns before it, oldest first.
    """
    told = [*_trades(settlement), *_failures(turns, past)]
    told += [(AlertKind.UNPROTECTED, each.llm_id, sentence) for each in executions for sentence in each.unprotected]
    told += [(AlertKind.DISCREPANCY, None, in_words(difference)) for difference in differences]
    return tuple(Alert(kind=kind, llm_id=llm_id, text=text, time=at) for kind, llm_id, text in told)


def store_alerts(was_away: bool, is_away: bool, at: datetime) -> tuple[Alert, ...]:
    """Return what to tell of the store: that it went away in this cycle, or that it is back."""
    if was_away == is_away:
        return ()
    gone = "Supabase is out of reach: what is booked waits on this machine, and nothing is opened until it is back"
    text = gone if is_away else "Supabase is back, and has everything that was booked meanwhile"
    return (Alert(kind=AlertKind.STORE, llm_id=None, text=text, time=at),)


def halt_alert(season_id: SeasonId, reason: str, at: datetime) -> Alert:
    """Return what to tell of a halt."""
    return Alert(kind=AlertKind.HALTED, llm_id=None, text=f"{season_id} is halted: {reason}", time=at)


def missed_alerts(begun_at: datetime | None, as_of: datetime, interval: timedelta) -> tuple[Alert, ...]:
    """Return what to tell of the cycles that should have begun since the last one did.

    Args:
        begun_at: When that was, by the venue's clock; None before the first.
        as_of: When this one began.
        interval: Between two.
    """
    missed = 0 if begun_at is None else round((as_of - begun_at) / interval) - 1
    if begun_at is None or missed < 1:
        return ()
    what = "a cycle was" if missed == 1 else f"{missed} cycles were"
    text = f"{what} missed: none began between {begun_at:%Y-%m-%d %H:%M} and {as_of:%Y-%m-%d %H:%M} UTC"
    return (Alert(kind=AlertKind.MISSED, llm_id=None, text=text, time=as_of),)


def how_closed(trade: ClosedTrade) -> str:
    """Return how a position ended, in words: `was stopped out of long SOLUSDT at 135.2: -9.90 USDT after costs`."""
    result = trade.net_pnl.quantize(_CENT)
    return f"{_WAYS[trade.cause]} {trade.side.lower()} {trade.symbol} at {plain(trade.exit_price)}: {result:+f} USDT after costs"


def _trades(settlement: Settlement) -> Iterator[Told]:
    for trade in settlement.closed_trades:
        yield _KINDS.get(trade.cause, AlertKind.CLOSED), trade.llm_id, f"{trade.llm_id} {how_closed(trade)}"
    for booked in settlement.fills:
        if _opens(booked):
            fill = booked.fill
            what = f"opened {fill.position_side.lower()} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"
            yield AlertKind.OPENED, booked.llm_id, f"{booked.llm_id} {what}"
    for foreign in settlement.foreign:
        fill = foreign.fill
        yield AlertKind.DISCREPANCY, None, f"a trade in {fill.symbol} ({plain(fill.signed_quantity)}) belongs to no competitor"


def _opens(booked: BookedFill) -> bool:
    order = parse_client_order_id(booked.fill.client_order_id)
    return order is not None and order.leg is Leg.OPEN


def _failures(turns: Iterable[Turn], past: Past) -> Iterator[Told]:
    for turn in turns:
        if not isinstance(turn.answer, NoAnswer | InvalidDecision):
            continue
        earlier = [failure_in(each.summary) for each in past.get(turn.llm_id, ())]
        spent = isinstance(turn.answer, NoAnswer) and turn.answer.kind == _SPENT
        if spent and earlier[-1:] != [_SPENT]:
            yield AlertKind.OUT_OF_BUDGET, turn.llm_id, f"{turn.llm_id} is out of budget: {turn.answer.error}"
        elif turn.calls and _in_a_row(earlier) + 1 == FAILURES_TOLD:
            what = f"{turn.llm_id} made no decision {FAILURES_TOLD} times in a row; the last time: {turn.answer.error}"
            yield AlertKind.MODEL_FAILED, turn.llm_id, what


def _in_a_row(failures: Sequence[str | None]) -> int:
    """Return how many of the last turns in which a model was asked have failed; None is one that has not."""
    asked = [each for each in failures if each not in NOT_ASKED]
    return sum(1 for _ in takewhile(lambda each: each is not None, reversed(asked)))
