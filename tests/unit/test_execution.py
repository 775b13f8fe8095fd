from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from arena.application import sending
from arena.application.execution import execute
from arena.domain.client_id import client_order_id
from arena.domain.competitor import SeasonId
from arena.domain.decision import Action, EntryType
from arena.domain.order import Leg, OrderOutcome, OrderStatus, Pending, PositionSide, RestingOrder
from arena.domain.plan import OrderPlan, UnitOfWork
from arena.domain.position import Position
from arena.domain.protection import Watch, protect
from tests.fakes.build import NOON, instruments, ledger, position
from tests.fakes.exchange import Answer, ScriptedExchange, filled, refused, unknown, unreachable
from tests.fakes.exchange import resting as rests
from tests.unit.test_plan import decision, plan

OLD_STOP, OLD_TARGET = (client_order_id(SeasonId("s"), 6, "A", "SOLUSDT", leg) for leg in (Leg.STOP, Leg.TARGET))
OPENING = plan(decision(target_price=Decimal(170)))


def held() -> Position:
    thesis = OPENING.entries[0].opening.thesis
    return replace(position("LONG 1 SOLUSDT @ 150"), thesis=thesis, stop_order_id=OLD_STOP, target_order_id=OLD_TARGET)


CLOSING = plan(decision(action=Action.CLOSE), book=ledger("200", held()))
SWAP = plan(decision(action=Action.CLOSE), decision("ETHUSDT"), book=ledger("200", held()))


async def test_an_opening_is_protected_at_once() -> None:
    venue = ScriptedExchange()
    done = await execute(OPENING, venue)
    assert venue.journal == ["open SOLUSDT", "stop SOLUSDT", "target SOLUSDT"]
    assert [outcome.status for outcome in done.outcomes] == [OrderStatus.FILLED, OrderStatus.RESTING, OrderStatus.RESTING]
    assert not done.unprotected


async def test_the_stop_covers_what_was_filled_not_what_was_asked() -> None:
    def half(order: object) -> object:
        return replace(filled(order), filled_quantity=Decimal("0.30"))  # type: ignore[arg-type]

    venue = ScriptedExchange(open=half)  # type: ignore[arg-type]
    await execute(OPENING, venue)
    assert [order.quantity for _, order in venue.sent] == [Decimal("0.66"), Decimal("0.30"), Decimal("0.30")]


async def test_a_refused_opening_leaves_no_orders() -> None:
    venue = ScriptedExchange(open=refused)
    done = await execute(OPENING, venue)
    assert venue.journal == ["open SOLUSDT"]
    assert done.outcomes[0].code == -2021


async def test_an_opening_of_unknown_fate_is_protected_as_if_it_had_landed() -> None:
    venue = ScriptedExchange(open=unknown)
    await execute(OPENING, venue)
    assert venue.journal == ["open SOLUSDT", "stop SOLUSDT", "target SOLUSDT"]
    assert venue.sent[1][1].quantity == Decimal("0.66")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STOP_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(sending, "TRIGGER_PAUSES", (0.0, 0.0))


@pytest.mark.parametrize(("failure", "tries"), [(refused, 1), (unreachable, 3)])
async def test_a_position_whose_stop_is_refused_is_closed_and_said(failure: Answer, tries: int) -> None:
    """A stop that could not be sent is sent again; one that was refused will be refused again."""
    for venue in [ScriptedExchange(stop=failure)]:
        done = await execute(OPENING, venue)
        assert venue.journal == ["open SOLUSDT", *["stop SOLUSDT"] * tries, "flatten SOLUSDT"]
        assert venue.sent[-1][1].quantity == Decimal("0.66")
        assert "closed again" in done.unprotected[0]
        stop_id, target_id = (OPENING.entries[0].stop.order.client_order_id, OPENING.entries[0].target.order.client_order_id)  # type: ignore[union-attr]
        assert {stop_id, target_id} <= done.gone


async def test_protection_is_cancelled_before_the_close_so_that_it_cannot_hit_anybody_else() -> None:
    venue = ScriptedExchange()
    done = await execute(CLOSING, venue)
    assert venue.journal == ["cancel SOLUSDT", "cancel SOLUSDT", "close SOLUSDT"]
    assert done.gone == {OLD_STOP, OLD_TARGET}
    assert done.replaced == {}


