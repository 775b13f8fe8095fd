"""Openings between their sending and their end: what has become of them, and taking limit orders back.

An entry by a limit order rests until the next cycle. Its stop rests with it, for all that is held and may still be filled; its
target is placed for what is held. Whether an entry is over is decided here, from what the venue says and what is booked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from arena.application.ports import TradingAccount
from arena.application.record import SeasonState
from arena.application.sending import cancelled_together
from arena.application.settlement import Protection, Settlement
from arena.application.venue import Sent, Venue
from arena.domain.client_id import of_the_same_entry
from arena.domain.competitor import AccountId, CompetitorId
from arena.domain.ledger import PositionKey
from arena.domain.money import ZERO
from arena.domain.order import Intent, Leg, OrderOutcome, OrderStatus, OrderType, Pending
from arena.errors import ExchangeError
from arena.together import together

NEVER_LANDED = timedelta(seconds=30)  # an unknown order is not accepted any more: recvWindow is 5 s
FORGOTTEN = timedelta(hours=1)  # an order that has traded and is shown no more has ended; venues keep ended orders for longer

Said = Mapping[str, OrderOutcome | None]  # by client id; None: the venue does not know it; not in it: it could not be asked
Outstanding = Mapping[CompetitorId, Mapping[PositionKey, Pending]]


def limit_entries(state: SeasonState) -> tuple[Intent, ...]:
    """Return the open intents of limit orders, whether they rest, were never sent, or have ended unseen."""
    return tuple(intent for intent in state.intents.values() if intent.order.order_type is OrderType.LIMIT)


async def ask_for(intents: Iterable[Intent], state: SeasonState, venue: Venue) -> Said:
    """Return what the venue says of normal orders."""

    async def one(intent: Intent) -> Said:
        name = intent.order.client_order_id
        try:
            return {name: await _account(intent, state, venue).find(intent.order.symbol, name, conditional=False)}
        except ExchangeError:
            return {}

    return {name: outcome for found in await together(*map(one, intents)) for name, outcome in found.items()}


async def withdraw(intents: Iterable[Intent], state: SeasonState, venue: Venue) -> Said:
    """Cancel entries; return how those have ended of which the venue says it with the cancel.

    How another has ended, and whether it has, is seen by asking for it afterwards.
    """

    async def of(account: AccountId, symbol: str, names: Sequence[str]) -> Said:
        exchange = venue.accounts[account]
        ended = await cancelled_together(symbol, names, exchange, conditional=False)
        await together(*(one(exchange, symbol, name) for name in names if name not in ended))
        return ended

    async def one(exchange: TradingAccount, symbol: str, name: str) -> None:
        try:
            await exchange.cancel(symbol, name, conditional=False)
        except ExchangeError:
            return  # it may still rest, and is treated so

    resting: dict[tuple[AccountId, str], list[str]] = {}
    for intent in intents:
        key = state.season.account_of(intent.llm_id), intent.order.symbol
        resting.setdefault(key, []).append(intent.order.client_order_id)
    found = await together(*(of(*key, names) for key, names in resting.items()))
    return {name: outcome for ended in found for name, outcome in ended.items()}


def as_sent(said: Said, state: SeasonState) -> Sent:
    """Return what a settlement must find of orders that the venue was asked for: all that they have executed."""
    filled = {name: outcome.filled_quantity for name, outcome in said.items() if outcome is not None}
    symbols: dict[AccountId, frozenset[str]] = {}
    for name, quantity in filled.items():
        if quantity > state.executed.get(name, ZERO):
            account = state.season.account_of(state.intents[name].llm_id)
            symbols[account] = symbols.get(account, frozenset()) | {state.intents[name].order.symbol}
    return Sent(symbols=symbols, filled=filled, intents={}, protection=Protection())


def resting_entries(said: Said) -> frozenset[str]:
    """Return the limit orders that rest, and the orders that would close what they fill: those are not sent before.

    Their trades need no look of their own: a fill moves the position, and where another trade has moved it back, the next look,
    which asks for the order first, finds it.
    """
    rest = [name for name, outcome in said.items() if outcome is not None and outcome.status is OrderStatus.RESTING]
    return frozenset(rest + [of_the_same_entry(name, Leg.FLATTEN) for name in rest])


def is_over(intent: Intent, said: Said, settlement: Settlement, until: datetime) -> bool:
    """Return whether it is certain that nothing more comes of an order than what is booked.

    Args:
        intent: Of a normal order.
        said: Before the settlement.
        settlement: With the trades up to `until`.
        until: The venue's time.
    """
    name = intent.order.client_order_id
    executed = settlement.executed.get(name, ZERO)
    if executed >= intent.order.quantity:
        return True
    if name not in said:
        return False
    outcome, age = said[name], until - intent.created_at
    if outcome is None:
        return age > (FORGOTTEN if executed else NEVER_LANDED)
    if outcome.status is OrderStatus.FILLED:
        return executed >= outcome.filled_quantity
    return outcome.status is OrderStatus.REFUSED


def outstanding(intents: Iterable[Intent], executed: Mapping[str, Decimal], said: Said | None = None) -> Outstanding:
    """Return openings that may still fill, by competitor and position.

    Args:
        intents: That are not over.
        executed: What is booked of them.
        said: By the venue.
    """
    found: dict[CompetitorId, dict[PositionKey, Pending]] = {}
    for intent in intents:
        order, outcome = intent.order, (said or {}).get(intent.order.client_order_id)
        filled = executed.get(order.client_order_id, ZERO)
        if intent.leg is Leg.OPEN and filled < order.quantity:
            shown = outcome is not None and outcome.status is OrderStatus.RESTING
            pending = Pending(opening=intent, filled=filled, shown=shown)
            found.setdefault(intent.llm_id, {})[order.symbol, order.position_side] = pending
    return found


def _account(intent: Intent, state: SeasonState, venue: Venue) -> TradingAccount:
    return venue.accounts[state.season.account_of(intent.llm_id)]
