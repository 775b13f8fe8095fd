"""What the venue knows against what the books say, after a season of faults and kills.

The venue's journal is the truth: it shows every order, trade and cent, whatever clients were shown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from arena.domain.client_id import parse_client_order_id

ZERO = Decimal(0)
Row = Mapping[str, Any]
Held = tuple[str, str, str]  # letter, symbol, position side


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The verdict on one account.

    Attributes:
        fills: Trades of the competitors' orders at the venue.  limit_fills: Of these, of limit orders.
        lost: Of these, not booked.  doubled: booked twice, or of an order that was sent twice.
        orphan_stops: Orders that rest and protect nothing: stops, targets, and entries that should have been cancelled.
        naked_seconds: The longest time that a position was without a stop for all of it.
        books_equal: Whether positions and money agree to the last digit.
        faults: What does not, in sentences.
    """

    fills: int
    limit_fills: int
    lost: int
    doubled: int
    orphan_stops: int
    naked_seconds: float
    books_equal: bool
    faults: tuple[str, ...]


def audit(account: Row, now: datetime, tables: Mapping[str, Sequence[Row]], letters: Iterable[str]) -> Audit:
    """Compare one account's journal with the season's tables.

    Args:
        account: Of `GET /simulator/journal`.
        now: The venue's time.
        tables: fills, positions, llm_accounts of the store.
        letters: Of the competitors that trade on the account.
    """
    own = {f"LLM-{letter}" for letter in letters}
    ours = [trade for trade in account["trades"] if _letter(trade) is not None]
    booked = Counter(
        (row["symbol"], row["trade_id"], row["exchange_order_id"]) for row in tables["fills"] if row["llm_id"] in own
    )
    there = {(trade["symbol"], trade["id"], str(trade["order_id"])) for trade in ours}
    limits = {order["order_id"] for order in account["orders"] if order.get("type") == "LIMIT"}
    faults = [*_positions(account, tables, own), *_money(account, tables, own)]
    sent_twice = _sent_twice(account)
    faults += [f"{name} was sent and executed {count} times" for name, count in sent_twice.items()]
    return Audit(
        fills=len(there),
        limit_fills=sum(trade["order_id"] in limits for trade in ours),
        lost=len(there - booked.keys()),
        doubled=sum(count - 1 for key, count in booked.items() if key in there and count > 1) + len(sent_twice),
        orphan_stops=len(list(orphans(account))),
        naked_seconds=max((seconds for seconds, _ in naked(account, now)), default=0.0),
        books_equal=not faults,
        faults=tuple(faults),
    )


def naked(account: Row, now: datetime) -> Iterator[tuple[float, str]]:
    """Yield how long, and which, positions were not covered whole by resting stops of their owner."""
    events: dict[Held, list[tuple[datetime, int, Decimal, Decimal]]] = defaultdict(list)
    for trade in account["trades"]:
        for held, quantity in _shares(trade, events):
            events[held].append((_time(trade["time"]), 1, quantity, ZERO))
    for stop in account["conditionals"]:
        if stop["type"] == "STOP_MARKET" and (letter := _letter(stop)) is not None:
            held, quantity = (letter, stop["symbol"], stop["position_side"]), Decimal(stop["quantity"])
            events[held].append((_time(stop["created"]), 0, ZERO, quantity))
            if stop["status"] != "NEW":
                events[held].append((_time(stop["updated"]), 2, ZERO, -quantity))
    for held, found in events.items():
        yield from ((seconds, " ".join(held)) for seconds in _gaps(sorted(found, key=lambda event: event[:2]), now))


def _gaps(events: list[tuple[datetime, int, Decimal, Decimal]], now: datetime) -> Iterator[float]:
    position = covered = ZERO
    since: datetime | None = None
    for time, _, moved, stops in events:
        position, covered = position + moved, covered + stops
        if position > covered and since is None:
            since = time
        elif position <= covered and since is not None:
            yield (time - since).total_seconds()
            since = None
    if since is not None:
        yield (now - since).total_seconds()


