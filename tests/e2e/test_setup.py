"""`arena setup` as a person goes through it: in a terminal, against the simulator and the models that it serves."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pexpect
import pytest

from arena.adapters.recorded import generate_market
from arena.cli import main
from arena.settings import Settings
from tests.fakes.simulator import KEY, SECRET, Simulator, connected, running_simulator

ROOT = Path(__file__).resolve().parents[2]
MODEL_KEY = "sk-belongs-to-LLM-A-only"
Unattended = Callable[..., tuple[int, str, str]]
OWN_LINES = "# the owner's own: é\nMY_OWN_TOOL='kept # as it is'\n\n  export PLAIN = 7   # why\n"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    folder = generate_market(tmp_path_factory.mktemp("market"), 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    with running_simulator(folder, speed=1.0, balance=Decimal(400)) as simulator:
        yield simulator


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project directory whose `.env` is the example's with lines of its owner's, open to others."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith(("LLM_", "ARENA_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    example = (ROOT / ".env.example").read_text()
    (tmp_path / ".env.example").write_text(example)
    (tmp_path / ".env").write_text(example + OWN_LINES)
    (tmp_path / ".env").chmod(0o644)
    return tmp_path


@pytest.fixture
def unattended(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Unattended:
    """The command with nobody to answer, in this process: exit code, output, and what went to the error stream."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["arena", "setup", "--non-interactive", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert SECRET not in out + err and MODEL_KEY not in out + err and "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def ready(home: Path, simulator: Simulator, unattended: Unattended) -> Path:
    """One whose `.env` works."""
    asked = ["season", "venue", "pairs", "store", "models", "strategy"]
    values = {
        "BINANCE_TESTNET_BASE_URL": simulator.url,
        "BINANCE_TESTNET_API_KEY": KEY,
        "BINANCE_TESTNET_SECRET_KEY": SECRET,
        "AVAILABLE_PAIRS": "BTCUSDT,ETHUSDT,SOLUSDT",
        "TOTAL_LLMS": "1",
        "LLM_A_PROVIDER": "openai",
        "LLM_A_MODEL": "momentum",
        "LLM_A_BASE_URL": f"{simulator.url}/v1",
        "LLM_A_API_KEY": MODEL_KEY,
    }
    steps = [part for step in asked for part in ("--step", step)]
    code, out, err = unattended(*steps, *(part for told in values.items() for part in ("--set", "=".join(told))))
    assert code == 0, out + err
    return home


