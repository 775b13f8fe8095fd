"""Value is conserved over any sequence of fills and fundings, and leverage never changes it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from arena.domain.costs import funding_payment
from arena.domain.ledger import Ledger, LedgerEntry, apply_fill, apply_funding
from arena.domain.market import FundingRate
from arena.domain.money import ZERO
from arena.domain.order import Fill, Intent, Leg, Order, OrderSide, OrderType, PositionSide
from tests.fakes.build import NOON, A, ledger, position

PRICES = st.decimals(min_value="0.5", max_value="99999", places=2)
QUANTITIES = st.decimals(min_value="0.001", max_value="50", places=3)
SYMBOLS = ("BTCUSDT", "ETHUSDT")


@st.composite
def fills(draw: st.DrawFn) -> list[Fill]:
    count = draw(st.integers(1, 25))
    made = []
    for number in range(1, count + 1):
        quantity, price = draw(QUANTITIES), draw(PRICES)
        made.append(
            Fill(
                trade_id=number,
                exchange_order_id=str(number),
                client_order_id="",
                symbol=draw(st.sampled_from(SYMBOLS)),
                side=draw(st.sampled_from(OrderSide)),
                position_side=draw(st.sampled_from(PositionSide)),
                quantity=quantity,
                price=price,
                fee=quantity * price * Decimal("0.0005"),
                time=NOON + timedelta(seconds=number),
            )
        )
    return made


def booked(events: list[Fill], intent: Intent | None = None) -> tuple[Ledger, list[LedgerEntry]]:
    state, entries = ledger("200"), []
    for event in events:
        posting = apply_fill(state, event, intent)
        state = posting.ledger
        entries += posting.entries
    return state, entries


@given(fills(), st.fixed_dictionaries(dict.fromkeys(SYMBOLS, PRICES)))
def test_equity_is_capital_plus_cash_flow_plus_what_is_held(events: list[Fill], marks: dict[str, Decimal]) -> None:
    """An oracle that knows no positions: sold minus bought, minus fees, plus the worth of the rest."""
    state, _ = booked(events)
    cash = sum((-event.signed_quantity * event.price - event.fee for event in events), Decimal(200))
    worth = sum((event.signed_quantity * marks[event.symbol] for event in events), ZERO)
    assert state.equity(marks) == cash + worth


@given(fills())
def test_the_wallet_is_capital_plus_its_entries_and_each_entry_knows_the_balance(events: list[Fill]) -> None:
    state, entries = booked(events)
    assert state.wallet_balance == Decimal(200) + sum((entry.amount for entry in entries), ZERO)
    assert state.wallet_balance == Decimal(200) + state.realized_pnl - state.fees - state.funding
    balance = Decimal(200)
    for entry in entries:
        balance += entry.amount
        assert entry.balance == balance


@given(fills())
def test_positions_are_the_sum_of_their_fills(events: list[Fill]) -> None:
    state, _ = booked(events)
    for symbol in SYMBOLS:
        for side in PositionSide:
            total = sum((e.signed_quantity for e in events if (e.symbol, e.position_side) == (symbol, side)), ZERO)
            held = state.positions.get((symbol, side))
            assert (held.signed_quantity if held else ZERO) == total


@given(fills(), st.integers(1, 125), st.fixed_dictionaries(dict.fromkeys(SYMBOLS, PRICES)))
def test_leverage_changes_the_margin_and_nothing_else(events: list[Fill], leverage: int, marks: dict[str, Decimal]) -> None:
    order = Order(
        client_order_id="x",
        symbol="BTCUSDT",
        side=OrderSide.BUY,
        position_side=PositionSide.LONG,
        order_type=OrderType.MARKET,
        quantity=Decimal(1),
    )
    intent = Intent(
        order=order, llm_id=A, cycle=1, leg=Leg.OPEN, leverage=leverage, thesis=None, arrival_price=Decimal(1), created_at=NOON
    )
    plain, geared = booked(events)[0], booked(events, intent)[0]
    assert geared.equity(marks) == plain.equity(marks)
    assert replace(geared, positions={}) == replace(plain, positions={})
    for key, held in geared.positions.items():
        assert held.initial_margin(marks[held.symbol]) * leverage - plain.positions[key].initial_margin(
            marks[held.symbol]
        ) < Decimal("1e-15")


@given(fills())
def test_closed_trades_and_open_positions_account_for_every_cent(events: list[Fill]) -> None:
    state, pnl, fees = ledger("200"), ZERO, ZERO
    for event in events:
        posting = apply_fill(state, event)
        state = posting.ledger
        if posting.closed_trade is not None:
            pnl += posting.closed_trade.pnl
            fees += posting.closed_trade.fees
    assert pnl + sum((p.realized_pnl for p in state.positions.values()), ZERO) == state.realized_pnl
    assert fees + sum((p.fees for p in state.positions.values()), ZERO) == state.fees


@given(st.sampled_from(["LONG", "SHORT"]), QUANTITIES, PRICES, st.decimals(min_value="-0.01", max_value="0.01", places=6))
def test_longs_pay_a_positive_funding_rate_and_shorts_receive_it(
    side: str, quantity: Decimal, mark: Decimal, rate: Decimal
) -> None:
    held = position(f"{side} {quantity} BTCUSDT @ 100")
    rate_now = FundingRate(symbol="BTCUSDT", time=NOON, rate=rate, mark_price=mark)
    payment = funding_payment(held.llm_id, held.side, held.signed_quantity, rate_now)
    after = apply_funding(ledger("200", held), payment).ledger
    sign = 1 if side == "LONG" else -1
    assert payment.payment == sign * quantity * mark * rate
    assert after.wallet_balance == Decimal(200) - payment.payment
    assert after.positions["BTCUSDT", PositionSide(side)].funding == payment.payment
