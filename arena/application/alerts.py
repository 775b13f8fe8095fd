"""What of a cycle is worth telling a person, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from arena.application.cycle import Closing, Opening
from arena.application.execution import Execution
from arena.application.record import Alert, AlertKind, Discrepancy, Turn
from arena.domain.competitor import CompetitorId
from arena.domain.decision import InvalidDecision, NoAnswer
from arena.domain.ledger import ClosedTrade
from arena.domain.money import plain
from arena.domain.order import Leg, parse_client_order_id

_CENT = Decimal("0.01")


def alerts_of(
    opening: Opening,
    closing: Closing,
    turns: Iterable[Turn],
    executions: Mapping[CompetitorId, Execution],
    differences: Iterable[Discrepancy],
) -> tuple[Alert, ...]:
    """Return the cycle's alerts: trades, failures of models, positions without a stop, books that disagree."""
    found: list[Alert] = []

    def tell(kind: AlertKind, llm_id: CompetitorId | None, text: str) -> None:
        found.append(Alert(kind=kind, llm_id=llm_id, text=text, time=closing.closed_at))

    ways = _exit_legs(opening, closing)
    for trade in opening.settlement.closed_trades + closing.settlement.closed_trades:
        leg = ways.get((trade.llm_id, trade.symbol, trade.closed_at))
        tell(AlertKind.STOPPED if leg is Leg.STOP else AlertKind.CLOSED, trade.llm_id, _closed(trade, leg))
    for booked in closing.settlement.fills:
        order = parse_client_order_id(booked.fill.client_order_id)
        if order is not None and order.leg is Leg.OPEN:
            fill = booked.fill
            what = (
                f"{booked.llm_id} opened {fill.position_side.lower()} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"
            )
            tell(AlertKind.OPENED, booked.llm_id, what)
    for turn in turns:
        if isinstance(turn.answer, NoAnswer) and turn.answer.kind == "liquidated":
            tell(AlertKind.LIQUIDATED, turn.llm_id, f"{turn.llm_id} is liquidated: its margin ratio reached 1")
        elif isinstance(turn.answer, NoAnswer | InvalidDecision):
            tell(AlertKind.MODEL_FAILED, turn.llm_id, f"{turn.llm_id} made no decision: {turn.answer.error}")
    for llm_id, execution in executions.items():
        for sentence in execution.unprotected:
            tell(AlertKind.UNPROTECTED, llm_id, sentence)
    for difference in differences:
        tell(AlertKind.DISCREPANCY, None, _differs(difference))
    foreign = opening.settlement.foreign + closing.settlement.foreign
    for fill in foreign:
        tell(AlertKind.DISCREPANCY, None, f"a trade in {fill.symbol} ({plain(fill.signed_quantity)}) belongs to no competitor")
    return tuple(found)


def _exit_legs(opening: Opening, closing: Closing) -> dict[tuple[CompetitorId, str, datetime], Leg]:
    legs = {}
    for booked in opening.settlement.fills + closing.settlement.fills:
        order = parse_client_order_id(booked.fill.client_order_id)
        if order is not None:
            legs[(booked.llm_id, booked.fill.symbol, booked.fill.time)] = order.leg
    return legs


def _closed(trade: ClosedTrade, leg: Leg | None) -> str:
    how = {Leg.STOP: "was stopped out of", Leg.TARGET: "reached the target of"}.get(leg or Leg.CLOSE, "closed")
    result = trade.net_pnl.quantize(_CENT)
    return f"{trade.llm_id} {how} {trade.side.lower()} {trade.symbol} at {plain(trade.exit_price)}: {result:+f} USDT after costs"


def _differs(difference: Discrepancy) -> str:
    return (
        f"the books differ in {difference.symbol} {difference.position_side}: the competitors hold {plain(difference.ledgers)}, "
        f"the venue {plain(difference.venue)}"
    )
