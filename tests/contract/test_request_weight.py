"""What a cycle asks of Binance: market data once, whatever the number of competitors, and well within the limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.binance.cancelling import FRESH_SECONDS
from arena.adapters.binance.limits import WEIGHTS, weight_of
from arena.adapters.recorded import generate_market
from arena.application.record import CycleRecord
from arena.bootstrap import open_arena
from arena.configuration import load_settings
from arena.domain.competitor import LETTERS
from arena.domain.order import OrderStatus
from arena.market import read_contracts
from arena.trading_cycle import run_cycle
from tasks import protection
from tests.fakes.models import ScriptedModel, answer, part
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "DOGEUSDT", "XRPUSDT")
MARKET = ("/time", "/klines", "/premiumIndex", "/ticker/price", "/fundingRate", "/exchangeInfo")
MOST = 100  # weight of a cycle with six symbols and three competitors, whatever they do
THINKING = FRESH_SECONDS + 0.2  # seconds; what was listed before the models were asked is too old by then


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    folder = generate_market(tmp_path / "market", 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    with running_simulator(folder, speed=1.0) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def configure(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, competitors: int) -> None:
    lines = ["ENVIRONMENT=demo", f"SEASON=weight-{competitors}", f"TOTAL_LLMS={competitors}", "MAX_OPEN_POSITIONS=6"]
    lines += [
        f"BINANCE_TESTNET_BASE_URL={simulator.url}",
        f"BINANCE_TESTNET_API_KEY={KEY}",
        f"BINANCE_TESTNET_SECRET_KEY={SECRET}",
    ]
    for letter in LETTERS[:competitors]:
        lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL=scripted"]
    (tmp_path / "arena.env").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("ARENA_ENV_FILE", str(tmp_path / "arena.env"))


def opening(*symbols: str) -> str:
    stops = dict.fromkeys(SYMBOLS, 1.0) | {"DOGEUSDT": 0.01, "XRPUSDT": 0.1}
    terms = {"size_percent": 12, "leverage": 5, "target_price": 1e7}
    return answer(*(part(symbol, "open_long", stop_price=stops[symbol], **terms) for symbol in symbols))


def entering(simulator: Simulator, *symbols: str) -> str:
    """Limit orders 4 % below the market."""
    limits = {symbol: float(simulator.venue.engine.last_price(symbol)) * 0.96 for symbol in symbols}
    terms = {"size_percent": 12, "leverage": 5, "entry_type": "limit"}
    return answer(*(part(each, "open_long", limit_price=at, stop_price=at / 2, **terms) for each, at in limits.items()))


def closing(*symbols: str) -> str:
    return answer(*(part(symbol, "close") for symbol in symbols))


def halving(*symbols: str) -> str:
    return answer(*(part(symbol, "reduce", size_percent=50) for symbol in symbols))


async def cycle(*said: str, seconds: float = 0.0) -> CycleRecord:
    """Run a cycle in which each competitor says its own, the last of them for all others, after so many seconds."""
    async with open_arena(load_settings(), asking=False) as arena:
        ids = [each.llm_id for each in arena.season.competitors]
        models = {llm_id: ScriptedModel(said[min(number, len(said) - 1)], seconds=seconds) for number, llm_id in enumerate(ids)}
        record = await run_cycle(replace(arena, models=models))
    assert record is not None
    return record


def asked(simulator: Simulator) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = simulator.state()["requests"]
    return found


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[int, int]]:
    zero = {"count": 0, "weight": 0}
    both = {name: (before.get(name, zero), found) for name, found in after.items()}
    return {
        name: (b["count"] - a["count"], b["weight"] - a["weight"]) for name, (a, b) in both.items() if b["count"] > a["count"]
    }


async def test_a_cycle_weighs_less_than_a_hundred_and_its_log_says_what_the_venue_counted(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(simulator, tmp_path, monkeypatch, 3)
    await read_contracts(load_settings())  # as `make deploy` does before the first cycle
    twos = [SYMBOLS[:2], SYMBOLS[2:4], SYMBOLS[4:]]
    cycles = {
        "the first, in which all pairs are opened by all": [opening(*SYMBOLS)],
        "each closes two, and all pairs are traded": [closing(*two) for two in twos],
        "each opens two, and all pairs are traded": [opening(*two) for two in twos],
        "all are held, and nothing is traded": [answer()],
        "two leave everything, and one stays": [closing(*SYMBOLS), closing(*SYMBOLS), answer()],
        "two open everything again": [opening(*SYMBOLS), opening(*SYMBOLS), answer()],
        "everybody halves everything": [halving(*SYMBOLS)],
        "everybody leaves everything": [closing(*SYMBOLS)],
        "all pairs are opened by all": [opening(*SYMBOLS)],
    }
    for what, said in cycles.items():
        simulator.advance(300)
        before = asked(simulator)
        record = await cycle(*said, seconds=THINKING)
        found = difference(before, asked(simulator))
        traded = {booked.fill.symbol for booked in record.fills}
        least = set(SYMBOLS) - ({"BTCUSDT"} if "halves" in what else set())  # half of it is less than the smallest order
        assert not traded if "nothing" in what else least <= traded, what
        assert sum(weight for _, weight in found.values()) == record.request_weight < MOST, (what, found)
        assert record.requests == sum(count for count, _ in found.values())
        print(f"{what}: {record.requests} requests, weight {record.request_weight}")


async def test_the_first_cycle_reads_the_fees_itself_where_nobody_has(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A season that is begun by hand: more than a hundred, once."""
    configure(simulator, tmp_path, monkeypatch, 3)
    record = await cycle(opening(*SYMBOLS))
    assert asked(simulator)["GET /fapi/v1/commissionRate"]["count"] == len(SYMBOLS)
    assert MOST < record.request_weight < 2.5 * MOST
    print(f"the first, without anything read before: {record.requests} requests, weight {record.request_weight}")


