"""The venue's bad days, drawn from a seed: which faults, how often. Seconds are short, and so is the arena's patience here.

A rehearsal cannot wait ten real seconds for every silence. The client's timeouts and the pauses of its look-ups are scaled to a
tenth (`PATIENCE`), and so is how long an order stays hidden; what protects positions (the lease, the looks, the deadline) is not.
"""

from __future__ import annotations

import random
from typing import Any

PATIENCE = 0.1
ORDERS = ("/fapi/v1/order", "/fapi/v1/algoOrder")


def rules(seed: int, storm: float) -> list[dict[str, Any]]:
    """Return the fault rules of a run.

    Args:
        seed: Of the run; varies the shares of the kinds.
        storm: Share of requests that meet a fault, roughly.
    """
    dice = random.Random(f"weather/{seed}")

    def often(share: float) -> float:
        return storm * share * dice.uniform(0.5, 1.5)

    anything = [
        {"kind": "latency", "seconds": 0.03, "probability": often(2)},
        {"kind": "drop", "landed": False, "probability": often(0.08)},
        {"kind": "drop", "landed": True, "probability": often(0.08)},
        {"kind": "timeout", "seconds": 0.7, "landed": False, "probability": often(0.04)},
        {"kind": "timeout", "seconds": 0.7, "landed": True, "probability": often(0.04)},
        {"kind": "rate_limited", "retry_after": 1, "probability": often(0.05)},
        {"kind": "banned", "retry_after": 2, "probability": often(0.005)},
        {"kind": "unknown", "landed": False, "probability": often(0.08)},
        {"kind": "unknown", "landed": True, "probability": often(0.08)},
        {"kind": "unavailable", "probability": often(0.08)},
        {"kind": "internal", "probability": often(0.05)},
        {"kind": "overloaded", "probability": often(0.08)},
        {"kind": "no_response", "landed": True, "probability": often(0.05)},
        {"kind": "no_response", "landed": False, "probability": often(0.05)},
        {"kind": "clock", "probability": often(0.08)},
        {"kind": "restart", "seconds": 0.5, "probability": often(0.01)},
    ]
    trading: list[dict[str, Any]] = []
    for path in ORDERS:
        trading += [
            {"kind": "unknown", "landed": True, "hidden_seconds": 0.2, "method": "POST", "path": path, "probability": often(0.4)},
            {"kind": "invisible", "seconds": 0.2, "method": "POST", "path": path, "probability": often(0.4)},
        ]
    trading += [
        {"kind": "margin", "probability": often(0.4)},
        {"kind": "partial", "share": dice.choice([0.3, 0.5, 0.8]), "probability": often(0.6)},
        {"kind": "stop_rejected", "probability": often(0.5)},
        {"kind": "stop_rejected", "code": -4045, "probability": often(0.3)},
    ]
    return trading + anything
