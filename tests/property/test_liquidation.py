"""The price at which a competitor is liquidated is where the rules of the arena and of the paper engine say so, to the tick."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.paper.account import PaperAccount
from arena.adapters.paper.bucket import Bucket
from arena.adapters.paper.liquidation import MarkPath, liquidation_point
from arena.domain.instrument import MarginTier
from arena.domain.ledger import Ledger
from arena.domain.order import PositionSide
from arena.domain.protection import liquidated, liquidated_at
from tests.fakes import build

D = Decimal
TICK = D("0.01")
SOL, ETH = "SOLUSDT", "ETHUSDT"
BUCKETS = [(symbol, side) for symbol in (SOL, ETH) for side in PositionSide]
ROWS = ("0 500 0.01 0", "500 2000 0.025 7.5", "2000 8000 0.1 157.5", "8000 1e9 0.4 2557.5")  # floor, cap, rate, amount
TIERS = tuple(
    MarginTier(notional_floor=floor, notional_cap=cap, maintenance_rate=rate, maintenance_amount=amount, max_leverage=20)
    for floor, cap, rate, amount in (map(D, row.split()) for row in ROWS)
)
INSTRUMENTS = {symbol: replace(build.instrument(symbol), tick_size=TICK, tiers=TIERS) for symbol in (SOL, ETH)}
PRICES = st.decimals(min_value="20", max_value="300", places=2)
QUANTITIES = st.decimals(min_value="0.01", max_value="60", places=2)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """A wallet and up to four positions, one of them in SOLUSDT at least."""
    held = draw(st.lists(st.sampled_from(BUCKETS), min_size=1, unique=True).filter(lambda keys: any(k[0] == SOL for k in keys)))
    positions = [build.position(f"{side} {draw(QUANTITIES)} {symbol} @ {draw(PRICES)}") for symbol, side in held]
    return build.ledger(str(draw(st.decimals(min_value="1", max_value="20000", places=3))), *positions)


@settings(max_examples=400)
@given(ledgers(), PRICES, PRICES, st.integers(0, 1000))
def test_it_is_the_first_tick_that_liquidates(ledger: Ledger, mark: Decimal, other: Decimal, permille: int) -> None:
    def dead(price: Decimal) -> bool:
        return liquidated(ledger, {SOL: price, ETH: other}, INSTRUMENTS)

    found = liquidated_at(ledger, SOL, {SOL: mark, ETH: other}, INSTRUMENTS)
    if found is None:
        assert {dead(price) for price in (TICK, D(1), D(15), mark, mark * 2, mark * 40, D(200_000))} == {dead(mark)}
        return
    assert found > 0 and found % TICK == 0 and dead(found)
    if dead(mark):
        hedged = len({key for key in ledger.positions if key[0] == SOL}) == 2  # what is safe may be less than a tick wide
        assert hedged or not dead(found + TICK) or not dead(found - TICK)
        return
    before = found + (TICK if found < mark else -TICK)
    between = before + ((mark - before) / TICK * permille / 1000).to_integral_value() * TICK
    assert not dead(before) and not dead(between)
    assert reached(ledger, mark, found, other) and not reached(ledger, mark, before, other)


def reached(ledger: Ledger, start: Decimal, end: Decimal, other: Decimal) -> bool:
    """Whether the paper engine liquidates an account that holds the same on the way from one mark to another."""
    buckets = {k: Bucket(signed_quantity=p.signed_quantity, signed_cost=p.signed_cost) for k, p in ledger.positions.items()}
    account = PaperAccount(name="", wallet_balance=ledger.wallet_balance, buckets=buckets)
    path = MarkPath(starts={SOL: start, ETH: other}, ends={SOL: end, ETH: other})
    return liquidation_point(account, path, D(0), D(1), INSTRUMENTS) is not None


def test_long_and_short_at_once_are_one_sum_whose_margins_add_up() -> None:
    """By hand: 50 − 100 + 400 is lost over 4 − 1 net short and 1 % of 4 + 1, while both notionals are below 500."""
    ledger = build.ledger("50", build.position("LONG 1 SOLUSDT @ 100"), build.position("SHORT 4 SOLUSDT @ 100"))
    assert liquidated_at(ledger, SOL, {SOL: D(100)}, INSTRUMENTS) == D("114.76")  # 350 / 3.05 is 114.754


def test_of_two_prices_the_nearer_one_is_told() -> None:
    """Net long, it is ruined by a fall; in the last tier both margins grow faster than the gain: by a rise too."""
    ledger = build.ledger("3000", build.position("LONG 100 SOLUSDT @ 100"), build.position("SHORT 60 SOLUSDT @ 100"))
    found = [liquidated_at(ledger, SOL, {SOL: D(mark)}, INSTRUMENTS) for mark in (60, 150)]
    assert found == [D("29.29"), D("171.46")]  # 835 / 28.5 and 4115 / 24


def test_what_outgrows_the_last_tier_stays_in_it() -> None:
    small = {SOL: replace(INSTRUMENTS[SOL], tiers=TIERS[:2])}  # up to 2000 USDT
    ledger = build.ledger("2000", build.position("SHORT 10 SOLUSDT @ 100"))
    assert liquidated_at(ledger, SOL, {SOL: D(100)}, small) == D("293.42")  # 3007.5 / 10.25 is 293.415
