from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.domain.decision import Action, SymbolDecision
from arena.domain.instrument import MarginTier
from arena.domain.order import PositionSide
from arena.domain.pairs import Listing, check_pair, check_pairs, list_faults, list_warnings, smallest_order
from arena.domain.risk import Limits, MarginState, Size, size_opening
from tests.fakes.build import instrument, market

D = Decimal
LIMITS = Limits(max_leverage=5, max_open_positions=5, max_margin_usage=D("0.80"), stale_after=timedelta(minutes=10))
CAPITAL = D(200)


def tier(leverage: int, cap: str = "1000000") -> MarginTier:
    return MarginTier(
        notional_floor=D(0), notional_cap=D(cap), maintenance_rate=D("0.01"), maintenance_amount=D(0), max_leverage=leverage
    )


def listing(symbol: str = "BTCUSDT", price: str | None = "91139", mark: str | None = None, **changes: object) -> Listing:
    known = instrument(symbol)
    usual = Listing(
        symbol=symbol,
        status="TRADING",
        contract_type="PERPETUAL",
        quote_asset="USDT",
        margin_asset="USDT",
        step_size=known.step_size,
        min_quantity=known.min_quantity,
        min_notional=known.min_notional,
        last_price=D(price) if price else None,
        mark_price=D(mark or price) if mark or price else None,  # type: ignore[arg-type]
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


# --- one pair ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "last", "mark", "quantity", "notional"),
    [
        ("BTCUSDT", "91139", "91139", "0.001", "91.139"),  # one step is worth more than the least notional
        ("ETHUSDT", "3021.12", "3021.12", "0.007", "21.14784"),  # whole steps above 20 USDT
        ("DOGEUSDT", "0.15", "0.149", "34", "5.10"),  # 5 USDT at the cheaper price, paid at the dearer
        ("DOGEUSDT", "0.149", "0.15", "34", "5.10"),
        ("SOLUSDT", "5000", "5000", "0.01", "50"),
    ],
)
def test_the_smallest_order_passes_every_filter(symbol: str, last: str, mark: str, quantity: str, notional: str) -> None:
    order = smallest_order(listing(symbol, last, mark), 5)
    assert order is not None
    assert (order.quantity, order.notional, order.margin) == (D(quantity), D(notional), D(notional) / 5)


def test_a_pair_within_reach_says_what_it_binds() -> None:
    check = check_pair(listing(), [tier(150)], CAPITAL, LIMITS)
    assert check.faults == () and check.order is not None
    assert check.order.margin == D("18.2278") and check.share == D("0.091139")
    assert (check.last_price, check.mark_price) == (D(91139), D(91139))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "SETTLING"}, "BTCUSDT is not trading (SETTLING)"),
        ({"contract_type": "CURRENT_QUARTER"}, "BTCUSDT is not a perpetual contract in USDT (CURRENT_QUARTER, quoted in USDT"),
        ({"contract_type": "TRADIFI_PERPETUAL"}, "is not a perpetual contract in USDT"),
        ({"margin_asset": "USDC"}, "margin in USDC"),
        ({"quote_asset": "BTC"}, "quoted in BTC"),
        ({"last_price": None}, "BTCUSDT has no price"),
        ({"mark_price": D(0)}, "BTCUSDT has no price"),
    ],
)
def test_what_the_venue_does_not_offer_is_said(changes: dict[str, object], said: str) -> None:
    (fault,) = check_pair(listing(**changes), None, CAPITAL, LIMITS).faults
    assert said in fault


def test_a_capital_out_of_whose_reach_the_smallest_order_lies_is_said_with_its_numbers() -> None:
    (fault,) = check_pair(listing(), None, D(20), LIMITS).faults
    assert "91.14 USDT and binds 18.23 at leverage 5, of a capital of 20.00 less than 16.00 may be bound" in fault
    bound = listing(price="80000")  # 16 USDT of margin exactly, and the bound itself is excluded
    assert check_pair(bound, None, D(20), LIMITS).faults and not check_pair(bound, None, D("20.01"), LIMITS).faults


def test_the_tier_of_the_smallest_order_must_allow_the_leverage_unless_it_is_not_known() -> None:
    assert check_pair(listing(), [tier(5)], CAPITAL, LIMITS).faults == ()
    assert check_pair(listing(), None, CAPITAL, LIMITS).faults == ()
    (low,) = check_pair(listing(), [tier(100, "50"), tier(4)], CAPITAL, LIMITS).faults
    assert low == "91.14 USDT of BTCUSDT allow leverage 4 at most, MAX_LEVERAGE is 5"
    for none in ([], [tier(100, "50")]):
        (beyond,) = check_pair(listing(), none, CAPITAL, LIMITS).faults
        assert "no margin tier for 91.14 USDT" in beyond


