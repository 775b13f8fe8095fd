"""Equity from the exported files alone: average prices, fractions, none of the arena's code."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Book:
    """One competitor, as a textbook would keep it."""

    def __init__(self, capital: Fraction) -> None:
        self.wallet = capital
        self.held: dict[tuple[str, str], tuple[Fraction, Fraction]] = {}  # (symbol, bucket) -> (signed quantity, average price)

    def fill(self, row: Row) -> None:
        key = (row["symbol"], row["position_side"])
        moved = Fraction(row["quantity"]) * (1 if row["side"] == "BUY" else -1)
        price = Fraction(row["price"])
        quantity, average = self.held.get(key, (Fraction(0), Fraction(0)))
        self.wallet -= Fraction(row["fee"])
        if quantity * moved < 0:
            closed = min(abs(quantity), abs(moved)) * (1 if quantity > 0 else -1)
            self.wallet += closed * (price - average)
            average = average if abs(quantity) > abs(moved) else price
        elif moved:
            average = (quantity * average + moved * price) / (quantity + moved)
        self.held[key] = (quantity + moved, average)

    def quantity(self, symbol: str) -> Fraction:
        return sum((quantity for (held, _), (quantity, _) in self.held.items() if held == symbol), Fraction(0))

    def unrealized(self, marks: dict[str, Fraction]) -> Fraction:
        return sum((q * (marks[symbol] - average) for (symbol, _), (q, average) in self.held.items() if q), Fraction(0))


def differences(export: Path) -> Iterator[tuple[str, str, Fraction]]:
    """Yield (competitor, time, recomputed minus exported equity) for every point of equity.csv."""
    capital = {row["competitor"]: Fraction(row["initial_balance"]) for row in rows(export / "accounts.csv")}
    marks: dict[tuple[str, str], dict[str, Fraction]] = defaultdict(dict)
    for row in rows(export / "positions.csv"):
        marks[row["competitor"], row["time"]][row["symbol"]] = Fraction(row["mark_price"])
    fills, funding, equity = rows(export / "fills.csv"), rows(export / "funding.csv"), rows(export / "equity.csv")
    for competitor, start in capital.items():
        book = Book(start)
        events = [(row["time"], 1, row) for row in fills if row["competitor"] == competitor]
        events += [(row["time"], 0, row) for row in funding if row["competitor"] == competitor]
        events.sort(key=lambda event: event[:2])
        for point in (row for row in equity if row["competitor"] == competitor):
            while events and events[0][0] <= point["time"]:
                _, kind, row = events.pop(0)
                if kind:
                    book.fill(row)
                else:
                    assert Fraction(row["payment"]) == Fraction(row["signed_quantity"]) * Fraction(row["mark_price"]) * Fraction(
                        row["funding_rate"]
                    )
                    book.wallet -= Fraction(row["payment"])
            worth = book.wallet + book.unrealized(marks[competitor, point["time"]])
            yield competitor, point["time"], worth - Fraction(point["equity"])


def last_positions(export: Path) -> dict[str, Fraction]:
    """Return the sum of all competitors' fills by symbol and bucket, `BTCUSDT LONG`; zeros are left out."""
    total: dict[str, Fraction] = defaultdict(Fraction)
    for row in rows(export / "fills.csv"):
        total[f"{row['symbol']} {row['position_side']}"] += Fraction(row["quantity"]) * (1 if row["side"] == "BUY" else -1)
    return {key: quantity for key, quantity in total.items() if quantity}