def _shares(trade: Row, events: Mapping[Held, Any]) -> Iterator[tuple[Held, Decimal]]:
    """Yield whose position a trade changes, and by how much; the venue's own closing of a bucket closes everybody's."""
    opens = (trade["side"] == "BUY") == (trade["position_side"] == "LONG")
    quantity = Decimal(trade["quantity"]) * (1 if opens else -1)
    letter = _letter(trade)
    if letter is not None:
        yield (letter, trade["symbol"], trade["position_side"]), quantity
        return
    for held in [held for held in events if held[1:] == (trade["symbol"], trade["position_side"])]:
        yield held, -sum((event[2] for event in events[held]), ZERO)


def _positions(account: Row, tables: Mapping[str, Sequence[Row]], own: set[str]) -> Iterator[str]:
    venue: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for trade in account["trades"]:
        venue[trade["symbol"], trade["position_side"]] += Decimal(trade["quantity"]) * (1 if trade["side"] == "BUY" else -1)
    books: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in tables["positions"]:
        if row["llm_id"] in own and row["status"] == "open":
            books[row["symbol"], row["side"]] += Decimal(row["signed_quantity"])
    for key in sorted(venue.keys() | books.keys()):
        if venue[key] != books[key]:
            yield f"{' '.join(key)}: the books hold {books[key]}, the venue {venue[key]}"


def _money(account: Row, tables: Mapping[str, Sequence[Row]], own: set[str]) -> Iterator[str]:
    """Yield the difference between what trading has changed of the wallet and of the ledgers, without any insurance."""
    wallet = sum(
        (Decimal(entry["amount"]) for entry in account["income"] if entry["kind"] not in ("TRANSFER", "INSURANCE_CLEAR")), ZERO
    )
    # The bucket's average entry differs from each competitor's own while it is held, so open positions are valued at cost.
    wallet += _cost(account["trades"])
    books = ZERO
    for row in tables["llm_accounts"]:
        if row["llm_id"] in own:
            books += Decimal(row["current_balance"]) - Decimal(row["initial_balance"]) - Decimal(row["insurance"])
    books -= sum((Decimal(r["signed_cost"]) for r in tables["positions"] if r["llm_id"] in own and r["status"] == "open"), ZERO)
    if wallet != books:
        yield f"the venue's wallet and what is held have changed by {wallet} USDT, the books by {books}"


def _cost(trades: Sequence[Row]) -> Decimal:
    """Return minus the cost of what is still held, as the venue keeps it: cash spent on it less profit taken out of it."""
    cost = ZERO
    for trade in trades:
        signed = Decimal(trade["quantity"]) * (1 if trade["side"] == "BUY" else -1)
        cost -= signed * Decimal(trade["price"]) + Decimal(trade["realized_pnl"])
    return cost


def _sent_twice(account: Row) -> dict[str, int]:
    children = {conditional["child_id"] for conditional in account["conditionals"]}
    executed = Counter(
        order["client_id"]
        for order in account["orders"]
        if _letter(order) is not None and order["order_id"] not in children and Decimal(order["executed"]) > 0
    )
    return {name: count for name, count in executed.items() if count > 1}


def orphans(account: Row) -> Iterator[str]:
    """Yield the client ids of orders that rest and protect nothing."""
    held: dict[Held, Decimal] = defaultdict(Decimal)
    for trade in account["trades"]:
        for key, quantity in _shares(trade, {}):
            held[key] += quantity
    for order in [order for order in account["orders"] if order.get("status") == "NEW"]:
        yield order["client_id"]
    for order in account["conditionals"]:
        letter = _letter(order)
        if order["status"] == "NEW" and letter is not None and held[letter, order["symbol"], order["position_side"]] <= 0:
            yield order["client_id"]


def _letter(row: Row) -> str | None:
    key = parse_client_order_id(row["client_id"])
    return None if key is None else key.letter


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
