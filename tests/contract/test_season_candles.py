"""A season's own candles: of its venue while that is there, of what was kept afterwards, and of what it was replayed over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arena.adapters.recorded import CandleArchive, generate_market
from arena.domain.competitor import Environment
from arena.errors import ConfigurationError
from arena.past import keep_folder, kept_folder
from arena.season_candles import SeasonCandles, season_candles
from arena.settings import VenueSettings
from arena.verdict.frame import Frame, Unknown
from scripts.processes import free_port
from tests.fakes.simulator import Simulator, running_simulator

BAR, HOUR = timedelta(minutes=5), timedelta(hours=1)
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
SYMBOLS = ("BTCUSDT", "ETHUSDT")
BARS = 800
START = BEGIN + 500 * BAR
NOW = START + 24 * BAR + timedelta(seconds=40)
SEASON = Frame(symbols=SYMBOLS, start=START, end=START + 24 * BAR, every=BAR, capital=200.0)
MARKET = "generated market, seed 3 (simulator)"


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_market(tmp_path_factory.mktemp("market"), 3, SYMBOLS, start=BEGIN, bars=BARS)


@pytest.fixture(scope="module")
def simulator(candles: Path) -> Iterator[Simulator]:
    with running_simulator(candles, start=NOW) as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> Path:
    """A folder of its own, and a simulator whose limits are as new; its clock stands still."""
    monkeypatch.chdir(tmp_path)
    simulator.http.delete("/simulator/limits").raise_for_status()
    simulator.http.delete("/simulator/faults").raise_for_status()
    return tmp_path


def settings(url: str) -> VenueSettings:
    return VenueSettings(_env_file=None, environment="testnet", binance_testnet_base_url=url, season="s")


async def found(url: str, season: Frame = SEASON, market: str = MARKET, **more: object) -> SeasonCandles | Unknown:
    """The environment is the season's, whatever the settings say now."""
    return await season_candles(settings(url), season, market, Environment.DEMO, **more)  # type: ignore[arg-type]


async def there(url: str, season: Frame = SEASON, market: str = MARKET, **more: object) -> SeasonCandles:
    candles = await found(url, season, market, **more)
    assert isinstance(candles, SeasonCandles), candles
    return candles


def asked(simulator: Simulator) -> int:
    return sum(calls["count"] for calls in simulator.state()["requests"].values())


def assert_same(copy: CandleArchive, source: Path, until: datetime) -> None:
    ever = (BEGIN - HOUR, BEGIN + 99 * HOUR)
    original = CandleArchive(source, copy.symbols)
    assert list(copy.steps(*ever)) == list(original.steps(BEGIN - HOUR, until)) != []
    millisecond = timedelta(milliseconds=1)
    assert copy.fundings(*ever) == original.fundings(BEGIN - millisecond, until - millisecond) != ()


async def test_they_are_downloaded_once_and_then_what_is_new(
    simulator: Simulator, candles: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = await there(simulator.url, replace(SEASON, end=START + 10 * BAR))
    assert first.note == "" and first.archive.folder == Path("runs/s/candles/5m")
    assert_same(first.archive, candles, START + 10 * BAR)
    before = asked(simulator)
    again = await there(simulator.url, replace(SEASON, end=START + 10 * BAR))
    assert asked(simulator) == before and again.note == "", "nothing is missing, nobody is asked"
    grown = await there(simulator.url)
    assert 0 < asked(simulator) - before <= 2 + 2 * 3, "of each file what is new"
    assert_same(grown.archive, candles, START + 24 * BAR)
    assert capsys.readouterr() == ("", "")


async def test_what_was_kept_stays_when_the_simulator_is_gone_or_plays_something_else(
    simulator: Simulator, candles: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    nothing = await found(gone)
    assert isinstance(nothing, Unknown)
    assert nothing.reason.startswith("there are no candles of this season here, and") and nothing.reason.endswith("with --data")
    assert "cannot be reached" in nothing.reason
    await there(simulator.url)
    assert (await there(gone)).note == "", "all of it is here"
    longer = replace(SEASON, end=START + 30 * BAR)
    kept = await there(gone, longer)
    assert "cannot be reached" in kept.note
    assert_same(kept.archive, candles, START + 24 * BAR)
    other = generate_market(tmp_path_factory.mktemp("other"), 4, SYMBOLS, start=BEGIN, bars=BARS)
    with running_simulator(other, start=START + 40 * BAR) as another:
        kept = await there(another.url, longer)
        assert kept.note == f"{another.url} plays another market now (generated market, seed 4 (simulator))"
        assert_same(kept.archive, candles, START + 24 * BAR)
    real = "https://testnet.binancefuture.com"
    assert (await there(real)).note == ""
    assert (await there(real, longer)).note == "the simulator of this season is not known here"


async def test_it_ends_in_time_and_goes_on_from_there(simulator: Simulator, candles: Path) -> None:
    simulator.strike({"kind": "latency", "seconds": 0.25, "path": "/fapi/v1/klines"})
    begun = time.monotonic()
    cut = await found(simulator.url, seconds=0.6)
    assert time.monotonic() - begun < 5
    assert "within 1 s: the next time goes on from there" in (cut.reason if isinstance(cut, Unknown) else cut.note)
    simulator.http.delete("/simulator/faults").raise_for_status()
    whole = await there(simulator.url)
    assert whole.note == ""
    assert_same(whole.archive, candles, START + 24 * BAR)


async def test_a_short_season_of_quick_cycles_has_finer_candles_where_the_venue_has_them(
    simulator: Simulator, candles: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    quick = replace(SEASON, every=timedelta(seconds=10))
    assert (await there(simulator.url, quick)).archive.interval == BAR
    minutes = generate_market(tmp_path_factory.mktemp("fine"), 3, SYMBOLS, start=START - HOUR, bars=300, interval_minutes=1)
    with running_simulator(minutes, start=NOW) as fine:
        assert (await there(fine.url, quick)).archive.interval == timedelta(minutes=1)


async def test_a_replayed_season_has_those_it_was_played_over(candles: Path, home: Path) -> None:
    label = "replay of generated market, seed 3"
    unknown = await found("http://127.0.0.1:9", market=label)
    assert isinstance(unknown, Unknown) and unknown.reason.startswith("nothing says here which candles s was replayed over")
    keep_folder(Path("runs/s"), CandleArchive(candles.parent, SYMBOLS))
    assert kept_folder(Path("runs/s")) == candles
    replayed = await there("http://127.0.0.1:9", market=label)
    assert replayed.archive.folder == candles and replayed.archive.symbols == SYMBOLS
    lost = await found("http://127.0.0.1:9", replace(SEASON, symbols=("XRPUSDT",)), market=label)
    assert isinstance(lost, Unknown) and "has no candles of XRPUSDT" in lost.reason


async def test_a_folder_that_is_named_wins(simulator: Simulator, candles: Path) -> None:
    before = asked(simulator)
    named = await there(simulator.url, data=candles)
    assert named.archive.folder == candles and asked(simulator) == before
    with pytest.raises(ConfigurationError, match="is not a folder"):
        await found(simulator.url, data=Path("nowhere"))
