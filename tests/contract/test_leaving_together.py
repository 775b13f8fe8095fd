"""All leave all at once on a shared account, over HTTP on the simulator: what is theirs is gone, what is others' stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.binance import client as client_module
from arena.adapters.binance.client import FuturesClient
from arena.application.record import CycleRecord
from arena.bootstrap import open_arena
from arena.configuration import load_settings
from arena.domain.order import PositionSide
from arena.trading_cycle import run_cycle
from tasks import protection
from tests.fakes.candles import BAR, START, flat, write_candles
from tests.fakes.models import HOLD, ScriptedModel, answer, part
from tests.fakes.simulator import KEY, SECRET, Simulator, connected, running_simulator

PAIRS = ("SOLUSDT", "ETHUSDT")
PRICES = {"SOLUSDT": 100, "ETHUSDT": 3000}
OPEN = answer(
    *(part(x, "open_long", size_percent=30, leverage=5, stop_price=PRICES[x] * 0.9, target_price=PRICES[x] * 2) for x in PAIRS)
)
CLOSE = answer(*(part(pair, "close") for pair in PAIRS))
ALL, OWN = "DELETE /fapi/v1/algoOpenOrders", "my-own"


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    for pair, price in PRICES.items():
        write_candles(tmp_path / "market" / "5m", pair, flat(str(price), 60))
    with running_simulator(tmp_path / "market" / "5m", start=START + 20 * BAR, speed=1.0) as running:
        lines = ["ENVIRONMENT=demo", "SEASON=leaving", "TOTAL_LLMS=3", f"AVAILABLE_PAIRS={','.join(PAIRS)}"]
        lines += [f"BINANCE_TESTNET_BASE_URL={running.url}"]
        lines += [f"BINANCE_TESTNET_API_KEY={KEY}", f"BINANCE_TESTNET_SECRET_KEY={SECRET}"]
        for letter in "ABC":
            lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL=scripted"]
        (tmp_path / "arena.env").write_text("\n".join(lines) + "\n")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("ARENA_ENV_FILE", str(tmp_path / "arena.env"))
        monkeypatch.setattr(client_module, "READ_PAUSES", (0.01, 0.01))
        yield running


async def cycle(simulator: Simulator, **said: str) -> CycleRecord:
    simulator.advance(300)
    async with open_arena(load_settings(), asking=False) as arena:
        models = {each.llm_id: ScriptedModel(said.get(each.letter, HOLD)) for each in arena.season.competitors}
        record = await run_cycle(replace(arena, models=models))
    assert record is not None
    return record


async def look() -> None:
    async with open_arena(load_settings(), asking=False) as arena:
        assert await protection.look(arena) is not None


def resting(simulator: Simulator) -> list[str]:
    (journal,) = simulator.journal().values()
    return [each["client_id"] for each in journal["conditionals"] if each["status"] == "NEW"]


def bulk(simulator: Simulator) -> int:
    return int(simulator.state()["requests"].get(ALL, {"count": 0})["count"])


def held(simulator: Simulator) -> dict[tuple[str, PositionSide], Any]:
    (account,) = simulator.venue.engine.accounts.values()
    return {key: bucket.quantity for key, bucket in account.buckets.items()}


async def test_all_leave_all(simulator: Simulator) -> None:
    await cycle(simulator, A=OPEN, B=OPEN, C=OPEN)
    assert len(resting(simulator)) == 12
    record = await cycle(simulator, A=CLOSE, B=CLOSE, C=CLOSE)
    assert held(simulator) == {} and resting(simulator) == [] and bulk(simulator) == 2
    assert len(record.closed_trades) == 6 and not record.discrepancies and not record.foreign
    first, *others = [next(turn for turn in record.turns if turn.llm_id == llm_id) for llm_id in record.execution_order]
    assert all(first.ordered_at < each.ordered_at for each in others)  # type: ignore[operator]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "unknown", "landed": True},
        {"kind": "unknown", "landed": False},
        {"kind": "drop", "landed": True},
        {"kind": "no_response", "landed": True},
        {"kind": "unavailable"},
        {"kind": "rate_limited", "retry_after": 1},
        {"kind": "clock"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
async def test_all_leave_all_whatever_becomes_of_the_request(simulator: Simulator, fault: dict[str, Any]) -> None:
    await cycle(simulator, A=OPEN, B=OPEN, C=OPEN)
    simulator.strike({**fault, "method": "DELETE", "path": "/fapi/v1/algoOpenOrders"} | {"times": 2})
    record = await cycle(simulator, A=CLOSE, B=CLOSE, C=CLOSE)
    assert simulator.fired() == [2]
    assert held(simulator) == {} and resting(simulator) == []
    assert len(record.closed_trades) == 6 and not record.discrepancies and not record.foreign


async def test_a_persons_order_stays(simulator: Simulator) -> None:
    await cycle(simulator, A=OPEN, B=OPEN, C=OPEN)
    async with connected(simulator) as person:
        order = {"symbol": "SOLUSDT", "side": "BUY", "positionSide": "LONG", "type": "STOP_MARKET"}
        await person.futures_create_order(**order, quantity="1", triggerPrice="200", clientAlgoId=OWN)
    await cycle(simulator, A=CLOSE, B=CLOSE, C=CLOSE)
    assert held(simulator) == {} and resting(simulator) == [OWN] and bulk(simulator) == 1, "ETH alone"


async def test_who_stays_keeps_stop_and_target(simulator: Simulator) -> None:
    await cycle(simulator, A=OPEN, B=OPEN, C=OPEN)
    kept = [name for name in resting(simulator) if "-C-" in name]
    await cycle(simulator, A=CLOSE, B=CLOSE)
    assert sorted(resting(simulator)) == sorted(kept) and len(kept) == 4 and bulk(simulator) == 0
    assert {symbol for symbol, _ in held(simulator)} == set(PAIRS)


async def test_who_stays_keeps_a_stop_that_is_not_shown(simulator: Simulator) -> None:
    """The books say that it is needed, whatever the listing says."""
    await cycle(simulator, A=OPEN, B=OPEN)
    simulator.strike({"kind": "invisible", "seconds": 3000, "method": "POST", "path": "/fapi/v1/algoOrder"})
    await cycle(simulator, C=OPEN)
    kept = [name for name in resting(simulator) if "-C-" in name]
    await cycle(simulator, A=CLOSE, B=CLOSE)
    assert {name for name in resting(simulator) if "-C-" in name} == set(kept) and bulk(simulator) == 0


async def test_whose_close_fails_has_a_stop_again(simulator: Simulator) -> None:
    await cycle(simulator, A=OPEN, B=OPEN, C=OPEN)
    simulator.strike({"kind": "unavailable", "method": "POST", "path": "/fapi/v1/order", "symbol": "SOLUSDT", "times": 2})
    await cycle(simulator, A=CLOSE, B=CLOSE, C=CLOSE)
    await look()
    assert {symbol for symbol, _ in held(simulator)} == {"SOLUSDT"} and len(resting(simulator)) == 4
    async with open_arena(load_settings(), asking=False) as arena:
        state = await arena.records.state(arena.season.season_id, await arena.venue.market.time())
    protected = {p.stop_order_id for ledger in state.ledgers.values() for p in ledger.positions.values()}
    assert len(protected) == 2 and protected <= set(resting(simulator))


class Killed(BaseException):
    """The process is no more."""


async def test_a_run_that_is_killed_when_the_stops_are_gone_leaves_them_to_the_next_look(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cycle(simulator, A=OPEN, B=OPEN, C=OPEN)
    write = FuturesClient.write

    async def dies(client: FuturesClient, method: str, **parameters: Any) -> Any:
        await write(client, method, **parameters)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(FuturesClient, "write", dies)
        await cycle(simulator, A=CLOSE, B=CLOSE, C=CLOSE)
    assert bulk(simulator) == 1 and len(resting(simulator)) == 6, "one pair's orders are gone, the other's are not"
    await look()
    assert len(resting(simulator)) == 12 and len(set(resting(simulator))) == 12 and len(held(simulator)) == 2
    async with open_arena(load_settings(), asking=False) as arena:
        state = await arena.records.state(arena.season.season_id, await arena.venue.market.time())
    positions = [position for ledger in state.ledgers.values() for position in ledger.positions.values()]
    assert len(positions) == 6 and {p.stop_order_id for p in positions} <= set(resting(simulator))
