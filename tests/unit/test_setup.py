"""The pieces of `arena setup`, each with the real thing behind it."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from arena import alerting
from arena.adapters.recorded import generate_market
from arena.configuration import load_settings
from arena.errors import ArenaError, ConfigurationError
from arena.rehearsal import Rehearsal, rehearse
from arena.settings import Settings
from arena.setup import contest, places
from arena.setup.asking import Setup
from arena.setup.dialogue import Question, Terminal, Unattended, masked
from arena.setup.draft import Draft
from arena.setup.steps import chosen
from scripts.supabase_local.stack import Stack
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator
from tests.fakes.webhook import Webhook
from tests.unit.test_notifications import TOKEN

Types = Callable[..., None]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith(("LLM_", "ARENA_")):
            monkeypatch.delenv(name)


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Types:
    """What somebody types, line by line."""
    return lambda *lines: monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    folder = generate_market(tmp_path_factory.mktemp("market"), 3, start=datetime(2030, 1, 1, tzinfo=UTC), bars=540)
    with running_simulator(folder, speed=1.0, balance=Decimal(700)) as simulator:
        yield simulator


# --- asking --------------------------------------------------------------------------------------------------------------------


def test_three_wrong_answers_or_an_empty_line_keep_what_is_there(types: Types, capsys: pytest.CaptureFixture[str]) -> None:
    question = Question(variable="ENVIRONMENT", choices=("demo", "paper"))
    types("moon", "mars", "sun", "paper")
    assert Terminal().ask(question, "demo") == "demo"
    assert capsys.readouterr().out.count("! ENVIRONMENT is one of demo, paper, not ") == 3
    types("")
    assert Terminal().ask(question, "paper") == "paper"
    types("moon", "paper")
    assert Terminal().ask(question, "demo") == "paper"


def test_where_nothing_is_there_it_is_a_fault_and_what_may_be_empty_can_be_emptied(types: Types) -> None:
    types("", "", "")
    with pytest.raises(ConfigurationError, match="SUPABASE_KEY is missing, and 3 answers were none"):
        Terminal().ask(Question(variable="SUPABASE_KEY"), "")
    types("-")
    assert Terminal().ask(Question(variable="LLM_A_BASE_URL", optional=True), "http://127.0.0.1:1/v1") == ""
    types("", "")
    assert Terminal().ask(Question(variable="X", suggested="simulator"), "") == "simulator"
    with pytest.raises(ConfigurationError, match="X is missing: put it into"):
        Unattended().ask(Question(variable="X", suggested="simulator"), "")


def test_what_cannot_stand_in_the_file_is_asked_for_again(types: Types, capsys: pytest.CaptureFixture[str]) -> None:
    types("${HOME}", "fine")
    assert Terminal().ask(Question(variable="SUPABASE_KEY"), "") == "fine"
    assert "! this value of SUPABASE_KEY cannot stand in .env" in capsys.readouterr().out


def test_packages_in_other_versions_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "packages are there" in places.machine(Setup(dialogue=Unattended()))
    monkeypatch.setattr(
        places, "requires", lambda _: ["typer", "sqlalchemy[asyncio]<1", "no-such-package", "x; python_version < '3'"]
    )
    with pytest.raises(
        ConfigurationError, match=r"sqlalchemy.*<1 is needed, 2\.\S+ is installed; no-such-package is not installed: run"
    ):
        places.machine(Setup(dialogue=Unattended()))


def test_of_a_secret_only_the_end_is_shown(types: Types, capsys: pytest.CaptureFixture[str]) -> None:
    assert (masked("sk-0123456789"), masked("short"), masked("")) == ("…6789", "…", "")
    types("")
    assert Terminal().ask(Question(variable="K", secret=True), "sk-0123456789") == "sk-0123456789"
    assert "K […6789]" in capsys.readouterr().out


def test_what_was_wrong_three_times_leaves_the_present_values_and_a_wrong_answer_never_reaches_the_file(
    types: Types, simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".env"
    path.write_text(venue_of(simulator))
    path.chmod(0o600)
    wrong = ("", "", "no-key", "no-secret")
    types(*wrong, *wrong, *wrong)
    assert places.venue(Setup(dialogue=Terminal())).endswith("(kept)")
    assert capsys.readouterr().out.count("! BINANCE_TESTNET_API_KEY was refused") == 3
    types(*wrong, "paper")
    assert "BINANCE_TESTNET" not in places.venue(Setup(dialogue=Terminal()))
    assert path.read_text() == venue_of(simulator).replace("ENVIRONMENT=demo", "ENVIRONMENT=paper")


def venue_of(simulator: Simulator) -> str:
    lines = ["ENVIRONMENT=demo", f"BINANCE_TESTNET_BASE_URL={simulator.url}", f"BINANCE_BASE_URL={simulator.url}"]
    return "\n".join([*lines, f"BINANCE_TESTNET_API_KEY={KEY}", f"BINANCE_TESTNET_SECRET_KEY={SECRET}", ""])


# --- steps ---------------------------------------------------------------------------------------------------------------------


def test_more_competitors_get_the_settings_of_the_first_and_fewer_leave_the_last(simulator: Simulator, tmp_path: Path) -> None:
    one = f"LLM_A_PROVIDER=openai\nLLM_A_MODEL=momentum\nLLM_A_BASE_URL={simulator.url}/v1\nLLM_A_API_KEY=any\n"
    (tmp_path / ".env").write_text(one + "LLM_A_MAX_TOKENS=3000\nLLM_A_THINKING=on\n")
    third = {"PROVIDER": "openai", "MODEL": "random", "BASE_URL": f"{simulator.url}/v1", "API_KEY": "any"}
    given = {"TOTAL_LLMS": "2", **{f"LLM_B_{name}": value for name, value in third.items()}}
    contest.models(Setup(dialogue=Unattended(), given=given))
    b = load_settings().llms["B"]
    assert (b.model, b.max_tokens, b.thinking) == ("random", 3000, True)
    contest.models(Setup(dialogue=Unattended(), given={"TOTAL_LLMS": "1"}))
    assert list(load_settings().llms) == ["A"] and [each.letter for each in load_settings().competitors()] == ["A"]
    before = (tmp_path / ".env").read_bytes()
    with pytest.raises(ArenaError, match="LLM_B_PROVIDER is missing"):
        contest.models(Setup(dialogue=Unattended(), given={"TOTAL_LLMS": "2"}))
    assert (tmp_path / ".env").read_bytes() == before


def test_alerts_are_tried_with_a_message(httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telegram's own address is out of reach here; the rest of the way is the real one."""
    telegram, elsewhere = Webhook(httpserver, "/alerts"), Webhook(httpserver, "/elsewhere")
    monkeypatch.setattr(alerting, "telegram_url", lambda token, chat: SecretStr(telegram.address.replace("/alerts", f"/{chat}")))
    given = {"TELEGRAM_NOTIFICATIONS_ENABLED": "true", "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_CHAT_ID": "nobody"}
    given["NOTIFY_URLS"] = f"critical|{elsewhere.address}"
    with pytest.raises(ConfigurationError, match="the message was not delivered to Telegram"):
        places.alerts(Setup(dialogue=Unattended(), given=given))
    assert not (tmp_path / ".env").exists()
    said = places.alerts(Setup(dialogue=Unattended(), given={**given, "TELEGRAM_CHAT_ID": "alerts"}))
    assert telegram.texts == ["Set-up: alerts arrive."] and elsewhere.texts == 2 * telegram.texts and TOKEN not in said
    written = (tmp_path / ".env").read_text()
    assert f"TELEGRAM_BOT_TOKEN={TOKEN}\n" in written and f"NOTIFY_URLS=critical|{elsewhere.address}\n" in written
    with pytest.raises(ConfigurationError, match=r"^NOTIFY_URLS 1 cannot be used"):
        places.alerts(Setup(dialogue=Unattended(), given={"TELEGRAM_NOTIFICATIONS_ENABLED": "false", "NOTIFY_URLS": "nowhere"}))


