"""The Exchange port, one suite; same candles.

The paper engine called directly, Binance's adapter on the simulator, and a paper account that lives on the simulator's prices.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.market import BinanceMarket
from arena.adapters.paper.book import PaperBook
from arena.adapters.paper.engine import PaperEngine
from arena.adapters.paper.exchange import PaperExchange
from arena.adapters.paper.live import LivePaperAccount
from arena.adapters.paper.market import PaperMarket
from arena.adapters.paper.replayed import BookShelf, ReplayedAccount
from arena.adapters.recorded import CandleArchive
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.ports import MarketData, TradingAccount
from arena.domain.client_id import client_order_id
from arena.domain.competitor import SHARED_ACCOUNT, SeasonId
from arena.domain.order import Leg, Order, OrderStatus, OrderType, PositionSide
from arena.paper import paper_market
from tests.fakes.candles import BAR, START, flat, write_candles, write_funding
from tests.fakes.simulator import KEY, SECRET, running_simulator

NOW = START + 20 * BAR
HALF = Decimal("0.5")
SOL_LONG, SOL_SHORT = ("SOLUSDT", PositionSide.LONG), ("SOLUSDT", PositionSide.SHORT)


@dataclass
class Venue:
    """A venue under test: its two ports and its clock."""

    exchange: TradingAccount
    market: MarketData
    advance: Callable[[timedelta], None]
    place_half: Callable[[Order], Awaitable[object]]  # places a limit of which the first bar that reaches it trades one half
    fall: timedelta = BAR * 6  # from NOW until the bar in which SOL falls is over

    async def fills(self, **cursor: int) -> list[tuple[str, str, Decimal, Decimal, Decimal]]:
        found = await self.exchange.fills(cursor or {"SOLUSDT": 0}, START, await self.market.time())
        return [(f.client_order_id, str(f.side), f.quantity, f.price, f.fee) for f in found]


def order(
    leg: Leg, quantity: str, side: PositionSide = PositionSide.LONG, letter: str = "A", trigger: str | None = None
) -> Order:
    conditional = {Leg.STOP: OrderType.STOP_MARKET, Leg.TARGET: OrderType.TAKE_PROFIT_MARKET}
    return Order(
        client_order_id=client_order_id(SeasonId("contract"), 1, letter, "SOLUSDT", leg),
        symbol="SOLUSDT",
        side=side.opening_side if leg is Leg.OPEN else side.closing_side,
        position_side=side,
        order_type=conditional.get(leg, OrderType.MARKET),
        quantity=Decimal(quantity),
        trigger_price=Decimal(trigger) if trigger else None,
    )


def limit(quantity: str, price: str, side: PositionSide = PositionSide.LONG) -> Order:
    return replace(order(Leg.OPEN, quantity, side), order_type=OrderType.LIMIT, price=Decimal(price))


def limit_of(letter: str, price: str = "95") -> Order:
    return replace(order(Leg.OPEN, "2", letter=letter), order_type=OrderType.LIMIT, price=Decimal(price))


def stop_of(letter: str) -> Order:
    return order(Leg.STOP, "2", letter=letter, trigger="92")


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    """SOL stands at 100, then falls to 90 in the bar that begins 25 minutes after NOW; BTC stands still."""
    falling = [*flat("100", 25), "100 101 89 90 10", *flat("90", 30)]
    write_candles(tmp_path / "5m", "SOLUSDT", falling)
    write_candles(tmp_path / "5m", "BTCUSDT", flat("60000", 56))
    write_funding(tmp_path / "funding", "SOLUSDT", {START + 24 * BAR: 0.0001})
    return tmp_path / "5m"


class ExchangeContract:
    """What every venue must do, to the digit."""

    async def test_an_opening_is_filled_with_slippage_and_fee_and_found_by_its_id(self, venue: Venue) -> None:
        opening = order(Leg.OPEN, "2")
        outcome = await venue.exchange.place(opening)
        assert (outcome.status, outcome.filled_quantity) == (OrderStatus.FILLED, Decimal(2))
        assert await venue.fills() == [(opening.client_order_id, "BUY", Decimal(2), Decimal("100.02"), Decimal("0.10002"))]
        assert (await venue.exchange.book()).positions == {SOL_LONG: Decimal(2)}

    async def test_trades_after_the_cursor_are_returned_once(self, venue: Venue) -> None:
        await venue.exchange.place(order(Leg.OPEN, "2"))
        first = await venue.exchange.fills({"SOLUSDT": 0}, START, await venue.market.time())
        assert await venue.fills(SOLUSDT=first[-1].trade_id) == []
        await venue.exchange.place(order(Leg.CLOSE, "2"))
        assert [side for _, side, *_ in await venue.fills(SOLUSDT=first[-1].trade_id)] == ["SELL"]
        assert len(await venue.fills()) == 2

    async def test_later_trades_are_left_to_the_next_settlement(self, venue: Venue) -> None:
        before = await venue.market.time()
        venue.advance(timedelta(seconds=1))
        await venue.exchange.place(order(Leg.OPEN, "2"))
        assert await venue.exchange.fills({"SOLUSDT": 0}, START, before) == ()

    async def test_two_competitors_hold_opposite_sides_and_one_close_leaves_the_other(self, venue: Venue) -> None:
        await venue.exchange.place(order(Leg.OPEN, "2", letter="A"))
        await venue.exchange.place(order(Leg.OPEN, "3", PositionSide.SHORT, letter="B"))
        assert (await venue.exchange.book()).positions == {SOL_LONG: Decimal(2), SOL_SHORT: Decimal(-3)}
        await venue.exchange.place(order(Leg.CLOSE, "2", letter="A"))
        assert (await venue.exchange.book()).positions == {SOL_SHORT: Decimal(-3)}

    async def test_a_stop_rests_triggers_between_cycles_and_fills_under_its_own_id(self, venue: Venue) -> None:
        await venue.exchange.place(order(Leg.OPEN, "2"))
        stop = order(Leg.STOP, "2", trigger="95")
        assert (await venue.exchange.place(stop)).status is OrderStatus.RESTING
        venue.advance(BAR * 6)
        assert (await venue.fills())[-1] == (stop.client_order_id, "SELL", Decimal(2), Decimal("94.98"), Decimal("0.09498"))
        assert (await venue.exchange.book()).positions == {}
        assert await venue.exchange.cancel("SOLUSDT", stop.client_order_id, conditional=True) is False

    async def test_a_cancelled_stop_is_gone_and_cancelling_again_says_so(self, venue: Venue) -> None:
        await venue.exchange.place(order(Leg.OPEN, "2"))
        stop = order(Leg.STOP, "2", trigger="95")
        await venue.exchange.place(stop)
        assert await venue.exchange.cancel("SOLUSDT", stop.client_order_id, conditional=True) is True
        assert await venue.exchange.cancel("SOLUSDT", stop.client_order_id, conditional=True) is False
        venue.advance(BAR * 6)
        assert (await venue.exchange.book()).positions == {SOL_LONG: Decimal(2)}

    async def test_a_stop_that_is_sent_again_rests_once(self, venue: Venue) -> None:
        await venue.exchange.place(order(Leg.OPEN, "2"))
        stop = order(Leg.STOP, "2", trigger="95")
        for _ in range(2):
            assert (await venue.exchange.place(stop)).status is OrderStatus.RESTING
        assert [resting.client_order_id for resting in await venue.exchange.resting(["SOLUSDT"])] == [stop.client_order_id]

    async def test_cancelling_what_never_was_says_so(self, venue: Venue) -> None:
        assert await venue.exchange.cancel("SOLUSDT", order(Leg.STOP, "1").client_order_id, conditional=True) is False

    @pytest.mark.parametrize(
        "wrong",
        [
            order(Leg.CLOSE, "1"),  # nothing is held
            order(Leg.OPEN, "0.01"),  # below the smallest notional
            order(Leg.OPEN, "100000"),  # beyond the margin
            order(Leg.OPEN, "1.005"),  # no multiple of the step
            order(Leg.STOP, "1", trigger="101"),  # would trigger at once
        ],
        ids=["nothing_held", "min_notional", "margin", "step", "would_trigger"],
    )
    async def test_what_the_venue_refuses_is_a_value_and_changes_nothing(self, venue: Venue, wrong: Order) -> None:
        outcome = await venue.exchange.place(wrong)
        assert outcome.status is OrderStatus.REFUSED and outcome.message
        assert await venue.fills() == [] and (await venue.exchange.book()).positions == {}

    async def fate(self, venue: Venue, each: Order) -> tuple[OrderStatus, Decimal] | None:
        conditional = each.order_type.conditional
        found = await venue.exchange.find(each.symbol, each.client_order_id, conditional=conditional)
        return None if found is None else (found.status, found.filled_quantity)

    async def test_a_limit_rests_and_binds_its_margin(self, venue: Venue) -> None:
        entry, before = limit("2", "95"), (await venue.exchange.book()).available_balance
        assert (await venue.exchange.place(entry)).status is OrderStatus.RESTING
        assert await self.fate(venue, entry) == (OrderStatus.RESTING, Decimal(0))
        assert await venue.fills() == [] and (await venue.exchange.book()).positions == {}
        assert (await venue.exchange.book()).available_balance == before - 2 * 95 // 5
        assert await venue.exchange.resting(["SOLUSDT"]) == (), "it is no conditional order"

    async def test_a_limit_that_is_traded_through_is_a_maker_at_its_price(self, venue: Venue) -> None:
        entry = limit("2", "95")
        await venue.exchange.place(entry)
        venue.advance(venue.fall)
        assert await venue.fills() == [(entry.client_order_id, "BUY", Decimal(2), Decimal(95), Decimal("0.038"))]
        assert await self.fate(venue, entry) == (OrderStatus.FILLED, Decimal(2))
        assert await venue.exchange.cancel("SOLUSDT", entry.client_order_id, conditional=False) is False

    @pytest.mark.parametrize("entry", [limit("2", "100"), limit("2", "101"), limit("2", "99", PositionSide.SHORT)])
    async def test_a_limit_that_would_take_is_refused(self, venue: Venue, entry: Order) -> None:
        outcome = await venue.exchange.place(entry)
        assert outcome.status is OrderStatus.REFUSED and outcome.message
        assert await self.fate(venue, entry) is None
        assert await venue.fills() == [] and (await venue.exchange.book()).positions == {}

    async def test_a_cancelled_limit_is_never_filled(self, venue: Venue) -> None:
        entry = limit("2", "95")
        await venue.exchange.place(entry)
        assert await venue.exchange.cancel("SOLUSDT", entry.client_order_id, conditional=False) is True
        assert await venue.exchange.cancel("SOLUSDT", entry.client_order_id, conditional=False) is False
        assert await self.fate(venue, entry) == (OrderStatus.REFUSED, Decimal(0))
        venue.advance(BAR * 6)
        assert await venue.fills() == []

    async def test_an_order_is_cancelled_as_what_it_is(self, venue: Venue) -> None:
        entry, stop = limit("2", "95"), order(Leg.STOP, "2", trigger="92")
        for each in (entry, stop):
            await venue.exchange.place(each)
        assert await venue.exchange.cancel("SOLUSDT", entry.client_order_id, conditional=True) is False
        assert await venue.exchange.cancel("SOLUSDT", stop.client_order_id, conditional=False) is False
        assert await self.fate(venue, entry) == await self.fate(venue, stop) == (OrderStatus.RESTING, Decimal(0))

    async def test_what_a_limit_has_filled_stays_when_the_rest_is_cancelled(self, venue: Venue) -> None:
        entry = limit("2", "95")
        await venue.place_half(entry)
        venue.advance(venue.fall)
        assert await self.fate(venue, entry) == (OrderStatus.RESTING, Decimal(1))
        assert (await venue.exchange.book()).positions == {SOL_LONG: Decimal(1)}
        assert await venue.exchange.cancel("SOLUSDT", entry.client_order_id, conditional=False) is True
        assert await self.fate(venue, entry) == (OrderStatus.FILLED, Decimal(1))
        venue.advance(BAR * 6)
        assert [quantity for _, _, quantity, *_ in await venue.fills()] == [Decimal(1)]

    @pytest.mark.parametrize("conditional", [True, False])
    async def test_several_are_cancelled_together(self, venue: Venue, conditional: bool) -> None:
        wanted = [stop_of(letter) if conditional else limit_of(letter) for letter in "ABCD"]
        for each in wanted:
            assert (await venue.exchange.place(each)).status is OrderStatus.RESTING
        names = [each.client_order_id for each in wanted]
        ended = await venue.exchange.cancel_together("SOLUSDT", names, conditional=conditional)
        assert {name: (end.status, end.filled_quantity) for name, end in ended.items()} == {
            name: (OrderStatus.REFUSED, Decimal(0)) for name in names
        }
        assert [await self.fate(venue, each) for each in wanted] == [(OrderStatus.REFUSED, Decimal(0))] * 4
        assert await venue.exchange.resting(["SOLUSDT"]) == ()
        venue.advance(venue.fall)
        assert await venue.fills() == []
        assert await venue.exchange.cancel_together("SOLUSDT", names, conditional=conditional) == {}, "they were gone"

    @pytest.mark.parametrize("conditional", [True, False])
    async def test_no_order_is_cancelled_together_with_those_of_others(self, venue: Venue, conditional: bool) -> None:
        """Whoever is left out may rest or not, and is cancelled by name."""
        of, other = (stop_of, limit_of) if conditional else (limit_of, stop_of)
        wanted, kept = [of(letter) for letter in "ABCD"], [of("E"), other("F")]
        for each in (*wanted, *kept):
            await venue.exchange.place(each)
        names = [each.client_order_id for each in (*wanted, other("F"))]  # one is of the other kind
        ended = await venue.exchange.cancel_together("SOLUSDT", names, conditional=conditional)
        for each in wanted:
            if each.client_order_id not in ended:
                assert await venue.exchange.cancel("SOLUSDT", each.client_order_id, conditional=conditional)
        assert [await self.fate(venue, each) for each in wanted] == [(OrderStatus.REFUSED, Decimal(0))] * 4
        assert [await self.fate(venue, each) for each in kept] == [(OrderStatus.RESTING, Decimal(0))] * 2

    async def test_cancelled_together_a_limit_says_what_it_has_filled(self, venue: Venue) -> None:
        half, whole, filled = limit_of("A"), limit_of("B", "85"), limit_of("C", "96")
        await venue.place_half(half)
        for each in (whole, filled):
            await venue.exchange.place(each)
        venue.advance(venue.fall)
        names = [each.client_order_id for each in (half, whole, filled)]
        ended = await venue.exchange.cancel_together("SOLUSDT", names, conditional=False)
        assert {name: (end.status, end.filled_quantity) for name, end in ended.items()} == {
            half.client_order_id: (OrderStatus.FILLED, Decimal(1)),
            whole.client_order_id: (OrderStatus.REFUSED, Decimal(0)),
        }
        assert await self.fate(venue, filled) == (OrderStatus.FILLED, Decimal(2))
        assert sum(quantity for _, _, quantity, *_ in await venue.fills()) == 3

    async def test_a_limit_is_filled_whole_before_the_stop_beyond_it_triggers(self, venue: Venue) -> None:
        """In one fall through both; so the stop may rest before there is a position."""
        entry, stop = limit("2", "95"), order(Leg.STOP, "2", trigger="92")
        await venue.place_half(entry)
        assert (await venue.exchange.place(stop)).status is OrderStatus.RESTING
        venue.advance(venue.fall)
        traded = [(side, quantity, price) for _, side, quantity, price, _ in await venue.fills()]
        assert traded == [("BUY", 1, 95), ("BUY", 1, 95), ("SELL", 2, Decimal("91.98"))]
        assert (await venue.exchange.book()).positions == {}

    async def test_the_wallet_pays_fees_and_funding(self, venue: Venue) -> None:
        before = await venue.exchange.book()
        await venue.exchange.place(order(Leg.OPEN, "2"))
        at = await venue.market.time()
        venue.advance(BAR * 5)
        (funding,) = await venue.market.fundings(["SOLUSDT"], at, await venue.market.time())
        assert (funding.rate, funding.mark_price) == (Decimal("0.0001"), Decimal(100))
        paid = Decimal("0.10002") + 2 * Decimal(100) * Decimal("0.0001")
        assert (await venue.exchange.book()).wallet_balance == before.wallet_balance - paid

    async def test_what_rests_is_shown_with_quantity_and_trigger(self, venue: Venue) -> None:
        await venue.exchange.place(order(Leg.OPEN, "2"))
        stop, target = order(Leg.STOP, "2", trigger="95"), order(Leg.TARGET, "1.50", trigger="120")
        for each in (stop, target):
            await venue.exchange.place(each)
        shown = {each.client_order_id: each for each in await venue.exchange.resting(["SOLUSDT", "BTCUSDT"])}
        assert {(e.symbol, e.position_side, e.order_type, e.quantity, e.trigger_price) for e in shown.values()} == {
            ("SOLUSDT", PositionSide.LONG, OrderType.STOP_MARKET, Decimal(2), Decimal(95)),
            ("SOLUSDT", PositionSide.LONG, OrderType.TAKE_PROFIT_MARKET, Decimal("1.5"), Decimal(120)),
        }
        assert set(shown) == {stop.client_order_id, target.client_order_id}
        assert await venue.exchange.resting(["BTCUSDT"]) == ()

    async def test_an_order_is_found_by_its_id_whatever_has_become_of_it(self, venue: Venue) -> None:
        async def fate(each: Order) -> tuple[OrderStatus, Decimal] | None:
            conditional = each.order_type.conditional
            found = await venue.exchange.find(each.symbol, each.client_order_id, conditional=conditional)
            return None if found is None else (found.status, found.filled_quantity)

        opening, stop, target = order(Leg.OPEN, "2"), order(Leg.STOP, "2", trigger="95"), order(Leg.TARGET, "2", trigger="120")
        assert [await fate(each) for each in (opening, stop)] == [None, None]
        for each in (opening, stop, target):
            await venue.exchange.place(each)
        assert await fate(opening) == (OrderStatus.FILLED, Decimal(2))
        assert [await fate(each) for each in (stop, target)] == [(OrderStatus.RESTING, Decimal(0))] * 2
        await venue.exchange.cancel("SOLUSDT", target.client_order_id, conditional=True)
        venue.advance(BAR * 6)
        assert await fate(stop) == (OrderStatus.FILLED, Decimal(2))
        assert await fate(target) == (OrderStatus.REFUSED, Decimal(0))

    async def test_a_cancelled_id_may_rest_again(self, venue: Venue) -> None:
        """A stop that was lost is placed again under its own id."""
        await venue.exchange.place(order(Leg.OPEN, "2"))
        stop = order(Leg.STOP, "2", trigger="95")
        await venue.exchange.place(stop)
        await venue.exchange.cancel("SOLUSDT", stop.client_order_id, conditional=True)
        assert (await venue.exchange.place(order(Leg.STOP, "1", trigger="96"))).status is OrderStatus.RESTING
        (shown,) = await venue.exchange.resting(["SOLUSDT"])
        assert (shown.client_order_id, shown.quantity) == (stop.client_order_id, Decimal(1))
        found = await venue.exchange.find("SOLUSDT", stop.client_order_id, conditional=True)
        assert found is not None and found.status is OrderStatus.RESTING

    async def test_income_tells_why_the_wallet_changed(self, venue: Venue) -> None:
        venue.advance(timedelta(seconds=1))  # after the deposit
        since, before = await venue.market.time(), await venue.exchange.book()
        await venue.exchange.place(order(Leg.OPEN, "2"))
        venue.advance(BAR * 5)
        await venue.exchange.place(order(Leg.CLOSE, "2"))
        venue.advance(timedelta(seconds=1))
        income = dict(await venue.exchange.income(since, await venue.market.time()))
        assert set(income) == {"COMMISSION", "FUNDING_FEE", "REALIZED_PNL"}
        assert income["FUNDING_FEE"] == -2 * Decimal(100) * Decimal("0.0001")
        assert sum(income.values()) == (await venue.exchange.book()).wallet_balance - before.wallet_balance

    async def test_preparing_twice_is_no_fault(self, venue: Venue) -> None:
        await venue.exchange.place(order(Leg.OPEN, "2"))
        await venue.exchange.prepare(["SOLUSDT", "BTCUSDT"], 5)
        assert (await venue.exchange.book()).positions == {SOL_LONG: Decimal(2)}

    async def test_the_snapshot_shows_closed_candles_only_and_names_what_is_missing(self, venue: Venue) -> None:
        as_of = await venue.market.time()
        taken = await venue.market.snapshot(["SOLUSDT", "BTCUSDT", "NONEUSDT"], as_of)
        assert set(taken.symbols) == {"SOLUSDT", "BTCUSDT"} and set(taken.missing) == {"NONEUSDT"}
        assert taken.symbols["SOLUSDT"].candles[-1].close_time <= as_of
        assert (taken.symbols["SOLUSDT"].last_price, taken.marks()["BTCUSDT"]) == (Decimal(100), Decimal(60000))

    async def test_instruments_come_with_filters_fees_and_tiers(self, venue: Venue) -> None:
        found = await venue.market.instruments(["SOLUSDT", "NONEUSDT"])
        assert set(found) == {"SOLUSDT"}
        assert (found["SOLUSDT"].tick_size, found["SOLUSDT"].step_size) == (Decimal("0.01"), Decimal("0.01"))
        assert found["SOLUSDT"].taker_fee_rate == Decimal("0.0005")
        assert found["SOLUSDT"].tiers[0].maintenance_rate == Decimal("0.005")


class TestPaper(ExchangeContract):
    @pytest.fixture
    async def venue(self, candles: Path) -> Venue:
        archive = CandleArchive(candles)
        engine = PaperEngine(archive, archive.instruments, NOW)
        exchange = PaperExchange(engine, engine.open_account("contract", Decimal(10_000)))
        await exchange.prepare(["SOLUSDT", "BTCUSDT"], 5)
        market = PaperMarket(engine, label="paper", interval=BAR)

        async def place_half(entry: Order) -> object:
            return engine.place(engine.account("contract"), entry, post_only=True, share=HALF)

        return Venue(exchange, market, lambda passed: engine.advance(engine.now + passed), place_half)


class TestLivePaper(ExchangeContract):
    @pytest.fixture
    def candles(self, tmp_path: Path) -> Path:
        """The same market in candles of one minute: the fall is in the first minute of its bar."""
        minutes = {
            "SOLUSDT": [*flat("100", 125), "100 101 89 90 10", *flat("90", 154)],
            "BTCUSDT": flat("60000", 280),
        }
        for symbol, rows in minutes.items():
            write_candles(tmp_path / "1m", symbol, rows, interval=timedelta(minutes=1))
        write_funding(tmp_path / "funding", "SOLUSDT", {START + 24 * BAR: 0.0001})
        return tmp_path / "1m"

    @pytest.fixture
    async def venue(self, candles: Path, tmp_path: Path) -> AsyncIterator[Venue]:
        with running_simulator(candles, start=NOW) as simulator, SqliteRecords(tmp_path / "arena.sqlite") as books:
            client = FuturesClient(simulator.url)
            market = paper_market(client, "simulator")
            account = LivePaperAccount(books, market, SeasonId("contract"), SHARED_ACCOUNT, Decimal(10_000))
            await account.prepare(["SOLUSDT", "BTCUSDT"], 5)

            async def place_half(entry: Order) -> object:
                async def act(exchange: PaperExchange, book: PaperBook) -> object:
                    return exchange._engine.place(book.account, entry, post_only=True, share=HALF).order_id

                return await account.call(act, ["SOLUSDT"])

            fall = BAR * 5 + timedelta(minutes=1)
            yield Venue(account, market, lambda passed: simulator.advance(passed.total_seconds()) and None, place_half, fall)
            await client.close()


class Reopened:
    """A replay's account that is taken from the store anew before time passes, as by a run that goes on after another."""

    def __init__(self, archive: CandleArchive, books: SqliteRecords) -> None:
        self._archive, self._books = archive, books

    async def open(self) -> None:
        self.shelf = BookShelf(self._books, SeasonId("contract"), SHARED_ACCOUNT)
        self.kept = await self.shelf.take(Decimal(10_000), NOW)
        self.engine = PaperEngine(self._archive, self._archive.instruments, self._archive.start)
        self.engine.advance(self.kept.lived_until)
        self.account = ReplayedAccount(self.engine, self.kept, self.shelf)

    def __getattr__(self, name: str) -> object:
        return getattr(self.account, name)


