"""The prompt as a whole, to the byte. After a change that is meant: `UPDATE_GOLDEN=1 pytest tests/golden`, and read the diff."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from arena.application.record import PastTurn
from arena.domain.order import Thesis
from tests.fakes import build
from tests.fakes.walk import moving_snapshot, prompt, text_of

GOLDEN = Path(__file__).with_name("prompt.txt")


def test_golden_prompt() -> None:
    held = replace(
        build.position("LONG 0.001 BTCUSDT @ 93011.4", leverage=3),
        stop_order_id="stop",
        opened_at=build.NOON - timedelta(minutes=35),
        thesis=Thesis(
            reason="RSI14 27.3 below 30",
            invalidation="RSI14 does not return to 50",
            confidence=62,
            stop_price=Decimal("91500.0"),
            target_price=None,
        ),
    )
    past = (
        PastTurn(
            cycle=7, time=build.NOON - timedelta(minutes=35), summary="open_long BTCUSDT 50 % at 3x: filled 0.001 at 93011.4"
        ),
        PastTurn(cycle=8, time=build.NOON - timedelta(minutes=30), summary="no answer (timeout), nothing was done: 90 s passed"),
    )
    taken = moving_snapshot(("BTCUSDT", "DOGEUSDT"), length=60, missing={"ETHUSDT": "the venue gave no candles"})
    text = text_of(prompt(taken, build.ledger("200", held), past))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
