from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from arena.domain.competitor import SeasonId
from arena.domain.decision import Action, Decision, EntryType, SymbolDecision
from arena.domain.ledger import Ledger, PositionKey
from arena.domain.market import MarketSnapshot
from arena.domain.order import OrderSide, OrderType, Pending, PositionSide
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
    entries: Collection[EntryType] = frozenset(EntryType),
) -> OrderPlan:
    desk = Desk(
        season_id=SeasonId("s"),
        cycle=7,
        as_of=NOON,
        snapshot=seen or snapshot(**PRICES),
        instruments=instruments(),
        limits=limits,
        actions=actions,
        entry_types=entries,
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


def test_the_default_stop_of_a_limit_entry_lies_beyond_its_limit() -> None:
    wanted = decision(stop_price=None, entry_type=EntryType.LIMIT, limit_price=Decimal("149.00"))
    (entry,) = plan(wanted, stops={"SOLUSDT": Decimal("4.55")}).entries
    assert entry.stop.order.trigger_price == Decimal("144.45")


def test_an_entry_that_the_playbook_does_not_know_is_rejected() -> None:
    made = plan(decision(), entries=frozenset({EntryType.LIMIT}))
    assert reason(made) is RejectionReason.NOT_IN_PLAYBOOK and "an opening by market" in made.rejections[0].detail


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


# --- limit entries ------------------------------------------------------------------------------------------------------------


def limit(price: str, **changes: object) -> SymbolDecision:
    return decision(entry_type=EntryType.LIMIT, limit_price=Decimal(price), **changes)


def test_a_limit_entry_is_sized_at_its_price_on_the_tick_and_comes_with_its_stop() -> None:
    entry = plan(limit("144.004", target_price=Decimal(147))).entries[0]
    order = entry.opening.order
    assert (order.order_type, order.price, order.side) == (OrderType.LIMIT, Decimal("144.00"), OrderSide.BUY)
    assert order.quantity == Decimal("0.69"), "25 % of 200 at leverage 2, over 144"
    assert order.client_order_id.endswith("-7-A-SOLUSDT-o")
    assert entry.stop.order.quantity == entry.fallback.order.quantity == order.quantity
    assert entry.target is not None and entry.target.order.trigger_price == 147, "below the price of now, above the limit"
    short = plan(limit("156", action=Action.OPEN_SHORT, stop_price=Decimal(165))).entries[0].opening.order
    assert (short.side, short.price, short.quantity) == (OrderSide.SELL, Decimal(156), Decimal("0.64"))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (limit("150"), RejectionReason.LIMIT_PRICE),  # it would take
        (limit("150.004"), RejectionReason.LIMIT_PRICE),
        (limit("149.996"), RejectionReason.LIMIT_PRICE),  # at the tick it is the price
        (limit("0"), RejectionReason.LIMIT_PRICE),
        (limit("0.004"), RejectionReason.LIMIT_PRICE),
        (limit("150", action=Action.OPEN_SHORT), RejectionReason.LIMIT_PRICE),
        (limit("149", action=Action.OPEN_SHORT), RejectionReason.LIMIT_PRICE),
        (limit("140", stop_price=Decimal(140)), RejectionReason.STOP_SIDE),
        (limit("140", stop_price=Decimal(145)), RejectionReason.STOP_SIDE),
        (limit("160", action=Action.OPEN_SHORT, stop_price=Decimal(155)), RejectionReason.STOP_SIDE),
        (limit("140", target_price=Decimal(140)), RejectionReason.TARGET_SIDE),
        (limit("160", action=Action.OPEN_SHORT, target_price=Decimal(160)), RejectionReason.TARGET_SIDE),
        (limit("140", size_percent=1, leverage=1), RejectionReason.MIN_NOTIONAL),
        (limit("140", stop_price=None), RejectionReason.STOP_MISSING),
    ],
)
def test_a_limit_entry_that_is_not_accepted_says_why(part: SymbolDecision, expected: RejectionReason) -> None:
    assert reason(plan(part)) is expected


