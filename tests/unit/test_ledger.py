from decimal import Decimal

from arena.domain.ledger import apply_fill
from arena.domain.order import PositionSide
from tests.fakes.build import fill, ledger, position


def test_a_round_trip_in_exact_numbers() -> None:
    opened = apply_fill(ledger("200"), fill("BUY LONG 0.010 BTCUSDT @ 60000", fee="0.3", trade_id=1)).ledger
    assert opened.wallet_balance == Decimal("199.7")
    closed = apply_fill(opened, fill("SELL LONG 0.010 BTCUSDT @ 61000", fee="0.305", trade_id=2))
    assert closed.realized_pnl == Decimal(10)
    assert closed.ledger.wallet_balance == Decimal("209.395")
    trade = closed.closed_trade
    assert trade is not None
    assert (trade.entry_price, trade.exit_price, trade.quantity, trade.pnl, trade.fees) == (
        Decimal(60000),
        Decimal(61000),
        Decimal("0.010"),
        Decimal(10),
        Decimal("0.605"),
    )
    assert (closed.ledger.total_trades, closed.ledger.winning_trades, closed.ledger.losing_trades) == (1, 1, 0)


def test_a_short_earns_when_the_price_falls() -> None:
    state = apply_fill(ledger("200"), fill("SELL SHORT 10 SOLUSDT @ 150")).ledger
    assert state.equity({"SOLUSDT": Decimal(149)}) == Decimal(210)
    assert state.equity({"SOLUSDT": Decimal(151)}) == Decimal(190)


def test_a_third_released_three_times_leaves_nothing_behind() -> None:
    state = apply_fill(ledger("200"), fill("BUY LONG 3 SOLUSDT @ 33.33", trade_id=1)).ledger
    state = apply_fill(state, fill("BUY LONG 4 SOLUSDT @ 10.01", trade_id=2)).ledger
    for number in range(7):
        state = apply_fill(state, fill("SELL LONG 1 SOLUSDT @ 20", trade_id=3 + number)).ledger
    assert state.positions == {}
    assert state.wallet_balance == Decimal(200) + 7 * 20 - (3 * Decimal("33.33") + 4 * Decimal("10.01"))


def test_a_trade_that_only_loses_its_fees_is_a_loss() -> None:
    state = apply_fill(ledger("200"), fill("BUY LONG 1 SOLUSDT @ 20", fee="0.01")).ledger
    state = apply_fill(state, fill("SELL LONG 1 SOLUSDT @ 20", fee="0.01", trade_id=2)).ledger
    assert (state.winning_trades, state.losing_trades) == (0, 1)


def test_selling_more_than_one_holds_turns_the_own_bucket_and_is_marked() -> None:
    state = apply_fill(ledger("200", position("LONG 1 SOLUSDT @ 20")), fill("SELL LONG 3 SOLUSDT @ 22")).ledger
    held = state.positions["SOLUSDT", PositionSide.LONG]
    assert held.overclosed
    assert held.signed_quantity == Decimal(-2)
    assert state.realized_pnl == Decimal(2)
    assert state.equity({"SOLUSDT": Decimal(21)}) == Decimal(200) + 2 + 2


def test_both_sides_of_a_symbol_are_kept_apart() -> None:
    state = apply_fill(ledger("200"), fill("BUY LONG 1 SOLUSDT @ 20", trade_id=1)).ledger
    state = apply_fill(state, fill("SELL SHORT 2 SOLUSDT @ 20", trade_id=2)).ledger
    assert {key: p.signed_quantity for key, p in state.positions.items()} == {
        ("SOLUSDT", PositionSide.LONG): Decimal(1),
        ("SOLUSDT", PositionSide.SHORT): Decimal(-2),
    }