async def test_a_close_that_fails_leaves_the_position_with_a_new_stop() -> None:
    for failure in (refused, unreachable, unknown):
        venue = ScriptedExchange(close=failure)
        done = await execute(CLOSING, venue)
        assert venue.journal == ["cancel SOLUSDT", "cancel SOLUSDT", "close SOLUSDT", "stop SOLUSDT", "target SOLUSDT"]
        assert venue.sent[1][1].quantity == Decimal(1)
        stop_id, target_id = done.replaced["SOLUSDT", "LONG"]
        assert stop_id == venue.sent[1][1].client_order_id and target_id == venue.sent[2][1].client_order_id


async def test_nothing_is_closed_while_the_old_stop_may_still_rest() -> None:
    venue = ScriptedExchange(uncancellable=frozenset({OLD_STOP}))
    done = await execute(CLOSING, venue)
    assert "close SOLUSDT" not in venue.journal
    assert "could not be closed" in done.skipped["SOLUSDT"]
    assert OLD_STOP not in done.gone


async def test_a_stop_that_was_cancelled_in_vain_is_placed_again() -> None:
    venue = ScriptedExchange(uncancellable=frozenset({OLD_TARGET}))
    done = await execute(CLOSING, venue)
    assert venue.journal == ["cancel SOLUSDT", "stop SOLUSDT"]
    assert done.replaced["SOLUSDT", "LONG"] == (venue.sent[0][1].client_order_id, OLD_TARGET)


async def test_nothing_is_opened_when_an_exit_of_the_same_plan_failed() -> None:
    venue = ScriptedExchange(close=refused)
    done = await execute(SWAP, venue)
    assert "open ETHUSDT" not in venue.journal
    assert "ETHUSDT" in done.skipped
    assert (await execute(SWAP, ok := ScriptedExchange())).skipped == {}
    assert [leg for leg, _ in ok.sent] == [Leg.CLOSE, Leg.OPEN, Leg.STOP]


async def test_a_position_that_cannot_be_protected_is_said() -> None:
    done = await execute(CLOSING, ScriptedExchange(close=refused, stop=refused))
    assert done.unprotected == ["LLM-A's long SOLUSDT is held without a stop"]


# --- a stop that fires while its position is being closed ---------------------------------------------------------------------


def triggered(quantity: str, status: OrderStatus = OrderStatus.FILLED) -> OrderOutcome:
    return OrderOutcome(client_order_id=OLD_STOP, status=status, filled_quantity=Decimal(quantity))


async def test_what_the_stop_has_just_closed_is_not_closed_again() -> None:
    """Closing it again would close somebody else's quantity of the shared bucket."""
    venue = ScriptedExchange(found={OLD_STOP: triggered("1")})
    done = await execute(CLOSING, venue)
    assert not [leg for leg, _ in venue.sent]
    assert done.skipped == {"SOLUSDT": "its stop or target had just been filled"}


async def test_what_the_stop_has_left_is_closed() -> None:
    venue = ScriptedExchange(found={OLD_STOP: triggered("0.4")})
    await execute(CLOSING, venue)
    assert [(leg, order.quantity) for leg, order in venue.sent] == [(Leg.CLOSE, Decimal("0.6"))]


async def test_nothing_is_closed_while_the_stop_is_being_triggered() -> None:
    venue = ScriptedExchange(found={OLD_STOP: triggered("0", OrderStatus.UNKNOWN)})
    done = await execute(CLOSING, venue)
    assert Leg.CLOSE not in [leg for leg, _ in venue.sent] and "could not be closed" in done.skipped["SOLUSDT"]


async def test_a_swap_goes_on_when_the_old_position_has_just_been_stopped_out() -> None:
    venue = ScriptedExchange(found={OLD_STOP: triggered("1")})
    done = await execute(SWAP, venue)
    assert [leg for leg, _ in venue.sent] == [Leg.OPEN, Leg.STOP] and "ETHUSDT" not in done.skipped


# --- guards: positions that have lost their stop -------------------------------------------------------------------------------


def watched(*, age: timedelta = timedelta(hours=1), **positions: object) -> OrderPlan:
    unit = UnitOfWork(season_id=SeasonId("s"), cycle=7, as_of=NOON + age, sweep=12)
    book = ledger("200", replace(held(), **positions))  # type: ignore[type-var]
    watch = Watch(
        unit=unit,
        marks={"SOLUSDT": Decimal(150)},
        instruments=instruments(),
        deadline=timedelta(seconds=15),
        known=dict.fromkeys((OLD_STOP, OLD_TARGET), OPENING.entries[0].stop),
    )
    return protect(book, {}, watch)


