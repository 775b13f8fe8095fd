from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from arena.domain.competitor import SeasonId
from arena.domain.decision import Action, Decision, SymbolDecision
from arena.domain.ledger import Ledger
from arena.domain.market import MarketSnapshot
from arena.domain.order import OrderSide, OrderType
from arena.domain.plan import Desk, OrderPlan
from arena.domain.planning import plan_orders
from arena.domain.risk import Limits, RejectionReason
from tests.fakes.build import NOON, instruments, ledger, market, position, snapshot

LIMITS = Limits(max_leverage=5, max_open_positions=2, max_margin_usage=Decimal("0.80"), stale_after=timedelta(minutes=10))
PRICES = {"BTCUSDT": "60000", "ETHUSDT": "3000", "SOLUSDT": "150", "DOGEUSDT": "0.2"}


def decision(symbol: str = "SOLUSDT", action: Action = Action.OPEN_LONG, **changes: object) -> SymbolDecision:
    stop = {Action.OPEN_LONG: "0.9", Action.OPEN_SHORT: "1.1"}.get(action)
    usual = SymbolDecision(
        symbol=symbol,
        action=action,
        size_percent=25,
        leverage=2,
        stop_price=Decimal(PRICES.get(symbol, "1")) * Decimal(stop) if stop else None,
        target_price=None,
        confidence=60,
        invalidation="below the low",
        reason="because",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def plan(
    *parts: SymbolDecision,
    book: Ledger | None = None,
    seen: MarketSnapshot | None = None,
    limits: Limits = LIMITS,
    available: Decimal | None = None,
    stops: Mapping[str, Decimal] | None = None,
    actions: Collection[Action] = frozenset(Action),
) -> OrderPlan:
    desk = Desk(
        season_id=SeasonId("s"),
        cycle=7,
        as_of=NOON,
        snapshot=seen or snapshot(**PRICES),
        instruments=instruments(),
        limits=limits,
        actions=actions,
        default_stops=stops or {},
    )
    return plan_orders(Decision(symbols=parts), book or ledger("200"), desk, available)


def reason(made: OrderPlan) -> RejectionReason:
    assert made.entries == () and made.exits == ()
    return made.rejections[0].reason


def test_an_opening_is_sized_from_equity_and_comes_with_its_stop() -> None:
    made = plan(decision(target_price=Decimal("170")))
    entry = made.entries[0]
    assert entry.opening.order.quantity == Decimal("0.66")  # 25 % of 200 at leverage 2, over 150, cut to the step
    assert (entry.opening.order.side, entry.opening.order.order_type) == (OrderSide.BUY, OrderType.MARKET)
    assert (entry.stop.order.side, entry.stop.order.trigger_price) == (OrderSide.SELL, Decimal("135"))
    assert entry.target is not None and entry.target.order.trigger_price == Decimal("170")
    assert entry.stop.order.quantity == entry.fallback.order.quantity == Decimal("0.66")
    assert entry.opening.thesis is not None and entry.opening.thesis.invalidation == "below the low"


def test_every_order_of_a_plan_has_an_id_of_its_own() -> None:
    made = plan(decision(target_price=Decimal(170)), decision("ETHUSDT", Action.OPEN_SHORT))
    ids = [intent.order.client_order_id for intent in made.intents()]
    assert len(set(ids)) == len(ids) == 7


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (decision("PEPEUSDT"), RejectionReason.UNKNOWN_SYMBOL),
        (decision(leverage=6), RejectionReason.LEVERAGE),
        (decision(leverage=0), RejectionReason.LEVERAGE),
        (decision(stop_price=None), RejectionReason.STOP_MISSING),
        (decision(stop_price=Decimal(0)), RejectionReason.STOP_MISSING),
        (decision(stop_price=Decimal(151)), RejectionReason.STOP_SIDE),
        (decision(stop_price=Decimal(150)), RejectionReason.STOP_SIDE),
        (decision(action=Action.OPEN_SHORT, stop_price=Decimal(149)), RejectionReason.STOP_SIDE),
        (decision(target_price=Decimal(149)), RejectionReason.TARGET_SIDE),
        (decision(action=Action.OPEN_SHORT, target_price=Decimal(151)), RejectionReason.TARGET_SIDE),
        (decision("BTCUSDT", size_percent=10, leverage=2), RejectionReason.MIN_NOTIONAL),
        (decision(size_percent=0), RejectionReason.MIN_NOTIONAL),
        (decision(action=Action.CLOSE), RejectionReason.NO_POSITION),
        (decision(action=Action.REDUCE, size_percent=50), RejectionReason.NO_POSITION),
    ],
)
def test_what_is_not_accepted_says_why(part: SymbolDecision, expected: RejectionReason) -> None:
    assert reason(plan(part)) is expected


def test_a_stop_between_last_and_mark_price_is_on_the_wrong_side_of_one_of_them() -> None:
    seen = MarketSnapshot(as_of=NOON, symbols={"SOLUSDT": market("SOLUSDT", "150", mark="148")})
    assert reason(plan(decision(stop_price=Decimal(149)), seen=seen)) is RejectionReason.STOP_SIDE


