"""The candles of who looks on, as the settings lead to them: of a venue that answers, without a key, and last in line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from arena import market
from arena.adapters.recorded import generate_market
from arena.connections import BAN_FILE
from arena.errors import ConfigurationError, ExchangeUnavailable, RateLimited
from arena.market import PublicCandles
from arena.settings import Settings
from scripts.processes import free_port
from tests.fakes.simulator import Simulator, running_simulator

BAR = timedelta(minutes=5)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    folder = generate_market(tmp_path_factory.mktemp("market"), 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=600)
    with running_simulator(folder) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def looking(url: str, environment: str = "demo") -> PublicCandles:
    return PublicCandles(Settings(_env_file=None, environment=environment, binance_testnet_base_url=url))


async def test_closed_candles_up_to_now_and_where_they_come_from(simulator: Simulator) -> None:
    now = simulator.venue.engine.now
    name, candles = await looking(simulator.url).read("BTCUSDT", None)
    assert "generated" in name and name.endswith("(simulator)")
    assert len(candles) > 450 and candles[-1].close_time <= now < candles[-1].close_time + BAR
    assert all(later.open_time == earlier.close_time for earlier, later in pairwise(candles))
    assert all(candle.low <= candle.close <= candle.high for candle in candles)


async def test_none_ends_after_the_instant_that_is_asked_for(simulator: Simulator) -> None:
    until = simulator.venue.engine.now - 40 * BAR - timedelta(seconds=1)
    _, candles = await looking(simulator.url).read("ETHUSDT", until)
    assert candles[-1].close_time <= until < candles[-1].close_time + BAR


async def test_most_of_a_minutes_weight_is_left_to_who_trades(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "LOOKING_SHARE", 0.0)
    with pytest.raises(RateLimited, match="of this minute's 2400 request weight is used: the rest is for trading"):
        await looking(simulator.url).read("BTCUSDT", None)


async def test_a_ban_that_another_process_met_is_kept(simulator: Simulator) -> None:
    source = looking(simulator.url)
    await source.read("BTCUSDT", None)
    BAN_FILE.parent.mkdir(parents=True, exist_ok=True)
    BAN_FILE.write_text((datetime.now(UTC) + timedelta(minutes=5)).isoformat())
    with pytest.raises(RateLimited, match="has banned this address"):
        await source.read("BTCUSDT", None)


async def test_a_venue_that_is_away_or_may_not_be_asked_is_a_sentence(simulator: Simulator) -> None:
    with pytest.raises(ExchangeUnavailable, match="cannot be reached"):
        await looking(f"http://127.0.0.1:{free_port()}").read("BTCUSDT", None)
    with pytest.raises(ConfigurationError, match="ENVIRONMENT=demo trades only against the simulator"):
        await looking("https://demo-fapi.binance.com").read("BTCUSDT", None)
