"""A paper account that is written down and read again goes on as if nothing had happened, however often; and lives by no price
that it cannot have met."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.paper.account import PaperAccount
from arena.adapters.paper.book import PaperBook, opened
from arena.adapters.paper.book_text import read_book, write_book
from arena.adapters.paper.engine import PaperEngine, Refused
from arena.adapters.paper.live_feed import Glimpse
from arena.domain.market import Bar
from arena.domain.money import ZERO
from tests.fakes.bars import ListFeed
from tests.fakes.build import BAR, NOON, instruments
from tests.fakes.live import LiveTape
from tests.fakes.paper import PaperDesk, desk
from tests.property.test_paper_engine import DAYS, MARKETS, SYMBOLS, Wish, order_of, play

D = Decimal


def play_in_pieces(bars: ListFeed, days: list[list[Wish]]) -> PaperBook:
    """Play as `play` does, with the account written down and read again after every order and every bar."""
    book = opened("paper", D(1000), NOON)
    book.account.dual_side, book.account.leverage = True, dict.fromkeys(SYMBOLS, 5)
    past: dict[str, Bar] = {}

    def resumed() -> PaperEngine:
        nonlocal book
        text = write_book(book)
        book = read_book(text)
        assert write_book(book) == text
        engine = PaperEngine(bars, instruments(), book.lived_until)
        engine.resume(book.account, book.numbers, past)
        return engine

    for day, wishes in enumerate(days):
        for number, wish in enumerate(wishes):
            engine = resumed()
            try:
                order = order_of(wish, engine.last_price(wish.symbol), f"{day}-{number}")
                engine.place(book.account, order, group=wish.group and f"{day}-{wish.group}")
            except Refused:
                pass
        resumed().advance(book.lived_until + BAR)
        for step in bars.steps(book.lived_until, book.lived_until + BAR):
            past.update(step.bars)
        book.lived_until += BAR
    return book


@settings(max_examples=60, deadline=None)
@given(bars=MARKETS, days=DAYS)
def test_an_account_in_pieces_is_the_account_in_one(bars: ListFeed, days: list[list[Wish]]) -> None:
    _, whole, _ = play(bars, days)
    assert play_in_pieces(bars, days).account == whole


@settings(max_examples=60, deadline=None)
@given(bars=MARKETS, days=DAYS)
def test_a_book_is_what_its_text_says(bars: ListFeed, days: list[list[Wish]]) -> None:
    engine, account, _ = play(bars, days)
    book = opened("paper", ZERO, NOON)
    book.account, book.lived_until = account, engine.now
    book.seen = {
        symbol: Glimpse(minute=bar, lately=bar.trade.volume) for symbol in SYMBOLS if (bar := bars.bars[symbol][0]) is not None
    }
    book.forget({"BTCUSDT": 2})
    found = read_book(write_book(book))
    assert found == book
    assert _open_orders_are_the_orders_themselves(found.account)


def _open_orders_are_the_orders_themselves(account: PaperAccount) -> bool:
    every = {**account.orders, **account.conditionals}
    return all(every[order_id] is paper for order_id, paper in account.resting.items())


@dataclass(frozen=True)
class Moment:
    """What happens next: so many seconds pass, then a trade (price in ‰ of 50000), or a look."""

    seconds: int
    permille: int | None


MOMENTS = st.lists(
    st.builds(Moment, seconds=st.integers(1, 50), permille=st.one_of(st.none(), st.integers(970, 1030))), min_size=4, max_size=40
)


@settings(max_examples=150, deadline=None)
@given(before=MOMENTS, after=MOMENTS)
def test_a_stop_trades_only_after_a_price_from_after_its_placement_touched_it(before: list[Moment], after: list[Moment]) -> None:
    tape = LiveTape()
    tape.trade("BTCUSDT", "50000")
    tape.trade("ETHUSDT", "3000")

    async def live(d: PaperDesk, moments: list[Moment]) -> None:
        for moment in moments:
            tape.wait(moment.seconds)
            if moment.permille is None:
                await d.look()
            else:
                tape.trade("BTCUSDT", str(50 * moment.permille))

    async def run() -> None:
        d = await desk(tape)
        tape.wait(1)
        await d.place("BUY LONG 0.1 BTCUSDT")
        await live(d, before)
        tape.wait(1)
        tape.trade("BTCUSDT", "50000")
        placed = tape.now
        await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49500", "stop")
        await live(d, after)
        tape.wait(61)
        held = await d.look()
        prices = [price for time, price, *_ in tape.trades["BTCUSDT"] if time > placed]
        stopped = [fill for fill in await d.fills(1) if fill[0] == "stop"]
        assert bool(stopped) is (held == {})
        if stopped:
            assert min(prices) <= 49500
        elif prices:
            lowest_before = min(price for time, price, *_ in tape.trades["BTCUSDT"] if time > placed - timedelta(minutes=1))
            assert min(prices) > 49500 or min(prices) >= lowest_before, "only where the minute had shown as much before"

    asyncio.run(run())
