"""The crash of 2025-10-10 as it was traded, over HTTP, in both account modes: DOGE fell from 0.2018 to 0.1028 in five minutes.

`candles`: the five minutes as they are in the data, in which a stop finds its price. `gap`: the same fall between two candles,
in which nothing traded, so that a stop and a liquidation find only what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from arena.application.comparison import compare
from arena.application.record import CycleRecord
from arena.bootstrap import open_arena
from arena.configuration import load_settings
from arena.domain.client_id import parse_client_order_id
from arena.domain.competitor import CompetitorId
from arena.domain.instrument import Instrument
from arena.domain.order import PositionSide
from arena.domain.protection import liquidated_at
from arena.trading_cycle import run_cycle
from tasks import protection
from tests.fakes.models import HOLD, ScriptedModel, answer, part
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

D = Decimal
DOGE_LONG = ("DOGEUSDT", PositionSide.LONG)
BEFORE = datetime(2025, 10, 10, 21, 10, tzinfo=UTC)
CAPITAL = D(200)
A, B, C = (CompetitorId(f"LLM-{letter}") for letter in "ABC")
STOPPED = answer(part("DOGEUSDT", "open_long", size_percent=80, leverage=5, stop_price=0.19))
RUINED = answer(part("DOGEUSDT", "open_long", size_percent=80, leverage=5, stop_price=0.1))  # beyond its liquidation price
SHORT = answer(part("DOGEUSDT", "open_short", size_percent=80, leverage=5, stop_price=0.26, target_price=0.12))


@pytest.fixture
def simulator(marketdata: Path) -> Iterator[Simulator]:
    with running_simulator(marketdata / "5m", start=BEFORE, balance=3 * CAPITAL) as running:
        for letter in "ABC":
            running.open_account(f"key-{letter}", f"secret-{letter}", str(CAPITAL))
        yield running


@pytest.fixture(params=["shared", "separate"])
def mode(request: pytest.FixtureRequest, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    lines = ["ENVIRONMENT=demo", "SEASON=crash", "TOTAL_LLMS=3", f"ACCOUNT_MODE={request.param}", "MAX_LEVERAGE=5"]
    lines += ["AVAILABLE_PAIRS=DOGEUSDT,XRPUSDT,BTCUSDT", f"BINANCE_TESTNET_BASE_URL={simulator.url}"]
    lines += [f"BINANCE_TESTNET_API_KEY={KEY}", f"BINANCE_TESTNET_SECRET_KEY={SECRET}"]
    for letter in "ABC":
        lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL=scripted"]
        lines += [f"LLM_{letter}_BINANCE_API_KEY=key-{letter}", f"LLM_{letter}_BINANCE_SECRET_KEY=secret-{letter}"]
    (tmp_path / "arena.env").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARENA_ENV_FILE", str(tmp_path / "arena.env"))
    return str(request.param)


async def cycle(**said: str) -> CycleRecord:
    async with open_arena(load_settings(), asking=False) as arena:
        models = {each.llm_id: ScriptedModel(said.get(each.letter, HOLD)) for each in arena.season.competitors}
        record = await run_cycle(replace(arena, models=models))
    assert record is not None and record.discrepancies == ()
    return record


async def look() -> list[str]:
    async with open_arena(load_settings(), asking=False) as arena:
        swept = await protection.look(arena)
    assert swept is not None and swept.halt is None
    return [alert.text for alert in swept.alerts]


def closings(simulator: Simulator) -> dict[str, tuple[str, Decimal]]:
    """By competitor's letter, what closed its position (the leg of an order, or `autoclose` by the venue) and at which price."""
    found = {}
    for account in simulator.journal().values():
        for trade in account["trades"]:
            key = parse_client_order_id(trade["client_id"])
            if (trade["side"] == "BUY") == (trade["position_side"] == "SHORT"):
                letter, how = (account["keys"][0][-1], "autoclose") if key is None else (key.letter, str(key.leg))
                found[letter] = (how, D(trade["price"]))
    return found


async def agrees(record: CycleRecord) -> None:
    """The books are the venue's, to the last digit, and nobody owes anything."""
    assert all(ledger.wallet_balance >= 0 and ledger.insurance >= 0 for ledger in record.ledgers.values())
    async with open_arena(load_settings(), asking=False) as arena:
        now = await arena.records.state(arena.season.season_id, await arena.venue.market.time())
        found = await compare(arena.venue, now)
    assert found.equal and found.unbooked == () and all(row.difference == 0 for row in found.money)


async def test_stops_hold_a_liquidation_takes_what_is_left_and_everything_is_booked(mode: str, simulator: Simulator) -> None:
    first = await cycle(A=STOPPED, B=RUINED, C=SHORT)
    ruined = first.ledgers[B].positions[DOGE_LONG]
    simulator.advance(301)
    assert await look() == []
    simulator.advance(300)  # the five minutes
    told = await look()
    record = await cycle()
    await agrees(record)
    a, b, c = (record.ledgers[llm_id] for llm_id in (A, B, C))
    assert closings(simulator)["A"] == ("s", D("0.18996")), "the stop and its slippage of 2 bps"
    assert a.realized_pnl == first.ledgers[A].positions[DOGE_LONG].quantity * (D("0.18996") - D("0.21878"))
    assert c.wallet_balance > 2 * CAPITAL and closings(simulator)["C"] == ("t", D("0.12003"))
    assert "LLM-B was liquidated" in " ".join(told) and b.positions == {}
    how, price = closings(simulator)["B"]
    if mode == "separate":  # the venue does it, at the very price at which the account's equity meets its maintenance margin
        marks = {"DOGEUSDT": ruined.entry_price}
        expected = liquidated_at(first.ledgers[B], "DOGEUSDT", marks, await instruments())
        assert (how, price) == ("autoclose", expected)
        assert 0 < b.wallet_balance < 10 and b.insurance == 0
    else:  # the account is not in danger, so the arena does it at the next look; what B cannot pay is written as insurance
        assert (how, price) == ("l", D("0.11352"))
        assert b.wallet_balance == 0 and b.insurance == ruined.quantity * (D("0.21878") - price) + b.fees - CAPITAL > 0


async def test_where_nothing_trades_on_the_way_down_a_stop_gets_what_is_left(mode: str, simulator: Simulator) -> None:
    first = await cycle(A=STOPPED, B=RUINED, C=SHORT)
    simulator.jump("DOGEUSDT", -44)
    simulator.advance(600)
    await look()
    record = await cycle()
    await agrees(record)
    a, b, c = (record.ledgers[llm_id] for llm_id in (A, B, C))
    opened = D("0.20059") * D("0.56")
    for letter, ledger in {"A": a, "B": b}.items():
        how, price = closings(simulator)[letter]
        assert how == "autoclose" if mode == "separate" else how in ("s", "l")
        assert price < opened and ledger.positions == {} and ledger.wallet_balance == 0
        lost = first.ledgers[ledger.llm_id].positions[DOGE_LONG].quantity * (D("0.21878") - price) + ledger.fees
        assert ledger.insurance == lost - CAPITAL > 0, "it loses its capital, and not a cent of anybody else's"
    assert c.wallet_balance > 2 * CAPITAL and c.insurance == 0


async def instruments() -> Mapping[str, Instrument]:
    async with open_arena(load_settings(), asking=False) as arena:
        return arena.venue.instruments
