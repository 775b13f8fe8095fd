"""Everything a paper account holds, whichever pairs the season trades."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal

from arena.adapters.paper.book import PaperBook
from arena.adapters.paper.exchange import PaperExchange
from arena.adapters.paper.live import LivePaperAccount
from arena.adapters.paper.refusal import Refusal
from arena.domain.client_id import SHUTDOWN_PREFIX
from arena.domain.order import Order, OrderStatus, OrderType, PositionSide
from arena.errors import ExchangeUnavailable


class PaperWholeAccount:
    """Implements `application.shutdown.WholeAccount` over a paper account."""

    def __init__(self, account: LivePaperAccount) -> None:
        self._account = account

    async def positions(self) -> Mapping[tuple[str, PositionSide], Decimal]:
        """Return the signed quantity of every open position."""
        return (await self._account.book()).positions

    async def resting(self) -> tuple[str, ...]:
        """Return the symbols with open orders of any kind."""

        async def symbols(_: PaperExchange, book: PaperBook) -> tuple[str, ...]:
            return tuple(sorted({paper.order.symbol for paper in book.account.resting.values()}))

        return await self._account.call(symbols)

    async def cancel_all(self, symbol: str) -> None:
        """Cancel all open orders of a symbol."""

        async def cancel(exchange: PaperExchange, book: PaperBook) -> None:
            for order in [paper.order for paper in book.account.resting.values() if paper.order.symbol == symbol]:
                await exchange.cancel(symbol, order.client_order_id, conditional=order.order_type.conditional)

        await self._account.call(cancel)

    async def close(self, symbol: str, side: PositionSide, quantity: Decimal) -> None:
        """Close at the market. Safe to repeat: an order beyond the position is refused.

        Raises:
            ExchangeUnavailable: The market takes no order.
        """
        order = Order(
            client_order_id=f"{SHUTDOWN_PREFIX}{time.time_ns() // 1000}",  # the settlement gives it to whoever held the bucket
            symbol=symbol,
            side=side.closing_side,
            position_side=side,
            order_type=OrderType.MARKET,
            quantity=quantity,
        )
        outcome = await self._account.place(order)
        if outcome.status is OrderStatus.REFUSED and not outcome.message.startswith(Refusal.NO_POSITION_TO_CLOSE):
            raise ExchangeUnavailable(f"{symbol} could not be closed: {outcome.message}")