class TestReplayed(ExchangeContract):
    @pytest.fixture
    async def venue(self, candles: Path, tmp_path: Path) -> AsyncIterator[Venue]:
        with SqliteRecords(tmp_path / "arena.sqlite") as books:
            archive = CandleArchive(candles)
            replayed = Reopened(archive, books)
            await replayed.open()
            await replayed.account.prepare(["SOLUSDT", "BTCUSDT"], 5)
            now = PaperEngine(archive, archive.instruments, NOW)

            async def place_half(entry: Order) -> object:
                placed = replayed.engine.place(replayed.kept.account, entry, post_only=True, share=HALF)
                await replayed.shelf.put(replayed.kept)
                return placed

            def advance(passed: timedelta) -> None:
                with ThreadPoolExecutor(1) as apart:  # the caller is in a loop already
                    apart.submit(asyncio.run, replayed.open()).result()
                now.advance(now.now + passed)
                replayed.account.advance(now.now)

            yield Venue(replayed, PaperMarket(now, label="paper", interval=BAR), advance, place_half)  # type: ignore[arg-type]


class TestBinance(ExchangeContract):
    @pytest.fixture
    async def venue(self, candles: Path) -> AsyncIterator[Venue]:
        with running_simulator(candles, start=NOW) as simulator:
            client = FuturesClient(simulator.url, KEY, SECRET)
            market = BinanceMarket(client, venue="simulator")
            await market.time()
            exchange = BinanceAccount(client, lookup_pauses=(0.01,))
            await exchange.prepare(["SOLUSDT", "BTCUSDT"], 5)

            async def place_half(entry: Order) -> object:
                simulator.strike({"kind": "partial", "share": float(HALF), "times": 1})
                return await exchange.place(entry)

            yield Venue(exchange, market, lambda passed: simulator.advance(passed.total_seconds()) and None, place_half)
            await client.close()
