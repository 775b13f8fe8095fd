"""That the command works; what it measures says nothing on a machine that runs tests."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from arena.adapters.recorded import generate_market
from arena.replay.decisions import HOLD
from arena.replay.engine import play
from tests.bench import __main__ as bench
from tests.bench import live, steps
from tests.bench.engine import MARGIN_FEW, MARGIN_LONG, RSI_ONE, WORKS, Row, Work, ours, row_of
from tests.bench.market import DRAWN_ROWS, SINCE, SYMBOLS, decisions, stretched, tape_of
from tests.bench.peers import Peers, find_peers
from tests.bench.season import _per_flow
from tests.bench.targets import verdicts
from tests.bench.works import MARGIN

BARS = DRAWN_ROWS + 500
PEER = """
import json, sys
print("warming up")
work, size = sys.argv[1], int(sys.argv[2])
candles = 578_880 * (size if work == "margin" else 1)
print(json.dumps({"peer": "tortoise", "candles": candles, "seconds": 60.0, "peak_rss_mb": 900, "count": size, "work": work}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_market(tmp_path_factory.mktemp("market"), 7, SYMBOLS, start=SINCE, bars=BARS)


def test_a_short_season_is_measured_step_by_step() -> None:
    found = live.measured(3, 5)
    assert found["flow"] > 0
    assert {"protect", "snapshot", "decide", "execute", "append", "notify", "show"} <= set(found["steps"])
    assert all(0 <= seconds <= 60 for seconds in found["steps"].values())


def test_a_step_that_many_do_at_once_lasts_from_the_first_to_the_last() -> None:
    assert sorted(_per_flow([("a", 1.0, 2.0), ("a", 1.5, 4.0), ("b", 7.0, 7.5)])) == [0.5, 3.0]


def test_the_steps_of_a_cycle_are_no_more_than_the_cycle_without_a_server_too() -> None:
    with steps.markets(bars=700) as market:
        found = asyncio.run(steps.measured(market, competitors=60, pairs=3, cycles=1))
    parts = {name: seconds for name, seconds in found.items() if name != "cycle"}
    assert set(parts) == {*steps.STEPS, "rest"} and all(seconds >= 0 for seconds in parts.values())
    assert sum(parts.values()) == pytest.approx(found["cycle"])


def test_each_work_is_done_in_a_process_of_its_own(folder: Path) -> None:
    for kind in ("rsi", "margin", "matched", "first"):
        found = ours(Work(name=kind, kind=kind, symbols=6, competitors=3), folder)
        assert found["seconds"] > 0 and found["count"] > 10 and found["rss_mb"] > 50, kind


def test_what_is_decided_is_what_the_peers_draw_at_once(folder: Path) -> None:
    tape = tape_of(folder, 6)
    dice = np.random.default_rng(7)
    drawn = dice.integers(-1, 2, (len(tape), 12)).astype(np.int8)
    drawn[dice.random(drawn.shape) > 1 / 24] = HOLD
    for number, wants in enumerate(decisions(tape, 2)):
        for column, symbol in enumerate(tape.symbols):
            assert (wants[:, column] == drawn[:, 6 * number + SYMBOLS.index(symbol)]).all()


def test_a_market_that_begins_anew_is_the_same_one_again(folder: Path) -> None:
    tape = tape_of(folder, 3)
    twice, begun = stretched(tape, 2 * len(tape)), stretched(tape, len(tape) + 100)
    wants = np.tile(decisions(tape, 1)[0], (2, 1))
    (once,), (again,), (part,) = (play(each, [MARGIN], [wants[: len(each)]]) for each in (tape, twice, begun))
    assert again.fills[: len(once.fills)].tolist() == once.fills.tolist() and len(again.fills) > 1.7 * len(once.fills)
    assert again.equity[: len(tape) + 1].tolist() == part.equity[: len(tape) + 1].tolist()
    assert again.equity[: len(tape)].tolist() == once.equity[:-1].tolist() and again.funding != once.funding
    assert (np.diff(twice.bars.funding[:, 0]) >= 0).all() and len(twice.bars.funding) == 2 * len(tape.bars.funding)


def test_peers_are_asked_by_their_script_and_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "peers.py"
    monkeypatch.setenv("PEERS_SCRIPT", str(script))
    assert "name their script by PEERS_SCRIPT=" in str(find_peers())
    script.write_text(PEER)
    monkeypatch.setenv("PEERS_HOME", str(tmp_path))
    assert "name another by PEERS_PYTHON=" in str(find_peers())
    monkeypatch.setenv("PEERS_PYTHON", sys.executable)
    peers = find_peers()
    assert isinstance(peers, Peers)
    theirs = peers.measured("margin", 3)
    assert isinstance(theirs, dict) and (theirs["work"], theirs["count"]) == ("margin", 3)
    script.write_text("raise SystemExit('no candles here')")
    assert peers.measured("rsi", 1) == "the peer ended with 1: no candles here"
    assert row_of(RSI_ONE, {"candles": 9, "seconds": 0.5, "rss_mb": 70, "count": 3}, "no candles here").ratio is None
    other = row_of(RSI_ONE, {"candles": 9, "seconds": 0.5, "rss_mb": 70, "count": 3}, theirs)
    assert other.peer_s is None and "1736640 candles" in str(other.why)


def test_the_table_says_what_is_met_and_missed_and_the_file_has_a_line_for_each_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def played(work: Work, _folder: Path) -> dict[str, object]:
        seconds = 5.0 if work is MARGIN_LONG else 2.0
        return {"candles": 578_880, "seconds": seconds, "rss_mb": 200, "count": 312, "beyond_mb": 100.0 * work.times}

    script = tmp_path / "peers.py"
    script.write_text(PEER)
    monkeypatch.setattr("tests.bench.engine.ours", played)
    for name, value in {"PEERS_SCRIPT": str(script), "PEERS_PYTHON": sys.executable, "DATA": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "engine", "--out", str(tmp_path / "runs" / "bench.json")])
    monkeypatch.setattr("tests.bench.peers.ENOUGH_BYTES", 2**60)
    assert bench.main() == 1
    rows = json.loads((tmp_path / "runs" / "bench.json").read_text())
    assert [row["work"] for row in rows] == [work.name for work in WORKS]
    few = next(row for row in rows if row["work"] == MARGIN_FEW.name)
    assert few == {
        "work": "margin, 3 competitors",
        "symbols": 6,
        "competitors": 3,
        "candles": 578_880,
        "ours_s": 2.0,
        "peer": "tortoise",
        "peer_s": 60.0,
        "ratio": 30.0,
        "ours_rss_mb": 200,
        "peer_rss_mb": 900,
    }
    said = capsys.readouterr().out
    assert "met           margin, 3 competitors, at most 1/20 of the peer's time: 30.0 times as fast" in said
    assert "MISSED        margin, 100 competitors, at most 1.5 s: 2.00 s" in said
    assert "MISSED        margin, twice the candles for margin, 3 competitors, at most 2.2 times the time: 2.50 times" in said
    assert "no more memory beyond what goes in and comes out: 100.0 and 200.0 MiB" in said and said.count("MISSED") == 3
    assert "margin, 100 competitors: 100 competitors take the peer more memory than this machine has free" in said


def test_without_peers_their_targets_are_not_measured() -> None:
    rows = {work.name: Row(work=work.name, symbols=6, competitors=1, candles=9, ours_s=0.1, ours_rss_mb=90) for work in WORKS}
    assert [verdict.met for verdict in verdicts(rows)] == [None, None, None, True, True, True, True, True, True, True, None]
