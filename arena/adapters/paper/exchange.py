"""The TradingAccount port over one account of the paper engine."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from arena.adapters.paper.account import PaperAccount, PaperStatus, PaperTrade
from arena.adapters.paper.engine import PaperEngine, Refusal, Refused
from arena.application.ports import VenueBook
from arena.domain.money import ZERO
from arena.domain.order import Fill, Order, OrderOutcome, OrderStatus, RestingOrder
from arena.errors import ConfigurationError


class PaperExchange:
    """Trades at the engine's present; whoever advances the engine moves the time.

    Args:
        engine: The venue.
        account: The account that all competitors share.
    """

    def __init__(self, engine: PaperEngine, account: PaperAccount) -> None:
        self._engine = engine
        self._account = account
        self._indexed = 0  # how many of the account's trades `_trades` has
        self._trades: dict[str, list[PaperTrade]] = {}

    async def prepare(self, symbols: Sequence[str], leverage: int) -> None:
        """Set hedge mode and the symbols' leverage.

        Raises:
            ConfigurationError: Open orders or positions forbid it, or a symbol or its leverage is not offered.
        """
        try:
            self._engine.set_dual_side(self._account, True)
            for symbol in symbols:
                self._engine.set_leverage(self._account, symbol, leverage)
        except Refused as refusal:
            raise ConfigurationError(f"the paper account cannot be prepared: {refusal.message}") from refusal

    async def place(self, order: Order) -> OrderOutcome:
        """Send an order; the stop and target of one opening share a group, so that one bar never trades both.

        A limit order is post-only.
        """
        group = order.client_order_id.rpartition("-")[0] if order.order_type.conditional else ""
        try:
            paper = self._engine.place(self._account, order, group=group or None, post_only=True)
        except Refused as refusal:
            there = refusal.reason is Refusal.DUPLICATE_CLIENT_ID and order.order_type.conditional  # an earlier attempt landed
            return OrderOutcome(
                client_order_id=order.client_order_id,
                status=OrderStatus.RESTING if there else OrderStatus.REFUSED,
                message=f"{refusal.reason}: {refusal.message}",
            )
        return OrderOutcome(
            client_order_id=order.client_order_id,
            status=OrderStatus.FILLED if paper.filled_quantity else OrderStatus.RESTING,
            exchange_order_id=str(paper.order_id),
            filled_quantity=paper.filled_quantity,
        )

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> bool:
        """Cancel an open order; False when it is already gone."""
        found = self._account.open_order(client_order_id, conditional=conditional)
        if found is None or found.order.symbol != symbol:
            return False
        self._engine.cancel(self._account, client_order_id)
        return True

    async def cancel_together(
        self, symbol: str, client_order_ids: Sequence[str], *, conditional: bool
    ) -> Mapping[str, OrderOutcome]:
        """Cancel open orders of one symbol; return how those have ended that were open."""
        cancelled = [name for name in client_order_ids if await self.cancel(symbol, name, conditional=conditional)]
        found = [await self.find(symbol, name, conditional=conditional) for name in cancelled]
        return {ended.client_order_id: ended for ended in found if ended is not None}

    async def find(self, symbol: str, client_order_id: str, *, conditional: bool) -> OrderOutcome | None:
        """Return what has become of an order; None where there never was one."""
        account = self._account
        paper = account.find_conditional(client_order_id) if conditional else account.find_order(client_order_id)
        if paper is None or paper.order.symbol != symbol:
            return None
        ended = OrderStatus.FILLED if paper.filled_quantity else OrderStatus.REFUSED
        return OrderOutcome(
            client_order_id=client_order_id,
            status=OrderStatus.RESTING if paper.status is PaperStatus.NEW else ended,
            exchange_order_id=str(paper.order_id),
            filled_quantity=paper.filled_quantity,
            message=f"paper: {paper.status}",
        )

    async def resting(self, symbols: Sequence[str]) -> tuple[RestingOrder, ...]:
        """Return the open conditional orders of some symbols."""
        return tuple(
            RestingOrder(
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                position_side=order.position_side,
                order_type=order.order_type,
                quantity=order.quantity,
                trigger_price=order.trigger_price,
            )
            for order in (paper.order for paper in self._account.resting.values())
            if order.order_type.conditional and order.symbol in symbols
        )

    async def fills(self, cursor: Mapping[str, int], since: datetime, until: datetime) -> tuple[Fill, ...]:
        """Return the account's trades after the cursor's trade ids (from `since` where it is 0) up to `until`, in time order."""
        for trade in self._account.trades[self._indexed :]:
            self._trades.setdefault(trade.symbol, []).append(trade)
        self._indexed = len(self._account.trades)
        found = []
        for symbol, last_id in cursor.items():
            trades = self._trades.get(symbol, [])
            for trade in trades[bisect_right(trades, last_id, key=lambda trade: trade.trade_id) :]:
                if trade.time <= until and (last_id > 0 or trade.time >= since):
                    found.append(_fill(trade))
        return tuple(sorted(found, key=lambda fill: (fill.time, fill.symbol, fill.trade_id)))

    async def book(self) -> VenueBook:
        """Return positions and balances of the account."""
        return VenueBook(
            positions={key: bucket.signed_quantity for key, bucket in self._account.buckets.items()},
            wallet_balance=self._account.wallet_balance,
            available_balance=self._account.available_balance(self._engine.marks()),
            marks={symbol: self._engine.mark_price(symbol) for symbol, _ in self._account.buckets},
            unrealized_pnl=self._account.unrealized_pnl(self._engine.marks()),
        )

    async def income(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        """Return what has changed the wallet, USDT, by the venue's name of the reason."""
        total: dict[str, Decimal] = {}
        for entry in self._account.income:
            if since <= entry.time <= until:
                total[entry.kind] = total.get(entry.kind, ZERO) + entry.amount
        return total


def _fill(trade: PaperTrade) -> Fill:
    return Fill(
        trade_id=trade.trade_id,
        exchange_order_id=str(trade.order_id),
        client_order_id=trade.client_order_id,
        symbol=trade.symbol,
        side=trade.side,
        position_side=trade.position_side,
        quantity=trade.quantity,
        price=trade.price,
        fee=trade.fee,
        time=trade.time,
    )