def test_missing_and_stale_data_are_not_traded_on_but_can_be_left() -> None:
    held = ledger("200", position("LONG 1 SOLUSDT @ 140"))
    gone = MarketSnapshot(as_of=NOON, symbols={}, missing={"SOLUSDT": "timeout"})
    old = MarketSnapshot(as_of=NOON + timedelta(minutes=11), symbols={"SOLUSDT": market("SOLUSDT", "150")})
    halted = MarketSnapshot(as_of=NOON, symbols={"SOLUSDT": market("SOLUSDT", "150", volume="0")})
    assert reason(plan(decision(), seen=gone)) is RejectionReason.MISSING_DATA
    assert reason(plan(decision(), seen=old)) is RejectionReason.STALE_DATA
    assert reason(plan(decision(), seen=halted)) is RejectionReason.STALE_DATA
    for seen in (gone, old, halted):
        assert plan(decision(action=Action.CLOSE), book=held, seen=seen).exits[0].closing.order.quantity == Decimal(1)


def test_without_a_stop_the_playbooks_default_lies_below_a_long_and_above_a_short() -> None:
    seen = replace(snapshot(**PRICES), symbols={"SOLUSDT": market("SOLUSDT", "150.00", mark="150.10")})
    stops = {"SOLUSDT": Decimal("4.55")}
    for action, at in ((Action.OPEN_LONG, "145.45"), (Action.OPEN_SHORT, "154.65")):
        (entry,) = plan(decision(action=action, stop_price=None), seen=seen, stops=stops).entries
        assert entry.stop.order.trigger_price == Decimal(at)
        assert entry.opening.thesis is not None and entry.opening.thesis.stop_price == Decimal(at), "a lost stop is placed again"
    assert reason(plan(decision(stop_price=None), seen=seen)) is RejectionReason.STOP_MISSING
    named = plan(decision(stop_price=Decimal(140)), seen=seen, stops=stops).entries[0]
    assert named.stop.order.trigger_price == 140


def test_what_the_playbook_does_not_allow_is_rejected_by_name() -> None:
    made = plan(
        decision(action=Action.OPEN_SHORT),
        decision("DOGEUSDT", Action.CLOSE),
        book=ledger("200", position("LONG 100 DOGEUSDT @ 0.2")),
        actions=frozenset({Action.OPEN_LONG, Action.CLOSE, Action.HOLD}),
    )
    assert [(r.reason, r.symbol) for r in made.rejections] == [(RejectionReason.NOT_IN_PLAYBOOK, "SOLUSDT")]
    assert "open_short" in made.rejections[0].detail and made.entries == () and len(made.exits) == 1


def test_a_second_opening_of_the_same_symbol_is_refused() -> None:
    held = ledger("200", position("LONG 0.1 SOLUSDT @ 150"))
    assert reason(plan(decision(), book=held)) is RejectionReason.ALREADY_OPEN


def test_open_positions_are_limited_and_a_planned_close_makes_room() -> None:
    held = ledger("200", position("LONG 0.1 SOLUSDT @ 150"), position("LONG 100 DOGEUSDT @ 0.2"))
    assert reason(plan(decision("ETHUSDT"), book=held)) is RejectionReason.OPEN_POSITIONS
    swapped = plan(decision("ETHUSDT"), decision(action=Action.CLOSE), book=held)
    assert len(swapped.exits) == len(swapped.entries) == 1


def test_free_margin_exceeds_the_required_margin_times_its_buffer() -> None:
    roomy = replace(LIMITS, max_margin_usage=Decimal(1))
    made = plan(decision(size_percent=100, leverage=1), limits=roomy)
    required = made.entries[0].opening.order.quantity * 150
    assert required * Decimal("1.2") < Decimal(200) <= (required + Decimal("1.5")) * Decimal("1.2")
    assert "cut" in made.notes["SOLUSDT"]


def test_margin_usage_is_bounded_over_all_positions() -> None:
    made = plan(decision(size_percent=30, leverage=1), decision("ETHUSDT", size_percent=70, leverage=1))
    used = sum(e.opening.order.quantity * Decimal(PRICES[e.opening.order.symbol]) for e in made.entries)
    assert Decimal(156) < used <= Decimal(160)


def test_a_bankrupt_competitor_opens_nothing() -> None:
    assert reason(plan(decision(), book=ledger("1"))) is RejectionReason.MIN_NOTIONAL
    broke = ledger("10", position("LONG 1 SOLUSDT @ 165"))
    assert reason(plan(decision("ETHUSDT"), book=broke)) is RejectionReason.MARGIN


def test_the_shared_account_bounds_a_plan_too() -> None:
    assert plan(decision(), available=Decimal(60)).entries[0].opening.order.quantity == Decimal("0.66")
    assert plan(decision(), available=Decimal(24)).entries[0].opening.order.quantity == Decimal("0.26")
    assert reason(plan(decision(), available=Decimal(1))) is RejectionReason.MARGIN


def test_reducing_keeps_the_rest_protected() -> None:
    thesis = plan(decision(target_price=Decimal(170))).entries[0].opening.thesis
    held = replace(position("LONG 1 SOLUSDT @ 150"), thesis=thesis, stop_order_id="old-stop", target_order_id="old-target")
    made = plan(decision(action=Action.REDUCE, size_percent=30), book=ledger("200", held)).exits[0]
    assert made.cancels == ("old-stop", "old-target")
    assert (made.closing.order.quantity, made.remaining) == (Decimal("0.3"), Decimal("0.7"))
    assert made.closing.order.side is OrderSide.SELL
    assert made.stop is not None and made.stop.order.quantity == Decimal("0.7")
    assert made.target is not None and made.target.order.trigger_price == Decimal(170)


def test_hold_does_nothing() -> None:
    made = plan(decision(action=Action.HOLD))
    assert (made.exits, made.entries, made.rejections) == ((), (), ())