async def test_market_data_is_read_once_whatever_the_number_of_competitors(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for competitors in (3, 30):
        configure(simulator, tmp_path, monkeypatch, competitors)
        await cycle(opening(*SYMBOLS))
        simulator.advance(300)
        before = asked(simulator)
        await cycle(closing(*SYMBOLS))
        found = difference(before, asked(simulator))
        counts.append({name: count for name, (count, _) in found.items() if name.endswith(MARKET)})
        simulator.advance(300)
    assert counts[0] == counts[1]
    assert counts[0]["GET /fapi/v1/klines"] == len(SYMBOLS)


async def test_a_look_weighs_little(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(simulator, tmp_path, monkeypatch, 3)
    await cycle(opening(*SYMBOLS))
    async with open_arena(load_settings(), asking=False) as arena:
        start = arena.budget.weight
        assert await protection.look(arena) is not None
        assert arena.budget.weight - start < 20, "every five seconds, six positions of each competitor"


async def test_limit_orders_that_rest_weigh_one_each_in_a_look_and_little_at_their_end(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six of each competitor; every cycle cancels them, with their stops, and places new ones."""
    configure(simulator, tmp_path, monkeypatch, 3)
    await read_contracts(load_settings())
    await cycle(entering(simulator, *SYMBOLS))
    async with open_arena(load_settings(), asking=False) as arena:
        start = arena.budget.weight
        assert await protection.look(arena) is not None
        assert 18 <= arena.budget.weight - start < 40
    simulator.advance(300)
    before = asked(simulator)
    record = await cycle(entering(simulator, *SYMBOLS), seconds=THINKING)
    resting = [outcome for _, outcome in record.outcomes if outcome.status is OrderStatus.RESTING]
    assert len(resting) == 36, "18 entries with their stops"
    found = difference(before, asked(simulator))
    assert sum(weight for _, weight in found.values()) == record.request_weight < MOST, found
    assert "DELETE /fapi/v1/order" not in found and found["DELETE /fapi/v1/batchOrders"][0] == len(SYMBOLS)
    print(f"18 limit orders end and are renewed with their stops: {record.requests} requests, weight {record.request_weight}")


def test_the_weights_are_those_of_the_simulator() -> None:
    """Both were read off the same pages; a call that is free here and dear there would end in a ban."""
    from arena.simulator.binance.router import ENDPOINTS

    weights = {(endpoint.method, endpoint.path): endpoint.weight for endpoint in ENDPOINTS}
    assert weights["GET", "/fapi/v1/userTrades"] == weight_of("futures_account_trades", {})
    assert weights["GET", "/fapi/v3/account"] == weight_of("futures_account", {"version": 3})
    assert weights["GET", "/fapi/v1/income"] == weight_of("futures_income_history", {})
    assert weights["DELETE", "/fapi/v1/batchOrders"] == weight_of("futures_cancel_orders", {})
    assert weights["DELETE", "/fapi/v1/algoOpenOrders"] == weight_of("futures_cancel_all_open_orders", {})
    assert weights["GET", "/fapi/v1/fundingRate"] == weight_of("futures_funding_rate", {})
    assert weights["GET", "/fapi/v1/commissionRate"] == weight_of("futures_commission_rate", {})
    assert weights["GET", "/fapi/v1/positionSide/dual"] == weight_of("futures_get_position_mode", {})
    assert weights["GET", "/fapi/v1/accountConfig"] == weight_of("futures_account_config", {})
    assert weights["GET", "/fapi/v1/symbolConfig"] == weight_of("futures_symbol_config", {})
    assert weight_of("futures_klines", {"limit": 499}) == 2 and weight_of("futures_klines", {"limit": 1500}) == 10
    assert all(weight_of(name, {}) >= 0 for name in WEIGHTS)
