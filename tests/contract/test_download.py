"""`arena data download` against the simulator: what it was started from, once, whatever comes between."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from arena.adapters.binance import history, limits
from arena.adapters.binance.market import ALL_MARKS_WEIGHT
from arena.adapters.recorded import CandleArchive, generate_market
from arena.connections import BAN_FILE
from arena.download import Downloaded, Wanted, download
from arena.errors import ConfigurationError, ExchangeUnavailable, MarketDataError, RateLimited
from arena.settings import VenueSettings
from scripts.processes import free_port
from tests.conftest import ROOT
from tests.fakes.candles import write_mark
from tests.fakes.simulator import Simulator, running_simulator

BAR, DAY = timedelta(minutes=5), timedelta(days=1)
START = datetime(2030, 1, 1, tzinfo=UTC)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")
BARS = 1600  # four pages
NOW = START + timedelta(hours=131, minutes=2)  # a candle is forming, and an hour
LISTED = 700  # bars that ETHUSDT has none of at its beginning
GAP = range(903, 918)  # bars that DOGEUSDT lacks; no hour of the mark price is missing with them
KLINES, MARKS, FUNDINGS = (f"GET /fapi/v1/{name}" for name in ("klines", "markPriceKlines", "fundingRate"))


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = generate_market(tmp_path_factory.mktemp("market"), 3, SYMBOLS, start=START, bars=BARS)
    write_mark(folder.parent / "mark-1h", "BTCUSDT", ["94990.5 95310.1 94720.3 95100.7"] * (BARS // 12 + 1), START)
    keep_rows(folder / "ETHUSDT.parquet", range(LISTED, BARS))
    keep_rows(folder / "DOGEUSDT.parquet", [row for row in range(BARS) if row not in GAP])
    return folder


def keep_rows(path: Path, rows: range | list[int]) -> None:
    pq.write_table(pq.read_table(path).take(list(rows)), path)


@pytest.fixture(scope="module")
def simulator(market: Path) -> Iterator[Simulator]:
    with running_simulator(market, start=NOW) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(simulator: Simulator) -> None:
    """Each test has the minute's weight for itself: the simulated clock stands still."""
    simulator.http.delete("/simulator/limits").raise_for_status()
    simulator.http.delete("/simulator/faults").raise_for_status()


def settings(url: str) -> VenueSettings:
    return VenueSettings(_env_file=None, environment="demo", binance_testnet_base_url=url)


def wanted(out: Path, *pairs: str, since: datetime = START, until: datetime | None = None) -> Wanted:
    return Wanted(pairs=pairs or ("BTCUSDT",), since=since, until=until, interval="5m", out=out)


def run(simulator: Simulator, what: Wanted) -> Downloaded:
    return asyncio.run(download(settings(simulator.url), what, lambda line: None))


def asked(simulator: Simulator) -> dict[str, int]:
    return {name: calls["count"] for name, calls in simulator.state()["requests"].items()}


def new(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}


def assert_same(copy: CandleArchive, market: Path, since: datetime, until: datetime) -> None:
    """Every bar, mark and funding within the span is there, and nothing else is."""
    source = CandleArchive(market, copy.symbols)
    ever = (START - DAY, START + 365 * DAY)
    assert list(copy.steps(*ever)) == list(source.steps(since, until))
    millisecond = timedelta(milliseconds=1)
    fundings = copy.fundings(*ever)
    assert fundings == source.fundings(since - millisecond, until - millisecond) != ()
    hours = timedelta(hours=1)
    last = until - (until - START) % hours
    for symbol in copy.symbols:
        marks = [archive.candles(symbol, hours, last, 9999, mark=True, since=since) for archive in (copy, source)]
        assert marks[0] == marks[1] != ()


def test_what_is_downloaded_is_what_the_simulator_plays(simulator: Simulator, market: Path, tmp_path: Path) -> None:
    before = simulator.state()["requests"]
    found = run(simulator, wanted(tmp_path / "candles", *SYMBOLS))
    until = NOW - timedelta(minutes=2)
    assert (found.folder, found.source) == (tmp_path / "candles" / "5m", "127.0.0.1")
    assert (found.since, found.until) == (START, until), "the candle that is forming is not in it"
    copy = CandleArchive(tmp_path / "candles")
    assert copy.symbols == tuple(sorted(SYMBOLS)) and (copy.start, copy.end) == (START, until)
    assert_same(copy, market, START, until)
    after = simulator.state()["requests"]
    calls = new(asked_of(before), asked_of(after))
    assert calls == {"GET /fapi/v1/time": 1, KLINES: 4 + 2 + 4, MARKS: 3, FUNDINGS: 3}
    assert sum(calls.values()) == found.requests
    weight = sum(each["weight"] for each in after.values()) - sum(each["weight"] for each in before.values())
    assert weight == 1 + 2 * (10 + 3), "pages of the size that weighs least"


def asked_of(requests: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: calls["count"] for name, calls in requests.items()}


