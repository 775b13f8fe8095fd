from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from arena.application.ports import VenueBook
from arena.application.reconcile import discrepancies, summed_positions
from arena.application.record import BookedFill, Books, Bucket, Discrepancy, Lately, SeasonState
from arena.application.settlement import Protection, Settlement, settle
from arena.domain.client_id import client_order_id
from arena.domain.competitor import SHARED_ACCOUNT, AccountId, AccountMode, CompetitorId, Provider, SeasonId
from arena.domain.ledger import EntryKind, Ledger
from arena.domain.market import FundingRate
from arena.domain.order import Cause, Fill, Intent, Leg, OrderSide, PositionSide
from tests.fakes.build import NOON, A, fill, ledger, position
from tests.fakes.season import competitor, season
from tests.unit.test_plan import decision, plan

SEASON = SeasonId("s")
B = CompetitorId("LLM-B")
SOL_LONG: Bucket = (SHARED_ACCOUNT, "SOLUSDT", PositionSide.LONG)
SOL_SHORT: Bucket = (SHARED_ACCOUNT, "SOLUSDT", PositionSide.SHORT)
INTENTS: dict[str, Intent] = {i.order.client_order_id: i for i in plan(decision(target_price=Decimal(170))).intents()}


def venue(**held: int) -> dict[AccountId, VenueBook]:
    positions = {("SOLUSDT", PositionSide(side)): Decimal(quantity) for side, quantity in held.items()}
    return {
        SHARED_ACCOUNT: VenueBook(
            positions=positions, wallet_balance=Decimal(400), available_balance=Decimal(400), marks={}, unrealized_pnl=Decimal(0)
        )
    }


def order_id(leg: Leg, letter: str = "A", cycle: int = 7, symbol: str = "SOLUSDT") -> str:
    return client_order_id(SEASON, cycle, letter, symbol, leg)


def state(
    *ledgers: Ledger, mode: AccountMode = AccountMode.SHARED, foreign: Mapping[Bucket, Decimal] | None = None
) -> SeasonState:
    books = ledgers or (ledger("200"), ledger("200", llm_id=B))
    competitors = tuple(competitor(each.llm_id, Provider.OPENAI, "model") for each in books)
    return SeasonState(
        season=replace(season("s"), competitors=competitors, account_mode=mode),
        number=7,
        booking=3,
        books=Books(ledgers={each.llm_id: each for each in books}, foreign=foreign or {}),
        intents=INTENTS,
        settled_until=NOON,
        past={},
        news={},
        decided_at={},
    )


def settled(
    *fills: Fill, fundings: tuple[FundingRate, ...] = (), gone: frozenset[str] = frozenset(), **books: Ledger
) -> Settlement:
    return settle(state(*books.values()), {SHARED_ACCOUNT: fills}, fundings, protection=Protection(gone=gone))


def test_a_fill_goes_to_the_competitor_its_order_id_names_and_to_nobody_else() -> None:
    done = settled(
        fill("BUY LONG 0.66 SOLUSDT @ 150", trade_id=1, client_order_id=order_id(Leg.OPEN)),
        fill("SELL SHORT 0.40 SOLUSDT @ 150", trade_id=2, client_order_id=order_id(Leg.OPEN, "B")),
    )
    assert set(done.ledgers[A].positions) == {("SOLUSDT", PositionSide.LONG)}
    assert set(done.ledgers[B].positions) == {("SOLUSDT", PositionSide.SHORT)}
    assert summed_positions(done.ledgers.values()) == {
        ("SOLUSDT", PositionSide.LONG): Decimal("0.66"),
        ("SOLUSDT", PositionSide.SHORT): Decimal("-0.40"),
    }
    assert done.books.cursor == {SHARED_ACCOUNT: {"SOLUSDT": 2}}


def test_an_opening_fill_takes_leverage_thesis_and_protection_from_its_intents() -> None:
    done = settled(fill("BUY LONG 0.66 SOLUSDT @ 150", client_order_id=order_id(Leg.OPEN)))
    held = done.ledgers[A].positions["SOLUSDT", PositionSide.LONG]
    assert (held.leverage, held.stop_order_id, held.target_order_id) == (2, order_id(Leg.STOP), order_id(Leg.TARGET))
    assert held.thesis is not None and held.thesis.reason == "because"


def test_a_refused_target_does_not_count_as_protection() -> None:
    done = settled(
        fill("BUY LONG 0.66 SOLUSDT @ 150", client_order_id=order_id(Leg.OPEN)), gone=frozenset({order_id(Leg.TARGET)})
    )
    assert done.ledgers[A].positions["SOLUSDT", PositionSide.LONG].target_order_id is None


def test_a_stop_fill_closes_the_position_and_says_why() -> None:
    done = settled(
        fill("BUY LONG 0.66 SOLUSDT @ 150", trade_id=1, client_order_id=order_id(Leg.OPEN)),
        fill("SELL LONG 0.66 SOLUSDT @ 135", trade_id=2, client_order_id=order_id(Leg.STOP), time=NOON + timedelta(minutes=4)),
    )
    assert done.ledgers[A].positions == {}
    assert (done.closed_trades[0].pnl, done.closed_trades[0].cause) == (Decimal("-9.90"), Cause.STOP)
    assert [booked.cause for booked in done.fills] == [Cause.DECISION, Cause.STOP]


