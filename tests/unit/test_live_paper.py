"""A paper account on a live market: every call takes its book from a store, lives up to the present, acts, and puts it back.

BTCUSDT: tick 0.1, step 0.001; taker 0.05 %, slippage 2 bps. NOON is 12:00 UTC.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from arena.adapters.paper.account import IncomeKind
from arena.adapters.paper.book import INCOME_KEPT, TRADES_KEPT
from arena.domain.competitor import SHARED_ACCOUNT
from arena.domain.order import OrderStatus
from arena.errors import ConfigurationError, ExchangeUnavailable, RecordsError
from tests.fakes.build import NOON
from tests.fakes.live import LiveTape
from tests.fakes.paper import TEST, PaperDesk, desk

D = Decimal
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def tape() -> LiveTape:
    """BTC at 50000 and ETH at 3000 for the last two minutes."""
    made = LiveTape(now=NOON - 2 * MINUTE)
    for _ in range(3):
        made.trade("BTCUSDT", "50000")
        made.trade("ETHUSDT", "3000")
        made.wait(60)
    made.now = NOON
    return made


# --- opening, trading, outcomes ------------------------------------------------------------------------------------------


async def test_a_new_account_has_its_capital_and_is_kept(tape: LiveTape) -> None:
    d = PaperDesk(tape)
    book = await d.account.book()
    assert (book.positions, book.wallet_balance, book.available_balance) == ({}, D(10000), D(10000))
    assert d.books.texts == {}, "nothing is kept before something is changed"
    await d.account.prepare(["BTCUSDT", "ETHUSDT"], 5)
    assert d.book.account.dual_side and d.book.account.leverage == {"BTCUSDT": 5, "ETHUSDT": 5}
    assert d.book.opened_at == NOON


async def test_a_market_order_trades_at_the_price_of_this_moment(tape: LiveTape) -> None:
    d = await desk(tape)
    tape.wait(10)
    tape.trade("BTCUSDT", "50500", mark="50400")
    outcome = await d.place("BUY LONG 0.1 BTCUSDT")
    assert (outcome.status, outcome.filled_quantity) == (OrderStatus.FILLED, D("0.1"))
    assert await d.fills() == [("order-1", "50510.1", "12:00:10.000")]
    assert d.book.account.wallet_balance == D(10000) - D("5051.01") * D("0.0005")
    assert (await d.account.book()).available_balance == (  # margin and profit are at the mark
        d.book.account.wallet_balance + D("0.1") * (D(50400) - D("50510.1")) - D(5040) / 5
    )


async def test_what_the_venue_refuses_is_a_value(tape: LiveTape) -> None:
    d = await desk(tape)
    for text, reason in (
        ("SELL LONG 1 BTCUSDT", "no_position_to_close"),
        ("BUY LONG 100 BTCUSDT", "margin"),
        ("SELL LONG 1 BTCUSDT STOP_MARKET 50001", "would_trigger"),
        ("BUY LONG 1 XRPUSDT", "unknown_symbol"),
        ("BUY LONG 1 SOLUSDT", "no_liquidity"),  # nobody has ever traded it
    ):
        outcome = await d.place(text)
        assert (outcome.status, outcome.message.split(":")[0]) == (OrderStatus.REFUSED, reason)


async def test_nobody_trades_with_a_market_that_stands_still(tape: LiveTape) -> None:
    d = await desk(tape)
    tape.wait(119)
    assert (await d.place("BUY LONG 0.1 BTCUSDT")).status is OrderStatus.FILLED
    tape.wait(1)
    refused = await d.place("SELL LONG 0.1 BTCUSDT")
    assert refused.message.startswith("no_liquidity")
    tape.wait(1)
    tape.trade("BTCUSDT", "50000")
    assert (await d.place("SELL LONG 0.1 BTCUSDT")).status is OrderStatus.FILLED


async def test_orders_are_found_and_cancelled_by_their_ids(tape: LiveTape) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")
    await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "stop")
    (resting,) = await d.account.resting(["BTCUSDT", "ETHUSDT"])
    assert (resting.client_order_id, resting.trigger_price) == ("stop", D(49000))
    found = await d.account.find("BTCUSDT", "stop", conditional=True)
    assert found is not None and found.status is OrderStatus.RESTING
    assert await d.account.find("BTCUSDT", "stop", conditional=False) is None
    assert await d.account.cancel("BTCUSDT", "stop", conditional=True) is True
    assert await d.account.cancel("BTCUSDT", "stop", conditional=True) is False
    assert await d.account.resting(["BTCUSDT"]) == ()


# --- stops ---------------------------------------------------------------------------------------------------------------


async def test_a_price_from_before_its_placement_triggers_no_stop(tape: LiveTape) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")
    tape.wait(10)
    tape.trade("BTCUSDT", "48000")
    tape.wait(10)
    tape.trade("BTCUSDT", "50000")
    tape.wait(1)
    assert (await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "stop")).status is OrderStatus.RESTING
    tape.wait(5)
    tape.trade("BTCUSDT", "49900")
    assert await d.look() == {"BTCUSDT LONG": "0.1"}, "the minute's low is 48000, but from before"
    tape.wait(60)
    tape.trade("BTCUSDT", "49800")
    assert await d.look() == {"BTCUSDT LONG": "0.1"}


async def test_a_stop_is_triggered_between_two_looks_though_the_price_came_back(tape: LiveTape) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")
    await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "tag-1-A-BTCUSDT-s")
    await d.place("SELL LONG 0.1 BTCUSDT TAKE_PROFIT_MARKET 51000", "tag-1-A-BTCUSDT-t")
    tape.wait(10)
    tape.trade("BTCUSDT", "48950")
    tape.wait(10)
    tape.trade("BTCUSDT", "50000")
    tape.wait(5)
    assert await d.look() == {}
    assert (await d.fills(1)) == [("tag-1-A-BTCUSDT-s", "48990.2", "12:00:24.999")]
    found = await d.account.find("BTCUSDT", "tag-1-A-BTCUSDT-s", conditional=True)
    assert found is not None and (found.status, found.filled_quantity) == (OrderStatus.FILLED, D("0.1"))


async def test_a_stop_that_a_gap_passes_trades_at_the_price_behind_it(tape: LiveTape) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")
    await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "stop")
    tape.at(NOON + 2 * MINUTE, "BTCUSDT", "45000")
    tape.wait(1)
    assert await d.look() == {}
    assert (await d.fills(1))[0][:2] == ("stop", "44991.0")


async def test_of_target_and_stop_the_one_whose_minute_came_first_trades(tape: LiveTape) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")
    await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "tag-1-A-BTCUSDT-s")
    await d.place("SELL LONG 0.1 BTCUSDT TAKE_PROFIT_MARKET 51000", "tag-1-A-BTCUSDT-t")
    tape.at(NOON + 3 * MINUTE, "BTCUSDT", "51100")
    tape.at(NOON + 5 * MINUTE, "BTCUSDT", "48000")
    await d.look()
    assert [client_id for client_id, *_ in await d.fills(1)] == ["tag-1-A-BTCUSDT-t"]


async def test_marks_alone_trigger_nothing(tape: LiveTape) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")
    await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "stop")
    tape.wait(10)
    tape.trade("BTCUSDT", "50000", mark="48000")
    assert await d.look() == {"BTCUSDT LONG": "0.1"}


# --- hours without a look ------------------------------------------------------------------------------------------------


async def test_three_hours_with_a_funding_and_a_stop_in_them_happen_in_their_order(tape: LiveTape) -> None:
    """The long is stopped at 15:20, the short pays at 16:00; the long would have paid had it been held."""
    d = await desk(tape)
    tape.at(NOON + 2.5 * HOUR, "BTCUSDT", "50000")
    await d.place("BUY LONG 0.1 BTCUSDT")
    await d.place("SELL SHORT 0.02 BTCUSDT")
    await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "stop")
    before = d.book.account.wallet_balance
    tape.at(NOON + 3 * HOUR + 20 * MINUTE + 30 * SECOND, "BTCUSDT", "48900")
    tape.at(NOON + 3.5 * HOUR, "BTCUSDT", "50000")
    tape.fund("BTCUSDT", NOON + 4 * HOUR, "-0.0001")
    tape.at(NOON + 5.5 * HOUR, "BTCUSDT", "50100")
    assert await d.look() == {"BTCUSDT SHORT": "-0.02"}
    assert await d.fills(2) == [("stop", "48890.2", "15:20:59.999")]  # the minute opened below the trigger
    fundings = [entry for entry in d.book.account.income if entry.kind is IncomeKind.FUNDING_FEE]
    assert [(entry.time, entry.amount) for entry in fundings] == [(NOON + 4 * HOUR, -D("0.02") * 50000 * D("0.0001"))]
    income = sum((entry.amount for entry in d.book.account.income), D(0))
    assert d.book.account.wallet_balance == income and income < before


async def test_a_liquidation_comes_before_the_recovery_nobody_saw(tape: LiveTape) -> None:
    d = await desk(tape, leverage=20, capital="1000")
    assert (await d.place("BUY LONG 0.35 BTCUSDT")).status is OrderStatus.FILLED
    await d.place("SELL LONG 0.35 BTCUSDT STOP_MARKET 40000", "stop")
    tape.at(NOON + 30 * MINUTE, "BTCUSDT", "46000")
    tape.at(NOON + 31 * MINUTE, "BTCUSDT", "52000")
    assert await d.look() == {}
    (closed,) = await d.fills(1)
    assert closed[0].startswith("autoclose-") and closed[1:] == ("46000.0", "12:30:59.999")
    assert await d.account.resting(["BTCUSDT"]) == () and d.book.account.wallet_balance >= 0


async def test_the_mark_liquidates_and_not_a_spike_of_the_last_price(tape: LiveTape) -> None:
    d = await desk(tape, leverage=20, capital="1000")
    await d.place("BUY LONG 0.35 BTCUSDT")
    tape.wait(5)
    tape.trade("BTCUSDT", "40000", mark="49900")
    tape.trade("BTCUSDT", "50000", mark="49900")
    tape.wait(5)
    assert await d.look() == {"BTCUSDT LONG": "0.35"}
    tape.trade("BTCUSDT", "50000", mark="45000")
    assert await d.look() == {"BTCUSDT LONG": "0.35"}, "the clock stands still: nothing lies between the looks"
    tape.wait(5)
    assert await d.look() == {}


# --- fundings ------------------------------------------------------------------------------------------------------------


async def test_a_funding_that_becomes_known_late_is_charged_once_on_what_was_held_then(tape: LiveTape) -> None:
    d = await desk(tape)
    tape.at(NOON + 3.9 * HOUR, "BTCUSDT", "50000")
    await d.place("BUY LONG 0.1 BTCUSDT")
    four = NOON + 4 * HOUR
    tape.fund("BTCUSDT", four + timedelta(milliseconds=5), "0.0001", known=four + 20 * SECOND)
    tape.at(four + 2 * SECOND, "BTCUSDT", "50000")
    assert await d.look() == {"BTCUSDT LONG": "0.1"}
    tape.wait(10)
    await d.place("SELL LONG 0.06 BTCUSDT")
    tape.wait(2)
    await d.place("SELL LONG 0.04 BTCUSDT")
    for _ in range(60):
        tape.wait(5)
        await d.look()
    fees = [(entry.time, entry.amount) for entry in d.book.account.income if entry.kind is IncomeKind.FUNDING_FEE]
    assert fees == [(four + timedelta(milliseconds=5), -D("0.1") * 50000 * D("0.0001"))]


async def test_fundings_are_asked_for_seldom(tape: LiveTape) -> None:
    d = await desk(tape)
    tape.at(NOON + 3.99 * HOUR, "BTCUSDT", "50000")
    await d.place("BUY LONG 0.1 BTCUSDT")
    tape.asked.clear()
    for _ in range(360):
        tape.wait(5)
        await d.look()
    assert tape.asked.count("fundings") == 6


# --- what a look costs ---------------------------------------------------------------------------------------------------


async def test_a_look_asks_for_what_is_held_or_ordered_and_for_nothing_else(tape: LiveTape) -> None:
    d = await desk(tape)
    tape.at(NOON + 10 * MINUTE, "BTCUSDT", "50000")
    tape.trade("ETHUSDT", "3000")
    tape.asked.clear()
    await d.look()
    assert tape.asked == ["time"]
    await d.place("BUY LONG 0.1 BTCUSDT")
    tape.wait(5)
    tape.asked.clear()
    await d.look()
    assert tape.asked == ["time", "minutes BTCUSDT"]
    tape.asked.clear()
    await d.fills()
    await d.account.resting(["BTCUSDT"])
    await d.account.find("BTCUSDT", "order-1", conditional=False)
    assert set(tape.asked) == {"time"}, "what was looked at within a second is not asked for again"
    tape.asked.clear()
    await d.place("BUY LONG 1 ETHUSDT")
    assert sorted(tape.asked) == ["minutes ETHUSDT", "time"]
    assert set(d.book.seen) == {"BTCUSDT", "ETHUSDT"}
    await d.place("SELL LONG 1 ETHUSDT")
    assert set(d.book.seen) == {"BTCUSDT"}


async def test_nothing_is_saved_where_nothing_has_changed(tape: LiveTape) -> None:
    d = await desk(tape)
    before = d.books.saves
    await d.look()
    await d.account.resting(["BTCUSDT"])
    assert d.books.saves == before


# --- a small book --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_book_stays_small_however_much_is_traded(tape: LiveTape) -> None:
    d = await desk(tape)
    sizes, cursor = [], 0
    for number in range(400):
        await d.place("BUY LONG 0.01 BTCUSDT", f"tag-{number}-A-BTCUSDT-o")
        await d.place("SELL LONG 0.01 BTCUSDT STOP_MARKET 49000", f"tag-{number}-A-BTCUSDT-s")
        await d.place("SELL LONG 0.01 BTCUSDT", f"tag-{number}-A-BTCUSDT-c")
        await d.account.cancel("BTCUSDT", f"tag-{number}-A-BTCUSDT-s", conditional=True)
        found = await d.account.fills({"BTCUSDT": cursor}, NOON, tape.now)
        assert [fill.trade_id for fill in found] == [cursor + 1, cursor + 2]
        cursor = found[-1].trade_id
        tape.wait(300)
        tape.trade("BTCUSDT", "50000")
        sizes.append(len(d.books.texts[TEST, SHARED_ACCOUNT][1]))
    assert max(sizes[320:]) <= max(sizes[:320]) * 1.01
    account = d.book.account
    assert min(trade.time for trade in account.trades) >= d.book.lived_until - TRADES_KEPT
    assert len(account.orders) <= 50 and len(account.conditionals) <= 25
    total = sum((entry.amount for entry in account.income), D(0)) + sum(d.book.past_income.values())
    assert total == account.wallet_balance
    assert len({entry.tran_id for entry in account.income}) == len(account.income)


async def test_trades_that_are_not_booked_stay_however_old_they_are_and_so_do_their_orders(tape: LiveTape) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT", "opening")
    await d.place("SELL LONG 0.1 BTCUSDT STOP_MARKET 49000", "stop")
    tape.at(NOON + HOUR, "BTCUSDT", "48000")
    assert await d.look() == {"BTCUSDT LONG": "0.1"}, "a trade on the full minute belongs to the next look"
    tape.at(NOON + 40 * HOUR, "BTCUSDT", "50000")
    assert [client_id for client_id, *_ in await d.fills()] == ["opening", "stop"]
    found = await d.account.find("BTCUSDT", "stop", conditional=True)
    assert found is not None and found.filled_quantity == D("0.1")
    assert await d.fills(2) == []
    assert d.book.account.trades == [] and d.book.account.orders == {} and d.book.account.conditionals == {}
    assert await d.account.find("BTCUSDT", "stop", conditional=True) is None


async def test_income_is_told_as_far_as_it_is_known(tape: LiveTape) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")
    tape.at(NOON + 30 * HOUR, "BTCUSDT", "50000")
    await d.place("SELL LONG 0.1 BTCUSDT")
    young = d.book.income_from
    assert young == tape.now - INCOME_KEPT
    fees = D("5001") * D("0.0005"), D("4999") * D("0.0005")
    assert await d.account.income(young, tape.now) == {"COMMISSION": -fees[1], "REALIZED_PNL": -D(2)}
    assert await d.account.income(NOON, tape.now) == {
        "TRANSFER": D(10000),
        "COMMISSION": -fees[0] - fees[1],
        "REALIZED_PNL": -D(2),
    }
    with pytest.raises(ExchangeUnavailable, match="keeps single incomes from 2025-01-01T18:00:00"):
        await d.account.income(NOON + HOUR, tape.now)


# --- what goes wrong -----------------------------------------------------------------------------------------------------


class BrokenBooks:
    def __init__(self, d: PaperDesk, *, reading: bool = False) -> None:
        self._books = d.books
        self._reading = reading

    async def load_paper_book(self, *key: str) -> tuple[int, str] | None:
        if self._reading:
            raise RecordsError("the disk is gone")
        return await self._books.load_paper_book(*key)  # type: ignore[arg-type]

    async def save_paper_book(self, *args: object) -> bool:
        raise RecordsError("the disk is full")


@pytest.mark.parametrize("reading", [True, False])
async def test_a_store_that_fails_is_a_venue_that_did_nothing(
    tape: LiveTape, monkeypatch: pytest.MonkeyPatch, reading: bool
) -> None:
    d = await desk(tape)
    account, before = d.account, dict(d.books.texts)
    monkeypatch.setattr(account, "_books", BrokenBooks(d, reading=reading))
    with pytest.raises(ExchangeUnavailable, match="the disk is"):
        await account.cancel("BTCUSDT", "x", conditional=True) if reading else await account.prepare(["BTCUSDT"], 3)
    assert d.books.texts == before


async def test_a_market_that_fails_changes_nothing(tape: LiveTape, monkeypatch: pytest.MonkeyPatch) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")
    before = dict(d.books.texts)

    async def fail(*_: object) -> None:
        raise ExchangeUnavailable("no answer")

    monkeypatch.setattr(tape, "minutes", fail)
    tape.wait(5)
    with pytest.raises(ExchangeUnavailable, match="no answer"):
        await d.place("SELL LONG 0.1 BTCUSDT")
    assert d.books.texts == before


async def test_a_clock_that_goes_back_is_another_venues(tape: LiveTape) -> None:
    d = await desk(tape)
    tape.wait(-30)
    assert await d.look() == {}, "two answers may overtake each other"
    tape.wait(-3600)
    with pytest.raises(ExchangeUnavailable, match="has lived until 2025-01-01T12:00:00"):
        await d.look()


async def test_a_symbol_that_is_listed_no_more_is_said(tape: LiveTape, monkeypatch: pytest.MonkeyPatch) -> None:
    d = await desk(tape)
    await d.place("BUY LONG 0.1 BTCUSDT")

    async def none(_: object) -> dict[str, object]:
        return {}

    monkeypatch.setattr(tape, "instruments", none)
    with pytest.raises(ExchangeUnavailable, match="BTCUSDT is in the paper account, but the venue lists it no more"):
        await d.look()


async def test_a_book_of_another_version_is_left_alone(tape: LiveTape) -> None:
    d = await desk(tape)
    version, text = d.books.texts[TEST, SHARED_ACCOUNT]
    for other in (text.replace('"format":1', '"format":2'), "nonsense"):
        d.books.texts[TEST, SHARED_ACCOUNT] = (version, other)
        with pytest.raises(ConfigurationError, match="written by another version of the arena"):
            await d.look()


async def test_hedge_mode_and_leverage_that_cannot_be_set_are_said(tape: LiveTape) -> None:
    d = await desk(tape)
    with pytest.raises(ConfigurationError, match="the paper account cannot be prepared: XRPUSDT is not listed"):
        await d.account.prepare(["XRPUSDT"], 5)
