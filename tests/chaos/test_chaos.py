"""A short season under faults and kills, in both account modes; `make chaos` plays the long ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.audit import Audit, audit

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("mode", "seed"), [("shared", 1), ("separate", 2)])
def test_the_books_survive(mode: str, seed: int) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--seed", str(seed), "--cycles", "10", "--mode", mode]
    ended = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["cycles"] == 10 and found["faults"] > 50 and found["kills"] > 0 and found["fills"] > 20
    verdict = ("lost", "doubled", "orphan_stops", "books_equal", "verified")
    assert [found[name] for name in verdict] == [0, 0, 0, True, True] and found["naked_seconds_max"] <= 15


# --- the judge must be able to find somebody guilty ----------------------------------------------------

OPENED = "0a1b2c-1-A-SOLUSDT-o"
STOP = "0a1b2c-1-A-SOLUSDT-s"


def account() -> dict[str, Any]:
    """A long of 2 SOL, opened at 12:00:00, with its stop at 12:00:01; nothing else ever happened."""
    place = {"symbol": "SOLUSDT", "position_side": "LONG"}
    return {
        "trades": [
            {
                **place,
                "id": 7,
                "order_id": 5,
                "client_id": OPENED,
                "side": "BUY",
                "quantity": "2",
                "price": "100",
                "realized_pnl": "0",
                "time": "2030-01-01T12:00:00+00:00",
            }
        ],
        "orders": [{"client_id": OPENED, "order_id": 5, "executed": "2"}],
        "conditionals": [
            {
                **place,
                "client_id": STOP,
                "type": "STOP_MARKET",
                "quantity": "2",
                "status": "NEW",
                "created": "2030-01-01T12:00:01+00:00",
                "updated": "2030-01-01T12:00:01+00:00",
                "child_id": None,
            }
        ],
        "income": [{"kind": "COMMISSION", "amount": "-0.1"}],
    }


def books() -> dict[str, list[dict[str, Any]]]:
    held = {
        "llm_id": "LLM-A",
        "symbol": "SOLUSDT",
        "side": "LONG",
        "signed_quantity": "2",
        "signed_cost": "200",
        "status": "open",
    }
    return {
        "fills": [{"llm_id": "LLM-A", "symbol": "SOLUSDT", "trade_id": 7, "exchange_order_id": "5"}],
        "positions": [held],
        "llm_accounts": [{"llm_id": "LLM-A", "current_balance": "199.9", "initial_balance": "200", "insurance": "0"}],
    }


NOW = datetime(2030, 1, 1, 12, 5, tzinfo=UTC)


def judged(there: dict[str, Any], here: dict[str, list[dict[str, Any]]]) -> Audit:
    return audit(there, NOW, here, "A")


def test_a_season_in_order_is_acquitted() -> None:
    found = judged(account(), books())
    assert (found.fills, found.lost, found.doubled, found.orphan_stops, found.naked_seconds) == (1, 0, 0, 0, 1.0)
    assert found.books_equal and found.faults == ()


def test_what_is_lost_doubled_naked_or_wrong_by_a_billionth_is_found() -> None:
    there, here = account(), books()
    here["fills"].clear()
    assert judged(there, here).lost == 1
    here = books()
    here["fills"] *= 2
    assert judged(there, here).doubled == 1
    there["orders"].append({"client_id": OPENED, "order_id": 6, "executed": "2"})
    assert judged(there, books()).doubled == 1
    there = account()
    there["conditionals"][0] |= {"status": "CANCELED", "updated": "2030-01-01T12:01:00+00:00"}
    assert judged(there, books()).naked_seconds == 240
    there = account()
    there["conditionals"][0]["quantity"] = "1.9"
    assert judged(there, books()).naked_seconds == 300
    there = account()
    there["conditionals"].append({**there["conditionals"][0], "client_id": "0a1b2c-1-B-SOLUSDT-s"})
    assert judged(there, books()).orphan_stops == 1
    here = books()
    here["llm_accounts"][0]["current_balance"] = "199.900000001"
    assert not judged(account(), here).books_equal
    here = books()
    here["positions"][0] |= {"signed_quantity": "1.9", "signed_cost": "190"}
    assert "SOLUSDT LONG: the books hold 1.9, the venue 2" in judged(account(), here).faults
