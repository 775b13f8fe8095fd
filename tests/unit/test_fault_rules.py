"""Which requests a fault rule strikes, how often, and what makes a rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from arena.errors import ConfigurationError
from arena.simulator.faults import ALGO_ORDER, ORDER, Asked, FaultPlan, FaultRule, Faults, read_plan


def asked(what: str = "POST /fapi/v1/order", key: str = "k", signed: bool = True, **values: str) -> Asked:
    method, path = what.split()
    return Asked(method=method, path=path, signed=signed, key=key, values=values)


OPENING = asked(symbol="BTCUSDT", type="MARKET", side="BUY", positionSide="LONG")
CLOSING = asked(symbol="BTCUSDT", type="MARKET", side="BUY", positionSide="SHORT")
RESTING = asked(symbol="BTCUSDT", type="LIMIT", side="SELL", positionSide="SHORT")
POST_ONLY = asked(symbol="BTCUSDT", type="LIMIT", timeInForce="GTX", side="SELL", positionSide="SHORT")
STOP = asked(f"POST {ALGO_ORDER}", symbol="BTCUSDT", type="STOP_MARKET", side="SELL", positionSide="LONG")
LOOKUP = asked(f"GET {ORDER}", symbol="BTCUSDT")
LISTING = asked("GET /fapi/v1/openOrders")
PING = asked("GET /fapi/v1/ping", key="", signed=False)
EVERY = {
    "opening": OPENING,
    "closing": CLOSING,
    "resting": RESTING,
    "stop": STOP,
    "lookup": LOOKUP,
    "listing": LISTING,
    "ping": PING,
}


@pytest.mark.parametrize(("request_", "struck"), [(POST_ONLY, True), (RESTING, False), (STOP, False)])
def test_a_partial_fill_strikes_a_limit_that_is_post_only(request_: Asked, struck: bool) -> None:
    assert FaultRule.model_validate({"kind": "partial", "share": 0.5}).concerns(request_) is struck


@pytest.mark.parametrize(
    ("rule", "struck"),
    [
        ({"kind": "drop"}, set(EVERY)),
        ({"kind": "drop", "method": "GET"}, {"lookup", "listing", "ping"}),
        ({"kind": "drop", "path": ORDER}, {"opening", "closing", "resting", "lookup"}),
        ({"kind": "drop", "path": "/fapi/v1/o"}, {"opening", "closing", "resting", "lookup", "listing"}),
        ({"kind": "drop", "path": ORDER, "method": "POST", "type": "LIMIT"}, {"resting"}),
        ({"kind": "drop", "symbol": "BTCUSDT"}, {"opening", "closing", "resting", "stop", "lookup"}),
        ({"kind": "drop", "symbol": "ETHUSDT"}, set()),
        ({"kind": "drop", "key": "k"}, set(EVERY) - {"ping"}),
        ({"kind": "clock"}, set(EVERY) - {"ping"}),
        ({"kind": "margin"}, {"opening", "resting"}),
        ({"kind": "partial", "share": 0.5}, {"opening", "closing"}),
        ({"kind": "stop_rejected"}, {"stop"}),
        ({"kind": "invisible", "seconds": 1}, {"opening", "closing", "resting", "stop"}),
        ({"kind": "jump", "percent": 1}, {"opening", "closing", "resting", "stop", "lookup"}),
    ],
)
def test_filters_and_kinds_choose_the_requests(rule: dict[str, Any], struck: set[str]) -> None:
    made = FaultRule.model_validate(rule)
    assert {name for name, request in EVERY.items() if made.concerns(request)} == struck


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"kind": "earthquake"}, "kind"),
        ({"kind": "latency"}, "a rule of kind latency needs seconds"),
        ({"kind": "drop", "seconds": 3}, "a rule of kind drop takes no seconds"),
        ({"kind": "unavailable", "landed": True}, "a rule of kind unavailable takes no landed"),
        ({"kind": "drop", "probability": 1.5}, "probability"),
        ({"kind": "drop", "times": 0}, "times"),
        ({"kind": "drop", "method": "post"}, "method"),
        ({"kind": "drop", "path": "fapi"}, "path"),
        ({"kind": "drop", "pth": "/fapi"}, "pth"),
        ({"kind": "partial", "share": -0.1}, "share"),
        ({"kind": "jump", "percent": -100}, "percent"),
    ],
)
def test_what_is_no_rule(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FaultRule.model_validate(rule)


def struck(faults: Faults, requests: list[Asked]) -> list[tuple[str | None, float]]:
    strikes = [faults.strike(request) for request in requests]
    return [(strike.rule.kind if strike.rule else None, strike.delay) for strike in strikes]


def plan(*rules: dict[str, Any], seed: int = 0) -> FaultPlan:
    return FaultPlan.model_validate({"seed": seed, "rules": rules})


def test_the_first_rule_that_is_drawn_strikes_and_every_latency_adds() -> None:
    faults = Faults(
        plan(
            {"kind": "unavailable", "times": 2, "path": ORDER},
            {"kind": "latency", "seconds": 1, "times": 3},
            {"kind": "drop", "probability": 0},
            {"kind": "internal"},
            {"kind": "latency", "seconds": 0.5, "method": "GET"},
        )
    )
    found = struck(faults, [OPENING, LISTING, LOOKUP, OPENING])
    assert found == [("unavailable", 1.0), ("internal", 1.5), ("unavailable", 1.5), ("internal", 0.0)]
    assert faults.fired == [2, 3, 0, 2, 2]


def test_draws_follow_the_seed_and_the_probability() -> None:
    rules = plan({"kind": "drop", "probability": 0.2}, {"kind": "latency", "seconds": 1, "probability": 0.5}, seed=3)
    requests = [OPENING, LISTING] * 1000
    faults = Faults(rules)
    first = struck(faults, requests)
    assert struck(Faults(rules), requests) == first
    assert struck(Faults(rules.model_copy(update={"seed": 4})), requests) != first
    assert 340 < faults.fired[0] < 460 and 900 < faults.fired[1] < 1100


def test_a_plan_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    rules = [{"kind": "partial", "share": 0.25, "times": 1}]
    path.write_text(json.dumps({"seed": 11, "rules": rules}))
    shown = Faults(read_plan(path)).to_json()
    assert shown == {"seed": 11, "rules": [{"kind": "partial", "share": "0.25", "times": 1, "fired": 0}]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not JSON", "holds no fault rules: the file: Invalid JSON"),
        ('{"rules": [{"kind": "drop"}, {"kind": "latency"}]}', "rules.1: Value error, a rule of kind latency needs seconds"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_without_a_plan_is_said_in_one_sentence(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "faults.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_plan(path)