def test_supabase_is_made_looked_at_and_only_then_written_down(supabase_stack: Stack, tmp_path: Path) -> None:
    with supabase_stack.fresh_database() as stack:
        given = {"SUPABASE_URL": stack.url, "SUPABASE_KEY": "wrong", "SUPABASE_DB_URL": stack.owner_dsn}
        with pytest.raises(ArenaError):
            places.store(Setup(dialogue=Unattended(), given=given))
        assert not (tmp_path / ".env").exists()
        said = places.store(Setup(dialogue=Unattended(), given={**given, "SUPABASE_KEY": stack.service_key}))
        assert said.startswith(f"Supabase at {stack.url} answers, schema ") and stack.service_key not in said
        assert Draft.read().value("SUPABASE_DB_URL") == stack.owner_dsn
    places.store(Setup(dialogue=Unattended(), given={"SUPABASE_URL": ""}))
    assert Draft.read().value("SUPABASE_URL") == ""


def test_with_separate_accounts_each_letter_has_its_keys_and_shares_none(simulator: Simulator, tmp_path: Path) -> None:
    for name in ("simulator-A", "simulator-B"):
        simulator.open_account(name, name, "200")
    lines = [venue_of(simulator), "ACCOUNT_MODE=separate\nUSE_TESTNET=false\nLLM_A_PROVIDER=openai\nLLM_B_PROVIDER=openai\n"]
    (tmp_path / ".env").write_text("".join(lines))
    keys = {f"LLM_{letter}_BINANCE_{kind}_KEY": f"simulator-{letter}" for letter in "AB" for kind in ("API", "SECRET")}
    with pytest.raises(ConfigurationError, match="LLM_B_BINANCE_API_KEY is missing"):
        places.venue(Setup(dialogue=Unattended(), given={name: key for name, key in keys.items() if "_A_" in name}))
    said = places.venue(Setup(dialogue=Unattended(), given=keys))
    assert "account LLM-A: 200.00 USDT" in said and "account LLM-B: 200.00 USDT" in said
    assert Draft.read().value("USE_TESTNET") == "true"
    with pytest.raises(ConfigurationError, match="are the same key"):
        places.venue(Setup(dialogue=Unattended(), given=dict.fromkeys(keys, "simulator-A")))


