"""The paper venue: one matching engine for everything that is not Binance.

Rules (`matching` has those of a bar's inside, `liquidation` those of margin running out):

- Time moves by `advance` only. Prices move at bar boundaries only: between them the last price is the open of the bar that
  contains `now`, or the close of the last bar where there is none; the mark likewise.
- A market order trades at once at the last price, worsened by the slippage and rounded to the tick against the trader, with the
  taker fee; in a gap or a bar without volume it is refused.
- A limit order that is marketable when placed trades at once as a taker, at the market order's price but never worse than its
  limit (refused where it is post-only). Otherwise it rests until a bar trades through it, or until `good_till`.
- A conditional order is refused where the last price has already touched its trigger. It needs no margin until it triggers.
- Hedge mode only. A closing order beyond its bucket is refused at placement; a conditional one that triggers beyond it expires.
- An opening needs notional at the fill price / leverage + fee ≤ available balance, and a leverage that the margin tier of the
  resulting bucket (at mark) allows. Its notional must reach the minimum: a market order counts at the mark, a limit at
  its price.
- A market order can be made to trade a share only: two trades, the second one tick worse, and the rest expires. A resting limit
  can: the first bar that trades through it trades the share, the next one the rest.
- A resting limit that opens binds its margin at its price, and trades within it.
- A client order id may be used again once no open order has it, as at Binance.
- Funding comes before anything else of its instant. Events inside a bar carry its close time minus 1 ms.
- A live market has a boundary wherever it was looked at (see `feed`). A funding that becomes known after its instant is charged
  on what was held then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from arena.adapters.paper.account import IncomeKind, PaperAccount, PaperOrder, PaperStatus
from arena.adapters.paper.feed import BarFeed
from arena.adapters.paper.floor import Floor, Numbers, check_filters
from arena.adapters.paper.liquidation import ADL_CLIENT_ID, close_at_mark, closing_order
from arena.adapters.paper.matching import AccountBar, touched
from arena.adapters.paper.refusal import Refusal, Refused
from arena.adapters.paper.tape import Tape
from arena.domain.instrument import Instrument
from arena.domain.market import Bar, BarStep, FundingRate
from arena.domain.order import Order, OrderSide, OrderType, PositionSide

__all__ = ["PaperEngine", "Refusal", "Refused"]

DEFAULT_SLIPPAGE_BPS = Decimal(2)
_INSIDE = timedelta(milliseconds=1)


class PaperEngine:
    """Accounts trading a feed's market.

    Args:
        feed: Prices and fundings.
        instruments: Contracts by symbol; a symbol without one cannot be traded.
        start: The first instant; nothing of the feed before it is felt.
        slippage_bps: By which every taker's price is worse than the market's.

    Attributes:
        accounts: By name.
    """

    def __init__(
        self,
        feed: BarFeed,
        instruments: Mapping[str, Instrument],
        start: datetime,
        slippage_bps: Decimal = DEFAULT_SLIPPAGE_BPS,
    ) -> None:
        self.feed = feed
        self.instruments = instruments
        self._accounts: dict[str, PaperAccount] = {}
        self._floor = Floor(instruments, slippage_bps)
        self._tape = Tape(feed, instruments, start)

    @property
    def now(self) -> datetime:
        """The venue's clock, UTC."""
        return self._tape.now

    @property
    def accounts(self) -> Mapping[str, PaperAccount]:
        """All accounts by name."""
        return self._accounts

    def account(self, name: str) -> PaperAccount:
        """Return an account.

        Raises:
            Refused: NOT_FOUND.
        """
        if name not in self._accounts:
            raise Refused(Refusal.NOT_FOUND, f"there is no account {name}")
        return self._accounts[name]

    def open_account(self, name: str, balance: Decimal) -> PaperAccount:
        """Return the account of this name; a new one is given `balance` (USDT) first."""
        if name not in self._accounts:
            self._accounts[name] = PaperAccount(name=name)
            self._accounts[name].receive(IncomeKind.TRANSFER, "", balance, self.now)
        return self._accounts[name]

    def resume(self, account: PaperAccount, numbers: Numbers, past: Mapping[str, Bar]) -> None:
        """Go on with an account as another engine left it at this one's start.

        Args:
            account: Taken over as it is.
            numbers: That were given out; the next ones follow.
            past: The last bar of every symbol in which the account holds something or has an order.
        """
        self._accounts[account.name] = account
        self._floor.numbers = numbers
        self._tape.recall(past)

    def last_price(self, symbol: str) -> Decimal:
        """Return the last price now, USDT.

        Raises:
            Refused: UNKNOWN_SYMBOL; NO_LIQUIDITY where the symbol has had no price yet.
        """
        return self._tape.last_price(symbol)

    def mark_price(self, symbol: str) -> Decimal:
        """Return the mark price now, USDT.

        Raises:
            Refused: UNKNOWN_SYMBOL; NO_LIQUIDITY where the symbol has had no price yet.
        """
        return self._tape.mark_price(symbol)

    def marks(self) -> dict[str, Decimal]:
        """Return the mark prices now, USDT, of all symbols that have had one."""
        return self._tape.marks()

    def advance(self, until: datetime) -> None:
        """Live through the complete bars and the fundings up to and including `until`.

        Raises:
            ValueError: `until` is in the past.
        """
        if until < self.now:
            raise ValueError(f"the paper engine stands at {self.now.isoformat()} and cannot go back to {until.isoformat()}")
        fundings = list(reversed(self.feed.fundings(self.now, until)))
        for step in self.feed.steps(self.now, until):
            while fundings and fundings[-1].time < step.close_time:
                self._fund(fundings.pop())
            self._live(step)
        while fundings:
            self._fund(fundings.pop())
        self._tape.move_to(until)
        self._expire(until)

    def place(
        self,
        account: PaperAccount,
        order: Order,
        *,
        group: str | None = None,
        good_till: datetime | None = None,
        post_only: bool = False,
        share: Decimal | None = None,
    ) -> PaperOrder:
        """Take an order; a market order (and a marketable limit) is filled when this returns.

        Args:
            account: Of this engine.
            order: Its client order id must not be that of an open order of the same kind (conditional or not).
            group: Ties a stop to its target: within one bar at most one order of a group trades.
            good_till: When a limit order expires.
            post_only: Refuse a limit order that would trade at once.
            share: 0 to 1; of an order that trades at once only this much trades, and the rest expires; of a limit that rests
                the first bar trades only this much.

        Raises:
            Refused: For any reason of `Refusal` but NOT_FOUND and MODE_LOCKED.
        """
        self._check_order(account, order)
        last, conditional = self.last_price(order.symbol), order.order_type.conditional
        if conditional:
            if touched(order, last):
                raise Refused(Refusal.WOULD_TRIGGER, f"the price {last} has already touched the trigger {order.trigger_price}")
        elif order.order_type is OrderType.LIMIT and not _marketable(order, last):
            self._floor.check_size(order, self.mark_price(order.symbol))
            self._floor.check_trade(account, order, order.price or last, self.marks(), maker=True)
        elif post_only and order.order_type is OrderType.LIMIT:
            raise Refused(Refusal.POST_ONLY, f"a post-only order at {order.price} would trade at once, the price is {last}")
        else:
            return self._take(account, order, group, share)
        share = share if order.order_type is OrderType.LIMIT else None
        return self._floor.accept(account, order, self.now, group=group, good_till=good_till, share=share)

    def cancel(self, account: PaperAccount, client_order_id: str) -> PaperOrder:
        """Cancel an open order, conditional or not.

        Raises:
            Refused: NOT_FOUND where no open order has this client id.
        """
        found = account.open_order(client_order_id, conditional=False) or account.open_order(client_order_id, conditional=True)
        if found is None:
            raise Refused(Refusal.NOT_FOUND, f"there is no open order {client_order_id}")
        account.end(found, PaperStatus.CANCELED, self.now)
        return found

    def deleverage(self, account: PaperAccount, symbol: str, side: PositionSide, quantity: Decimal) -> PaperOrder:
        """Close `quantity` of a bucket at the mark, whatever its owner wants; the owner's open orders stay.

        Raises:
            Refused: UNKNOWN_SYMBOL, PRECISION, QUANTITY; NO_POSITION_TO_CLOSE where the bucket holds less.
        """
        order, mark = closing_order(ADL_CLIENT_ID, symbol, side, quantity), self.mark_price(symbol)
        check_filters(order, self.instruments[symbol], mark)
        self._floor.check_trade(account, order, mark, self.marks(), maker=False)
        return close_at_mark(self._floor, account, order, mark, self.now)

    def set_leverage(self, account: PaperAccount, symbol: str, leverage: int) -> None:
        """Set a symbol's leverage, a whole multiple; it changes margins, never a profit.

        Raises:
            Refused: UNKNOWN_SYMBOL; LEVERAGE where a tier does not allow it, MARGIN where the open positions would need more.
        """
        self._tape.bar(symbol)  # knows whether it is listed
        if leverage < 1:
            raise Refused(Refusal.LEVERAGE, f"leverage {leverage} is less than 1")
        marks = self.marks()
        largest = max(account.position(symbol, side).quantity for side in PositionSide)
        self._floor.check_leverage(symbol, largest * marks[symbol] if largest else largest, leverage)
        before = account.leverage_of(symbol)
        account.leverage[symbol] = leverage
        if leverage < before and largest and account.initial_margin(marks) > account.equity(marks):
            account.leverage[symbol] = before
            raise Refused(Refusal.MARGIN, f"at leverage {leverage} the open positions need more margin than there is")

    def set_dual_side(self, account: PaperAccount, dual: bool) -> None:
        """Switch hedge mode; the mode that is already set changes nothing.

        Raises:
            Refused: MODE_LOCKED where positions or orders are open.
        """
        if dual != account.dual_side and (account.buckets or account.resting):
            raise Refused(Refusal.MODE_LOCKED, "the position mode cannot change while positions or orders are open")
        account.dual_side = dual

    def _check_order(self, account: PaperAccount, order: Order) -> None:
        """Check what needs no price of the trade itself."""
        mark, instrument = self.mark_price(order.symbol), self.instruments[order.symbol]
        if not account.dual_side:
            raise Refused(Refusal.POSITION_SIDE, "orders with a position side need hedge mode")
        check_filters(order, instrument, mark)
        if account.open_order(order.client_order_id, conditional=order.order_type.conditional) is not None:
            raise Refused(Refusal.DUPLICATE_CLIENT_ID, f"an order {order.client_order_id} is already open")
        if not instrument.trading:
            raise Refused(Refusal.NO_LIQUIDITY, f"{order.symbol} is not trading")

    def _take(self, account: PaperAccount, order: Order, group: str | None, share: Decimal | None) -> PaperOrder:
        """Trade an order at once; whole where there is no share."""
        bar = self._tape.bar(order.symbol)
        if bar is None or bar.trade.volume <= 0:
            raise Refused(Refusal.NO_LIQUIDITY, f"{order.symbol} is not being traded at {self.now.isoformat()}")
        price = self._floor.taker_price(order, bar.trade.open)
        self._floor.check_size(order, self.mark_price(order.symbol))
        self._floor.check_trade(account, order, price, self.marks(), maker=False)
        paper = self._floor.accept(account, order, self.now, group=group)
        if share is None:
            self._floor.fill(account, paper, price, self.now)
        else:
            self._floor.fill_share(account, paper, price, self.now, share)
        return paper

    def _live(self, step: BarStep) -> None:
        self._expire(step.close_time - _INSIDE)
        time = max(self.now, step.close_time - _INSIDE)
        marks = self._tape.last_marks()
        for account in self._accounts.values():
            if account.buckets or account.resting:
                AccountBar(floor=self._floor, account=account, step=step, marks=marks, time=time).live()
        self._tape.move_to(step.close_time, step)

    def _fund(self, funding: FundingRate) -> None:
        for account in self._accounts.values():
            for side in PositionSide:
                payment = account.held_before(funding.symbol, side, funding.time) * funding.mark_price * funding.rate
                if payment:
                    account.receive(IncomeKind.FUNDING_FEE, funding.symbol, -payment, funding.time)
        self._tape.move_to(max(self.now, funding.time))

    def _expire(self, until: datetime) -> None:
        for account in self._accounts.values():
            for paper in tuple(account.resting.values()):
                if paper.good_till is not None and paper.good_till <= until:
                    account.end(paper, PaperStatus.EXPIRED, paper.good_till)


def _marketable(order: Order, last: Decimal) -> bool:
    assert order.price is not None  # check_filters accepts no limit order without one
    return order.price >= last if order.side is OrderSide.BUY else order.price <= last
