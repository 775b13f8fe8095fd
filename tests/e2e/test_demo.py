"""`make demo` as a user runs it: its own processes, the production path, the files it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.calculator import differences, last_positions, rows
from tests.e2e.demos import processes_of, run, start

ROOT = Path(__file__).resolve().parents[2]
CYCLES = 12


def held_at(venue: dict[str, Any]) -> dict[str, Fraction]:
    """Return the simulator's positions by symbol and bucket, `BTCUSDT LONG`."""
    (account,) = venue["accounts"].values()
    return {f"{symbol} {side}": Fraction(q) for symbol, sides in account["positions"].items() for side, q in sides.items()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, object]]:
    directory = tmp_path_factory.mktemp("runs") / "demo"
    code, output = run(directory, DEMO_CYCLES=str(CYCLES))
    yield {"code": code, "output": output, "directory": directory}


def directory_of(demo: Mapping[str, object]) -> Path:
    assert demo["code"] == 0, demo["output"]
    return Path(str(demo["directory"]))


def test_it_ends_well_and_says_what_it_did(demo: Mapping[str, object]) -> None:
    directory_of(demo)
    output = str(demo["output"])
    assert f"cycle  {CYCLES}/{CYCLES}" in output
    recorded = re.search(rf"has recorded {CYCLES} flow runs and (\d+) task runs", output)
    assert recorded and CYCLES * 14 <= int(recorded[1]) <= CYCLES * 15, "one more where a stop had to be booked and told first"
    assert "baseline rule, not an LLM" in output and "generated market" in output
    assert "Traceback" not in output


def test_no_process_outlives_it(demo: Mapping[str, object]) -> None:
    assert processes_of(directory_of(demo)) == []


def test_equity_recomputed_from_the_files_is_the_equity_exported(demo: Mapping[str, object]) -> None:
    found = list(differences(directory_of(demo) / "export"))
    assert len(found) == CYCLES * 3
    assert max(abs(difference) for _, _, difference in found) <= Fraction(1, 10**8)
    assert rows(directory_of(demo) / "export" / "fills.csv"), "a season without a trade proves nothing"


def test_the_competitors_positions_sum_to_the_simulators(demo: Mapping[str, object]) -> None:
    venue = json.loads((directory_of(demo) / "venue.json").read_text())
    assert last_positions(directory_of(demo) / "export") == held_at(venue)


def test_the_leaderboard_is_sorted_and_marks_the_baselines(demo: Mapping[str, object]) -> None:
    board = json.loads((directory_of(demo) / "leaderboard.json").read_text())
    assert board["season"] == "demo"
    standings = board["competitors"]
    assert {each["llm_id"] for each in standings} == {"LLM-A", "LLM-B", "LLM-C"}
    assert all(each["baseline"] is True for each in standings)
    assert board["fairness"]["fair"] is True, board["fairness"]
    assert f"Fair: rules of {CYCLES} cycles checked, none violated." in str(demo["output"]).replace("\n", " ")
    assert [Fraction(each["roi"]) for each in standings] == sorted((Fraction(each["roi"]) for each in standings), reverse=True)


def test_every_decision_is_valid_and_none_is_refused_by_the_venue(demo: Mapping[str, object]) -> None:
    decisions = rows(directory_of(demo) / "export" / "decisions.csv")
    assert {row["decision_type"] for row in decisions} <= {"open_long", "open_short", "reduce", "close", "hold"}
    assert not [row for row in decisions if "refused" in row["outcome"]]


def test_the_report_says_where_its_market_comes_from_and_asks_no_other_host(demo: Mapping[str, object]) -> None:
    html = (directory_of(demo) / "report.html").read_text()
    assert "generated" in html and "<svg" in html and "not an LLM" in html
    assert "http://" not in html.replace("http://www.w3.org", "") and "https://" not in html


def test_what_a_season_keeps_beside_its_books_stays_in_its_directory(demo: Mapping[str, object]) -> None:
    assert (directory_of(demo) / "runs" / "demo" / "prepared.json").exists()


def test_the_export_command_finds_the_season_of_a_demo(demo: Mapping[str, object], tmp_path: Path) -> None:
    directory = directory_of(demo)
    arena = Path(sys.executable).with_name("arena")
    subprocess.run(
        [arena, "export", "--season", "demo", "--out", str(tmp_path / "out")],
        cwd=directory.parents[1],
        check=True,
        env={**os.environ, "DATABASE_PATH": str(directory / "arena.sqlite")},
    )
    for path in (directory / "export").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_keys_are_in_no_file_but_the_configuration(demo: Mapping[str, object]) -> None:
    database = (directory_of(demo) / "arena.sqlite").read_bytes()
    assert b"API_KEY" not in database and b"Authorization" not in database


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    process = start(directory, DEMO_CYCLES="50")
    assert process.stdout is not None
    for line in process.stdout:
        if "cycle   2/50" in line:
            break
    assert len(processes_of(directory)) >= 3
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(40) == 130
    process.stdout.close()
    time.sleep(0.5)
    assert processes_of(directory) == []


def test_real_candles_give_the_same_exactness(marketdata: Path, tmp_path: Path) -> None:
    """The night after the crash of 2025-10-10, with a funding; the crash itself is in contract/test_real_crash and baselines."""
    variables = {"DEMO_DATA": str(marketdata / "5m"), "DEMO_CYCLES": "8", "DEMO_START": "2025-10-10T23:30"}
    code, output = run(tmp_path / "crash", **variables)
    assert code == 0, output
    export = tmp_path / "crash" / "export"
    assert max(abs(difference) for _, _, difference in differences(export)) <= Fraction(1, 10**8)
    venue = json.loads((tmp_path / "crash" / "venue.json").read_text())
    assert last_positions(export) == held_at(venue)
    assert rows(export / "funding.csv"), "the window crosses a funding"


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DEMO_CYCLES": "many"}, "DEMO_CYCLES"),
        ({"DEMO_DATA": "/nowhere/at/all"}, "DEMO_DATA"),
        ({"DEMO_DATA": str(ROOT / "docs")}, "has no candle files"),
        ({"DEMO_START": "2031-01-01"}, "lies outside the candles"),
    ],
)
def test_a_wrong_variable_is_one_sentence(tmp_path: Path, variables: dict[str, str], named: str) -> None:
    code, output = run(tmp_path / "demo", **variables)
    assert code == 1 and named in output and "Traceback" not in output