async def test_a_lost_stop_is_placed_again_under_its_own_id() -> None:
    venue = ScriptedExchange()
    done = await execute(watched(), venue)
    assert [(leg, order.client_order_id, order.quantity) for leg, order in venue.sent] == [
        (Leg.STOP, OLD_STOP, Decimal(1)),
        (Leg.TARGET, OLD_TARGET, Decimal(1)),
    ]
    assert done.replaced == {("SOLUSDT", PositionSide.LONG): (OLD_STOP, OLD_TARGET)}
    assert "placed again" in done.unprotected[0]


async def test_a_position_that_can_have_no_stop_is_closed() -> None:
    venue = ScriptedExchange(stop=refused)
    done = await execute(watched(), venue)
    assert venue.sent[-1][0] is Leg.FLATTEN and venue.sent[-1][1].quantity == Decimal(1)
    assert "it was closed" in done.unprotected[0]


@pytest.mark.parametrize(("age", "closed"), [(timedelta(seconds=14), False), (timedelta(seconds=16), True)])
async def test_a_stop_that_is_not_confirmed_within_the_deadline_costs_the_position(age: timedelta, closed: bool) -> None:
    venue = ScriptedExchange(stop=unknown)
    await execute(watched(age=age), venue)
    assert (Leg.FLATTEN in [leg for leg, _ in venue.sent]) is closed


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.UNKNOWN])
async def test_a_stop_that_is_missing_because_it_fires_is_left_alone(status: OrderStatus) -> None:
    venue = ScriptedExchange(found={OLD_STOP: triggered("1", status)})
    done = await execute(watched(), venue)
    assert venue.sent == [] and done.replaced == {}


# --- limit entries ------------------------------------------------------------------------------------------------------------

LIMIT = plan(decision(entry_type=EntryType.LIMIT, limit_price=Decimal(144), target_price=Decimal(170)))
NAME = LIMIT.entries[0].opening.order.client_order_id
Q = LIMIT.entries[0].opening.order.quantity


def ended(quantity: str, status: OrderStatus | None = None) -> OrderOutcome:
    filled_quantity = Decimal(quantity)
    usual = OrderStatus.FILLED if filled_quantity else OrderStatus.REFUSED
    return OrderOutcome(client_order_id=NAME, status=status or usual, filled_quantity=filled_quantity)


async def test_a_limit_entry_rests_with_its_stop_and_its_target_waits() -> None:
    venue = ScriptedExchange(open=rests)
    done = await execute(LIMIT, venue)
    assert [(leg, order.quantity) for leg, order in venue.sent] == [(Leg.OPEN, Q), (Leg.STOP, Q)]
    assert not done.unprotected and not done.gone


async def test_a_limit_entry_that_is_filled_by_the_time_it_is_answered_gets_its_target_at_once() -> None:
    venue = ScriptedExchange(open=filled)
    await execute(LIMIT, venue)
    assert [leg for leg, _ in venue.sent] == [Leg.OPEN, Leg.STOP, Leg.TARGET]


async def test_a_limit_entry_that_has_ended_in_part_is_protected_for_that() -> None:
    venue = ScriptedExchange(open=lambda _: ended("0.3"))
    await execute(LIMIT, venue)
    assert [order.quantity for _, order in venue.sent] == [Q, Decimal("0.3"), Decimal("0.3")]


async def test_a_limit_entry_that_is_refused_is_not_sent_again_and_leaves_no_stop() -> None:
    venue = ScriptedExchange(open=refused)
    done = await execute(LIMIT, venue)
    assert venue.journal == ["open SOLUSDT"] and done.outcomes[0].message == "refused"


async def test_a_limit_entry_of_unknown_fate_gets_its_stop() -> None:
    venue = ScriptedExchange(open=unknown)
    await execute(LIMIT, venue)
    assert [(leg, order.quantity) for leg, order in venue.sent] == [(Leg.OPEN, Q), (Leg.STOP, Q)]


@pytest.mark.parametrize("failure", [refused, unreachable])
@pytest.mark.parametrize("quantity", ["0", "0.3", str(Q)])
async def test_a_limit_entry_whose_stop_is_refused_is_cancelled_before_what_it_has_filled_is_closed(
    failure: Answer, quantity: str
) -> None:
    venue = ScriptedExchange(open=rests, stop=failure, ends={NAME: ended(quantity)})
    done = await execute(LIMIT, venue)
    assert venue.cancelled == [NAME] and venue.journal.index("cancel SOLUSDT") < len(venue.journal) - 1
    closed = [order.quantity for leg, order in venue.sent if leg is Leg.FLATTEN]
    assert closed == ([Decimal(quantity)] if quantity != "0" else [])
    assert ("was closed again" if closed else "was not opened") in done.unprotected[0]
    assert [outcome.filled_quantity for outcome in done.outcomes if outcome.client_order_id == NAME] == [Decimal(quantity)]