def test_an_orphan_that_triggers_turns_its_owners_bucket_and_nobody_elses() -> None:
    mine, yours = position("LONG 1 SOLUSDT @ 150"), position("LONG 2 SOLUSDT @ 140", llm_id=B)
    done = settled(
        fill("SELL LONG 1 SOLUSDT @ 135", trade_id=1, client_order_id=order_id(Leg.STOP)),
        fill("SELL LONG 1 SOLUSDT @ 170", trade_id=2, client_order_id=order_id(Leg.TARGET), time=NOON + timedelta(minutes=1)),
        **{A: ledger("200", mine), B: ledger("200", yours, llm_id=B)},
    )
    assert done.ledgers[B].positions["SOLUSDT", PositionSide.LONG] == yours
    assert done.ledgers[A].positions["SOLUSDT", PositionSide.LONG].overclosed
    assert summed_positions(done.ledgers.values()) == {("SOLUSDT", PositionSide.LONG): Decimal(1)}


def test_funding_is_paid_on_what_was_held_at_its_instant() -> None:
    """A fill of the same instant comes after the funding, one before it counts."""
    rate = FundingRate(symbol="SOLUSDT", time=NOON, rate=Decimal("0.0001"), mark_price=Decimal(151))
    before = fill("BUY LONG 1 SOLUSDT @ 150", trade_id=1, client_order_id=order_id(Leg.OPEN), time=NOON - timedelta(seconds=1))
    same = fill("SELL SHORT 5 SOLUSDT @ 150", trade_id=2, client_order_id=order_id(Leg.OPEN, "B"), time=NOON)
    done = settled(same, before, fundings=(rate,))
    assert [(p.llm_id, p.payment) for p in done.funding] == [(A, Decimal("0.0151"))]
    assert done.ledgers[A].wallet_balance == Decimal("199.9849")


def test_a_funding_that_becomes_known_late_is_paid_on_what_was_held_then_and_once() -> None:
    """Since it took place, A has sold all it had and B has bought; both is booked. C was charged in time."""
    rate = FundingRate(symbol="SOLUSDT", time=NOON - timedelta(minutes=2), rate=Decimal("0.0001"), mark_price=Decimal(151))
    sold = fill("SELL LONG 1 SOLUSDT @ 150", trade_id=4, client_order_id=order_id(Leg.CLOSE), time=NOON - timedelta(minutes=1))
    bought = replace(sold, trade_id=5, side=OrderSide.BUY, quantity=Decimal(3))
    yours = replace(position("LONG 3 SOLUSDT @ 150"), llm_id=B)
    third = CompetitorId("LLM-C")
    charged = replace(position("LONG 7 SOLUSDT @ 150"), llm_id=third)
    now = replace(
        state(ledger("200"), ledger("200", yours, llm_id=B), ledger("200", charged, llm_id=third)),
        lately=Lately(
            fills=tuple(
                BookedFill(fill=each, llm_id=owner, cycle=7, realized_pnl=Decimal(0)) for each, owner in ((sold, A), (bought, B))
            ),
            funded=frozenset({(third, ("SOLUSDT", PositionSide.LONG), rate.time)}),
        ),
    )
    done = settle(now, {}, (rate,))
    assert [(p.llm_id, p.signed_quantity, p.payment) for p in done.funding] == [(A, 1, Decimal("0.0151"))]
    assert done.ledgers[A].wallet_balance == Decimal("199.9849") and done.ledgers[A].positions == {}


def test_a_trade_of_nobodys_order_that_opens_is_foreign_and_explains_what_the_venue_holds() -> None:
    done = settled(fill("SELL SHORT 3 SOLUSDT @ 150", trade_id=9, client_order_id="web_manual"))
    assert [(each.account, each.fill.trade_id) for each in done.foreign] == [(SHARED_ACCOUNT, 9)]
    assert all(book.positions == {} for book in done.ledgers.values())
    assert done.books.foreign == {SOL_SHORT: Decimal(-3)}
    assert discrepancies(state().season, done.books, venue(SHORT=-3)) == ()
    assert discrepancies(state().season, done.books, venue(SHORT=-4)) == (
        Discrepancy(
            account=SHARED_ACCOUNT,
            symbol="SOLUSDT",
            position_side=PositionSide.SHORT,
            ledgers=Decimal(0),
            foreign_quantity=Decimal(-3),
            venue=Decimal(-4),
        ),
    )


def test_a_foreign_close_takes_what_is_foreign_first() -> None:
    before = state(ledger("200", position("LONG 1 SOLUSDT @ 150")), foreign={SOL_LONG: Decimal(2)})
    trade = fill("SELL LONG 2.5 SOLUSDT @ 160", client_order_id="web_manual", fee="1")
    done = settle(before, {SHARED_ACCOUNT: (trade,)}, ())
    assert done.books.foreign == {}
    assert done.ledgers[A].positions["SOLUSDT", PositionSide.LONG].signed_quantity == Decimal("0.5")
    (booked,) = done.fills
    assert (booked.fill.quantity, booked.fill.fee, booked.cause) == (Decimal("0.5"), Decimal("0.2"), Cause.MANUAL)