@given(
    symbol=st.sampled_from(["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"]),
    last=st.decimals("0.01", "200000", places=2),
    premium=st.decimals("0.98", "1.02", places=4),
    capital=st.decimals("1", "5000", places=2),
    leverage=st.integers(1, 20),
)
def test_a_pair_is_within_reach_exactly_when_risk_gives_an_opening_a_size(
    symbol: str, last: Decimal, premium: Decimal, capital: Decimal, leverage: int
) -> None:
    limits = replace(LIMITS, max_leverage=leverage)
    seen = market(symbol, str(last), str(last * premium))
    all_in = SymbolDecision(
        symbol=symbol,
        action=Action.OPEN_LONG,
        size_percent=100,
        leverage=leverage,
        stop_price=last / 2,
        target_price=None,
        confidence=60,
        invalidation="",
        reason="",
    )
    tiers = [tier(20, "1e12")]
    room = MarginState(equity=capital, used=D(0), open_positions=0)
    traded = replace(
        instrument(symbol), tiers=tiers, max_market_quantity=D("1e12")
    )  # no price makes the most less than the least
    sized = size_opening(all_in, PositionSide.LONG, seen, traded, room, limits)
    check = check_pair(listing(symbol, str(last), str(last * premium)), tiers, capital, limits)
    assert isinstance(sized, Size) == (not check.faults), (sized, check)
    if isinstance(sized, Size):
        assert check.order is not None and check.order.quantity <= sized.quantity and check.order.margin <= sized.margin


# --- a list of them -----------------------------------------------------------------------------------------------------------

TRADABLE = ("BTCUSDT", "ETHUSDT", "ETHFIUSDT", "DOGEUSDT", "DOTUSDT", "1000PEPEUSDT", "SOLUSDT", "币安人生USDT")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BTC", " (did you mean BTCUSDT?)"),
        ("BTCUSTD", " (did you mean BTCUSDT?)"),
        ("ETHUSD", " (did you mean ETHUSDT or ETHFIUSDT?)"),
        ("PEPEUSDT", " (did you mean 1000PEPEUSDT?)"),
        ("DOGUSDT", " (did you mean DOGEUSDT or DOTUSDT?)"),
        ("币安USDT", ""),
        ("QQQ", ""),
    ],
)
def test_an_unknown_pair_is_named_with_those_spelt_like_it(written: str, meant: str) -> None:
    (check,) = check_pairs([written], {}, None, TRADABLE, CAPITAL, LIMITS)
    assert check.faults == (f"{written} is not listed{meant}",) and check.order is None


def test_each_pair_is_checked_once_in_the_order_named() -> None:
    listings = {symbol: listing(symbol, "100") for symbol in ("SOLUSDT", "ETHUSDT")}
    checks = check_pairs(["SOLUSDT", "ETHUSDT", "SOLUSDT"], listings, {"SOLUSDT": [tier(50)]}, TRADABLE, CAPITAL, LIMITS)
    assert [check.symbol for check in checks] == ["SOLUSDT", "ETHUSDT"]
    assert checks[0].faults == () and "no margin tier" in checks[1].faults[0], "known tiers, but none of it"


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ((), "no pair is named, a season needs 3 at least"),
        (("BTCUSDT",), "only 1 pair is named, a season needs 3 at least"),
        (("BTCUSDT", "ETHUSDT"), "only 2 pairs are named"),
        (("BTCUSDT", "ETHUSDT", "SOLUSDT", "ETHUSDT"), "ETHUSDT is named 2 times"),
        (("BTCUSDT", "ETHUSDT", "币安人生USDT"), "币安人生USDT has other characters"),
        (("BTCUSDT", "ETHUSDT", "BTCUSDT_251226"), "BTCUSDT_251226 has other characters"),
    ],
)
def test_a_list_that_cannot_be_a_seasons_is_told_why(pairs: tuple[str, ...], said: str) -> None:
    (fault,) = list_faults(pairs)
    assert said in fault


def test_three_to_eight_pairs_are_fine_and_more_are_warned_of() -> None:
    names = tuple(f"P{i}USDT" for i in range(9))
    assert list_faults(names[:3]) == list_faults(names) == () and list_warnings(names[:8]) == ()
    (warning,) = list_warnings(names)
    assert warning.startswith("9 pairs are many")