async def test_nothing_is_closed_while_it_is_not_known_what_the_entry_has_filled() -> None:
    """Closing what may not be there would close somebody else's quantity; the next look finds out."""
    for venue in (
        ScriptedExchange(open=rests, stop=refused, uncancellable=frozenset({NAME})),
        ScriptedExchange(open=rests, stop=refused),
        ScriptedExchange(open=rests, stop=refused, ends={NAME: ended("0", OrderStatus.RESTING)}),
    ):
        done = await execute(LIMIT, venue)
        assert Leg.FLATTEN not in [leg for leg, _ in venue.sent]
        assert "may still be filled" in done.unprotected[0]


def entering(filled_: str = "0", stop: RestingOrder | None = None, age: timedelta = timedelta(seconds=5)) -> OrderPlan:
    """What a look plans for a competitor whose entry rests, with what it has filled."""
    entry = LIMIT.entries[0]
    assert entry.target is not None
    quantity = Decimal(filled_)
    key = ("SOLUSDT", PositionSide.LONG)
    stop_id, target_id = entry.stop.order.client_order_id, entry.target.order.client_order_id
    own = replace(position(f"LONG {filled_} SOLUSDT @ 144"), thesis=entry.opening.thesis) if quantity else None
    book = ledger("200", *([replace(own, stop_order_id=stop_id, target_order_id=target_id)] if own else []))
    watch = Watch(
        unit=UnitOfWork(season_id=SeasonId("s"), cycle=7, as_of=NOON + age, sweep=12),
        marks={"SOLUSDT": Decimal(145)},
        instruments=instruments(),
        deadline=timedelta(seconds=15),
        known={intent.order.client_order_id: intent for intent in LIMIT.intents()},
        pending={book.llm_id: {key: Pending(opening=entry.opening, filled=quantity, shown=True)}},
    )
    return protect(book, {stop.client_order_id: stop} if stop else {}, watch)


def stop_of(quantity: Decimal) -> RestingOrder:
    order = LIMIT.entries[0].stop.order
    return RestingOrder(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        position_side=order.position_side,
        order_type=order.order_type,
        quantity=quantity,
        trigger_price=order.trigger_price,
    )


def test_an_entry_that_rests_with_its_stop_needs_nothing() -> None:
    assert entering(stop=stop_of(Q)).guards == ()


def test_an_entry_that_is_filled_in_part_needs_its_target_and_keeps_the_stop_of_the_whole() -> None:
    (guard,) = entering("0.3", stop=stop_of(Q)).guards
    assert guard.stop is None and guard.cancels == ()
    assert guard.target is not None and guard.target.order.quantity == Decimal("0.3")


@pytest.mark.parametrize("filled_", ["0", "0.3"])
async def test_an_entry_that_has_lost_its_stop_gets_it_for_all_that_may_be_held(filled_: str) -> None:
    venue = ScriptedExchange()
    done = await execute(entering(filled_), venue)
    assert venue.sent[0][0] is Leg.STOP and venue.sent[0][1].quantity == Q
    assert venue.sent[0][1].client_order_id == LIMIT.entries[0].stop.order.client_order_id
    assert "placed again" in done.unprotected[0]


@pytest.mark.parametrize(("filled_", "finally_"), [("0", "0"), ("0", "0.2"), ("0.3", "0.3"), ("0.3", "0.5")])
async def test_an_entry_that_can_have_no_stop_is_cancelled_and_all_that_it_has_filled_is_closed(
    filled_: str, finally_: str
) -> None:
    """What it fills without a position in the books the next look closes: its stop is missing."""
    venue = ScriptedExchange(stop=refused, ends={NAME: ended(finally_)})
    done = await execute(entering(filled_), venue)
    assert venue.cancelled[0] == NAME
    closed = [order.quantity for leg, order in venue.sent if leg is Leg.FLATTEN]
    assert closed == ([Decimal(finally_)] if filled_ != "0" else [])
    assert "none could be placed" in done.unprotected[0]


async def test_a_position_is_kept_while_its_entry_cannot_be_cancelled() -> None:
    venue = ScriptedExchange(stop=refused, uncancellable=frozenset({NAME}))
    done = await execute(entering("0.3"), venue)
    assert Leg.FLATTEN not in [leg for leg, _ in venue.sent] and "could not be cancelled" in done.unprotected[0]
