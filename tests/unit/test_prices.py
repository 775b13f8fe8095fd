"""What an answer cost, against the providers' price pages."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from arena.adapters.llm.prices import Tokens, cost_usd
from arena.domain.competitor import ModelSpec, Provider

MILLION = 1_000_000
USAGE = Tokens(input=MILLION, cached=400_000, output=100_000)


def spec(provider: Provider, model: str, base_url: str | None = None, baseline: bool = False) -> ModelSpec:
    return ModelSpec(provider=provider, model=model, max_tokens=100, temperature=None, base_url=base_url, baseline=baseline)


def test_cached_tokens_are_cheaper() -> None:
    gpt = spec(Provider.OPENAI, "gpt-4o")
    assert cost_usd(gpt, "gpt-4o-2024-08-06", USAGE) == Decimal("0.6") * Decimal("2.5") + Decimal("0.4") * Decimal("1.25") + 1
    assert cost_usd(gpt, "gpt-4o-2024-08-06", Tokens(input=MILLION, output=0)) == Decimal("2.5")


@pytest.mark.parametrize(("one_hour", "price"), [(0, "0.375"), (100_000, "0.6")])
def test_writing_the_cache_costs_more(one_hour: int, price: str) -> None:
    written = Tokens(input=100_000, output=0, written=100_000, written_1h=one_hour)
    assert cost_usd(spec(Provider.CLAUDE, "claude-sonnet-4-5"), "claude-sonnet-4-5-20250929", written) == Decimal(price)


def test_peak_hours_cost_double() -> None:
    deepseek = spec(Provider.DEEPSEEK, "deepseek-v4-pro")
    peak, night = (cost_usd(deepseek, "deepseek-v4-pro", USAGE, datetime(2026, 11, 2, hour, tzinfo=UTC)) for hour in (2, 20))
    assert night is not None
    assert peak == 2 * night > 0


def test_configured_name_where_the_answering_version_is_not_listed() -> None:
    gpt = spec(Provider.OPENAI, "gpt-4o")
    assert cost_usd(gpt, "some-internal-name", Tokens(input=MILLION, output=0)) == Decimal("2.5")


@pytest.mark.parametrize(
    "unknown",
    [
        spec(Provider.OPENAI, "no-such-model"),
        spec(Provider.OPENAI, "gpt-4o", "http://127.0.0.1:8080/v1"),  # whose prices would that be?
        spec(Provider.CLAUDE, "gpt-4o"),
    ],
)
def test_unknown_price_is_none_and_not_zero(unknown: ModelSpec) -> None:
    assert cost_usd(unknown, unknown.model, USAGE) is None


def test_listed_server_behind_a_base_url() -> None:
    router = spec(Provider.OPENAI, "openai/gpt-4o", "https://openrouter.ai/api/v1")
    assert cost_usd(router, "openai/gpt-4o", Tokens(input=MILLION, output=0)) == Decimal("2.5")


def test_contradicting_counts_have_no_price() -> None:
    assert cost_usd(spec(Provider.OPENAI, "gpt-4o"), "gpt-4o", Tokens(input=1, output=1, cached=2)) is None


def test_baseline_costs_nothing() -> None:
    assert cost_usd(spec(Provider.OPENAI, "trend-following", baseline=True), "trend-following", USAGE) == 0
