"""The part of the prompt about one competitor's own account: nobody else sees it, and it shows nobody else's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from arena.application.alerts import how_closed
from arena.application.past import PAST_TURNS
from arena.application.prompt_figures import amount, instant, line, one_line, price
from arena.application.record import PastTurn
from arena.application.venue import marks_of
from arena.domain.decision import Action
from arena.domain.instrument import Instrument, TierNotFound
from arena.domain.ledger import ClosedTrade, Ledger
from arena.domain.market import MarketSnapshot
from arena.domain.money import ZERO, plain
from arena.domain.position import Position
from arena.domain.protection import liquidated_at
from arena.domain.risk import Limits, margin_state, stale
from arena.strategies import layout
from arena.strategies.playbook import EVERY_ACTION

LONGEST_THESIS = 300  # characters of a model's own earlier words
LONGEST_PAST = 400


def account_section(
    ledger: Ledger,
    snapshot: MarketSnapshot,
    limits: Limits,
    instruments: Mapping[str, Instrument],
    past: Sequence[PastTurn],
    now: datetime,
    news: Sequence[ClosedTrade] = (),
    actions: Collection[Action] = EVERY_ACTION,
) -> str:
    """Return what a competitor has, holds, may do and did last.

    Args:
        ledger: Its own, after everything known has been booked.
        snapshot: The cycle's; a held symbol that is missing from it is valued at its entry price.
        limits: The same object that risk checks against.
        instruments: By symbol.
        past: Its earlier turns; the newest `PAST_TURNS` are told.
        now: The cycle's instant.
        news: Trades that its stops, its targets, the arena or the venue closed since its last decision.
        actions: Those that the playbook allows.
    """
    marks = marks_of([ledger], snapshot.marks())
    lines = [layout.ACCOUNT, line(layout.TIME, instant(now)), *_balances(ledger, marks, limits)]
    lines += ["", layout.POSITIONS]
    for position in ledger.positions.values():
        lines += [f"{layout.PART}{position.symbol} {position.side}", *_position(position, ledger, marks, snapshot, instruments)]
    if not ledger.positions:
        lines.append(layout.NONE)
    lines += ["", layout.ACTIONS, *_actions(ledger, snapshot, limits, instruments, actions)]
    lines += ["", layout.PAST, *_past(past)]
    lines += ["", layout.CLOSED, *(f"- {instant(trade.closed_at)} {how_closed(trade)}" for trade in news)]
    if not news:
        lines.append(layout.NONE)
    return "\n".join(lines) + "\n"


def _balances(ledger: Ledger, marks: Mapping[str, Decimal], limits: Limits) -> Iterator[str]:
    room = margin_state(ledger, marks)
    largest = room.largest_margin(limits) if room.open_positions < limits.max_open_positions else ZERO
    share = largest / room.equity * 100 if room.equity > 0 else ZERO
    yield line(layout.CAPITAL, amount(ledger.capital))
    yield line(layout.EQUITY, amount(room.equity))
    yield line(layout.ROI, amount((room.equity / ledger.capital - 1) * 100))
    yield line(layout.WALLET, amount(ledger.wallet_balance))
    yield line(layout.REALIZED, amount(ledger.realized_pnl))
    yield line(layout.FEES, amount(ledger.fees))
    yield line(layout.FUNDING_PAID, amount(ledger.funding))
    yield line(layout.USED_MARGIN, amount(room.used))
    yield line(layout.FREE_MARGIN, amount(room.equity - room.used))
    yield line(layout.LARGEST_MARGIN, amount(largest))
    yield line(layout.LARGEST_SIZE, str(int(share)))
    yield line(layout.OPEN_POSITIONS, str(room.open_positions))


def _position(
    position: Position,
    ledger: Ledger,
    marks: Mapping[str, Decimal],
    snapshot: MarketSnapshot,
    instruments: Mapping[str, Instrument],
) -> Iterator[str]:
    instrument, thesis = instruments[position.symbol], position.thesis
    tick = instrument.tick_size
    mark = snapshot.symbols[position.symbol].mark_price if position.symbol in snapshot.symbols else None
    stop = thesis.stop_price if thesis and position.stop_order_id else None
    target = thesis.target_price if thesis and position.target_order_id else None
    yield line(layout.QUANTITY, plain(position.quantity))
    yield line(layout.ENTRY, price(position.entry_price, tick))
    yield line(layout.MARK, price(mark, tick))
    yield line(layout.UNREALIZED, layout.MISSING if mark is None else amount(position.unrealized_pnl(mark)))
    yield line(layout.INVENTORY, _inventory(position, ledger, marks))
    yield line(layout.LEVERAGE, str(position.leverage))
    yield line(layout.STOP, layout.NONE if stop is None else price(instrument.round_price(stop), tick))
    yield line(layout.TARGET, layout.NONE if target is None else price(instrument.round_price(target), tick))
    yield line(layout.LIQUIDATION, _liquidation(position, ledger, marks, instruments))
    yield line(layout.OPENED_AT, instant(position.opened_at))
    yield line(layout.REASON, _words(thesis.reason if thesis else ""))
    yield line(layout.INVALIDATION, _words(thesis.invalidation if thesis else ""))
    yield line(layout.CONFIDENCE, str(thesis.confidence) if thesis else layout.MISSING)


def _inventory(position: Position, ledger: Ledger, marks: Mapping[str, Decimal]) -> str:
    """Return the position's value as a share of equity, percent, negative for a short."""
    equity = ledger.equity(marks)
    return layout.MISSING if equity <= 0 else str(int(position.signed_quantity * marks[position.symbol] / equity * 100))


def _words(text: str) -> str:
    return one_line(text, LONGEST_THESIS) or layout.NONE


def _liquidation(position: Position, ledger: Ledger, marks: Mapping[str, Decimal], instruments: Mapping[str, Instrument]) -> str:
    """Return the mark of this symbol at which the account is used up, the others staying where they are."""
    try:
        found = liquidated_at(ledger, position.symbol, marks, instruments)
    except TierNotFound:
        return layout.MISSING
    return layout.NONE if found is None else price(found, instruments[position.symbol].tick_size)


def _actions(
    ledger: Ledger,
    snapshot: MarketSnapshot,
    limits: Limits,
    instruments: Mapping[str, Instrument],
    accepted: Collection[Action],
) -> Iterator[str]:
    """Yield what would not be rejected for what a symbol is; size, stop and room are checked on the decision itself."""
    held = {symbol for symbol, _ in ledger.positions}
    for symbol in sorted({*snapshot.symbols, *snapshot.missing, *held}):
        allowed = [Action.HOLD]
        if symbol in held:
            allowed += [Action.REDUCE, Action.CLOSE]
        elif _can_open(symbol, snapshot, limits, instruments):
            allowed += [Action.OPEN_LONG, Action.OPEN_SHORT]
        yield line(symbol, layout.SEPARATOR.join(action for action in allowed if action in accepted))


def _can_open(symbol: str, snapshot: MarketSnapshot, limits: Limits, instruments: Mapping[str, Instrument]) -> bool:
    market, instrument = snapshot.symbols.get(symbol), instruments.get(symbol)
    if market is None or instrument is None or not instrument.trading:
        return False
    return stale(market, snapshot.as_of, limits) is None


def _past(past: Sequence[PastTurn]) -> Iterator[str]:
    newest = sorted(past, key=lambda turn: turn.cycle)[-PAST_TURNS:]
    for turn in newest:
        yield f"- {instant(turn.time)} {one_line(turn.summary, LONGEST_PAST)}"
    if not newest:
        yield layout.NONE
