from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from arena.application.reconcile import discrepancies, summed_positions
from arena.application.record import Discrepancy
from arena.application.settlement import Settlement, settle
from arena.domain.competitor import CompetitorId, SeasonId
from arena.domain.market import FundingRate
from arena.domain.order import Fill, Intent, Leg, PositionSide, client_order_id
from tests.fakes.build import NOON, A, fill, ledger, position
from tests.unit.test_plan import decision, plan

SEASON = SeasonId("s")
B = CompetitorId("LLM-B")
INTENTS: dict[str, Intent] = {i.order.client_order_id: i for i in plan(decision(target_price=Decimal(170))).intents()}


def order_id(leg: Leg, letter: str = "A", cycle: int = 7, symbol: str = "SOLUSDT") -> str:
    return client_order_id(SEASON, cycle, letter, symbol, leg)


def settled(
    *fills: Fill, fundings: tuple[FundingRate, ...] = (), gone: frozenset[str] = frozenset(), **books: object
) -> Settlement:
    ledgers = books or {A: ledger("200"), B: ledger("200", llm_id=B)}
    return settle(SEASON, ledgers, fills, fundings, INTENTS, {}, gone)  # type: ignore[arg-type]


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
    assert done.cursor == {"SOLUSDT": 2}


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


def test_a_stop_fill_closes_the_position_and_leaves_its_target_to_be_cancelled() -> None:
    done = settled(
        fill("BUY LONG 0.66 SOLUSDT @ 150", trade_id=1, client_order_id=order_id(Leg.OPEN)),
        fill("SELL LONG 0.66 SOLUSDT @ 135", trade_id=2, client_order_id=order_id(Leg.STOP), time=NOON + timedelta(minutes=4)),
    )
    assert done.ledgers[A].positions == {}
    assert done.orphans == (("SOLUSDT", order_id(Leg.TARGET)),)
    assert done.closed_trades[0].pnl == Decimal("-9.90")


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


def test_a_trade_of_nobodys_order_is_kept_apart_and_makes_the_books_differ() -> None:
    done = settled(fill("SELL SHORT 3 SOLUSDT @ 150", trade_id=9, client_order_id="web_manual"))
    assert [f.trade_id for f in done.foreign] == [9]
    assert all(book.positions == {} for book in done.ledgers.values())
    venue = {("SOLUSDT", PositionSide.SHORT): Decimal(-3)}
    assert discrepancies(done.ledgers.values(), venue) == (
        Discrepancy(symbol="SOLUSDT", position_side=PositionSide.SHORT, ledgers=Decimal(0), venue=Decimal(-3)),
    )


def test_books_that_agree_have_no_discrepancy() -> None:
    ledgers = [
        ledger("200", position("LONG 1 SOLUSDT @ 150")),
        ledger("200", replace(position("LONG 2 SOLUSDT @ 140"), llm_id=B), llm_id=B),
    ]
    assert discrepancies(ledgers, {("SOLUSDT", PositionSide.LONG): Decimal(3)}) == ()
    assert len(discrepancies(ledgers, {})) == 1