@pytest.mark.parametrize(
    ("client_id", "cause"),
    [
        ("autoclose-1760131200000", Cause.LIQUIDATION),
        ("adl_autoclose", Cause.ADL),
        ("settlement_autoclose-1", Cause.DELIVERY),
        ("arena-shutdown-1", Cause.SHUTDOWN),
        ("web_manual", Cause.MANUAL),
    ],
)
def test_what_the_venue_or_the_exit_closes_is_taken_from_the_holders_in_proportion(client_id: str, cause: Cause) -> None:
    books = {
        A: ledger("200", position("LONG 3 SOLUSDT @ 150")),
        B: ledger("200", position("LONG 1 SOLUSDT @ 140", llm_id=B), llm_id=B),
    }
    trade = fill("SELL LONG 2 SOLUSDT @ 145", client_order_id=client_id, fee="0.3")
    done = settled(trade, **books)
    held = {llm_id: book.positions["SOLUSDT", PositionSide.LONG].signed_quantity for llm_id, book in done.ledgers.items()}
    assert held == {A: Decimal(1), B: Decimal(1)}, "1.5 and 0.5 are no whole steps; who has most left gives the rest"
    assert sum(booked.fill.quantity for booked in done.fills) == Decimal(2)
    assert sum(booked.fill.fee for booked in done.fills) == Decimal("0.3")
    assert {booked.cause for booked in done.fills} == {cause}
    everything = settled(fill("SELL LONG 4 SOLUSDT @ 145", client_order_id=client_id), **books)
    assert all(book.positions == {} for book in everything.ledgers.values())
    assert [trade.cause for trade in everything.closed_trades] == [cause, cause]


def test_nobody_loses_more_than_an_account_of_its_own_could() -> None:
    """A stop that gaps through the whole capital: the flat wallet ends at zero, and the entry says what covered the rest."""
    done = settled(
        fill("BUY LONG 5 SOLUSDT @ 150", trade_id=1, client_order_id=order_id(Leg.OPEN), fee="0.4"),
        fill(
            "SELL LONG 5 SOLUSDT @ 84",
            trade_id=2,
            client_order_id=order_id(Leg.STOP),
            fee="0.2",
            time=NOON + timedelta(minutes=4),
        ),
    )
    mine = done.ledgers[A]
    assert (mine.wallet_balance, mine.insurance, mine.realized_pnl) == (Decimal(0), Decimal("130.6"), Decimal(-330))
    assert mine.wallet_balance == mine.capital + mine.realized_pnl - mine.fees - mine.funding + mine.insurance
    assert [(e.kind, e.amount, e.balance) for e in done.entries][-1] == (EntryKind.INSURANCE, Decimal("130.6"), Decimal(0))
    assert done.ledgers[B].wallet_balance == Decimal(200)


def test_with_accounts_of_their_own_nobody_touches_anothers() -> None:
    """The same trade id in two accounts is two trades; an order with another's name in one's own account is nobody's."""
    own = {AccountId(A): (fill("BUY LONG 1 SOLUSDT @ 150", client_order_id=order_id(Leg.OPEN)),)}
    own[AccountId(B)] = (
        fill("SELL SHORT 1 SOLUSDT @ 150", client_order_id=order_id(Leg.OPEN, "B")),
        fill("BUY LONG 2 SOLUSDT @ 150", trade_id=2, client_order_id=order_id(Leg.OPEN, "A")),
    )
    done = settle(state(mode=AccountMode.SEPARATE), own, ())
    assert set(done.ledgers[A].positions) == {("SOLUSDT", PositionSide.LONG)}
    assert set(done.ledgers[B].positions) == {("SOLUSDT", PositionSide.SHORT)}
    assert done.books.foreign == {(AccountId(B), "SOLUSDT", PositionSide.LONG): Decimal(2)}
    assert done.books.cursor == {A: {"SOLUSDT": 1}, B: {"SOLUSDT": 2}}


def test_two_orders_that_trade_with_each_other_are_two_fills() -> None:
    """The venue gives both sides of a trade one id."""
    buy = fill("BUY LONG 1 SOLUSDT @ 150", trade_id=5, client_order_id=order_id(Leg.OPEN))
    sell = replace(fill("SELL SHORT 1 SOLUSDT @ 150", trade_id=5, client_order_id=order_id(Leg.CLOSE)), exchange_order_id="6")
    done = settled(buy, sell)
    assert len({(entry.kind, entry.symbol, entry.reference) for entry in done.entries}) == len(done.entries) == 2


def test_books_that_agree_have_no_discrepancy() -> None:
    before = state(
        ledger("200", position("LONG 1 SOLUSDT @ 150")),
        ledger("200", replace(position("LONG 2 SOLUSDT @ 140"), llm_id=B), llm_id=B),
    )
    assert discrepancies(before.season, before.books, venue(LONG=3)) == ()
    assert len(discrepancies(before.season, before.books, venue())) == 1
