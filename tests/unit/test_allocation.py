from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from arena.domain.allocation import divided, in_proportion
from arena.domain.competitor import CompetitorId
from tests.fakes.build import fill

A, B, C = (CompetitorId(f"LLM-{letter}") for letter in "ABC")
STEPS = st.integers(1, 10_000)


@given(st.lists(STEPS, min_size=1, max_size=3), STEPS, st.sampled_from(["1", "0.01", "0.001", "10"]))
def test_the_parts_are_whole_steps_and_add_up_to_what_was_taken(steps: list[int], taken: int, step: str) -> None:
    unit = Decimal(step)
    held = {llm_id: count * unit for llm_id, count in zip((A, B, C), steps, strict=False)}
    quantity = taken * unit
    parts = in_proportion(quantity, held)
    assert sum(parts.values()) == min(quantity, sum(held.values()))
    for llm_id, part in parts.items():
        assert 0 < part <= held[llm_id] and part % unit == 0
    if quantity >= sum(held.values()):
        assert parts == held


@given(st.lists(STEPS, min_size=2, max_size=3), STEPS)
def test_nobody_gives_much_more_than_the_own_share(steps: list[int], taken: int) -> None:
    """The contract's step is not known here; what all quantities are multiples of is never finer than it."""
    unit = next(10**power for power in (4, 3, 2, 1, 0) if all(count % 10**power == 0 for count in (*steps, taken)))
    held = {llm_id: Decimal(count) for llm_id, count in zip((A, B, C), steps, strict=False)}
    total = sum(held.values())
    assume(taken < total)
    for llm_id, part in in_proportion(Decimal(taken), held).items():
        assert abs(part - taken * held[llm_id] / total) <= len(held) * unit


@given(st.lists(STEPS, min_size=1, max_size=3), st.integers(0, 100), st.decimals(min_value=0, max_value=99, places=8))
def test_the_fee_is_divided_to_the_last_digit(steps: list[int], beyond: int, fee: Decimal) -> None:
    parts = {llm_id: Decimal(count) for llm_id, count in zip((A, B, C), steps, strict=False)}
    whole = sum(parts.values())
    trade = fill(f"SELL LONG {whole + beyond} SOLUSDT @ 150", fee=str(fee))
    shares = divided(trade, parts)
    assert {llm_id: share.quantity for llm_id, share in shares.items()} == parts
    paid = sum((share.fee for share in shares.values()), Decimal(0))
    assert paid == fee if not beyond else abs(paid - fee * whole / (whole + beyond)) < Decimal("1e-17")
    assert all(share.trade_id == trade.trade_id and share.price == trade.price for share in shares.values())


def test_equal_holders_give_the_same_and_one_gives_the_odd_step() -> None:
    parts = in_proportion(Decimal(3), {A: Decimal(2), B: Decimal(2)})
    assert sorted(parts.values()) == [Decimal(1), Decimal(2)]
    assert in_proportion(Decimal("0.3"), {A: Decimal("0.2"), B: Decimal("0.2")}).keys() == {A, B}