def test_gaps_and_late_beginnings_are_named(simulator: Simulator, tmp_path: Path) -> None:
    found = run(simulator, wanted(tmp_path / "candles", *SYMBOLS))
    gap, begun = (START + BAR * GAP.start, START + BAR * GAP.stop), START + LISTED * BAR
    ((what, lacking),) = found.gaps
    assert (what, lacking.since, lacking.until, lacking.rows) == ("DOGEUSDT candles", *gap, len(GAP))
    assert found.later == (f"ETHUSDT candles: there are none before {begun:%Y-%m-%d %H:%M} UTC",)
    *_, late, last = found.sentences()
    assert late == found.later[0]
    assert last == f"gap: DOGEUSDT candles, 15 missing from {gap[0]:%Y-%m-%d %H:%M} to {gap[1]:%Y-%m-%d %H:%M} UTC"


def test_a_second_run_asks_nothing_and_a_wider_one_what_is_new(simulator: Simulator, market: Path, tmp_path: Path) -> None:
    out, middle = tmp_path / "candles", START + 3 * DAY
    first = run(simulator, wanted(out, *SYMBOLS, until=middle))
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    before = asked(simulator)
    again = run(simulator, wanted(out, *SYMBOLS, until=middle))
    assert new(before, asked(simulator)) == {} and (again.requests, again.rows) == (0, 0)
    assert again.sentences()[0].endswith("all of it was there, nothing was asked")
    assert (again.gaps, again.later) == (first.gaps, first.later), "what is missing is told all the same"
    assert stamps == {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    later = run(simulator, wanted(out, *SYMBOLS))
    calls = new(before, asked(simulator))
    assert calls[KLINES] == 3 * 2 and later.rows > 0
    assert run(simulator, wanted(out, *SYMBOLS)).rows == 0
    assert_same(CandleArchive(out), market, START, NOW - timedelta(minutes=2))


def test_what_lies_before_is_added_and_a_part_that_was_left_out_is_filled(
    simulator: Simulator, market: Path, tmp_path: Path
) -> None:
    out = tmp_path / "candles"
    run(simulator, wanted(out, since=START + 3 * DAY, until=START + 4 * DAY))
    run(simulator, wanted(out, since=START + DAY, until=START + 2 * DAY))
    found = run(simulator, wanted(out, since=START + DAY, until=START + 4 * DAY))
    assert found.gaps == () and found.requests == 1 + 3, "the clock, and the day between of each kind"
    assert_same(CandleArchive(out), market, START + DAY, START + 4 * DAY)


def test_a_time_that_is_off_the_grid_is_cut_to_whole_candles(simulator: Simulator, tmp_path: Path) -> None:
    odd = timedelta(minutes=2)
    run(simulator, wanted(tmp_path / "candles", since=START + odd, until=START + DAY + odd))
    archive = CandleArchive(tmp_path / "candles")
    assert (archive.start, archive.end) == (START + BAR, START + DAY)


def test_it_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    """SIGKILL while it runs: what is there can be read, and no page is asked twice but those that were not kept yet."""
    source = generate_market(tmp_path / "long", 5, ("BTCUSDT", "ETHUSDT"), start=START, bars=5000)
    out, until = tmp_path / "candles", START + 4900 * BAR
    with running_simulator(source, start=until) as long:
        long.strike({"kind": "latency", "seconds": 0.1})
        process = started(long.url, tmp_path, out, until)
        wait_for((out / "5m" / "BTCUSDT.parquet").exists, process)
        process.kill()
        process.wait()
        kept = CandleArchive(out)
        assert kept.start == START and kept.end < until and list(kept.steps(START, until))
        long.http.delete("/simulator/faults").raise_for_status()
        before = asked(long)
        rest = started(long.url, tmp_path, out, until)
        said, fault = rest.communicate(timeout=60)
        assert rest.returncode == 0 and fault == "", fault
        assert "100 %, 0 s left: ETHUSDT fundings to " in said and said.splitlines()[-1].startswith(f"{out / '5m'}: ")
        missing = (until - kept.end) / BAR + 4900
        assert new(before, asked(long))[KLINES] <= missing / 499 + 2
        assert_same(CandleArchive(out), source, START, until)
        assert {path.suffix for path in out.rglob("*") if path.is_file()} == {".parquet"}


def test_the_command_ends_with_1_where_something_is_missing(simulator: Simulator, tmp_path: Path) -> None:
    said, fault = (process := started(simulator.url, tmp_path, tmp_path, START + 4 * DAY, "DOGEUSDT")).communicate(timeout=60)
    assert process.returncode == 1 and fault == "", fault
    assert said.splitlines()[-1] == "gap: DOGEUSDT candles, 15 missing from 2030-01-04 03:15 to 2030-01-04 04:30 UTC"


def test_many_fundings_are_read_page_by_page(
    simulator: Simulator, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "FUNDINGS", 4)
    before = asked(simulator)
    run(simulator, wanted(tmp_path, until=START + 4 * DAY))
    assert new(before, asked(simulator))[FUNDINGS] == 3 + 1, "twelve in three full pages, and the one that shows the end"
    assert_same(CandleArchive(tmp_path), market, START, START + 4 * DAY)


def test_a_file_that_is_broken_is_one_sentence(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "5m").mkdir()
    (tmp_path / "5m" / "BTCUSDT.parquet").write_text("none")
    with pytest.raises(ConfigurationError, match=r"BTCUSDT.parquet cannot be read \(.*\): remove it, or name another") as caught:
        run(simulator, wanted(tmp_path))
    assert "\n" not in str(caught.value)


def started(url: str, home: Path, out: Path, until: datetime, pairs: str = "btcusdt, ETHUSDT") -> subprocess.Popen[str]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("LLM_", "BINANCE_"))}
    environ |= {"PYTHONPATH": str(ROOT), "BINANCE_TESTNET_BASE_URL": url, "ARENA_ENV_FILE": "none"}
    times = ["--from", f"{START:%Y-%m-%d}", "--to", f"{until:%Y-%m-%dT%H:%M:%S}"]
    command = [sys.executable, "-m", "arena.cli", "data", "download", "--pairs", pairs, *times, "--out", str(out)]
    return subprocess.Popen(command, cwd=home, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(seen: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)


def test_a_ban_ends_it_and_what_was_read_is_kept(simulator: Simulator, market: Path, tmp_path: Path) -> None:
    out, until = tmp_path / "candles", START + 3 * DAY
    simulator.strike({"kind": "banned", "retry_after": 120, "path": "/fapi/v1/fundingRate", "times": 1})
    with pytest.raises(RateLimited) as caught:
        run(simulator, wanted(out, until=until))
    assert caught.value.banned and BAN_FILE.exists()
    before = asked(simulator)
    with pytest.raises(RateLimited, match="has banned this address until"):
        run(simulator, wanted(out, until=until))
    assert new(before, asked(simulator)) == {}, "nothing is sent while it lasts"
    BAN_FILE.unlink()
    simulator.http.delete("/simulator/faults").raise_for_status()
    assert run(simulator, wanted(out, until=until)).requests == 2, "the clock and the fundings"
    assert_same(CandleArchive(out), market, START, until)


def test_a_429_is_waited_out_however_long_it_says(
    simulator: Simulator, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(history, "asyncio", SimpleNamespace(sleep=sleep))  # the simulator's own sleeps are of this process, too
    simulator.strike({"kind": "rate_limited", "retry_after": 45, "path": "/fapi/v1/klines", "times": 2})
    run(simulator, wanted(tmp_path / "candles", until=START + DAY))
    assert slept == [45.0, 45.0]
    assert_same(CandleArchive(tmp_path / "candles"), market, START, START + DAY)


def test_half_of_a_minutes_weight_is_left_to_who_trades(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        simulator.http.delete("/simulator/limits").raise_for_status()

    monkeypatch.setattr(limits, "asyncio", SimpleNamespace(sleep=sleep))
    for _ in range(1200 // ALL_MARKS_WEIGHT):
        simulator.http.get("/fapi/v1/premiumIndex").raise_for_status()
    run(simulator, wanted(tmp_path / "candles", until=START + DAY))
    (waited,) = slept
    assert 0 < waited <= 60


@pytest.mark.parametrize(
    ("changes", "fault", "sentence"),
    [
        ({"pairs": ("NOBODYUSDT",)}, ConfigurationError, "has no pair NOBODYUSDT: see `arena pairs check`"),
        ({"pairs": ("../BTCUSDT",)}, ConfigurationError, "'../BTCUSDT' is no pair: name pairs such as BTCUSDT,ETHUSDT"),
        ({"interval": "7x"}, ConfigurationError, "7x is no candle interval: name one such as 1m, 5m, 1h or 1d"),
        ({"interval": "10m"}, ConfigurationError, "has no candles of 10m: name another interval"),
        ({"since": NOW}, ConfigurationError, "are not two candles of 5m: change --from or --to"),
        (
            {"pairs": ("ETHUSDT",), "until": START + DAY},
            MarketDataError,
            "there are no candles of ETHUSDT before 2030-01-02 00:00",
        ),
    ],
)
def test_what_cannot_be_downloaded_is_one_sentence(
    simulator: Simulator, tmp_path: Path, changes: dict[str, object], fault: type[Exception], sentence: str
) -> None:
    usual = {"pairs": ("BTCUSDT",), "since": START, "until": None, "interval": "5m", "out": tmp_path / "candles"}
    with pytest.raises(fault, match=sentence):
        run(simulator, Wanted(**(usual | changes)))  # type: ignore[arg-type]


def test_files_of_another_market_are_not_mixed_in_and_a_folder_that_cannot_be_written_is_said(
    simulator: Simulator, market: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigurationError, match=r"BTCUSDT.parquet comes from elsewhere, not from 127.0.0.1: name another folder"
    ):
        run(simulator, wanted(market.parent))
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"file/5m/BTCUSDT.parquet cannot be written \(Not a directory\)"):
        run(simulator, wanted(tmp_path / "file", until=START + DAY))


def test_a_venue_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExchangeUnavailable, match="cannot be reached"):
        asyncio.run(download(settings(f"http://127.0.0.1:{free_port()}"), wanted(tmp_path / "candles"), print))