def test_a_limit_too_far_beyond_the_mark_is_not_sent() -> None:
    seen = MarketSnapshot(as_of=NOON, symbols={"SOLUSDT": market("SOLUSDT", "150", mark="140")})
    rejected = plan(limit("149", stop_price=Decimal(120)), seen=seen)
    assert reason(rejected) is RejectionReason.LIMIT_PRICE and "too far beyond the mark" in rejected.rejections[0].detail
    assert plan(limit("146", stop_price=Decimal(120)), seen=seen).entries


def test_the_smallest_notional_counts_at_the_limit_price() -> None:
    """5 USDT: 0.04 SOL are enough at 150, and not at 120."""
    small = {"size_percent": 3, "leverage": 1}
    assert plan(decision(**small)).entries[0].opening.order.quantity * 150 == 6
    assert plan(limit("126", stop_price=Decimal(100), **small)).entries[0].opening.order.quantity == Decimal("0.04")
    assert reason(plan(limit("124", stop_price=Decimal(100), size_percent=2, leverage=1))) is RejectionReason.MIN_NOTIONAL


def test_a_limit_entry_costs_the_makers_fee_and_takes_its_part_of_the_room() -> None:
    roomy = replace(LIMITS, max_margin_usage=Decimal(1))
    first = limit("144", size_percent=50, leverage=1)
    made = plan(first, decision("ETHUSDT", size_percent=100, leverage=1), limits=roomy)
    sol, eth = (entry.opening.order for entry in made.entries)
    left = 200 - sol.quantity * 144 * (1 + Decimal("0.0002"))
    assert eth.quantity * 3000 * Decimal("1.2") < left <= (eth.quantity + Decimal("0.001")) * 3000 * Decimal("1.2")


def test_without_a_stop_of_its_own_a_limit_entry_gets_the_default_one_below_its_limit() -> None:
    stops = {"SOLUSDT": Decimal(3)}
    assert plan(limit("144", stop_price=None), stops=stops).entries[0].stop.order.trigger_price == 141
    short = limit("156", action=Action.OPEN_SHORT, stop_price=None)
    assert plan(short, stops=stops).entries[0].stop.order.trigger_price == 159


def pending(symbol: str = "SOLUSDT", filled: str = "0") -> dict[PositionKey, Pending]:
    opening = plan(limit("144")).entries[0].opening
    return {(symbol, PositionSide.LONG): Pending(opening=opening, filled=Decimal(filled))}


@pytest.mark.parametrize("action", [Action.OPEN_LONG, Action.OPEN_SHORT, Action.CLOSE, Action.REDUCE])
def test_nothing_is_done_in_a_symbol_whose_entry_may_still_be_filled(action: Action) -> None:
    desk = Desk(
        season_id=SeasonId("s"), cycle=8, as_of=NOON, snapshot=snapshot(**PRICES), instruments=instruments(), limits=LIMITS
    )
    parts = Decision(symbols=(decision(action=action), decision("ETHUSDT", size_percent=100, leverage=1)))
    book = ledger("200", *([position("LONG 0.3 SOLUSDT @ 144")] if action in (Action.CLOSE, Action.REDUCE) else []))
    made = plan_orders(parts, book, desk, pending=pending(filled="0.3" if book.positions else "0"))
    assert made.exits == () and [each.reason for each in made.rejections] == [RejectionReason.ENTRY_PENDING]
    others = Decision(symbols=parts.symbols[1:])
    alone = plan_orders(others, book, desk).entries[0].opening.order.quantity
    assert made.entries[0].opening.order.quantity < alone, "what it binds is not there for others"


def test_hold_does_nothing() -> None:
    made = plan(decision(action=Action.HOLD))
    assert (made.exits, made.entries, made.rejections) == ((), (), ())
