"""What is kept of a paper account between two calls, and what is let go of so that it stays small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from arena.adapters.paper.account import Income, IncomeKind, PaperAccount
from arena.adapters.paper.floor import Numbers
from arena.adapters.paper.live_feed import Glimpse
from arena.domain.money import ZERO
from arena.errors import ExchangeUnavailable

TRADES_KEPT = timedelta(hours=2)  # longer than a funding may become known after its instant
INCOME_KEPT = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class PaperBook:
    """A paper account as it stood at an instant.

    Attributes:
        opened_at: When it was given its capital.
        lived_until: The instant; nothing after it has happened to the account.
        numbers: That were given out.
        seen: What was seen at the instant of every symbol in which something is held or an order is open.
        past_income: Sums of the income before `income_from`, USDT; single entries are kept from then on.
    """

    account: PaperAccount
    opened_at: datetime
    lived_until: datetime
    income_from: datetime
    numbers: Numbers = field(default_factory=Numbers)
    seen: dict[str, Glimpse] = field(default_factory=dict)
    past_income: dict[str, Decimal] = field(default_factory=dict)

    def symbols(self) -> set[str]:
        """Return the symbols in which something is held or an order is open."""
        held = {symbol for symbol, _ in self.account.buckets}
        return held | {paper.order.symbol for paper in self.account.resting.values()}

    def income_before(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        """Return what belongs to since ≤ time ≤ until and is kept as sums only, USDT by kind.

        Raises:
            ExchangeUnavailable: A part of the sums belongs to it, and nobody knows which.
        """
        if since >= self.income_from:
            return {}
        if since <= self.opened_at and until >= self.income_from:
            return self.past_income
        raise ExchangeUnavailable(
            f"the paper account keeps single incomes from {self.income_from.isoformat()} on, and only sums of what was before: "
            "ask from then on, or from its opening"
        )

    def forget(self, booked: Mapping[str, int]) -> None:
        """Let go of what nobody asks for any more.

        Trades that are booked and older than `TRADES_KEPT`; ended orders as old, unless one of their trades stays; single incomes
        older than `INCOME_KEPT`, of which the sums stay; what was seen of symbols in which nothing is held or open.

        Args:
            booked: Last trade id by symbol that is booked in the ledgers.
        """
        account, young = self.account, self.lived_until - TRADES_KEPT
        account.trades = [t for t in account.trades if t.time >= young or t.trade_id > booked.get(t.symbol, 0)]
        traded = {trade.order_id for trade in account.trades}
        account.orders = {
            order_id: paper
            for order_id, paper in account.orders.items()
            if order_id in account.resting or order_id in traded or paper.updated_at >= young
        }
        account.conditionals = {
            order_id: paper
            for order_id, paper in account.conditionals.items()
            if order_id in account.resting or paper.child_order_id in account.orders or paper.updated_at >= young
        }
        self._sum_up_income(self.lived_until - INCOME_KEPT)
        self.seen = {symbol: glimpse for symbol, glimpse in self.seen.items() if symbol in self.symbols()}

    def _sum_up_income(self, until: datetime) -> None:
        """Keep the sums of the income before `until`; the newest entry stays, since the next one takes its number from it."""
        *entries, last = self.account.income
        old = [entry for entry in entries if entry.time < until]
        if not old:
            return
        for entry in old:
            self.past_income[entry.kind] = self.past_income.get(entry.kind, ZERO) + entry.amount
        self.account.income = [entry for entry in entries if entry.time >= until] + [last]
        self.income_from = until


def opened(name: str, capital: Decimal, now: datetime) -> PaperBook:
    """Return the book of a new account with its capital, USDT."""
    account = PaperAccount(name=name)
    account.receive(IncomeKind.TRANSFER, "", capital, now)
    return PaperBook(account=account, opened_at=now, lived_until=now, income_from=now)


def charged(income: list[Income]) -> set[tuple[str, datetime]]:
    """Return the fundings, by symbol and time, that are among an account's incomes."""
    return {(entry.symbol, entry.time) for entry in income if entry.kind is IncomeKind.FUNDING_FEE}
