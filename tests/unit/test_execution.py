from dataclasses import replace
from decimal import Decimal

from arena.application.execution import execute
from arena.domain.decision import Action
from arena.domain.order import Leg, OrderStatus
from tests.fakes.build import ledger, position
from tests.fakes.exchange import ScriptedExchange, refused, unknown, unreachable
from tests.unit.test_plan import decision, plan

OPENING = plan(decision(target_price=Decimal(170)))


def held() -> object:
    thesis = OPENING.entries[0].opening.thesis
    return replace(position("LONG 1 SOLUSDT @ 150"), thesis=thesis, stop_order_id="old-stop", target_order_id="old-target")


CLOSING = plan(decision(action=Action.CLOSE), book=ledger("200", held()))  # type: ignore[arg-type]
SWAP = plan(decision(action=Action.CLOSE), decision("ETHUSDT"), book=ledger("200", held()))  # type: ignore[arg-type]


async def test_an_opening_is_protected_at_once() -> None:
    venue = ScriptedExchange()
    done = await execute(OPENING, venue)
    assert venue.journal == ["open SOLUSDT", "stop SOLUSDT", "target SOLUSDT"]
    assert [outcome.status for outcome in done.outcomes] == [OrderStatus.FILLED, OrderStatus.RESTING, OrderStatus.RESTING]
    assert not done.unprotected


async def test_the_stop_covers_what_was_filled_not_what_was_asked() -> None:
    def half(order: object) -> object:
        from tests.fakes.exchange import filled

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


async def test_a_position_whose_stop_is_refused_is_closed_and_said() -> None:
    for failure in (refused, unreachable):
        venue = ScriptedExchange(stop=failure)
        done = await execute(OPENING, venue)
        assert venue.journal == ["open SOLUSDT", "stop SOLUSDT", "flatten SOLUSDT"]
        assert venue.sent[-1][1].quantity == Decimal("0.66")
        assert "closed again" in done.unprotected[0]
        stop_id, target_id = (OPENING.entries[0].stop.order.client_order_id, OPENING.entries[0].target.order.client_order_id)  # type: ignore[union-attr]
        assert {stop_id, target_id} <= done.gone


async def test_protection_is_cancelled_before_the_close_so_that_it_cannot_hit_anybody_else() -> None:
    venue = ScriptedExchange()
    done = await execute(CLOSING, venue)
    assert venue.journal == ["cancel SOLUSDT", "cancel SOLUSDT", "close SOLUSDT"]
    assert done.gone == {"old-stop", "old-target"}
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
    venue = ScriptedExchange(uncancellable=frozenset({"old-stop"}))
    done = await execute(CLOSING, venue)
    assert "close SOLUSDT" not in venue.journal
    assert "could not be closed" in done.skipped["SOLUSDT"]
    assert "old-stop" not in done.gone


async def test_a_stop_that_was_cancelled_in_vain_is_placed_again() -> None:
    venue = ScriptedExchange(uncancellable=frozenset({"old-target"}))
    done = await execute(CLOSING, venue)
    assert venue.journal == ["cancel SOLUSDT", "stop SOLUSDT"]
    assert done.replaced["SOLUSDT", "LONG"] == (venue.sent[0][1].client_order_id, "old-target")


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
