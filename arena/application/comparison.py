"""`arena reconcile`: the competitors' books and the venue side by side; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arena.application.reconcile import expected_buckets
from arena.application.record import Books, SeasonState
from arena.application.venue import CaughtUp, Venue, catch_up
from arena.domain.competitor import AccountId, CompetitorId, Season
from arena.domain.money import ZERO, plain
from arena.domain.order import PositionSide

CENT = Decimal("0.01")
NOT_TRADING = frozenset(
    {"TRANSFER", "INSURANCE_CLEAR", "WELCOME_BONUS", "INTERNAL_TRANSFER", "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRow:
    """One bucket; base asset, signed.

    Attributes:
        holders: What each competitor's ledger holds of it.
        by_hand: What trades of nobody's orders have left in it.
    """

    account: AccountId
    symbol: str
    side: PositionSide
    holders: Mapping[CompetitorId, Decimal]
    by_hand: Decimal
    venue: Decimal

    @property
    def difference(self) -> Decimal:
        """What the venue holds beyond what the books explain."""
        return self.venue - self.by_hand - sum(self.holders.values(), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRow:
    """What trading has earned on one account since the season began, open positions at their marks, USDT.

    Attributes:
        venue: From the account's income and its unrealised profit.  ledgers: From the competitors' books, insurance left out.
    """

    account: AccountId
    venue: Decimal
    ledgers: Decimal

    @property
    def difference(self) -> Decimal:
        """Of the two; below a cent it is the venue's rounding to eight decimals."""
        return self.venue - self.ledgers


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both sides.

    Attributes:
        unbooked: Trades that the next sweep will book, in words.
    """

    season: Season
    buckets: tuple[BucketRow, ...]
    money: tuple[MoneyRow, ...]
    unbooked: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether every position is explained, and the money to the cent."""
        return not self.differences

    @property
    def differences(self) -> tuple[str, ...]:
        """What is not explained, a sentence each; none where both sides are equal."""
        positions = tuple(
            f"{row.account}: the exchange holds {plain(row.venue)} {row.symbol} {row.side}, "
            f"the books explain {plain(row.venue - row.difference)}"
            for row in self.buckets
            if row.difference
        )
        money = tuple(
            f"{row.account}: the exchange has earned {row.venue:.4f} USDT, the books say {row.ledgers:.4f}"
            for row in self.money
            if abs(row.difference) >= CENT
        )
        return positions + money

    def to_json(self) -> dict[str, Any]:
        """Return what `arena reconcile --json` prints; decimals are strings."""
        return {
            "season": self.season.season_id,
            "equal": self.equal,
            "positions": [
                {
                    "account": row.account,
                    "symbol": row.symbol,
                    "side": row.side,
                    "competitors": {llm_id: plain(quantity) for llm_id, quantity in row.holders.items()},
                    "by_hand": plain(row.by_hand),
                    "exchange": plain(row.venue),
                    "difference": plain(row.difference),
                }
                for row in self.buckets
            ],
            "money": [
                {
                    "account": m.account,
                    "exchange": plain(m.venue),
                    "competitors": plain(m.ledgers),
                    "difference": plain(m.difference),
                }
                for m in self.money
            ],
            "unbooked": list(self.unbooked),
        }


async def compare(venue: Venue, state: SeasonState) -> Comparison:
    """Look at the venue and put it beside the books, with what is not booked yet already in them."""
    caught = await catch_up(venue, state)
    settlement = caught.settlement
    unbooked = [f"{booked.llm_id}: {booked.cause}" for booked in settlement.fills] + ["nobody's"] * len(settlement.foreign)
    trades = [booked.fill for booked in settlement.fills] + [each.fill for each in settlement.foreign]
    return Comparison(
        season=state.season,
        buckets=bucket_rows(state.season, settlement.books, caught),
        money=tuple([await _money(account, venue, state, caught) for account in state.season.accounts()]),
        unbooked=tuple(
            f"{fill.side} {fill.position_side} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)} ({whose})"
            for whose, fill in zip(unbooked, trades, strict=True)
        ),
    )


def bucket_rows(season: Season, books: Books, caught: CaughtUp) -> tuple[BucketRow, ...]:
    """Return every bucket that either side holds."""
    held = {
        (account, symbol, side): q for account, book in caught.accounts.items() for (symbol, side), q in book.positions.items()
    }
    accounts = season.accounts()
    return tuple(
        BucketRow(
            account=account,
            symbol=symbol,
            side=side,
            holders={
                llm_id: books.ledgers[llm_id].positions[symbol, side].signed_quantity
                for llm_id in accounts[account]
                if (symbol, side) in books.ledgers[llm_id].positions
            },
            by_hand=books.foreign.get((account, symbol, side), ZERO),
            venue=held.get((account, symbol, side), ZERO),
        )
        for account, symbol, side in sorted(expected_buckets(season, books).keys() | held.keys())
    )


async def _money(account: AccountId, venue: Venue, state: SeasonState, caught: CaughtUp) -> MoneyRow:
    income = await venue.accounts[account].income(state.season.started_at, caught.until)
    earned = sum((amount for kind, amount in income.items() if kind not in NOT_TRADING), ZERO)
    ledgers = [caught.settlement.ledgers[llm_id] for llm_id in state.season.accounts()[account]]
    marks = caught.marks()
    return MoneyRow(
        account=account,
        venue=earned + caught.accounts[account].unrealized_pnl,
        ledgers=sum((each.equity(marks) - each.capital - each.insurance for each in ledgers), ZERO),
    )
