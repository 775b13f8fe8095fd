from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.domain.money import ceil_to, floor_to, nearest_to, plain

AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=9)
STEPS = st.sampled_from([Decimal(text) for text in ("1", "0.1", "0.001", "0.00001", "0.5", "25")])


@given(AMOUNTS, STEPS)
def test_rounding_stays_within_one_step_on_the_right_side(value: Decimal, step: Decimal) -> None:
    assert value - step < floor_to(value, step) <= value <= ceil_to(value, step) < value + step
    assert abs(nearest_to(value, step) - value) <= step / 2
    assert floor_to(value, step) % step == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+3", "1000"),
        ("0.00001000", "0.00001"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("12.50", "12.5"),
        ("100", "100"),
        ("1E-8", "0.00000001"),
    ],
)
def test_plain_is_exact_without_exponent_or_trailing_zeros(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text
    assert Decimal(plain(Decimal(value))) == Decimal(value)
