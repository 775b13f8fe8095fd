"""A paper account's book as text: JSON, with exact decimals as strings and times in ISO 8601."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from arena.adapters.paper.account import Income, PaperAccount, PaperOrder, PaperStatus, PaperTrade
from arena.adapters.paper.book import PaperBook
from arena.adapters.paper.bucket import Bucket
from arena.adapters.paper.floor import Numbers
from arena.adapters.paper.live_feed import Glimpse
from arena.domain.order import PositionSide
from arena.errors import ConfigurationError

FORMAT: Literal[1] = 1  # of the text; another one is not read


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """What is written; the open orders are those that are NEW."""

    format: Literal[1]
    name: str
    opened_at: datetime
    lived_until: datetime
    wallet_balance: Decimal
    dual_side: bool
    leverage: dict[str, int]
    buckets: list[tuple[str, PositionSide, Bucket]]
    orders: list[PaperOrder]
    conditionals: list[PaperOrder]
    trades: list[PaperTrade]
    income: list[Income]
    income_from: datetime
    past_income: dict[str, Decimal]
    numbers: Numbers
    seen: dict[str, Glimpse]


_adapter = TypeAdapter(_Text)


def write_book(book: PaperBook) -> str:
    """Return the text of a book; the same book has the same text."""
    account = book.account
    text = _Text(
        format=FORMAT,
        name=account.name,
        opened_at=book.opened_at,
        lived_until=book.lived_until,
        wallet_balance=account.wallet_balance,
        dual_side=account.dual_side,
        leverage=account.leverage,
        buckets=[(symbol, side, bucket) for (symbol, side), bucket in account.buckets.items()],
        orders=list(account.orders.values()),
        conditionals=list(account.conditionals.values()),
        trades=account.trades,
        income=account.income,
        income_from=book.income_from,
        past_income=book.past_income,
        numbers=book.numbers,
        seen=book.seen,
    )
    return _adapter.dump_json(text).decode()


def read_book(text: str) -> PaperBook:
    """Return the book that a text was written from.

    Raises:
        ConfigurationError: This version does not write such a text.
    """
    try:
        found = _adapter.validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(
            "the paper account in the store was written by another version of the arena: use that version, or name a new SEASON"
        ) from error
    return PaperBook(
        account=_account(found),
        opened_at=found.opened_at,
        lived_until=found.lived_until,
        income_from=found.income_from,
        numbers=found.numbers,
        seen=found.seen,
        past_income=found.past_income,
    )


def _account(found: _Text) -> PaperAccount:
    open_orders = [paper for paper in (*found.orders, *found.conditionals) if paper.status is PaperStatus.NEW]
    return PaperAccount(
        name=found.name,
        wallet_balance=found.wallet_balance,
        dual_side=found.dual_side,
        leverage=found.leverage,
        buckets={(symbol, side): bucket for symbol, side, bucket in found.buckets},
        orders={paper.order_id: paper for paper in found.orders},
        conditionals={paper.order_id: paper for paper in found.conditionals},
        resting={paper.order_id: paper for paper in sorted(open_orders, key=lambda paper: paper.order_id)},
        trades=found.trades,
        income=found.income,
    )
