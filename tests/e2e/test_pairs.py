"""`arena pairs` against the simulator over real HTTP: what it says, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.recorded import generate_market
from arena.cli import main
from arena.configuration import load_settings
from arena.pairs import PRESETS, SECTION_END, SECTION_START
from arena.settings import Settings
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

ROOT = Path(__file__).resolve().parents[2]
PAIRS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "DOGEUSDT", "XRPUSDT", "ADAUSDT", "TRXUSDT", "XLMUSDT", "HBARUSDT")
THREE = "SOLUSDT,DOGEUSDT,XRPUSDT"
README = f"# Arena\n\n{SECTION_START}\nold table\n{SECTION_END}\n\n## More\n"

Arena = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    folder = generate_market(tmp_path_factory.mktemp("market"), 3, PAIRS, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    with running_simulator(folder, speed=1.0) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project directory, pointed at the simulator without a key."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith(("LLM_", "ARENA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BINANCE_TESTNET_BASE_URL", simulator.url)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def arena(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Arena:
    """The command in this process: exit code, output, and what went to the error stream."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["arena", "pairs", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err and SECRET not in printed.out + printed.err
        return int(ended.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def keyed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_TESTNET_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_TESTNET_SECRET_KEY", SECRET)


def as_json(arena: Arena, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = arena("check", *arguments, "--json")
    found: dict[str, Any] = json.loads(out)
    return code, found


# --- check ---------------------------------------------------------------------------------------------------------------------


def test_without_names_it_checks_available_pairs_and_needs_no_key(arena: Arena, home: Path) -> None:
    code, out, _ = arena("check")
    assert code == 0 and out.count(" ok") == len(Settings.model_fields["available_pairs"].default)
    assert "generated market, seed 3 (simulator)" in out and "margin tiers allow MAX_LEVERAGE was not checked" in out
    (home / ".env").write_text(f"AVAILABLE_PAIRS={THREE}\n")
    code, found = as_json(arena)
    assert (code, found["well"]) == (0, True)
    assert ",".join(pair["pair"] for pair in found["pairs"]) == THREE
    assert sorted(path.name for path in home.iterdir()) == [".env"], "looking leaves nothing behind"


@pytest.mark.usefixtures("keyed")
def test_with_a_key_the_margin_tiers_are_checked_too(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    code, found = as_json(arena, "--preset", "major")
    assert (code, found["unchecked"], found["faults"], found["warnings"]) == (0, None, [], [])
    assert [pair["pair"] for pair in found["pairs"]] == list(PRESETS["major"])
    assert all(0 < float(pair["share_of_capital"]) < 0.15 for pair in found["pairs"])
    monkeypatch.setenv("MAX_LEVERAGE", "100")
    code, found = as_json(arena, "--preset", "major")
    assert code == 1
    failing = {pair["pair"]: pair["faults"] for pair in found["pairs"] if not pair["well"]}
    assert set(failing) == {"BNBUSDT", "DOGEUSDT"} and "allow leverage 75 at most, MAX_LEVERAGE is 100" in failing["BNBUSDT"][0]


def test_a_key_that_is_refused_costs_one_check_and_is_said(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_TESTNET_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_TESTNET_SECRET_KEY", "not-the-secret")
    code, out, _ = arena("check", "--preset", "low-price")
    assert code == 0 and "was not checked: BINANCE_TESTNET_API_KEY was refused" in out and "not-the-secret" not in out


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("BTCUSDT,ETHUSDT,DOGUSDT", "DOGUSDT is not listed (did you mean DOGEUSDT?)"),
        ("btc,eth,sol,[red]", "BTC is not listed (did you mean BTCUSDT?)"),
        ("BTCUSDT,ETHUSDT", "only 2 pairs are named, a season needs 3 at least"),
        ("SOLUSDT,SOLUSDT,XRPUSDT,BNBUSDT", "SOLUSDT is named 2 times"),
        (",", "no pair is named"),
    ],
)
def test_what_is_wrong_with_a_list_is_named(arena: Arena, names: str, said: str) -> None:
    code, out, _ = arena("check", names)
    assert code == 1 and said in " ".join(out.split())


def test_more_than_eight_pairs_are_warned_of_and_allowed(arena: Arena) -> None:
    code, found = as_json(arena, ",".join(PAIRS))
    assert (code, found["faults"]) == (0, [])
    assert "10 pairs are many" in found["warnings"][0]


def test_a_tiny_capital_reaches_only_small_orders(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITIAL_BALANCE_PER_LLM", "5")
    code, found = as_json(arena, "--preset", "major")
    failing = {pair["pair"]: pair["faults"] for pair in found["pairs"] if not pair["well"]}
    assert code == 1 and set(failing) == {"BTCUSDT", "ETHUSDT"}
    assert "of a capital of 5.00 less than 4.00 may be bound" in failing["BTCUSDT"][0]


def test_a_contract_that_is_not_trading_fails(arena: Arena, simulator: Simulator) -> None:
    contracts: Any = simulator.venue.archive.instruments
    before = contracts["XRPUSDT"]
    contracts["XRPUSDT"] = replace(before, trading=False)
    try:
        code, found = as_json(arena, THREE)
    finally:
        contracts["XRPUSDT"] = before
    assert code == 1 and found["pairs"][2]["faults"] == ["XRPUSDT is not trading (SETTLING)"]


def test_a_venue_that_cannot_be_reached_is_one_sentence(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_TESTNET_BASE_URL", "http://127.0.0.1:9")
    code, out, err = arena("check")
    assert (code, out, err) == (2, "", "arena: http://127.0.0.1:9 cannot be reached\n")


@pytest.mark.usefixtures("keyed")
def test_the_doctor_judges_pairs_the_same_way(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = {"TOTAL_LLMS": "1", "LLM_A_PROVIDER": "claude", "LLM_A_MODEL": "random", "LLM_A_BASE_URL": simulator.url}
    wrong = {"CLAUDE_API_KEY": "any", "AVAILABLE_PAIRS": "BTCUSDT,DOGUSDT,BNBUSDT", "MAX_LEVERAGE": "100"}
    for name, value in {**one, **wrong}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["arena", "doctor"])
    with pytest.raises(SystemExit):
        main()
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line[5:].startswith("pairs"))
    assert line.startswith("FAIL") and "AVAILABLE_PAIRS: DOGUSDT is not listed (did you mean DOGEUSDT?); " in line
    assert "BNBUSDT allow leverage 75 at most" in line and "of BTCUSDT" not in line


# --- set -----------------------------------------------------------------------------------------------------------------------


def test_set_writes_env_and_readme_and_leaves_every_other_byte(arena: Arena, home: Path) -> None:
    before = (ROOT / ".env.example").read_text().replace("CLAUDE_API_KEY=", "CLAUDE_API_KEY='a b' # mine")
    (home / ".env").write_text(before)
    (home / ".env").chmod(0o640)
    (home / "README.md").write_text(README)
    code, out, err = arena("set", "solusdt,", "DOGEUSDT", "XRPUSDT")
    assert (
        (code, err) == (0, "") and f".env: AVAILABLE_PAIRS={THREE}" in out and "README.md: the table of pairs was written" in out
    )
    default = ",".join(Settings.model_fields["available_pairs"].default)
    assert (home / ".env").read_text() == before.replace(f"AVAILABLE_PAIRS={default}", f"AVAILABLE_PAIRS={THREE}")
    assert stat.S_IMODE((home / ".env").stat().st_mode) == 0o640
    readme = (home / "README.md").read_text()
    assert readme.startswith(README.partition("old table")[0]) and readme.endswith(README.partition("old table")[2])
    assert "| SOLUSDT | 5." in readme and "BTCUSDT" not in readme and "old table" not in readme
    assert load_settings().available_pairs == ("SOLUSDT", "DOGEUSDT", "XRPUSDT")
    assert sorted(path.name for path in home.iterdir()) == [".env", "README.md"]


def test_set_makes_env_from_the_example_for_its_owner_alone(arena: Arena, home: Path) -> None:
    (home / ".env.example").write_text("# how to\nSEASON=season-1\n")
    code, out, _ = arena("set", "--preset", "low-price")
    assert code == 0 and ".env, made from .env.example: AVAILABLE_PAIRS=" in out
    assert "README.md is not here: no table of pairs was written" in out
    assert (home / ".env").read_text() == f"# how to\nSEASON=season-1\nAVAILABLE_PAIRS={','.join(PRESETS['low-price'])}\n"
    assert stat.S_IMODE((home / ".env").stat().st_mode) == 0o600
    assert (home / ".env.example").read_text() == "# how to\nSEASON=season-1\n"


def test_set_without_example_and_markers_says_so(arena: Arena, home: Path) -> None:
    (home / "README.md").write_text("# mine\n")
    code, out, _ = arena("set", THREE)
    assert code == 0 and ".env, made with nothing else in it" in out and "README.md has no section between" in out
    assert (home / ".env").read_text() == f"AVAILABLE_PAIRS={THREE}\n" and (home / "README.md").read_text() == "# mine\n"


@pytest.mark.parametrize(
    "names", [("BTCUSDT,ETHUSDT,NONEUSDT",), ("BTCUSDT,ETHUSDT",), ("SOLUSDT,XRPUSDT,BNBUSDT,SOLUSDT",), (",",)]
)
def test_set_writes_nothing_when_a_pair_fails(arena: Arena, home: Path, names: tuple[str, ...]) -> None:
    (home / ".env.example").write_text("SEASON=season-1\n")
    (home / "README.md").write_text(README)
    code, _, err = arena("set", *names)
    assert code == 1 and err.startswith("Nothing was written: ") and err.count("\n") == 1
    assert not (home / ".env").exists() and (home / "README.md").read_text() == README


@pytest.mark.parametrize("arguments", [(), (THREE, "--preset", "major"), ("--preset", "cheap")])
def test_set_asks_for_names_or_a_preset_it_knows(arena: Arena, home: Path, arguments: tuple[str, ...]) -> None:
    code, _, err = arena("set", *arguments)
    assert code == 2 and err.startswith("arena: ") and "major" in err and not list(home.iterdir())


def test_set_says_when_the_environment_will_win(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVAILABLE_PAIRS", "BTCUSDT,ETHUSDT,BNBUSDT")
    assert "the environment sets AVAILABLE_PAIRS too and wins over the file" in arena("set", THREE)[1]
    monkeypatch.setenv("AVAILABLE_PAIRS", THREE)
    assert "the environment" not in arena("set", THREE)[1]


def test_pairs_that_are_wrong_in_env_are_named_by_check_and_mended_by_set(arena: Arena, home: Path) -> None:
    (home / ".env").write_text("AVAILABLE_PAIRS=BTCUSDT,BTCUSDT,DOGUSDT  # typed\nLLM_A_PROVIDER=nobody\n")
    code, found = as_json(arena)
    assert code == 1 and found["faults"][0] == "BTCUSDT is named 2 times"
    assert "did you mean DOGEUSDT" in found["pairs"][1]["faults"][0]
    assert arena("set", THREE)[0] == 0
    assert (home / ".env").read_text() == f"AVAILABLE_PAIRS={THREE}  # typed\nLLM_A_PROVIDER=nobody\n"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (b"MAX_LEVERAGE=many\nAVAILABLE_PAIRS=BTCUSDT\n", "MAX_LEVERAGE"),
        (b"INITIAL_BALANCE_PER_LLM=-1\n", "INITIAL_BALANCE_PER_LLM"),
        (b"# caf\xe9\nAVAILABLE_PAIRS=BTCUSDT\n", ".env cannot be read as text in UTF-8"),
    ],
)
def test_a_broken_env_is_one_sentence_and_stays_as_it_is(arena: Arena, home: Path, broken: bytes, said: str) -> None:
    (home / ".env").write_bytes(broken)
    for arguments in (("check",), ("set", THREE)):
        code, _, err = arena(*arguments)
        assert code == 2 and said in err and err.count("\n") == 1
    assert (home / ".env").read_bytes() == broken


def test_an_env_that_is_a_directory_is_left_alone(arena: Arena, home: Path) -> None:
    (home / ".env").mkdir()
    (home / "README.md").write_text(README)
    code, _, err = arena("set", THREE)
    assert code == 2 and err == "arena: .env cannot be read (Is a directory)\n"
    assert (home / "README.md").read_text() == README


def test_typed_in_a_shell_it_ends_with_its_code(home: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "arena.cli", "pairs", "check"]
    ended = subprocess.run([*command, THREE], cwd=home, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0 and ended.stderr == "", ended.stderr
    ended = subprocess.run([*command, "SOLUSD"], cwd=home, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1 and "SOLUSDT?)" in ended.stdout and ended.stderr == ""


def test_the_projects_readme_shows_the_default_pairs() -> None:
    table = (ROOT / "README.md").read_text().partition(SECTION_START)[2].partition(SECTION_END)[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    assert tuple(rows[1:]) == Settings.model_fields["available_pairs"].default