def environ(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb", **variables}


def _heeding_ctrl_c() -> None:
    """Tests may be run where Ctrl-C is ignored, such as behind a shell's `&`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Person:
    """Somebody at a terminal.

    Attributes:
        screen: All that was shown, which has what was typed in it, unless it was typed hidden.
    """

    def __init__(self, home: Path, *arguments: str, **variables: str) -> None:
        self.screen = io.StringIO()
        command = ["-m", "arena.cli", "setup", *arguments]
        size = (50, 250)  # a line must not be broken by a narrow terminal
        self.terminal = pexpect.spawn(
            sys.executable,
            command,
            cwd=str(home),
            env=environ(**variables),
            encoding="utf-8",
            timeout=30,
            dimensions=size,
            preexec_fn=_heeding_ctrl_c,
        )
        self.terminal.logfile_read = self.screen

    def sees(self, *texts: str) -> Person:
        for text in texts:
            self.terminal.expect_exact(text)
        return self

    def answers(self, *told: tuple[str, str]) -> Person:
        """Answer questions, each named by how it begins."""
        for question, answer in told:
            self.terminal.expect(rf"\r\n  {re.escape(question)} \[[^\n]*\]: ")
            self.terminal.sendline(answer)
        return self

    def presses_ctrl_c(self) -> Person:
        self.terminal.sendintr()
        return self

    def ended(self) -> int:
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        assert self.terminal.exitstatus is not None, self.screen.getvalue()
        return int(self.terminal.exitstatus)


@pytest.fixture
def people() -> Iterator[list[Person]]:
    """Those who sit at terminals; their processes end with the test."""
    there: list[Person] = []
    yield there
    for person in there:
        person.terminal.close(force=True)


def test_every_step_is_gone_through_with_a_wrong_answer_first_and_all_is_kept_the_second_time(
    home: Path, simulator: Simulator, people: list[Person]
) -> None:
    before = (home / ".env").read_text()
    person = Person(home)
    people.append(person)
    go_through(person, simulator)
    assert person.ended() == 0, person.screen.getvalue()
    assert MODEL_KEY not in person.screen.getvalue() and SECRET not in person.screen.getvalue()
    after = (home / ".env").read_text()
    assert changed_lines(before, after) == {
        "SEASON=first",
        f"BINANCE_TESTNET_BASE_URL={simulator.url}",
        f"BINANCE_TESTNET_API_KEY={KEY}",
        f"BINANCE_TESTNET_SECRET_KEY={SECRET}",
        "AVAILABLE_PAIRS=BTCUSDT,ETHUSDT,SOLUSDT",
        "TOTAL_LLMS=2",
        "LLM_A_PROVIDER=openai",
        "LLM_A_MODEL=momentum",
        f"LLM_A_BASE_URL={simulator.url}/v1",
        f"LLM_A_API_KEY={MODEL_KEY}",
        "LLM_B_MODEL=buy-and-hold",
        f"LLM_B_BASE_URL={simulator.url}",
        "LLM_C_PROVIDER=",
        "LLM_C_MODEL=",
        "STRATEGY=momentum",
    }
    assert after.endswith(OWN_LINES) and stat.S_IMODE((home / ".env").stat().st_mode) == 0o600
    assert not (home / "runs" / "first" / "HALT").exists(), "the season goes on after the exit was rehearsed"
    assert all(not account["trades"] for account in simulator.journal().values()), "nothing was sent"

    again = Person(home)
    people.append(again)
    keep_everything(again)
    assert again.ended() == 0, again.screen.getvalue()
    assert (home / ".env").read_text() == after
    assert again.screen.getvalue().count("(kept)") == 7
    assert "(.env:" not in again.screen.getvalue()
    assert f"…{MODEL_KEY[-4:]}" in again.screen.getvalue() and MODEL_KEY not in again.screen.getvalue()


def go_through(person: Person, simulator: Simulator) -> None:
    """Answer each step wrongly, see what is said, then answer it rightly."""
    person.sees("1/11 machine", "ok: Python", "2/11 season")
    person.answers(("SEASON", "my season!")).sees("! a season's name is 1 to 40 letters").answers(("SEASON", "first"))
    person.sees("ok: season first (.env: SEASON)")
    person.answers(("ENVIRONMENT", "moon")).sees("! ENVIRONMENT is one of demo, paper, testnet, not moon")
    person.answers(("ENVIRONMENT", ""), ("BINANCE_TESTNET_BASE_URL", "https://demo-fapi.binance.com"))
    person.sees("! the demo trades only against a simulator on this machine")
    person.answers(("BINANCE_TESTNET_BASE_URL", simulator.url), ("BINANCE_TESTNET_API_KEY", "not-the-key"))
    person.answers(("BINANCE_TESTNET_SECRET_KEY", SECRET)).sees("! BINANCE_TESTNET_API_KEY was refused by")
    person.answers(("ENVIRONMENT", ""), ("BINANCE_TESTNET_BASE_URL", ""), ("BINANCE_TESTNET_API_KEY", KEY))
    person.answers(("BINANCE_TESTNET_SECRET_KEY", "")).sees("ok: generated market", "account shared: 400.00 USDT", "may trade")
    person.answers(("AVAILABLE_PAIRS", "BTCUSDT,ETHUSDT")).sees("! only 2 pairs are named")
    person.answers(("AVAILABLE_PAIRS", "btcusdt, ETHUSDT,solusdt")).sees("ok: 3 pairs are trading")
    person.answers(("the store", "mongo")).sees("! the store is one of sqlite, supabase, not mongo").answers(
        ("the store", "sqlite")
    )
    person.sees("ok: SQLite at runs/first/arena.sqlite")
    choose_models(person, simulator)
    person.answers(("TELEGRAM_NOTIFICATIONS_ENABLED", "maybe")).sees(
        "! TELEGRAM_NOTIFICATIONS_ENABLED is one of true, false, not maybe"
    )
    person.answers(("TELEGRAM_NOTIFICATIONS_ENABLED", "true"), ("TELEGRAM_BOT_TOKEN", "no-token"), ("TELEGRAM_CHAT_ID", "1"))
    person.answers(("NOTIFY_URLS", "")).sees("! TELEGRAM_BOT_TOKEN is not a bot's token")
    person.answers(("TELEGRAM_NOTIFICATIONS_ENABLED", "false"), ("NOTIFY_URLS", "nowhere")).sees("! NOTIFY_URLS 1 cannot be used")
    person.answers(("TELEGRAM_NOTIFICATIONS_ENABLED", ""), ("NOTIFY_URLS", "-"))
    person.sees("ok: none are wanted")
    person.answers(("STRATEGY", "astrology")).sees("! STRATEGY is one of ").answers(("STRATEGY", "mean-reversion"))
    person.sees("! the baseline momentum (LLM_A_MODEL) needs").answers(("STRATEGY", "momentum")).sees("ok: playbook momentum")
    person.answers(("Ask the models once each? It uses tokens.", "perhaps")).sees("! answer yes or no")
    person.answers(("Ask the models once each? It uses tokens.", "y")).sees("LLM-A wants: ", "LLM-B would have sent: buy ")
    person.sees("ok: every model answered; nothing was sent or booked")
    exit_question = "Halt first, cancel every order, see that the account is flat, and resume?"
    person.answers((exit_question, "what?")).sees("! answer yes or no").answers((exit_question, "yes"))
    person.sees("ok: the account is flat; first goes on", "11/11 deployments", "ok: no Prefect server is named")


def choose_models(person: Person, simulator: Simulator) -> None:
    person.answers(("TOTAL_LLMS", "some")).sees("! the number of competitors is a whole number").answers(("TOTAL_LLMS", "2"))
    person.answers(("LLM_A_PROVIDER", "oracle")).sees("! LLM_A_PROVIDER is one of claude, deepseek, openai, not oracle")
    person.answers(("LLM_A_PROVIDER", "openai"), ("LLM_A_MODEL", "momentous"), ("LLM_A_BASE_URL", "ftp://models"))
    person.sees("! an address begins with http").answers(("LLM_A_BASE_URL", f"{simulator.url}/v1"), ("LLM_A_API_KEY", MODEL_KEY))
    person.sees("does not list momentous (LLM_A_MODEL)", "the most alike first: momentum")
    person.answers(("LLM_A_PROVIDER", ""), ("LLM_A_MODEL", "momentum"), ("LLM_A_BASE_URL", ""), ("LLM_A_API_KEY", ""))
    person.sees("LLM-A: the server at").answers(("LLM_B_PROVIDER", ""), ("LLM_B_MODEL", "buy-and-hold"))
    person.answers(("LLM_B_BASE_URL", simulator.url), ("LLM_B_API_KEY", "")).sees("ok: 2 competitors")


def keep_everything(person: Person) -> None:
    """Answer every question with an empty line."""
    of_a_model = ("PROVIDER", "MODEL", "BASE_URL", "API_KEY")
    venue = ("ENVIRONMENT", "BINANCE_TESTNET_BASE_URL", "BINANCE_TESTNET_API_KEY", "BINANCE_TESTNET_SECRET_KEY")
    models = [f"LLM_{letter}_{name}" for letter in "AB" for name in of_a_model]
    names = ["SEASON", *venue, "AVAILABLE_PAIRS", "the store", "TOTAL_LLMS", *models]
    names += ["TELEGRAM_NOTIFICATIONS_ENABLED", "NOTIFY_URLS", "STRATEGY", "Ask the models once each? It uses tokens."]
    names += ["Halt first, cancel every order, see that the account is flat, and resume?"]
    person.answers(*((name, "") for name in names))


def changed_lines(before: str, after: str) -> set[str]:
    """Return the lines that are new; there are as many as before, in the same order."""
    pairs = list(zip(before.splitlines(), after.splitlines(), strict=True))
    assert all(old.partition("=")[0] == new.partition("=")[0] for old, new in pairs)
    return {new for old, new in pairs if old != new}


INTERRUPTIONS: dict[str, Sequence[tuple[str, str]]] = {
    "season": [("SEASON", "")],
    "venue": [("ENVIRONMENT", "demo"), ("BINANCE_TESTNET_BASE_URL", "http://127.0.0.1:9"), ("BINANCE_TESTNET_API_KEY", "")],
    "pairs": [("AVAILABLE_PAIRS", "")],
    "store": [("the store", "supabase"), ("SUPABASE_URL", "")],
    "models": [("TOTAL_LLMS", "2"), ("LLM_A_PROVIDER", "claude"), ("LLM_A_MODEL", "")],
    "alerts": [("TELEGRAM_NOTIFICATIONS_ENABLED", "true"), ("TELEGRAM_BOT_TOKEN", "")],
    "strategy": [("STRATEGY", "")],
    "rehearsal": [("Ask the models once each? It uses tokens.", "")],
    "exit": [("Halt season-1, cancel every order, see that the account is flat, and resume?", "")],
}


def test_ctrl_c_in_the_middle_of_a_step_leaves_everything_as_it_was(ready: Path, people: list[Person]) -> None:
    """All at once, since each waits for its interpreter most of the time."""
    before = (ready / ".env").read_bytes()
    there = {step: Person(ready, "--step", step) for step in INTERRUPTIONS}
    people.extend(there.values())
    for step, told in INTERRUPTIONS.items():
        there[step].answers(*told[:-1])
        there[step].terminal.expect_exact(f"  {told[-1][0]} [")
        there[step].presses_ctrl_c().sees("stopped; .env is as it was before this step", f"--from {step}")
    assert {step: person.ended() for step, person in there.items()} == dict.fromkeys(INTERRUPTIONS, 130)
    assert (ready / ".env").read_bytes() == before
    assert not (ready / "runs" / "season-1" / "HALT").exists()


def test_ctrl_c_while_the_models_think_and_while_the_account_is_left(
    ready: Path, simulator: Simulator, people: list[Person]
) -> None:
    before = (ready / ".env").read_bytes()
    simulator.strike({"kind": "latency", "seconds": 3, "path": "/fapi/v3/positionRisk"})
    try:
        thinking = Person(ready, "--step", "rehearsal", "--non-interactive", LLM_A_MODEL="momentum?seconds=60")
        leaving = Person(ready, "--step", "exit", "--yes")
        people.extend((thinking, leaving))
        thinking.sees("asking 1 models").presses_ctrl_c().sees("stopped")
        halt = ready / "runs" / "season-1" / "HALT"
        leaving.sees("10/11 exit")
        wait_for(halt)
        leaving.presses_ctrl_c().sees("stopped")
        assert (thinking.ended(), leaving.ended()) == (130, 130)
    finally:
        simulator.strike()
    assert not halt.exists(), "the season is not left halted"
    assert (ready / ".env").read_bytes() == before


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.05)


def test_the_exit_closes_what_is_held_only_when_it_is_told_to(ready: Path, simulator: Simulator, unattended: Unattended) -> None:
    async def buy() -> None:
        async with connected(simulator) as client:
            await client.futures_change_position_mode(dualSidePosition="true")
            await client.futures_create_order(symbol="SOLUSDT", side="BUY", positionSide="LONG", type="MARKET", quantity="0.5")

    asyncio.run(buy())
    code, out, err = unattended("--step", "exit")
    assert code == 0 and "not rehearsed: the account holds long 0.5 SOLUSDT" in out, out + err
    code, out, err = unattended("--step", "exit", "--close-positions")
    assert code == 0 and "1 positions closed, the account is flat; season-1 goes on" in out, out + err
    halt = ready / "runs" / "season-1" / "HALT"
    halt.write_text("the owner looks at something\n")
    assert "not rehearsed: the season is halted (the owner looks at something)" in unattended("--step", "exit")[1]
    assert halt.read_text() == "the owner looks at something\n"


def test_a_new_env_is_made_of_the_example(home: Path, unattended: Unattended) -> None:
    (home / ".env").unlink()
    assert unattended("--step", "season")[0] == 0
    assert (home / ".env").read_text() == (home / ".env.example").read_text()
    assert stat.S_IMODE((home / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--from", "venue", "--set", "BINANCE_TESTNET_BASE_URL=http://127.0.0.1:9"),
            "venue: BINANCE_TESTNET_API_KEY is missing",
        ),
        (("--step", "models"), "models: CLAUDE_API_KEY is missing: put it into .env, or --set it"),
        (("--step", "modles"), "there is no step modles: there are machine, season"),
        (("--set", "MAX_LEVERAGES=3"), "--set MAX_LEVERAGES: there is no such variable"),
        (("--step", "pairs", "--set", "MAX_LEVERAGE=3"), "--set MAX_LEVERAGE belongs to the step season"),
        (("--step", "season", "--set", "MAX_LEVERAGE=many"), "MAX_LEVERAGE: Input should be a valid integer"),
        (("--step", "season", "--set", "MAX_LEVERAGE"), "--set takes NAME=VALUE"),
    ],
)
def test_what_is_missing_or_wrong_is_one_sentence_and_changes_nothing(
    home: Path, unattended: Unattended, arguments: tuple[str, ...], said: str
) -> None:
    before = (home / ".env").read_bytes()
    code, _, err = unattended(*arguments)
    assert code == 2 and said in err and err.count("\n") == 1
    assert (home / ".env").read_bytes() == before


def test_the_environment_wins_and_is_not_written_down(
    ready: Path, simulator: Simulator, unattended: Unattended, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (ready / ".env").read_bytes()
    monkeypatch.setenv("BINANCE_TESTNET_SECRET_KEY", "another-secret")
    code, out, err = unattended("--step", "venue")
    assert code == 2 and "BINANCE_TESTNET_API_KEY was refused" in err
    assert "BINANCE_TESTNET_SECRET_KEY is set in the environment, which wins over .env: …cret" in out
    assert (ready / ".env").read_bytes() == before


def test_a_pipe_answers_as_well_as_a_terminal(
    home: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (home / ".env").read_bytes()
    monkeypatch.setattr(sys, "argv", ["arena", "setup", "--step", "venue"])
    for lines, code in ((["testnet"], 130), (["testnet", simulator.url, KEY, SECRET], 0)):
        assert (home / ".env").read_bytes() == before
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines) + "\n"))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert ended.value.code == code, out + err
        assert ("stopped; .env is as it was" in out) is bool(code) and SECRET not in out + err
    assert "ENVIRONMENT=testnet\n" in (home / ".env").read_text()
