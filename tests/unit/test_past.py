"""What a turn is told as, in one line."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from arena.application.past import LONGEST_ERROR, average_price, came_of, retold, summary
from arena.application.record import BookedFill, Turn
from arena.domain.competitor import SeasonId
from arena.domain.decision import Action, Answer, Decision, EntryType, InvalidDecision, NoAnswer, SymbolDecision
from arena.domain.order import Fill, Intent, OrderOutcome, OrderStatus
from arena.domain.plan import Desk, OrderPlan
from arena.domain.planning import flatten, plan_orders
from tests.fakes.build import NOON, A, fill, instruments, ledger, position, snapshot
from tests.fakes.season import LIMITS

DESK = Desk(
    season_id=SeasonId("s"),
    cycle=4,
    as_of=NOON,
    snapshot=snapshot(BTCUSDT="93500.1", ETHUSDT="3350"),
    instruments=instruments(),
    limits=LIMITS,
)


def wish(action: Action, symbol: str = "BTCUSDT", size: int = 60, leverage: int = 4, stop: str = "92000") -> SymbolDecision:
    return SymbolDecision(
        symbol=symbol,
        action=action,
        size_percent=size,
        leverage=leverage,
        stop_price=Decimal(stop),
        target_price=None,
        confidence=60,
        invalidation="",
        reason="",
    )


def turn(answer: Answer, plan: OrderPlan | None = None, **changes: object) -> Turn:
    plain = Turn(llm_id=A, account_prompt="", answer=answer, calls=(), plan=plan)
    return replace(plain, **changes)


def opening(wanted: SymbolDecision) -> tuple[Turn, Intent]:
    decision = Decision(symbols=(wanted,))
    plan = plan_orders(decision, ledger(), DESK)
    return turn(decision, plan), plan.entries[0].opening


def booked(text: str, intent: Intent, trade_id: int = 1) -> BookedFill:
    own: Fill = fill(text, client_order_id=intent.order.client_order_id, trade_id=trade_id)
    return BookedFill(fill=own, llm_id=A, cycle=4, realized_pnl=Decimal(0))


def outcome(intent: Intent, status: OrderStatus, **changes: object) -> OrderOutcome:
    return replace(OrderOutcome(client_order_id=intent.order.client_order_id, status=status), **changes)


def test_a_filled_opening() -> None:
    told, intent = opening(wish(Action.OPEN_LONG))
    done = replace(told, answer=Decision(symbols=(wish(Action.OPEN_LONG), wish(Action.HOLD, "ETHUSDT"))))
    fills = [booked("BUY LONG 0.003 BTCUSDT @ 93500.1", intent), booked("BUY LONG 0.001 BTCUSDT @ 93500.1", intent, 2)]
    assert summary(done, fills) == "open_long BTCUSDT 60 % at 4x: filled 0.004 at 93500.1; ETHUSDT hold"


def test_several_prices_are_one_average() -> None:
    _, intent = opening(wish(Action.OPEN_LONG))
    fills = [booked("BUY LONG 0.003 BTCUSDT @ 93500.1", intent).fill, booked("BUY LONG 0.001 BTCUSDT @ 93501.1", intent).fill]
    assert average_price(fills) == Decimal("93500.350")


@pytest.mark.parametrize(
    ("status", "changes", "words"),
    [
        (OrderStatus.FILLED, {"filled_quantity": Decimal("0.0040")}, "filled 0.004"),
        (
            OrderStatus.REFUSED,
            {"code": -2019, "message": "Margin is\ninsufficient."},
            "refused by the venue: Margin is insufficient.",
        ),
        (OrderStatus.REFUSED, {"code": -2019}, "refused by the venue: -2019"),
        (OrderStatus.UNKNOWN, {}, "the venue did not say whether it was filled"),
        (OrderStatus.RESTING, {}, "resting at the venue"),
    ],
)
def test_what_the_venue_said(status: OrderStatus, changes: dict[str, object], words: str) -> None:
    told, intent = opening(wish(Action.OPEN_LONG))
    assert came_of(wish(Action.OPEN_LONG), replace(told, outcomes=(outcome(intent, status, **changes),)), []) == words


def test_a_rejection_says_why() -> None:
    decision = Decision(symbols=(wish(Action.OPEN_LONG, leverage=9), wish(Action.CLOSE, "ETHUSDT")))
    told = turn(decision, plan_orders(decision, ledger(), DESK))
    assert summary(told, []) == (
        "open_long BTCUSDT 60 % at 9x: rejected: leverage 9 is outside 1 to 5; "
        "close ETHUSDT: rejected: there is no position in ETHUSDT"
    )


def test_what_was_not_sent_says_why() -> None:
    told, _ = opening(wish(Action.OPEN_LONG))
    assert "not sent: an exit failed" in summary(replace(told, skipped={"BTCUSDT": "an exit failed"}), [])
    assert summary(told, []).endswith(": nothing was sent")


LIMIT = replace(wish(Action.OPEN_LONG), entry_type=EntryType.LIMIT, limit_price=Decimal("93000.0"))
TOLD = "open_long BTCUSDT 60 % at 4x, limit 93000: "


@pytest.mark.parametrize(
    ("fills", "words"),
    [
        ([], "not filled, expired"),
        (["BUY LONG 0.005 BTCUSDT @ 93000"], "filled 0.005 at 93000"),
        (
            ["BUY LONG 0.001 BTCUSDT @ 93000", "BUY LONG 0.002 BTCUSDT @ 93000"],
            "filled 0.003 of 0.005 at 93000, the rest expired",
        ),
    ],
)
@pytest.mark.parametrize("status", [OrderStatus.RESTING, OrderStatus.UNKNOWN])
@pytest.mark.parametrize("known", [0, 1])
def test_what_has_become_of_a_limit_order_is_told_once_it_has_ended(
    fills: list[str], words: str, status: OrderStatus, known: int
) -> None:
    """Some of it may have been filled when the turn was booked."""
    told, intent = opening(LIMIT)
    assert intent.order.quantity == Decimal("0.005")
    both = replace(told, answer=Decision(symbols=(wish(Action.HOLD, "ETHUSDT"), LIMIT)), outcomes=(outcome(intent, status),))
    own = [booked(text, intent, number) for number, text in enumerate(fills)]
    first = summary(both, own[:known])
    assert first.startswith(f"ETHUSDT hold; {TOLD}")
    whole = own[:known] and own[0].fill.quantity == intent.order.quantity
    assert first.endswith("rests until the next round") or whole
    assert retold(first, intent.order, [each.fill for each in own]) == f"ETHUSDT hold; {TOLD}{words}"


def test_a_summary_is_retold_of_its_own_symbol_only() -> None:
    _, intent = opening(LIMIT)
    others = "open_long BTCDOMUSDT 5 % at 1x, limit 3: rests until the next round; close BTCUSDT: filled 1 at 2"
    assert retold(others, intent.order, []) == others


def test_a_limit_order_that_was_cancelled_for_want_of_a_stop() -> None:
    told, intent = opening(LIMIT)
    assert told.plan is not None
    ended = (outcome(told.plan.entries[0].stop, OrderStatus.REFUSED), outcome(intent, OrderStatus.REFUSED, message="CANCELED"))
    assert came_of(LIMIT, replace(told, outcomes=ended), []) == "cancelled because the venue refused its stop"
    refused = (outcome(intent, OrderStatus.REFUSED, message="Post Only"),)
    assert came_of(LIMIT, replace(told, outcomes=refused), []) == "refused by the venue: Post Only"


def test_an_entry_taken_back() -> None:
    told, intent = opening(wish(Action.OPEN_LONG))
    assert told.plan is not None
    back = told.plan.entries[0].fallback
    fills = [booked("BUY LONG 0.005 BTCUSDT @ 93500.1", intent), booked("SELL LONG 0.005 BTCUSDT @ 93499", back, 2)]
    assert came_of(wish(Action.OPEN_LONG), told, fills) == (
        "filled 0.005 at 93500.1, closed again because the venue refused its stop: filled 0.005 at 93499"
    )


def test_a_cut_size_is_said() -> None:
    wanted = wish(Action.OPEN_LONG, size=100, leverage=5)
    told, intent = opening(wanted)
    words = came_of(wanted, told, [booked("BUY LONG 0.008 BTCUSDT @ 93500.1", intent)])
    assert words == f"size cut to {intent.order.quantity}: the margin limits allow no more, filled 0.008 at 93500.1"


def test_failures_are_told_as_failures() -> None:
    assert summary(turn(InvalidDecision(error="not\nJSON")), []) == "invalid answer: not JSON; nothing was done"
    assert summary(turn(NoAnswer(kind="timeout", error="90 s")), []) == "no answer (timeout): 90 s; nothing was done"
    long = summary(turn(InvalidDecision(error="x" * 5000)), [])
    assert len(long) < LONGEST_ERROR + 60
    assert "…" in long


def test_saying_nothing_is_holding_everything() -> None:
    assert summary(turn(Decision(symbols=())), []) == "held everything"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NoAnswer(kind="liquidated", error="margin ratio 1"), "no answer (liquidated): margin ratio 1"),
        (Decision(symbols=(wish(Action.HOLD),)), "BTCUSDT hold"),
    ],
)
def test_what_the_arena_closed_is_told(answer: Answer, words: str) -> None:
    leaving = flatten(position("LONG 0.004 BTCUSDT @ 90000"), DESK)
    told = turn(answer, OrderPlan(llm_id=A, exits=(leaving,)))
    fills = [booked("SELL LONG 0.004 BTCUSDT @ 93500", leaving.closing)]
    assert summary(told, fills) == f"{words}; BTCUSDT closed by the arena: filled 0.004 at 93500"


def test_an_asked_for_close_is_told_once() -> None:
    leaving = flatten(position("LONG 0.004 BTCUSDT @ 90000"), DESK)
    told = turn(Decision(symbols=(wish(Action.CLOSE),)), OrderPlan(llm_id=A, exits=(leaving,)))
    fills = [booked("SELL LONG 0.004 BTCUSDT @ 93500", leaving.closing)]
    assert summary(told, fills) == "close BTCUSDT: filled 0.004 at 93500"