def test_steps_are_chosen_by_name() -> None:
    assert [step.name for step in chosen((), "strategy", ["exit"])] == ["strategy", "rehearsal", "deployments"]
    assert [step.name for step in chosen(["store", "venue"], "", ())] == ["venue", "store"]
    for wrong in ((["shop"], "", ()), ((), "shop", ()), ((), "", ["shop"])):
        with pytest.raises(ConfigurationError, match="there is no step shop: there are machine, "):
            chosen(*wrong)


# --- the rehearsal -------------------------------------------------------------------------------------------------------------


def played(simulator: Simulator, models: Mapping[str, str], *, asking: bool = True, environment: str = "demo") -> Rehearsal:
    lines = [venue_of(simulator), f"ENVIRONMENT={environment}", f"TOTAL_LLMS={len(models)}", "LLM_DEADLINE_SECONDS=5"]
    for letter, model in models.items():
        lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL={model}", f"LLM_{letter}_BASE_URL={simulator.url}/v1"]
    Path(".env").write_text("\n".join(lines) + "\n")
    before = simulator.journal()
    rehearsal = asyncio.run(rehearse(load_settings(), asking=asking))
    assert simulator.journal() == before, "nothing is sent"
    assert [path.name for path in Path("runs/season-1").iterdir()] == ["contracts.json"], "nothing is booked"
    return rehearsal


@pytest.mark.parametrize("environment", ["demo", "paper"])
def test_a_rehearsal_shows_what_each_would_have_done(simulator: Simulator, environment: str) -> None:
    simulator.http.delete("/simulator/faults")
    told = list((played(simulator, {"A": "buy-and-hold", "B": "buy-and-hold?fault=malformed"}, environment=environment)).lines())
    assert "LLM-A wants: open_long BNBUSDT" in told[1]
    assert sum(line.startswith("LLM-A would have sent: buy ") for line in told) > 1
    assert told[-1].startswith("LLM-B answered what is no decision: ")


def test_who_gives_no_answer_is_named_and_costs_the_others_nothing(simulator: Simulator) -> None:
    models = {"A": "buy-and-hold", "B": "buy-and-hold?fault=http500", "C": "buy-and-hold?seconds=60"}
    rehearsal = played(simulator, models)
    assert len(rehearsal.silent) == 2 and all(line[:5] in ("LLM-B", "LLM-C") for line in rehearsal.silent)
    assert rehearsal.plans["LLM-A"].entries  # type: ignore[index]


def test_without_asking_the_prompts_are_made_and_no_model_is_reached(simulator: Simulator) -> None:
    lines = list(played(simulator, {"A": "no-such-model"}, asking=False).lines())
    assert lines[1].startswith("LLM-A: a prompt of ") and lines[1].endswith("it was not asked") and len(lines) == 2
